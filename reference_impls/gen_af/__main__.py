"""`python -m reference_impls.gen_af`: fine-tune a model that withstands attacks, measure it, compare methods."""

from __future__ import annotations

import sys

from reference_impls.gen_af.run import Evaluate, Run
from reference_impls.gen_af.study import STUDY
from reference_impls.lab.study.program import Program

PROGRAM = Program(
    module="reference_impls.gen_af",
    about="Fine-tune a public encoder for a task so that attacks made on the encoder fail.",
    verbs={"run": Run, "evaluate": Evaluate},
    study=STUDY,
    examples={
        "run": ["", "model.pth --dataset cifar10:data --budget.epsilon 8/255"],
        "evaluate": ["out/encoder.safetensors out/head.safetensors --public lab"],
    },
    smoke=(
        "run {encoder} --count 128 --epochs 1 --budget.steps 1 --no-stage-2 --no-compare "
        "--attacks.steps 2 --attacks.images 128"
    ),
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
