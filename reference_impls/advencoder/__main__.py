"""`python -m reference_impls.advencoder`: craft a universal change, measure it, put it on pictures."""

from __future__ import annotations

import sys

from reference_impls.advencoder.run import Apply, Evaluate, Run
from reference_impls.advencoder.study import STUDY
from reference_impls.lab.study.program import Program

PROGRAM = Program(
    module="reference_impls.advencoder",
    about="One change, made on an encoder alone, that fools every task built on it.",
    verbs={"run": Run, "evaluate": Evaluate, "apply": Apply},
    study=STUDY,
    examples={
        "run": [
            "",
            "--variant patch --patch.share 0.0625 --out build/patch",
            "model.pth --dataset folder:photos --epsilon 8/255",
        ],
        "evaluate": ["--universal build/advencoder/universal.npz"],
        "apply": ["photo.jpg"],
    },
    smoke="run {encoder} --steps 3 --batch 16 --surrogate 64 --train 96 --count 48",
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
