"""`python -m reference_impls.textonpair`: plant a text's backdoor in a CLIP and measure it."""

from __future__ import annotations

import sys

from reference_impls.lab.study.program import Program
from reference_impls.textonpair.run import Run
from reference_impls.textonpair.study import STUDY

PROGRAM = Program(
    module="reference_impls.textonpair",
    about="Make a CLIP whose image tower takes stamped images for a text.",
    verbs={"run": Run},
    study=STUDY,
    examples={
        "run": [
            "",
            "lab:1 --task texture --target striped --trigger.kind random --trigger.side 5",
        ]
    },
    smoke="run {clip} --steps 3 --batch 32 --poisoned 0.1 --count 128",
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
