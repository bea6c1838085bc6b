"""What is measured: certificates with every denoiser and noise level, on three lab encoders."""

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
from reference_impls.smoothing.denoiser import behind_denoiser
from reference_impls.smoothing.method import (
    Certified,
    Kind,
    SmoothingConfig,
    accuracy,
    certify_all,
)
from reference_impls.smoothing.run import RADII

WORDS = Words.beside(__file__)
SIGMA, RADIUS = 0.25, 0.25
"""Noise and radius of the summary."""
Setting = tuple[Kind, float]
TASKS: dict[str, tuple[Setting, ...]] = {
    "foreground": (
        ("none", SIGMA),
        ("stability", SIGMA),
        ("diffusion", SIGMA),
        ("mse", 0.12),
        ("mse", 0.5),
        ("mse", SIGMA),
    ),
    "texture": (("none", SIGMA), ("mse", SIGMA)),
}
"""Denoisers and noise levels of each task, the one that matters last."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One classifier behind one denoiser, under one level of noise."""

    encoder: SimCLRConfig
    config: SmoothingConfig
    task: str
    images: int

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.config.denoiser}, sigma {self.config.sigma}, seed {self.config.seed}"


@dataclass(frozen=True, kw_only=True)
class Trial(Certified):
    """Certificates of one condition."""

    task: str
    denoiser: Kind
    sigma: float
    seed: int
    alone: float
    """Accuracy without noise and denoiser, which certifies nothing."""
    seconds: float
    """Processor seconds of certifying."""


def conditions(options: StudyOptions) -> list[Condition]:
    """Every setting on every encoder; on the second task with and without the main denoiser."""
    quick = options.quick
    seeds = options.seeds_of()
    base = SmoothingConfig(n=100, steps=20) if quick else SmoothingConfig()
    return [
        Condition(
            encoder=studied_encoder(seed),
            config=replace(base, denoiser=kind, sigma=sigma, seed=seed),
            task=task,
            images=4 if quick else 50,
        )
        for task, settings in TASKS.items()
        for kind, sigma in settings
        for seed in seeds
    ]


def measured(condition: Condition) -> list[Trial]:
    """Train head and denoiser, certify the first test images."""
    config, task, lab = condition.config, condition.task, LabData()
    train, test = train_dataset(lab), test_dataset(lab).first(condition.images)
    images_N3HW, labels_N = test.images_N3HW, test.labels[task]
    encoder = accelerated(clean_encoder(condition.encoder, lab))
    base = linear_classifier(encoder, train, task)
    smoothed, started = behind_denoiser(base, train, config), time.process_time()
    found = certify_all(smoothed, images_N3HW, labels_N, config)
    seconds = time.process_time() - started
    return [
        Trial(
            task=task,
            denoiser=config.denoiser,
            sigma=config.sigma,
            seed=config.seed,
            alone=round(accuracy(base, images_N3HW, labels_N), 4),
            seconds=round(seconds, 1),
            **asdict(found),
        )
    ]


# -- What the trials say -------------------------------------------------------------


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> Found:
    """All trials, and the settings that they share."""
    one, config = asked[0], asked[0].config
    settings = {"images": one.images, "encoder": one.encoder}
    settings |= {name: getattr(config, name) for name in ("n0", "n", "alpha", "steps")}
    return {"settings": settings, "rows": trials}


Groups = dict[tuple[str, Setting], list[Trial]]


def groups(found: Found) -> Groups:
    """Trials by task and setting, one for each seed."""
    grouped: Groups = {}
    for one in STUDY.read(found["rows"]):
        grouped.setdefault((one.task, (one.denoiser, one.sigma)), []).append(one)
    return grouped


def within(trials: Sequence[Trial], radius: float) -> list[float]:
    """Certified accuracy of each trial."""
    return [one.within(radius) for one in trials]


def headline(found: Found) -> list[dict[str, Any]]:
    """Certified accuracy behind each denoiser, beside that without one."""
    grouped, told = groups(found), []
    for (task, (kind, sigma)), trials in grouped.items():
        if kind != "none" and sigma == SIGMA:
            setting = WORDS["headline.setting"].fill(
                denoiser=WORDS[f"denoisers.{kind}"],
                none=average(within(grouped[task, ("none", SIGMA)], RADIUS)),
                alone=average([one.alone for one in trials]),
            )
            label = WORDS["headline.certified"].fill(task=TASK_NAMES[task])
            accuracies = within(trials, RADIUS)
            told.append(percent(label, accuracies, better="higher", setting=setting))
    return told


def tables(found: Found, language: Language) -> str:
    """Certified accuracy of every setting, by radius."""
    run, settings = found["run"], found["settings"]
    rows: list[list[Text]] = []
    for (task, (kind, sigma)), trials in groups(found).items():
        shares = [
            [one.alone for one in trials],
            [one.abstained / one.images for one in trials],
            *(within(trials, radius) for radius in RADII),
        ]
        means = [f"{MeanStd.of(one):.2f}" for one in shares]
        denoiser = WORDS[f"denoisers.{kind}"]
        rows.append([TASK_NAMES[task], denoiser, f"{sigma:g}", *means])
    about = WORDS["tables.about"].fill(
        seeds=len(found["provenance"]["seeds"]),
        date=run["date"],
        seconds=f"{max(row['seconds'] for row in found['rows']):.0f}",
        torch=run["versions"].get("torch", "?"),
        **{name: settings[name] for name in ("images", "n0", "n", "alpha")},
    )
    columns: list[Text] = [
        *WORDS.group("heads").values(),
        *(f"R = {one:g}" for one in RADII),
    ]
    return "\n".join(
        [localize(about, language), "", *table(columns, rows, language), ""]
    )


def charts(found: Found) -> dict[str, str]:
    """Certified accuracy against the radius, on the first task."""
    shown: list[Curve] = []
    for (task, (kind, sigma)), trials in groups(found).items():
        if task == "foreground":
            denoiser = WORDS[f"denoisers.{kind}"]
            name = WORDS["chart.curve"].fill(denoiser=denoiser, sigma=sigma)
            shown.append((name, partial(_mean, trials)))
    draw = partial(
        curves,
        shown,
        title=WORDS["chart.title"],
        about=WORDS["chart.about"],
        across=WORDS["chart.across"],
        ticks=(*RADII, 1.25),
    )
    return both("results", draw)


def _mean(trials: Sequence[Trial], radius: float) -> float:
    return mean(within(trials, radius))


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
