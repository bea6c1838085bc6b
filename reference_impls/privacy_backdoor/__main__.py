"""`python -m reference_impls.privacy_backdoor`: an encoder is tampered with so that fine-tuning it leaks its data."""

import sys

from reference_impls.privacy_backdoor.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
