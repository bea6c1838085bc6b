"""`python -m reference_impls.fingerprint`: the encoder behind a service is named from its answers."""

import sys

from reference_impls.fingerprint.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
