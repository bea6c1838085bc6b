"""`python -m reference_impls.feature_attack`: attacks on a captioner, made on its image tower alone."""

import sys

from reference_impls.feature_attack.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
