"""What the README reports: attacks on several CLIPs, and what DECREE says of each.

Every attack and scan is kept in the cache under the content of its settings.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reference_impls.decree.calibration import PUBLISHED_THRESHOLD, calibrate
from reference_impls.decree.config import PRESETS
from reference_impls.decree.method import detect
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.images import TriggerSpec
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
from reference_impls.textonpair.method import TextOnPairConfig, attack, measure

SEEDS, CALIBRATION_SEEDS = (0, 1, 2), (3, 4, 5)
TRIGGERS = (
    TriggerSpec(kind="white", side=6),
    TriggerSpec(kind="random", side=5, place="top-left", seed=1),
    TriggerSpec(kind="coloured", side=4, place="centre", seed=2),
)
TARGETS = (("foreground", "red"), ("texture", "striped"), ("shape", "star"))
"""Trigger and target change with the seed, so that no single choice carries the table."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One CLIP of the table."""

    name: str
    role: str
    """`backdoored`, `clean`, or `calibration`: outside the test, sets the threshold."""
    trigger: str
    target: str
    seconds: float
    """Processor seconds of the attack."""
    figures: dict[str, float]
    """What `measure` found; empty for a clean CLIP."""
    scores: dict[str, float | None]
    """PL1 per preset of DECREE; none where it found no trigger."""


def plan() -> list[tuple[int, TextOnPairConfig]]:
    """Seed of the clean CLIP and settings of each attack."""
    return [
        (
            seed,
            TextOnPairConfig(
                trigger=trigger, task=task, target=target, seed=trigger.seed
            ),
        )
        for seed, trigger, (task, target) in zip(SEEDS, TRIGGERS, TARGETS, strict=True)
    ]


def measured(seed: int, role: str, config: TextOnPairConfig | None) -> Row:
    """The row of one CLIP, from the cache if it has it."""
    parent = CLIPConfig(seed=seed)
    path = cache_folder() / "textonpair" / f"{content_key(parent, role, config)}.json"
    if not path.exists():
        clip = clean_clip(parent, LabData())
        found: dict[str, float] = {}
        seconds = 0.0
        if config:
            clip, found, seconds = _attacked(clip, config, path)
        row = Row(
            name=clip.image.name,
            role=role,
            trigger=str(config.trigger) if config else "",
            target=f"{config.task}: {config.target}" if config else "",
            seconds=round(seconds, 1),
            figures=found,
            scores=_scan(clip.image),
        )
        write_json(row, path)
    return Row(**json.loads(path.read_text(encoding="utf-8")))


def _attacked(
    clean: CLIP, config: TextOnPairConfig, path: Path
) -> tuple[CLIP, dict[str, float], float]:
    lab, weights = LabData(), path.with_suffix(".safetensors")
    about = path.with_stem(f"{path.stem}-attack")
    if not about.exists():
        train, started = train_dataset(lab), time.process_time()
        attacked = attack(clean, train, config)
        seconds = time.process_time() - started
        save_clip(attacked, weights)
        write_json({"seconds": seconds}, about)  # last: it says the weights are there
    seconds = json.loads(about.read_text(encoding="utf-8"))["seconds"]
    clip = load_clip(weights)
    report = measure(
        clip, clean, config, train=train_dataset(lab), test=test_dataset(lab)
    )
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
        name: detect(encoder, images_N3HW, config).score
        for name, config in PRESETS.items()
    }


def thresholds_of(rows: Iterable[Row]) -> dict[str, float]:
    """The published threshold, and that of `robust` from clean CLIPs outside the test."""
    clean = [pl1(row, "robust") for row in rows if row.role == "calibration"]
    robust = calibrate(clean, source="clean CLIPs outside the test")
    return {"published": PUBLISHED_THRESHOLD.threshold, "robust": robust.threshold}


def pl1(row: Row, preset: str) -> float:
    """Area of the smallest trigger that a preset found; 1 where it found none."""
    score = row.scores[preset]
    return 1.0 if score is None else score
