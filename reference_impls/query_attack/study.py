"""What is measured: the attack and its controls on three lab encoders, on two tasks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from reference_impls.lab.bilingual import Language, Text, Words, localize
from reference_impls.lab.data.shapes import TASK_NAMES
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.heads import linear_classifier
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import (
    LabData,
    clean_encoder,
    studied_encoder,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.study.chart import both
from reference_impls.lab.study.curves import Curve, curves
from reference_impls.lab.study.headline import average, percent
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found, Study
from reference_impls.query_attack.method import PRESETS, QueryConfig
from reference_impls.query_attack.run import Success, success

WORDS = Words.beside(__file__)
TASKS = ("foreground", "texture")
QUERIES = (10, 100, 300, 1000)
"""Columns of the table."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One attack on one classifier."""

    preset: str
    config: QueryConfig
    encoder: SimCLRConfig
    task: str
    images: int

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.preset}, {self.task}, seed {self.encoder.seed}"


@dataclass(frozen=True, kw_only=True)
class Trial(Success):
    """What one attack did."""

    preset: str
    task: str
    seed: int
    seconds: float
    """Processor seconds of the attack."""


def conditions(options: StudyOptions) -> list[Condition]:
    """Every attack on every task and encoder."""
    quick = options.quick
    return [
        Condition(
            preset=preset,
            config=replace(config, seed=seed, queries=10 if quick else QUERIES[-1]),
            encoder=studied_encoder(seed),
            task=task,
            images=8 if quick else 60,
        )
        for task in TASKS
        for preset, config in PRESETS.items()
        for seed in options.seeds_of()
    ]


def measured(condition: Condition) -> list[Trial]:
    """Attack the first test images."""
    lab, task = LabData(), condition.task
    train, test = train_dataset(lab), test_dataset(lab).first(condition.images)
    encoder = accelerated(clean_encoder(condition.encoder, lab))
    base, started = linear_classifier(encoder, train, task), time.process_time()
    found = success(base, test.images_N3HW, test.labels[task], condition.config)
    return [
        Trial(
            **asdict(found),
            preset=condition.preset,
            task=task,
            seed=condition.encoder.seed,
            seconds=round(time.process_time() - started, 1),
        )
    ]


# -- What the trials say -------------------------------------------------------------


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> Found:
    """All trials, and the settings of each attack."""
    one = asked[0]
    attacks = {condition.preset: condition.config for condition in asked}
    settings = {"images": one.images, "encoder": one.encoder, "attacks": attacks}
    return {"settings": settings, "rows": trials}


def groups(found: Found) -> dict[tuple[str, str], list[Trial]]:
    """Trials by task and attack, one for each seed."""
    grouped: dict[tuple[str, str], list[Trial]] = {}
    for one in STUDY.read(found["rows"]):
        grouped.setdefault((one.task, one.preset), []).append(one)
    return grouped


def within(trials: Sequence[Trial], queries: float) -> list[float]:
    """Success rate of each trial."""
    return [one.within(queries) for one in trials]


def _mean(trials: Sequence[Trial], queries: float) -> float:
    return mean(within(trials, queries))


def headline(found: Found) -> list[dict[str, Any]]:
    """Success of the attack, beside that of its controls."""
    grouped, told = groups(found), []
    for task in TASKS:
        trials = grouped[task, "sa-moo"]
        others = {one: grouped[task, one] for one in ("random", "sparse-rs")}
        setting = WORDS["headline.setting"].fill(
            pixels=found["settings"]["attacks"]["sa-moo"]["pixels"],
            first=average(within(trials, QUERIES[1])),
            random=average(within(others["random"], QUERIES[-1])),
            sparse=average(within(others["sparse-rs"], QUERIES[-1])),
        )
        label = WORDS["headline.success"].fill(task=TASK_NAMES[task])
        shares = within(trials, QUERIES[-1])
        told.append(percent(label, shares, better="higher", setting=setting))
    return told


def tables(found: Found, language: Language) -> str:
    """Success by queries, and the size of the change."""
    run, settings = found["run"], found["settings"]
    rows: list[list[Text]] = [
        [
            TASK_NAMES[task],
            WORDS[f"attacks.{preset}"],
            *(f"{MeanStd.of(within(trials, one)):.2f}" for one in QUERIES),
            f"{MeanStd.of([one.l0 for one in trials]):.1f}",
            f"{MeanStd.of([one.l2 for one in trials]):.2f}",
        ]
        for (task, preset), trials in groups(found).items()
    ]
    about = WORDS["tables.about"].fill(
        seeds=len(found["provenance"]["seeds"]),
        images=settings["images"],
        pixels=settings["attacks"]["sa-moo"]["pixels"],
        seconds=f"{max(row['seconds'] for row in found['rows']):.0f}",
        date=run["date"],
        torch=run["versions"].get("torch", "?"),
    )
    names, queries = WORDS.group("heads"), WORDS["tables.queries"]
    heads: list[Text] = [names["task"], names["attack"]]
    heads += [queries.fill(count=one) for one in QUERIES]
    lines = table([*heads, names["l0"], names["l2"]], rows, language)
    return "\n".join([localize(about, language), "", *lines, ""])


def charts(found: Found) -> dict[str, str]:
    """Success against queries, on the first task; by the loss alone as many images fall as by SA-MOO, under one curve."""
    shown: list[Curve] = [
        (WORDS[f"attacks.{preset}"], partial(_mean, trials))
        for (task, preset), trials in groups(found).items()
        if task == TASKS[0] and preset != "loss"
    ]
    draw = partial(
        curves,
        shown,
        title=WORDS["chart.title"],
        about=WORDS["chart.about"],
        across=WORDS["chart.across"],
        ticks=(0, 200, 400, 600, 800, 1000),
    )
    return both("results", draw)


STUDY = Study(
    home=Path(__file__).parent,
    trial=Trial,
    conditions=conditions,
    measure=measured,
    results=results,
    headline=headline,
    tables=tables,
    charts=charts,
)
