"""`python -m reference_impls.converters`: one encoder, run in other ways."""

import sys

from reference_impls.converters.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
