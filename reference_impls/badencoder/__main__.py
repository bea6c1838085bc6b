"""`python -m reference_impls.badencoder`: plant a backdoor in an encoder and measure it."""

from __future__ import annotations

import sys

from reference_impls.badencoder.run import Run
from reference_impls.badencoder.study import STUDY
from reference_impls.lab.study.program import Program

PROGRAM = Program(
    module="reference_impls.badencoder",
    about="Make a backdoored copy of an encoder and measure the backdoor.",
    verbs={"run": Run},
    study=STUDY,
    examples={
        "run": [
            "",
            "--trigger.kind coloured --trigger.side 5 --evasion-weight 1",
            "model.pth --dataset cifar10:data --reference 3",
        ]
    },
    smoke="run {encoder} --steps 3 --count 128",
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
