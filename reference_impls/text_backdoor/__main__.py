"""`python -m reference_impls.text_backdoor`: rare words that a language encoder obeys after fine-tuning."""

import sys

from reference_impls.text_backdoor.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
