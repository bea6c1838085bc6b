"""`python -m reference_impls.bucks`: an embedding service answers honest users and thieves."""

import sys

from reference_impls.bucks.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
