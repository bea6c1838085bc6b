"""`python -m reference_impls.generative`: perturbations in one forward pass."""

import sys

from reference_impls.generative.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
