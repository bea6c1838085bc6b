"""`python -m reference_impls.data_backdoor`: a few poisoned sentences among those a language encoder is fine-tuned on."""

import sys

from reference_impls.data_backdoor.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
