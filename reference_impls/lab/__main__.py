"""`python -m reference_impls.lab tasks`: what can be learned of the shapes dataset."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import torch

from reference_impls.lab.learnable import QUICK, LearnableConfig, learnable, table
from reference_impls.lab.records import surroundings
from reference_impls.lab.study import console
from reference_impls.lab.study.options import CommonOptions
from reference_impls.lab.study.program import Program


@dataclass(frozen=True, kw_only=True)
class Tasks(CommonOptions):
    """Accuracy per task of the shapes dataset, by how an encoder is trained."""

    quick: bool = False
    """Seconds instead of three minutes, and worse."""

    def __call__(self) -> int:
        """Train and measure; the exit code."""
        started = time.monotonic()
        config = QUICK if self.quick else LearnableConfig()
        found = learnable(
            config, progress=lambda what: console.say(f"training: {what}")
        )
        seconds = time.monotonic() - started
        about = surroundings(device=torch.device("cpu"), seconds=seconds)
        report = {"accuracy": found, "config": config, "run": about}
        console.report(report, [table(found)], as_json=self.json)
        return 0


PROGRAM = Program(
    module="reference_impls.lab",
    about="What concerns all methods at once.",
    verbs={"tasks": Tasks},
    examples={"tasks": ["--quick"]},
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
