"""`python -m reference_impls.segment_attack`: attacks on a promptable segmenter."""

import sys

from reference_impls.segment_attack.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
