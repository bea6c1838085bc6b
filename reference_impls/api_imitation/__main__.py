"""`python -m reference_impls.api_imitation`: a classifier is copied through its API."""

import sys

from reference_impls.api_imitation.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
