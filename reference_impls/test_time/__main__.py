"""`python -m reference_impls.test_time`: defenses that act when an image arrives."""

import sys

from reference_impls.test_time.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
