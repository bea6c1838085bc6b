"""The floor under a universal attack: the plain attack on the same victims, and the interval of the difference.

Victims are held back: none of a method's settings was chosen on them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from reference_impls.lab.attacks.plain import SETTINGS
from reference_impls.lab.attacks.universal import UniversalPatch, UniversalPerturbation
from reference_impls.lab.bilingual import LAB, Language, Text, localize
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.metrics.intervals import Interval, bootstrap
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.generator import CraftSettings
from reference_impls.lab.models.held_back import HELD_BACK, HeldBack, held_back
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found, Prepare, Study

PLAIN = "plain"
LEAST = 3
"""Victims below which no difference is called one."""
Change = UniversalPatch | UniversalPerturbation
Size = PatchSpec | float
SIZES: dict[str, Size] = {
    "5 × 5": PatchSpec(share=0.03),
    "8 × 8": PatchSpec(share=0.0625),
    "8/255": 8 / 255,
}
"""Of the changes: patches in pixels, and the bound of a perturbation."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """All attacks of all sizes on one victim."""

    victim: HeldBack
    seed: int
    """Of the attacks."""
    steps: int | None = None
    """Of every attack instead of its own."""
    test: int = 1024
    """Pictures to measure on."""

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.victim.name}, seed {self.seed}"

    @property
    def plain(self) -> CraftSettings:
        """Of the plain attack."""
        return replace(SETTINGS, seed=self.seed, steps=self.steps or SETTINGS.steps)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One attack on one victim."""

    victim: str
    seed: int
    size: str
    """A name of `SIZES`."""
    attack: str
    """`plain`, or who draws the change in the method."""
    fooled: float
    """Share of predictions that the change turned into another, mean over what is built on the victim."""
    seconds: float
    """Processor seconds of crafting."""


def conditions(options: StudyOptions) -> list[Condition]:
    """Every victim with every seed."""
    victims = HELD_BACK[: 1 if options.quick else None]
    seeds = options.seeds or (0,)
    short: dict[str, Any] = {"steps": 20, "test": 128} if options.quick else {}
    return [Condition(victim=v, seed=s, **short) for v in victims for s in seeds]


def prepare(asked: Sequence[Condition]) -> list[list[Prepare]]:
    """The victims: two processes would train the same one."""
    victims = {one.victim.name: one.victim for one in asked}.values()
    return [[partial(held_back, victim) for victim in victims]]


def crafted(
    attacks_of: Callable[[Size], Mapping[str, Callable[[], Change]]],
) -> Iterator[tuple[str, str, Change, float]]:
    """Every attack of every size: names of size and attack, the change, and its processor seconds."""
    for name, size in SIZES.items():
        for attack, craft in attacks_of(size).items():
            started = time.process_time()
            change = craft()
            yield name, attack, change, round(time.process_time() - started, 2)


def differences(rows: Sequence[Trial], size: str, attack: str) -> list[list[float]]:
    """What an attack fools beyond the plain one, per victim and seed."""
    fooled = {(one.victim, one.seed, one.attack): one.fooled for one in rows if one.size == size}  # fmt: skip
    groups: dict[str, list[float]] = {}
    for (victim, seed, name), value in fooled.items():
        if name == attack:
            groups.setdefault(victim, []).append(value - fooled[victim, seed, PLAIN])
    return list(groups.values())


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> dict[str, Any]:
    """All trials, and the difference of every attack to the plain one with its interval."""
    pairs = dict.fromkeys((one.size, one.attack) for one in trials)
    beyond = []
    for size, attack in pairs:
        if attack != PLAIN:
            groups = differences(trials, size, attack)
            interval: Interval = bootstrap(groups, lambda found: mean(found))
            every = [value for group in groups for value in group]
            beyond.append(
                {
                    "size": size,
                    "attack": attack,
                    "mean": round(mean(every), 4),
                    "interval": [round(end, 4) for end in interval],
                }
            )
    victims = list(dict.fromkeys(one.victim for one in asked))
    return {"victims": victims, "beyond_plain": beyond, "rows": trials}


def tables(found: Found, language: Language) -> str:
    """Every attack beside the plain one."""
    rows = [Trial(**row) for row in found["rows"]]
    beyond = {(one["size"], one["attack"]): one for one in found["beyond_plain"]}
    body, victims = [], len(found["victims"])
    for size, attack in dict.fromkeys((one.size, one.attack) for one in rows):
        own = [one for one in rows if (one.size, one.attack) == (size, attack)]
        cells: list[Text] = [size, LAB[f"floor.{PLAIN}"] if attack == PLAIN else attack]
        cells.append(f"{MeanStd.of([one.fooled for one in own]):.3f}")
        difference = beyond.get((size, attack))
        cells += _verdict(difference, victims) if difference else ["–", "–"]
        cells.append(f"{mean(one.seconds for one in own):.1f}")
        body.append(cells)
    run = found["run"]
    about = LAB["floor.about"].fill(
        victims=victims,
        seeds=", ".join(map(str, sorted({one.seed for one in rows}))),
        date=run["date"],
        command=run["command"],
    )
    heads = list(LAB.group("floor.heads").values())
    lines = [localize(about, language), "", *table(heads, body, language)]
    return "\n".join(lines) + "\n"


def _verdict(difference: dict[str, Any], victims: int) -> list[Text]:
    low, high = difference["interval"]
    word = "more" if low > 0 else "less" if high < 0 else "open"
    if victims < LEAST:
        word = "open"
    shown = f"{difference['mean']:+.3f} [{low:+.3f}, {high:+.3f}]".replace("-", "−")
    return [shown, LAB[f"floor.{word}"]]


def floor(
    home: Path, measure: Callable[[Condition], Sequence[Trial]]
) -> Study[Condition, Trial]:
    """The study `floor` of a method; `measure` gives the trials of a victim, the plain attack's among them."""
    return Study(
        home=home,
        part="floor",
        about="Measure the method beside the plain universal attack, on victims that it has never met.",
        trial=Trial,
        conditions=conditions,
        prepare=prepare,
        measure=measure,
        results=results,
        headline=lambda found: (),
        tables=tables,
    )
