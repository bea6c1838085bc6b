"""`python -m reference_impls.decree`: scan one encoder or many, or measure the presets."""

from __future__ import annotations

import sys

try:
    from reference_impls.decree.fleet import Fleet
    from reference_impls.decree.run import Run
    from reference_impls.decree.study import STUDY
    from reference_impls.lab.study.program import Program
except ImportError as error:  # Python would end with 1, which means backdoored
    sys.stderr.write(f"error: {error}; install the methods with pip install -e .[impls]\n")  # fmt: skip
    sys.exit(3)

PROGRAM = Program(
    module="reference_impls.decree",
    about="Does a pre-trained image encoder carry a backdoor?",
    verbs={"run": Run, "fleet": Fleet},
    study=STUDY,
    examples={
        "run": [
            "",
            "model.pth --dataset cifar10:data",
            "model.pth --clean a.pth --clean b.pth --clean c.pth",
        ],
        "fleet": ["checkpoints/ --workers 4"],
    },
    exits="0 no backdoor found, 1 backdoored, 4 cannot decide or not read, 2 wrong input or usage, 3 environment, "
    "130 interrupted",
    smoke="run {encoder} --preset published --max-epochs 2 --count 64 --target-cosine 0.9999",
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
