"""What is measured: every crafter, transfer between victims, and defenses, over seeds."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from reference_impls.advclip.chart import charts
from reference_impls.advclip.defenses import DEFENSES, Defense, defend
from reference_impls.advclip.downstream import (
    PROBE,
    TO_IMAGE,
    TO_TEXT,
    ZERO_SHOT,
    Bench,
    Change,
    Scores,
    controls,
)
from reference_impls.advclip.floor import FLOOR
from reference_impls.advclip.method import AdvCLIPConfig, attack
from reference_impls.advclip.report import grid
from reference_impls.advclip.run import lab_victim
from reference_impls.advclip.tables import MAIN, TASK, headline, tables
from reference_impls.lab.attacks.universal import load
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.images import save_png
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.models.clip import CLIPConfig
from reference_impls.lab.models.zoo import (
    LabData,
    surrogate_dataset,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import write_json
from reference_impls.lab.study.clips import lab_config
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.study import Prepare, Study

SMALL, LARGE = PatchSpec(share=0.03), PatchSpec(share=0.0625)
SHOWN = (
    "fooling",
    *(
        f"{TASK}/{classifier}/{figure}"
        for classifier in (ZERO_SHOT, PROBE)
        for figure in ("before", "after", "fooling")
    ),
    *(
        f"{way}/R@1/{figure}"
        for way in (TO_TEXT, TO_IMAGE)
        for figure in ("before", "after")
    ),
)
"""Figures that are kept of a trial where the tables show not all."""


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
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

    def made_on(self, victim: str) -> dict[str, AdvCLIPConfig]:
        """What is crafted against a victim: everything, on a transformer the main change alone."""
        changes = self.changes
        return {MAIN: changes[MAIN]} if "transformer" in victim else changes


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One victim behind one defense, under all changes that are measured there."""

    victim: str
    recipe: CLIPConfig | None
    """How the victim is trained."""
    defense: Defense
    study: StudyConfig
    """Says which changes, and which other victims they come from."""

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.victim}, {self.defense}"


@dataclass(frozen=True, kw_only=True)
class Trial:
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


def conditions(options: StudyOptions) -> list[Condition]:
    """Every victim undefended, the convolutional ones behind every defense, too."""
    study = StudyConfig()
    if options.quick:
        study = StudyConfig(seeds=(0,), steps=60, training=20)
    study = replace(study, seeds=options.seeds or study.seeds)
    return [
        Condition(victim=one, recipe=lab_config(one), defense=defense, study=study)
        for one in study.victims
        for defense in DEFENSES
        if defense == "none" or "transformer" not in one
    ]


# -- Crafting ------------------------------------------------------------------------


def prepare(asked: Sequence[Condition]) -> list[list[Prepare]]:
    """Victims first, as two processes must not train the same one; then what is crafted on them."""
    studies = dict.fromkeys(one.study for one in asked)
    victims = [(study, victim) for study in studies for victim in study.victims]
    return [
        [partial(lab_victim, victim) for _, victim in victims],
        [
            partial(crafted, victim, config)
            for study, victim in victims
            for config in study.made_on(victim).values()
        ],
    ]


def crafted(victim: str, config: AdvCLIPConfig) -> tuple[Change, float]:
    """A change and the processor seconds it took; from the cache if it is there."""
    key = content_key("advclip", lab_config(victim), config)
    path = cache_folder() / "advclip" / f"{key}.npz"
    about = path.with_suffix(".json")
    if not about.exists():
        clip, surrogate = lab_victim(victim), surrogate_dataset(LabData())
        started = time.process_time()
        change = attack(clip, surrogate, config)
        seconds = time.process_time() - started
        change.save(path)
        write_json({"victim": victim, "config": config, "seconds": seconds}, about)
    return load(path), json.loads(about.read_text(encoding="utf-8"))["seconds"]


# -- Measuring -----------------------------------------------------------------------


def measured(condition: Condition) -> list[Trial]:
    """All changes on one victim behind one defense."""
    train, test = train_dataset(LabData()), test_dataset(LabData())
    defended = defend(
        lab_victim(condition.victim),
        condition.defense,
        train,
        task=TASK,
        steps=condition.study.training,
    )
    bench = Bench(defended, train, test)
    return [
        Trial(
            change=name,
            made_on=made_on,
            victim=condition.victim,
            defense=condition.defense,
            seconds=round(seconds, 2),
            figures=_figures(
                bench.measure(change),
                all_of_them=(name, made_on) == (MAIN, condition.victim)
                and condition.defense == "none",
            ),
        )
        for name, made_on, change, seconds in _changes(condition)
    ]


def _changes(condition: Condition) -> Iterator[tuple[str, str, Change, float]]:
    """Own changes and controls, and the main change of every other victim: name, made on, seconds."""
    victim, study = condition.victim, condition.study
    own = study.made_on(victim)
    if condition.defense != "none":
        own = {MAIN: own[MAIN]}
    images_N3HW = surrogate_dataset(LabData()).images_N3HW
    for name, config in own.items():
        change, seconds = crafted(victim, config)
        yield name, victim, change, seconds
        if config.crafter != "generator":  # controls of `direct` have the same size
            size = name.removeprefix("direct ")
            for control, other in controls(change, images_N3HW).items():
                yield f"{control} {size}", "", other, 0.0
    if condition.defense == "none":
        for other_victim in study.victims:
            if other_victim != victim:
                yield MAIN, other_victim, *crafted(other_victim, study.changes[MAIN])


def _figures(scores: Scores, *, all_of_them: bool) -> dict[str, float]:
    """Scores as one flat table, rounded."""
    found = {"fooling": scores.fooling}
    for one in scores.classified:
        name = f"{one.task}/{one.classifier}"
        found[f"{name}/before"] = one.before
        found[f"{name}/after"] = one.after
        found[f"{name}/fooling"] = one.fooling
    for got in scores.retrieved:
        name = f"{got.direction}/{got.measure}"
        found[f"{name}/before"], found[f"{name}/after"] = got.before, got.after
    kept = found if all_of_them else [name for name in SHOWN if name in found]
    return {name: round(found[name], 4) for name in kept}


# -- What is left behind -------------------------------------------------------------


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> Mapping[str, Any]:
    """All trials, how much was measured, and the settings of every crafter."""
    study = asked[0].study
    return {"study": study, "settings": study.changes, "rows": trials}


def pictures(asked: Sequence[Condition], folder: Path) -> None:
    """Eight test images, and the same under the main patch of the first victim."""
    study = asked[0].study
    change, _ = crafted(study.victims[0], study.changes[MAIN])
    shown_N3HW = test_dataset(LabData()).images_N3HW[:8]
    shown = grid(shown_N3HW, change.apply(shown_N3HW))
    save_png(shown, folder / "patches.png", scale=4)


STUDY = Study(
    home=Path(__file__).parent,
    parts=(FLOOR,),
    trial=Trial,
    conditions=conditions,
    prepare=prepare,
    measure=measured,
    results=results,
    headline=headline,
    seeds=lambda trials: sorted({int(t.victim.split(":")[-1]) for t in trials}),
    tables=tables,
    charts=charts,
    pictures=pictures,
)
