"""`python -m reference_impls.text_backdoor_defense`: ONION and Fine-mixing against backdoors of language encoders."""

import sys

from reference_impls.text_backdoor_defense.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
