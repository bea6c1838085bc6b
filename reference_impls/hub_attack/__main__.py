"""`python -m reference_impls.hub_attack`: a passage is put into a corpus so that it comes up for many queries."""

import sys

from reference_impls.hub_attack.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
