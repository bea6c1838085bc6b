"""`python -m reference_impls.arena`: every attack against every defense, as a matrix."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reference_impls.arena.backdoors import BACKDOORS
from reference_impls.arena.clips import CLIPS, clips_of
from reference_impls.arena.matrix import Finished, as_json, cells
from reference_impls.arena.own import Run
from reference_impls.arena.present import markdown, page, provenance, sections
from reference_impls.arena.privacy import PRIVACY
from reference_impls.arena.published import joined, published
from reference_impls.arena.theft import THEFT
from reference_impls.arena.trials import QUICK, Plan, Trial, run, trials
from reference_impls.lab.bilingual import localize
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.records import surroundings, today, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.options import CommonOptions
from reference_impls.lab.study.page import write_page
from reference_impls.lab.study.program import Program
from reference_impls.lab.study.readme import READMES, insert
from reference_impls.lab.study.study import END, START

HERE = Path(__file__).parent
PUBLISHED = HERE.parent / "arena.json"
"""What the website shows."""


@dataclass(frozen=True, kw_only=True)
class Study(CommonOptions):
    """Run what is missing, then write the matrix of everything that is finished."""

    quick: bool = False
    """One seed and one task: minutes, not hours."""
    seeds: tuple[int, ...] = ()
    """Run the trials of these seeds only, as one of several processes may; default: all."""
    finished: bool = False
    """Run nothing: write what is finished, and mark what is not."""
    out: Path = Path("build/arena")
    """Folder of the report."""
    publish: bool = False
    """Also write the matrix of the website and of the READMEs."""

    def __call__(self) -> int:
        """Run, then write; the exit code."""
        started = time.monotonic()
        plan = QUICK if self.quick else Plan()
        chosen = self._chosen(plan)
        if not self.finished:
            _run(chosen)
        everything = trials(plan)
        done: list[Finished] = [
            (one, run(one)) for one in everything if one.path.exists()
        ]
        found = cells(done, [(one.task, one.levels) for one in plan.models.settings])
        seconds = time.monotonic() - started
        about = surroundings(device=torch.device("cpu"), seconds=seconds) | {
            "date": today(),
            "command": f"{PROGRAM.name} study" + " --quick" * self.quick,
            "trials": {"finished": len(done), "total": len(everything)},
        }
        data = as_json(found, run=about, plan=plan)
        waiting = len(everything) - len(done)
        sheet = page(found, waiting=waiting, total=len(everything), about=about)
        path = write_page(sheet, self.out)
        write_json(data, self.out / "arena.json")  # last: it says the rest is there
        if self.publish:
            _publish(found, about)
        lines = [markdown(sections(found), "en"), f"report    {path}"]
        console.report(data, lines, as_json=self.json)
        return 0

    def _chosen(self, plan: Plan) -> list[Trial]:
        known = plan.models.seeds
        for seed in self.seeds:
            if seed not in known:
                listed = ", ".join(map(str, known))
                raise ConfigError(f"no seed {seed} in the population; it has {listed}")
        return [one for one in trials(plan) if not self.seeds or one.seed in self.seeds]


def _publish(found: Sequence[Any], about: dict[str, Any]) -> None:
    write_json(joined(published(found, about), clips_of(HERE)), PUBLISHED)
    for language, name in READMES.items():
        made = localize(provenance(about), language)
        text = f"{made}\n\n{markdown(sections(found), language)}"
        insert(HERE / name, text, start=START, end=END)


def _run(chosen: Sequence[Trial]) -> None:
    with console.progress("arena") as step:
        for number, trial in enumerate(chosen):

            def show(done: int, total: int, _: float) -> None:
                step(number, len(chosen), f"{trial.name}, step {done}/{total}")  # noqa: B023 - called in this turn

            run(trial, show)
            step(number + 1, len(chosen), trial.name)


PROGRAM = Program(
    module="reference_impls.arena",
    about="Every attack here against every defense and detector here, on one population.",
    verbs={
        "study": Study,
        "clips": CLIPS.verb(),
        "backdoors": BACKDOORS.study.verb(),
        "privacy": PRIVACY.study.verb(),
        "theft": THEFT.study.verb(),
        "run": Run,
    },
    examples={"run": ["reference_impls/arena/example.py", "my_defense.py --images 24"]},
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
