"""`python -m reference_impls.bert_attack`: words that fool a fine-tuned language encoder, and adversarial training."""

import sys

from reference_impls.bert_attack.study import GRID

PROGRAM = GRID.program

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
