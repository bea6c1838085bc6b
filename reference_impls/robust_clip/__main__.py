"""`python -m reference_impls.robust_clip`: make a CLIP robust and keep what it can tell."""

from __future__ import annotations

import sys

from reference_impls.lab.study.program import Program
from reference_impls.robust_clip.run import Run
from reference_impls.robust_clip.study import STUDY

PROGRAM = Program(
    module="reference_impls.robust_clip",
    about="Tune a CLIP adversarially so that its zero-shot answers withstand attacks.",
    verbs={"run": Run},
    study=STUDY,
    examples={"run": ["", "--preset tecoa --task background"]},
    smoke="run {clip} --count 4 --steps 2 --test-attack.steps 2",
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
