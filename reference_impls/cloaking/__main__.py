"""`python -m reference_impls.cloaking`: pictures cloaked before they are shared."""

import sys

from reference_impls.cloaking.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
