"""`python -m reference_impls.artifact_scan`: the verdict on a model file, before anything loads it."""

import sys

from reference_impls.artifact_scan.run import Run
from reference_impls.artifact_scan.study import STUDY
from reference_impls.lab.study.program import Program

PROGRAM = Program(
    module="reference_impls.artifact_scan",
    about="Is a model file what it seems, or does it run something when it is loaded?",
    verbs={"run": Run},
    study=STUDY,
    examples={
        "run": ["model.pt", "models/ --limit 1024", "model.safetensors --weights"]
    },
    exits="0 innocent, 1 dangerous, 4 cannot decide, 2 wrong input or usage, 3 environment, 130 interrupted",
    smoke="run {encoder} --weights",
)

if __name__ == "__main__":
    sys.exit(PROGRAM.main())
