"""What is measured: every defense and its control before small CLIPs, under both attackers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.bilingual import Language, Text, Words, localize
from reference_impls.lab.data.shapes import TASK_NAMES
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.clip import CLIPConfig
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.zero_shot import blank_text, zero_shot_classifier
from reference_impls.lab.models.zoo import (
    LabData,
    clean_clip,
    studied_clip,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.study.bars import bars
from reference_impls.lab.study.chart import both
from reference_impls.lab.study.headline import average, percent
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found, Study
from reference_impls.test_time.method import PRESETS, DefenseConfig
from reference_impls.test_time.run import Robustness, robustness

WORDS = Words.beside(__file__)
TASKS = ("foreground", "texture")
TOLD = {"ttc": "noise", "reversal": "noise-wide", "clipure": "clipure-random"}
"""Defenses of the headline, and the control of each."""
MEASURES = ("clean", "naive", "aware")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One defense before one CLIP, on one task."""

    preset: str
    clip: CLIPConfig
    config: DefenseConfig
    attack: Budget
    draws: int
    task: str
    images: int

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.preset}, {self.task}, seed {self.clip.seed}"


@dataclass(frozen=True, kw_only=True)
class Trial(Robustness):
    """Accuracies of one condition."""

    preset: str
    task: str
    seed: int
    seconds: float
    """Processor seconds of defense and attacks."""


def conditions(options: StudyOptions) -> list[Condition]:
    """Every defense on every task and CLIP."""
    quick = options.quick
    return [
        Condition(
            preset=preset,
            clip=studied_clip(seed),
            config=replace(config, seed=seed),
            attack=Budget(steps=2 if quick else 10),
            draws=4,
            task=task,
            images=8 if quick else 100,
        )
        for task in TASKS
        for preset, config in PRESETS.items()
        for seed in options.seeds_of()
    ]


def measured(condition: Condition) -> list[Trial]:
    """Attack the first test images."""
    lab, task, started = LabData(), condition.task, time.process_time()
    train, test = train_dataset(lab), test_dataset(lab).first(condition.images)
    clip = clean_clip(condition.clip, lab)
    classifier = zero_shot_classifier(
        accelerated(clip.image), clip.embed_text, train, task
    )
    found = robustness(
        classifier,
        train,
        blank_text(clip.embed_text, train),
        (test.images_N3HW, test.labels[task]),
        condition.config,
        condition.attack,
        condition.draws,
    )
    return [
        Trial(
            **asdict(found),
            preset=condition.preset,
            task=task,
            seed=condition.clip.seed,
            seconds=round(time.process_time() - started, 1),
        )
    ]


# -- What the trials say -------------------------------------------------------------


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> Found:
    """All trials, and the settings that they share."""
    one = asked[0]
    settings = {name: getattr(one, name) for name in ("images", "clip", "attack")}
    return {"settings": settings | {"draws": one.draws}, "rows": trials}


def groups(found: Found) -> dict[tuple[str, str], dict[str, list[float]]]:
    """Each measure of the CLIPs, by task and defense."""
    grouped: dict[tuple[str, str], list[Trial]] = {}
    for one in STUDY.read(found["rows"]):
        grouped.setdefault((one.task, one.preset), []).append(one)
    names = (*MEASURES, "seconds")
    return {
        key: {name: [getattr(one, name) for one in trials] for name in names}
        for key, trials in grouped.items()
    }


def headline(found: Found) -> list[dict[str, Any]]:
    """Accuracy under the attacker who knows the defense, beside all other figures."""
    grouped, told = groups(found), []
    for preset, control in TOLD.items():
        here, beside = grouped[TASKS[0], preset], grouped[TASKS[0], control]
        label = WORDS["headline.aware"].fill(defense=WORDS[f"defenses.{preset}"])
        setting = WORDS["headline.setting"].fill(
            **{name: average(here[name]) for name in ("clean", "naive")},
            control=WORDS[f"defenses.{control}"],
            beside=average(beside["naive"]),
            both=average(beside["aware"]),
            alone=average(grouped[TASKS[0], "none"]["aware"]),
        )
        told.append(percent(label, here["aware"], better="higher", setting=setting))
    return told


def tables(found: Found, language: Language) -> str:
    """All accuracies."""
    run, settings = found["run"], found["settings"]
    rows: list[list[Text]] = [
        [
            TASK_NAMES[task],
            WORDS[f"defenses.{preset}"],
            *(f"{MeanStd.of(values[name]):.2f}" for name in MEASURES),
            f"{mean(values['seconds']):.0f}",
        ]
        for (task, preset), values in groups(found).items()
    ]
    about = WORDS["tables.about"].fill(
        seeds=len(found["provenance"]["seeds"]),
        images=settings["images"],
        levels=f"{255 * settings['attack']['epsilon']:.0f}",
        steps=settings["attack"]["steps"],
        draws=settings["draws"],
        date=run["date"],
        torch=run["versions"].get("torch", "?"),
    )
    lines = table([*WORDS.group("heads").values()], rows, language)
    return "\n".join([localize(about, language), "", *lines, ""])


def charts(found: Found) -> dict[str, str]:
    """Means of the first task."""
    shown = [
        (WORDS[f"defenses.{preset}"], [mean(values[name]) for name in MEASURES])
        for (task, preset), values in groups(found).items()
        if task == TASKS[0]
    ]
    names = [WORDS[f"heads.{name}"] for name in MEASURES]
    title, about = WORDS["chart.title"], WORDS["chart.about"]
    return both("results", partial(bars, shown, names, title=title, about=about))


STUDY = Study(
    home=Path(__file__).parent,
    trial=Trial,
    conditions=conditions,
    measure=measured,
    results=results,
    headline=headline,
    seeds=lambda trials: sorted({one.seed for one in trials}),
    tables=tables,
    charts=charts,
)
