"""`python -m reference_impls.adversarial_detection`: detectors of adversarial images."""

from __future__ import annotations

import sys

from reference_impls.adversarial_detection.run import Run
from reference_impls.adversarial_detection.study import STUDY
from reference_impls.lab.study.program import Program

PROGRAM = Program(
    module="reference_impls.adversarial_detection",
    about="Tell attacked images from clean ones, with an encoder that looks on.",
    verbs={"run": Run},
    study=STUDY,
    examples={"run": ["", "--preset mirror --task texture --attack.epsilon 2/255"]},
    smoke="run {clip} --observer {encoder} --count 60 --clean 400 --attack.steps 2 --views 2",
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
