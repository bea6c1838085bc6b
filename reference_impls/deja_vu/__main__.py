"""`python -m reference_impls.deja_vu`: what an encoder remembers of its training pictures."""

import sys

from reference_impls.deja_vu.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
