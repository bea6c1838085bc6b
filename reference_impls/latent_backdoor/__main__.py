"""`python -m reference_impls.latent_backdoor`: a backdoor is planted in a teacher, and students are fine-tuned from it."""

import sys

from reference_impls.latent_backdoor.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
