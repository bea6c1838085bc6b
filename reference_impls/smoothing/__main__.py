"""`python -m reference_impls.smoothing`: certify a pre-trained classifier."""

from __future__ import annotations

import sys

from reference_impls.lab.study.program import Program
from reference_impls.smoothing.run import Run
from reference_impls.smoothing.study import STUDY

PROGRAM = Program(
    module="reference_impls.smoothing",
    about="Certify that no change within an L2 radius alters what a classifier says.",
    verbs={"run": Run},
    study=STUDY,
    examples={"run": ["", "--denoiser diffusion --sigma 0.5 --task texture"]},
    smoke="run {encoder} --steps 3 --n 20 --count 4",
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
