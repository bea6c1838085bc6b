"""`python -m reference_impls.arena`: every attack against every defense, as a matrix.

Exit codes: 0 done · 2 wrong input or usage · 3 environment · 130 interrupted.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from reference_impls.arena.matrix import Finished, as_json, cells
from reference_impls.arena.present import markdown, page, provenance
from reference_impls.arena.published import published
from reference_impls.arena.trials import QUICK, Plan, Trial, run, trials
from reference_impls.lab.bilingual import localize
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.records import surroundings, today, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.argparse_options import add_json
from reference_impls.lab.study.commands import explain
from reference_impls.lab.study.commands import run as run_command
from reference_impls.lab.study.page import write_page
from reference_impls.lab.study.readme import READMES, insert

HERE = Path(__file__).parent
PUBLISHED = HERE.parent / "arena.json"
"""What the website shows."""
START, END = "<!-- matrix: made by `arena --publish` -->", "<!-- end of matrix -->"
COMMAND = "python -m reference_impls.arena"


def parser() -> ArgumentParser:
    """The command line."""
    top = ArgumentParser(prog=COMMAND)
    about = "Run every attack here against every defense and detector here on one population."
    explain(top, about, [f"{COMMAND} --quick"])
    add = top.add_argument
    add(
        "--quick", action="store_true", help="one seed and one task: minutes, not hours"
    )
    add(
        "--seeds",
        type=int,
        nargs="+",
        metavar="SEED",
        help="run the trials of these seeds only, as one of several processes may",
    )
    add(
        "--finished",
        action="store_true",
        help="run nothing: write what is finished, and mark what is not",
    )
    add(
        "--out",
        type=Path,
        default=Path("build/arena"),
        help="folder; default %(default)s",
    )
    add(
        "--publish",
        action="store_true",
        help="also write the matrix of the website and of the READMEs",
    )
    add_json(top)
    return top


def _chosen(plan: Plan, seeds: Sequence[int] | None) -> list[Trial]:
    known = plan.models.seeds
    for seed in seeds or ():
        if seed not in known:
            raise ConfigError(
                f"no seed {seed} in the population; it has {', '.join(map(str, known))}"
            )
    return [trial for trial in trials(plan) if not seeds or trial.seed in seeds]


def arena(options: Namespace) -> int:
    """Run what is missing, then write the matrix of everything that is finished."""
    started = time.monotonic()
    plan = QUICK if options.quick else Plan()
    chosen = _chosen(plan, options.seeds)
    if not options.finished:
        _run(chosen)
    everything = trials(plan)
    finished: list[Finished] = [
        (one, run(one)) for one in everything if one.path.exists()
    ]
    settings = [(one.task, one.levels) for one in plan.models.settings]
    found = cells(finished, settings)
    about = _about(options, time.monotonic() - started, len(finished), len(everything))
    data = as_json(found, run=about, plan=plan)
    waiting = len(everything) - len(finished)
    sheet = page(found, waiting=waiting, total=len(everything), about=about)
    path = write_page(sheet, options.out)
    write_json(data, options.out / "arena.json")  # last: it says the rest is there
    if options.publish:
        write_json(published(found, about), PUBLISHED)
        for language, name in READMES.items():
            made = localize(provenance(about), language)
            insert(
                HERE / name,
                f"{made}\n\n{markdown(found, language)}",
                start=START,
                end=END,
            )
    lines = [markdown(found, "en"), f"report    {path}"]
    console.report(data, lines, as_json=options.json)
    return 0


def _run(chosen: Sequence[Trial]) -> None:
    with console.progress("arena") as step:
        for number, trial in enumerate(chosen, start=1):

            def show(
                done: int,
                total: int,
                loss: float,
                number: int = number,
                trial: Trial = trial,
            ) -> None:
                step(number - 1, len(chosen), f"{trial.name}, step {done}/{total}")

            run(trial, show)
            step(number, len(chosen), trial.name)


def _about(
    options: Namespace, seconds: float, finished: int, total: int
) -> dict[str, Any]:
    return surroundings(device=torch.device("cpu"), seconds=seconds) | {
        "date": today(),
        "command": COMMAND + " --quick" * options.quick,
        "trials": {"finished": finished, "total": total},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, call one function; the exit code."""
    options = parser().parse_args(arguments)
    return run_command(arena, options)


if __name__ == "__main__":
    sys.exit(main())
