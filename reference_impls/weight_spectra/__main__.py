"""`python -m reference_impls.weight_spectra`: weight updates with and without a backdoor are made, and told apart."""

import sys

from reference_impls.weight_spectra.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
