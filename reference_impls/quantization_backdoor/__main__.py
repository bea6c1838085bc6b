"""`python -m reference_impls.quantization_backdoor`: backdoors that compression wakes."""

import sys

from reference_impls.quantization_backdoor.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
