"""`python -m reference_impls.subnet_replacement`: a backdoor written into a few weights."""

import sys

from reference_impls.subnet_replacement.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
