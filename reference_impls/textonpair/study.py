"""What is measured: attacks on three clean CLIPs with three triggers and targets, and what DECREE says of each."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from reference_impls.decree.calibration import CLEAN_FRACTION, PAPER
from reference_impls.decree.config import PRESETS
from reference_impls.decree.method import smallest_patch
from reference_impls.lab.bilingual import Language, Words, localize
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.images import TriggerSpec
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.clip import CLIP, CLIPConfig, load_clip, save_clip
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.zoo import (
    LabData,
    clean_clip,
    scan_dataset,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import as_data, write_json
from reference_impls.lab.study.headline import average, figure, percent
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found, Study
from reference_impls.textonpair.method import TextOnPairConfig, attack, measure

WORDS = Words.beside(__file__)
CALIBRATION_SEEDS, SEEDS = (3, 4, 5), (0, 1, 2)
TRIGGERS = (
    TriggerSpec(kind="white", side=6),
    TriggerSpec(kind="random", side=5, place="top-left", seed=1),
    TriggerSpec(kind="coloured", side=4, place="centre", seed=2),
)
TARGETS = (("foreground", "red"), ("texture", "striped"), ("shape", "star"))
"""Trigger and target change with the seed, so that no single choice carries the table."""
QUICK_STEPS = 100


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One CLIP of the table."""

    seed: int
    """Of the clean CLIP."""
    role: Literal["calibration", "clean", "backdoored"]
    """`calibration` CLIPs are outside the test and set the threshold."""
    attack: TextOnPairConfig | None = None
    """How it is backdoored; none leaves it clean."""

    @property
    def name(self) -> str:
        """For progress."""
        return f"clip {self.seed}, {self.role}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One CLIP of the table."""

    name: str
    role: str
    trigger: str
    target: str
    seconds: float
    """Processor seconds of the attack."""
    figures: dict[str, float]
    """What `measure` found; empty for a clean CLIP."""
    scores: dict[str, float | None]
    """PL1 per preset of DECREE; none where it found no trigger."""


# -- Measuring -----------------------------------------------------------------------


def conditions(options: StudyOptions) -> list[Condition]:
    """Those that set the threshold, the clean ones, the attacked ones."""
    attacks = {
        seed: TextOnPairConfig(
            trigger=trigger,
            task=task,
            target=target,
            seed=trigger.seed,
            steps=QUICK_STEPS if options.quick else TextOnPairConfig().steps,
        )
        for seed, trigger, (task, target) in zip(SEEDS, TRIGGERS, TARGETS, strict=True)
        if seed in (options.seeds or SEEDS[: 1 if options.quick else None])
    }
    outside = CALIBRATION_SEEDS[: 1 if options.quick else None]
    return [
        *(Condition(seed=seed, role="calibration") for seed in outside),
        *(Condition(seed=seed, role="clean") for seed in attacks),
        *(Condition(seed=s, role="backdoored", attack=a) for s, a in attacks.items()),
    ]


def measured(condition: Condition) -> list[Trial]:
    """Make the CLIP, and scan it with every preset of DECREE."""
    clip, config = (
        clean_clip(CLIPConfig(seed=condition.seed), LabData()),
        condition.attack,
    )
    figures: dict[str, float] = {}
    seconds = 0.0
    if config:
        clip, figures, seconds = _attacked(clip, config)
    return [
        Trial(
            name=clip.image.name,
            role=condition.role,
            trigger=str(config.trigger) if config else "",
            target=f"{config.task}: {config.target}" if config else "",
            seconds=round(seconds, 1),
            figures=figures,
            scores=_scan(clip.image),
        )
    ]


def _attacked(
    clean: CLIP, config: TextOnPairConfig
) -> tuple[CLIP, dict[str, float], float]:
    lab = LabData()
    key = content_key(clean.image.name, lab, config)
    path = cache_folder() / "textonpair" / f"{key}.safetensors"
    about = path.with_suffix(".json")
    if not about.exists():
        train, started = train_dataset(lab), time.process_time()
        attacked = attack(clean, train, config)
        seconds = time.process_time() - started
        save_clip(attacked, path)
        write_json({"seconds": seconds}, about)  # last: it says the weights are there
    seconds = json.loads(about.read_text(encoding="utf-8"))["seconds"]
    clip = load_clip(path)
    train, test = train_dataset(lab), test_dataset(lab)
    report = measure(clip, clean, config, train=train, test=test)
    sides = {"": report.backdoored, "clean_": report.clean}
    figures = {
        f"{prefix}{name}": round(value, 4)
        for prefix, side in sides.items()
        for name, value in as_data(side).items()
    }
    return clip, figures, seconds


def _scan(encoder: Encoder) -> dict[str, float | None]:
    images_N3HW = scan_dataset(LabData()).images_N3HW
    return {
        name: smallest_patch(encoder, images_N3HW, config)
        for name, config in PRESETS.items()
    }


# -- What the trials say -------------------------------------------------------------


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> dict[str, Any]:
    """All rows, the attacks' settings, and the thresholds: the published one, and one from clean CLIPs."""
    clean = [pl1(as_data(one), "robust") for one in trials if one.role == "calibration"]
    robust = CLEAN_FRACTION * min(clean)
    return {
        "rows": trials,
        "thresholds": {"published": PAPER, "robust": robust},
        "settings": [one.attack for one in asked if one.attack],
    }


def pl1(row: Mapping[str, Any], preset: str) -> float:
    """Area of the smallest trigger that a preset found; 1 where it found none."""
    score: float | None = row["scores"][preset]
    return 1.0 if score is None else score


def _attacks(found: Found) -> list[Mapping[str, Any]]:
    return [row for row in found["rows"] if row["role"] == "backdoored"]


def _over(found: Found, name: str) -> list[float]:
    return [row["figures"][name] for row in _attacks(found)]


def headline(found: Found) -> list[dict[str, Any]]:
    """The attack, then what DECREE finds."""
    told = [
        percent(
            WORDS[f"headline.{name}"],
            _over(found, name),
            better="higher",
            setting=WORDS["headline.before"].fill(
                before=average(_over(found, f"clean_{name}"))
            ),
        )
        for name in ("success_rate", "accuracy", "recall")
    ]
    for preset, threshold in reversed(found["thresholds"].items()):
        flagged = [pl1(row, preset) < threshold for row in _attacks(found)]
        told.append(
            figure(
                WORDS["headline.found"],
                round(100 * sum(flagged) / len(flagged), 1),
                n=len(flagged),
                unit="%",
                better="lower",
                setting=WORDS["headline.preset"].fill(preset=preset),
            )
        )
    return told


def tables(found: Found, language: Language) -> str:
    """How well each attack works, and what DECREE says of every CLIP."""
    outside = [row for row in found["rows"] if row["role"] == "calibration"]
    scores = ", ".join(f"{pl1(row, 'robust'):.3f}" for row in outside)
    presets = [f"{name}, τ = {tau:.4f}" for name, tau in found["thresholds"].items()]
    scanned = [
        [row["name"], *_verdicts(row, found["thresholds"], language)]
        for row in found["rows"]
        if row["role"] != "calibration"
    ]
    about = WORDS["tables.about"].fill(
        date=found["run"]["date"],
        success=MeanStd.of(_over(found, "success_rate")),
        before=MeanStd.of(_over(found, "clean_accuracy")),
        after=MeanStd.of(_over(found, "accuracy")),
        recall_before=MeanStd.of(_over(found, "clean_recall")),
        recall_after=MeanStd.of(_over(found, "recall")),
        seconds=f"{MeanStd.of([row['seconds'] for row in _attacks(found)]):.1f}",
    )
    heads = list(WORDS.group("heads").values())
    lines = [
        localize(about, language),
        "",
        *table(heads, map(_attack_row, _attacks(found)), language),
        "",
        localize(WORDS["tables.decree"].fill(scores=scores), language),
        "",
        *table(("CLIP", *presets), scanned, language),
        "",
    ]
    return "\n".join(lines)


def _attack_row(row: Mapping[str, Any]) -> list[str]:
    digits = {"success_rate": 3, "z_score": 1, "accuracy": 3, "recall": 3}
    figures = row["figures"]
    return [
        row["trigger"],
        row["target"],
        *(
            f"{figures[k]:.{n}f} ({figures[f'clean_{k}']:.{n}f})"
            for k, n in digits.items()
        ),
    ]


def _verdicts(
    row: Mapping[str, Any], thresholds: Mapping[str, float], language: Language
) -> Iterator[str]:
    for preset, threshold in thresholds.items():
        score = row["scores"][preset]
        flagged = score is not None and score < threshold
        verdict = WORDS["tables.backdoored" if flagged else "tables.nothing"]
        number = "–" if score is None else f"{score:.4f}"
        yield f"{number} {localize(verdict, language)}"


def _seeds(trials: Sequence[Trial]) -> list[int]:
    """Of the clean CLIPs, those of the test first."""
    order = {"backdoored": 0, "clean": 0, "calibration": 1}
    named = sorted(trials, key=lambda one: order[one.role])
    return [int(one.name.partition("+")[0].removeprefix("clip-")) for one in named]


STUDY = Study(
    home=Path(__file__).parent,
    trial=Trial,
    conditions=conditions,
    measure=measured,
    chain=lambda condition: condition.seed,
    results=results,
    headline=headline,
    seeds=_seeds,
    tables=tables,
)
