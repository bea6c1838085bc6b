"""`python -m reference_impls.safe_pretraining`: a CLIP is trained on poisoned pairs."""

import sys

from reference_impls.safe_pretraining.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
