"""`python -m reference_impls.test_time`: defenses that act when an image arrives."""

from __future__ import annotations

import sys

from reference_impls.lab.study.program import Program
from reference_impls.test_time.run import Run
from reference_impls.test_time.study import STUDY

PROGRAM = Program(
    module="reference_impls.test_time",
    about="Clean an attacked image, or its embedding, before a frozen CLIP names it.",
    verbs={"run": Run},
    study=STUDY,
    examples={"run": ["", "--preset reversal --task texture --attack.epsilon 2/255"]},
    smoke="run {clip} --count 4 --attack.steps 2 --draws 1",
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
