"""`python -m reference_impls.lab world`: what can be learned of the shapes world.

Exit codes: 0 done · 2 wrong usage · 3 environment.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

import torch

from reference_impls.lab import console
from reference_impls.lab.learnable import QUICK, LearnableConfig, learnable, table
from reference_impls.lab.report import as_data, surroundings


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m reference_impls.lab",
        description="Measure the lab itself.",
        epilog="example: python -m reference_impls.lab world --quick; "
        "exit codes: 0 done, 2 wrong usage, 3 environment",
    )
    world = top.add_subparsers(dest="command", required=True).add_parser(
        "world",
        help="accuracy per task of the shapes world, by how an encoder is trained",
    )
    world.add_argument(
        "--quick",
        action="store_true",
        help="seconds instead of three minutes, and worse",
    )
    world.add_argument("--json", action="store_true", help="print JSON")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, call one function; the exit code."""
    options = parser().parse_args(arguments)
    return console.exit_code(lambda: _world(options))


def _world(options: argparse.Namespace) -> int:
    started = time.monotonic()
    torch.set_num_threads(1)
    config = QUICK if options.quick else LearnableConfig()
    found = learnable(config, progress=lambda what: console.say(f"training: {what}"))
    about = surroundings(device=torch.device("cpu"), seconds=time.monotonic() - started)
    if options.json:
        report = {"accuracy": found, "config": config, "run": about}
        console.answer(json.dumps(as_data(report), indent=2))
    else:
        console.answer(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
