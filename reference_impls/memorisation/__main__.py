"""`python -m reference_impls.memorisation`: addresses drawn out of a language model, and members told from others."""

import sys

from reference_impls.memorisation.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
