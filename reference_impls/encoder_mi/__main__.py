"""`python -m reference_impls.encoder_mi`: was an image among those that an encoder learned from?"""

import sys

from reference_impls.encoder_mi.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
