"""`python -m reference_impls.stolen_encoder`: an encoder is copied by asking for embeddings."""

import sys

from reference_impls.stolen_encoder.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
