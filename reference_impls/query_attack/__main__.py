"""`python -m reference_impls.query_attack`: attack a classifier by its answers alone."""

from __future__ import annotations

import sys

from reference_impls.lab.study.program import Program
from reference_impls.query_attack.run import Run
from reference_impls.query_attack.study import STUDY

PROGRAM = Program(
    module="reference_impls.query_attack",
    about="Change a few pixels of an image until a classifier errs, by its answers alone.",
    verbs={"run": Run},
    study=STUDY,
    examples={"run": ["", "--preset sparse-rs --pixels 8 --task texture"]},
    smoke="run {encoder} --queries 8 --count 4",
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
