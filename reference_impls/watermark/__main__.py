"""`python -m reference_impls.watermark`: an encoder is marked, and the mark looked for in others."""

import sys

from reference_impls.watermark.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
