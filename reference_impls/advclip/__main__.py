"""`python -m reference_impls.advclip`: craft a universal patch, evaluate it, put it on pictures."""

from __future__ import annotations

import sys

from reference_impls.advclip.run import Apply, Evaluate, Run
from reference_impls.advclip.study import STUDY
from reference_impls.lab.study.program import Program

PROGRAM = Program(
    module="reference_impls.advclip",
    about="One patch that breaks every task built on a CLIP.",
    verbs={"run": Run, "evaluate": Evaluate, "apply": Apply},
    study=STUDY,
    examples={
        "run": ["", "lab:transformer --crafter linf --epsilon 8/255"],
        "evaluate": ["--defense blur"],
        "apply": ["photo.png"],
    },
    smoke="run {encoder} --dataset folder:{images} --image-only --steps 3 --batch 8",
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
