"""`python -m reference_impls.cleanclip`: a backdoor is planted in a CLIP, then taken out."""

import sys

from reference_impls.cleanclip.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
