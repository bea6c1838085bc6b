"""`python -m reference_impls.poison_filter`: poisoned pictures, found in a training set."""

import sys

from reference_impls.poison_filter.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
