"""`python -m reference_impls.co_attack`: attack image and text together."""

from __future__ import annotations

import sys

from reference_impls.co_attack.run import Run
from reference_impls.co_attack.study import STUDY
from reference_impls.lab.study.program import Program

PROGRAM = Program(
    module="reference_impls.co_attack",
    about="Change images slightly and captions by one word, so that retrieval fails.",
    verbs={"run": Run},
    study=STUDY,
    examples={"run": ["", "--preset co-attack --victim lab:1"]},
    smoke="run {clip} --budget.steps 2 --count 6",
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
