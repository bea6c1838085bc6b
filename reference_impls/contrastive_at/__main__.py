"""`python -m reference_impls.contrastive_at`: pre-training without labels that meets attacked images."""

import sys

from reference_impls.contrastive_at.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
