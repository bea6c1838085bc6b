"""`python -m reference_impls.embedding_inversion`: sentences read back from their embeddings."""

import sys

from reference_impls.embedding_inversion.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
