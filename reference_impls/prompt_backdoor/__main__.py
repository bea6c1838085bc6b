"""`python -m reference_impls.prompt_backdoor`: a learned prompt is poisoned, the CLIP is left alone."""

import sys

from reference_impls.prompt_backdoor.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
