"""`python -m reference_impls.lab tasks`: what can be learned of the shapes dataset.

Exit codes: 0 done · 2 wrong input or usage · 3 environment · 130 interrupted.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace

import torch

from reference_impls.lab.learnable import QUICK, LearnableConfig, learnable, table
from reference_impls.lab.records import surroundings
from reference_impls.lab.study import console
from reference_impls.lab.study.argparse_options import add_json
from reference_impls.lab.study.commands import Command, Program

NAME = "python -m reference_impls.lab"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--quick",
        action="store_true",
        help="seconds instead of three minutes, and worse",
    )
    add_json(parser)


def _tasks(options: Namespace) -> int:
    started = time.monotonic()
    torch.set_num_threads(1)
    config = QUICK if options.quick else LearnableConfig()
    found = learnable(config, progress=lambda what: console.say(f"training: {what}"))
    about = surroundings(device=torch.device("cpu"), seconds=time.monotonic() - started)
    report = {"accuracy": found, "config": config, "run": about}
    console.report(report, [table(found)], as_json=options.json)
    return 0


PROGRAM = Program(
    name=NAME,
    about="What concerns all methods at once.",
    commands=[
        Command(
            name="tasks",
            help="accuracy per task of the shapes dataset, by how an encoder is trained",
            examples=[f"{NAME} tasks --quick"],
            options=_options,
            run=_tasks,
        )
    ],
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
