"""What the README reports: every crafter, transfer between victims, and defenses, over seeds.

Every patch and every measurement is kept in the cache under the content of its settings, so
that a killed study goes on where it was and a second one is free.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch

from reference_impls.advclip.defenses import DEFENSES, Defense, defend
from reference_impls.advclip.downstream import Bench, Change, Scores, controls
from reference_impls.advclip.method import AdvCLIPConfig, attack
from reference_impls.advclip.run import lab_config, lab_victim
from reference_impls.lab.attacks.universal import load
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.models.zoo import (
    LabData,
    surrogate_dataset,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import write_json

SMALL, LARGE = PatchSpec(share=0.03), PatchSpec(share=0.0625)
MAIN = "direct 6.25 %"
"""The change that transfer and defenses are measured with."""
TASK = "texture"
"""Task of the summary, and of adversarial training."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured."""

    seeds: tuple[int, ...] = (0, 1, 2)
    """Of victims; each has its own patches."""
    steps: int = AdvCLIPConfig().steps
    """Of every crafter."""
    training: int = 200
    """Steps of adversarial training."""

    @property
    def changes(self) -> dict[str, AdvCLIPConfig]:
        """What is crafted against every convolutional victim, by name."""
        base = AdvCLIPConfig(steps=self.steps)
        centre = replace(LARGE, place="centre")
        return {
            MAIN: replace(base, patch=LARGE),
            "direct 3 %": replace(base, patch=SMALL),
            "direct 6.25 %, centre": replace(base, patch=centre),
            "generator 6.25 %": replace(base, patch=LARGE, crafter="generator"),
            "generator 3 %": replace(base, patch=SMALL, crafter="generator"),
            "linf 8/255": replace(base, crafter="linf", epsilon=8 / 255),
        }

    @property
    def victims(self) -> tuple[str, ...]:
        """The convolutional ones, then the transformers."""
        return (
            *(f"lab:{seed}" for seed in self.seeds),
            *(f"lab:transformer:{seed}" for seed in self.seeds),
        )


QUICK = Plan(seeds=(0,), steps=60, training=20)
"""One seed and few steps: to try the machinery."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One change on one victim."""

    change: str
    """Name of what was crafted, or of a control."""
    made_on: str
    """The victim it was crafted on; empty for a control."""
    victim: str
    """The victim it is measured on."""
    defense: str
    """What stands before the victim."""
    seconds: float
    """Processor seconds of crafting; 0 for a control."""
    figures: dict[str, float]
    """`task/classifier/before`, `…/after`, `…/fooling`, `direction/measure/before`, `…/after`,
    and `fooling`, the mean over tasks and classifiers."""


def own(rows: Iterable[Row], change: str, defense: str = "none") -> list[Row]:
    """A change on the convolutional victims it was crafted on; a control on all of them."""
    return [
        row
        for row in rows
        if row.change == change
        and row.defense == defense
        and "transformer" not in row.victim
        and row.made_on in ("", row.victim)
    ]


def figures(scores: Scores) -> dict[str, float]:
    """All scores as one flat table, rounded."""
    found = {"fooling": scores.fooling}
    for one in scores.classified:
        name = f"{one.task}/{one.classifier}"
        found[f"{name}/before"] = one.before
        found[f"{name}/after"] = one.after
        found[f"{name}/fooling"] = one.fooling
    for got in scores.retrieved:
        name = f"{got.direction}/{got.measure}"
        found[f"{name}/before"], found[f"{name}/after"] = got.before, got.after
    return {name: round(value, 4) for name, value in found.items()}


# -- Crafting ------------------------------------------------------------------------


def craft(victim: str, config: AdvCLIPConfig) -> tuple[Path, float]:
    """The file of a crafted change and the processor seconds it took; from the cache if there."""
    torch.set_num_threads(1)  # two threads on shared cores spin more than they compute
    key = content_key("advclip", lab_config(victim), config)
    path = cache_folder() / "advclip" / f"{key}.npz"
    about = path.with_suffix(".json")
    if not about.exists():
        subject, surrogate = lab_victim(victim), surrogate_dataset(LabData())
        started = time.process_time()
        change = attack(subject, surrogate, config)
        seconds = time.process_time() - started
        change.save(path)
        write_json({"victim": victim, "config": config, "seconds": seconds}, about)
    return path, json.loads(about.read_text(encoding="utf-8"))["seconds"]


def jobs_of_crafting(plan: Plan) -> Iterator[tuple[str, AdvCLIPConfig]]:
    """Victim and settings of everything that is crafted."""
    for victim in plan.victims:
        if "transformer" in victim:
            yield victim, plan.changes[MAIN]
        else:
            yield from ((victim, config) for config in plan.changes.values())


# -- Measuring -----------------------------------------------------------------------


def bench_rows(plan: Plan, victim: str, defense: Defense) -> list[Row]:
    """All rows of one victim behind one defense; from the cache if there."""
    torch.set_num_threads(1)
    key = content_key("advclip rows", plan, victim, lab_config(victim), defense)
    path = cache_folder() / "advclip" / f"rows-{key}.json"
    if not path.exists():
        lab = LabData()
        train, test = train_dataset(lab), test_dataset(lab)
        defended = defend(
            lab_victim(victim), defense, train, task=TASK, steps=plan.training
        )
        bench = Bench(defended, train, test)
        rows = [
            Row(
                change=name,
                made_on=made_on,
                victim=victim,
                defense=defense,
                seconds=round(seconds, 2),
                figures=figures(bench.measure(change)),
            )
            for name, made_on, change, seconds in _on(plan, victim, defense)
        ]
        write_json([asdict(row) for row in rows], path)
    return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def _on(
    plan: Plan, victim: str, defense: Defense
) -> Iterator[tuple[str, str, Change, float]]:
    """What is measured there: own changes and controls, and the main change of every other victim."""
    own = plan.changes if "transformer" not in victim else {MAIN: plan.changes[MAIN]}
    if defense != "none":
        own = {MAIN: plan.changes[MAIN]}
    images_N3HW = surrogate_dataset(LabData()).images_N3HW
    for name, config in own.items():
        path, seconds = craft(victim, config)
        change = load(path)
        yield name, victim, change, seconds
        if _has_controls(name):
            size = name.removeprefix("direct ")
            for control, other in controls(change, images_N3HW).items():
                yield f"{control} {size}", "", other, 0.0
    if defense == "none":
        for other_victim in plan.victims:
            if other_victim != victim:
                path, seconds = craft(other_victim, plan.changes[MAIN])
                yield MAIN, other_victim, load(path), seconds


def _has_controls(name: str) -> bool:
    return not name.startswith("generator")  # those of `direct` have the same size


def jobs_of_measuring(plan: Plan) -> Iterator[tuple[Plan, str, Defense]]:
    """Victims and defenses of everything that is measured."""
    for victim in plan.victims:
        for defense in DEFENSES:
            if defense == "none" or "transformer" not in victim:
                yield plan, victim, defense


# -- All of it -----------------------------------------------------------------------


def study(
    plan: Plan,
    *,
    executor: Executor | None = None,
    done: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """All rows; `done` is called with how many of how many pieces are finished."""
    crafting, measuring = list(jobs_of_crafting(plan)), list(jobs_of_measuring(plan))
    total = len(plan.victims) + len(crafting) + len(measuring)
    finished = 0

    def count() -> None:
        nonlocal finished
        finished += 1
        done(finished, total)

    # One after the other: two processes must not train the same victim.
    _each(_train, [(name,) for name in plan.victims], executor, count)
    _each(craft, crafting, executor, count)
    parts = _each(bench_rows, measuring, executor, count)
    return [row for part in parts for row in part]


T = TypeVar("T")


def _train(victim: str) -> None:
    torch.set_num_threads(1)
    lab_victim(victim)


def _each(
    task: Callable[..., T],
    arguments: Sequence[tuple[object, ...]],
    executor: Executor | None,
    count: Callable[[], None],
) -> list[T]:
    if executor is None:
        results = []
        for one in arguments:
            results.append(task(*one))
            count()
        return results
    futures = [executor.submit(task, *one) for one in arguments]
    for _ in as_completed(futures):
        count()
    return [future.result() for future in futures]
