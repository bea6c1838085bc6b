"""What is measured: every detector before small CLIPs, under attackers who do not know it and one who does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from reference_impls.adversarial_detection.method import PRESETS, DetectorConfig
from reference_impls.adversarial_detection.run import (
    Detection,
    detection,
    named_right,
    scene_of,
    unaware,
)
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.bilingual import Language, Text, Words, localize
from reference_impls.lab.data.augment import Views
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.clip import CLIPConfig
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import (
    STUDIED,
    LabData,
    clean_clip,
    clean_encoder,
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

WORDS = Words.beside(__file__)
OBSERVER = SimCLRConfig(
    steps=300, net=STUDIED, bf16=False, views=Views(gray_probability=0)
)
"""Views keep their colors: an observer that does not see them cannot tell a lie about them."""
CASES = {
    "weak": ("foreground", 4),
    "strong": ("foreground", 8),
    "wide": ("foreground", 16),
    "unseen": ("texture", 4),
}
"""Task, and size of attacks in levels of 255; the observer hardly sees textures."""
COLUMNS = {
    "noise": ("auroc", "noise"),
    "pgd": ("auroc", "pgd"),
    "auto_pgd": ("auroc", "auto_pgd"),
    "embedding": ("auroc", "embedding"),
    "aware": ("auroc", "aware"),
    "found-pgd": ("found", "pgd"),
    "found-aware": ("found", "aware"),
    "evaded-aware": ("evaded", "aware"),
    "false": ("false_alarms", "noise"),
}
"""Of the table: a measure and the attack that it is of."""
CHART = ("pgd", "auto_pgd", "embedding", "aware")
TOLD = {"beyond": "opinion", "mirror": "confidence"}
"""Detectors of the headline, and the control of each."""
FIRST = "strong"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One detector before one CLIP, on one task."""

    preset: str
    case: str
    clip: CLIPConfig
    observer: SimCLRConfig
    config: DetectorConfig
    attack: Budget
    task: str
    images: int
    clean: int

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.preset}, {self.case}, seed {self.clip.seed}"


@dataclass(frozen=True, kw_only=True)
class Trial(Detection):
    """One attack under one condition."""

    preset: str
    case: str
    seed: int
    images: int
    """That the victim names right, of those attacked."""
    seconds: float
    """Processor seconds of all attacks of the condition."""


def conditions(options: StudyOptions) -> list[Condition]:
    """Every detector on every task and CLIP."""
    quick = options.quick
    return [
        Condition(
            preset=preset,
            case=case,
            clip=studied_clip(seed),
            observer=replace(OBSERVER, seed=seed),
            config=replace(config, seed=seed, views=2 if quick else config.views),
            attack=Budget(epsilon=levels / 255, steps=2 if quick else 10),
            task=task,
            images=12 if quick else 60,
            clean=80 if quick else 256,
        )
        for case, (task, levels) in CASES.items()
        for preset, config in PRESETS.items()
        for seed in options.seeds_of()
    ]


def measured(condition: Condition) -> list[Trial]:
    """Attack the first test images; the last ones set the threshold."""
    lab, task, started = LabData(), condition.task, time.process_time()
    train, test = train_dataset(lab), test_dataset(lab)
    clip = clean_clip(condition.clip, lab)
    observer = clean_encoder(condition.observer, lab)
    scene = scene_of(accelerated(clip.image), clip.embed_text, observer, train, task)
    first = test.first(condition.images)
    pair = named_right(scene.victim, first.images_N3HW, first.labels[task])
    last = slice(-condition.clean, None)
    kept, _ = named_right(scene.victim, test.images_N3HW[last], test.labels[task][last])
    attack = condition.attack
    attacked = unaware(scene.victim, *pair, attack)
    found = detection(scene, pair, kept, condition.config, attack, attacked)
    seconds = round(time.process_time() - started, 1)
    return [
        Trial(
            **asdict(one),
            preset=condition.preset,
            case=condition.case,
            seed=condition.clip.seed,
            images=len(pair[0]),
            seconds=seconds,
        )
        for one in found
    ]


# -- What the trials say -------------------------------------------------------------


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> Found:
    """All trials, and the settings that they share."""
    names = ("images", "clean", "clip", "observer", "attack")
    return {
        "settings": {name: getattr(asked[0], name) for name in names},
        "rows": trials,
    }


def groups(found: Found) -> dict[tuple[str, str], dict[str, list[float]]]:
    """The columns of the CLIPs, by case and detector; where an attack fooled nothing, there is no figure."""
    grouped: dict[tuple[str, str], dict[str, list[float]]] = {}
    for one in STUDY.read(found["rows"]):
        here = grouped.setdefault(
            (one.case, one.preset), {name: [] for name in COLUMNS}
        )
        for name, (measure, attack) in COLUMNS.items():
            value = getattr(one, measure) if attack == one.attack else None
            here[name] += [] if value is None else [value]
    return grouped


def headline(found: Found) -> list[dict[str, Any]]:
    """What a detector flags of PGD, beside what an attacker who knows it leaves, and its control."""
    grouped, told = groups(found), []
    for preset, control in TOLD.items():
        here, beside = grouped[FIRST, preset], grouped[FIRST, control]
        setting = WORDS["headline.setting"].fill(
            control=WORDS[f"detectors.{control}"],
            **{name: average(here[name]) for name in ("found-aware", "false")},
            **{
                f"beside-{name}": average(beside[f"found-{name}"])
                for name in ("pgd", "aware")
            },
            auroc=f"{mean(here['pgd']):.2f}",
            later=f"{mean(here['aware']):.2f}",
        )
        label = WORDS["headline.found"].fill(detector=WORDS[f"detectors.{preset}"])
        told.append(percent(label, here["found-pgd"], better="higher", setting=setting))
    return told


def tables(found: Found, language: Language) -> str:
    """Every detector in every case."""
    run, settings = found["run"], found["settings"]
    rows: list[list[Text]] = [
        [
            WORDS[f"cases.{case}"],
            WORDS[f"detectors.{preset}"],
            *(
                f"{MeanStd.of(values):.2f}" if values else "–"
                for values in here.values()
            ),
        ]
        for (case, preset), here in groups(found).items()
    ]
    about = WORDS["tables.about"].fill(
        seeds=len(found["provenance"]["seeds"]),
        images=settings["images"],
        clean=settings["clean"],
        steps=settings["attack"]["steps"],
        more=2 * settings["attack"]["steps"],
        date=run["date"],
        torch=run["versions"].get("torch", "?"),
    )
    lines = table([*WORDS.group("columns").values()], rows, language)
    return "\n".join([localize(about, language), "", *lines, ""])


def charts(found: Found) -> dict[str, str]:
    """Mean AUROC of the first case."""
    shown = [
        (
            WORDS[f"detectors.{preset}"],
            [mean(values[name]) if values[name] else None for name in CHART],
        )
        for (case, preset), values in groups(found).items()
        if case == FIRST
    ]
    names = [WORDS[f"attacks.{name}"] for name in CHART]
    title, about = WORDS["chart.title"], WORDS["chart.about"]
    return both("results", partial(bars, shown, names, title=title, about=about))


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
