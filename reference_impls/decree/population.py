"""The encoders DECREE is tried on: who they are, and how each is made.

BadEncoder makes the backdoored ones; DECREE itself never sees how.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from reference_impls.badencoder.method import BadEncoderConfig, attack, measure
from reference_impls.decree.config import PRESETS, DecreeConfig
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.images import Place, TriggerKind, TriggerSpec
from reference_impls.lab.models import zoo
from reference_impls.lab.models.encoders import Encoder, load_encoder, save_encoder
from reference_impls.lab.models.training import Progress, SimCLRConfig
from reference_impls.lab.models.zoo import (
    PARENT,
    LabData,
    clean_encoder,
    reference_dataset,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import write_json

Role = Literal["calibration", "clean", "backdoored", "hard"]

KINDS: tuple[TriggerKind, ...] = ("white", "random", "coloured")
SIDES = (4, 5, 6)
PLACES: tuple[Place, ...] = (
    "bottom-right",
    "top-left",
    "centre",
    "top-right",
    "bottom-left",
)
HARD = (
    (8, 0.0),
    (10, 0.0),
    (6, 1.0),
    (8, 0.0),
    (10, 0.0),
    (6, 0.6),
    (10, 0.0),
    (6, 0.5),
)
"""Side of the trigger and alpha of the adaptive attack (Eq. 8) of the hard cases."""
CALIBRATION_SEED = 10
"""Of the first encoder that sets thresholds; those of the committed one are 10 to 14."""
TASK = "foreground"
"""Downstream task that success rates are measured on."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One encoder of the population, and what it is scanned with."""

    role: Role
    """`calibration` sets thresholds, `clean` and `backdoored` are the test, `hard` is reported apart."""
    parent: SimCLRConfig
    """How the clean encoder is trained."""
    attack: BadEncoderConfig | None = None
    """How it is backdoored; none leaves it clean."""
    reference: int = 0
    """Which picture of the attacker's dataset is the reference image."""
    lab: LabData = field(default_factory=LabData)
    """The pictures all of this happens on."""
    presets: Mapping[str, DecreeConfig] = field(default_factory=lambda: PRESETS)
    """Settings of the scans, by name."""

    @property
    def name(self) -> str:
        """Short name, unique in a population."""
        name = f"simclr-{self.parent.seed}"
        if self.attack:
            name += f"+{self.attack.trigger}"
            name += "+evasion" if self.attack.evasion_weight else ""
        return name

    @property
    def key(self) -> str:
        """Changes with everything that changes the encoder; the scans do not."""
        return content_key(self.parent, self.attack, self.reference, self.lab)


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """How large a population is."""

    calibration: int = 5
    """Clean encoders that only set thresholds."""
    clean: int = 10
    """Clean encoders of the test."""
    attacked: int = 7
    """How many of them are parents of backdoored ones, too; the others stay unattacked."""
    backdoored: int = 35
    """Attacks of the test; those that do not reach the success rate are left out of it."""
    hard: int = len(HARD)
    """Attacks reported apart: large triggers and ones that evade."""
    train_steps: int = 200
    """SimCLR steps of a clean encoder."""
    attack_steps: int = 400
    """Steps of an attack."""
    first_seed: int = 100
    """Of the test's encoders, attacks and triggers; the next ones count up."""
    lab: LabData = field(default_factory=lambda: LabData(seed=101))
    """The pictures of the test."""


CONFIRMATION = StudyConfig()
"""Seeds and pictures that nobody had looked at when the presets were frozen."""

DEVELOPMENT = StudyConfig(attacked=10, backdoored=33, first_seed=0, lab=LabData())
"""What the presets were built on; its figures flatter them."""

QUICK = StudyConfig(
    calibration=2,
    clean=2,
    attacked=2,
    backdoored=2,
    hard=0,
    train_steps=100,
    attack_steps=200,
    lab=LabData(train=2048),
)
"""A population for trying the machinery: a few minutes instead of an hour."""


def conditions(study: StudyConfig) -> list[Condition]:
    """The population, in an order in which every beginning of it is balanced."""
    first, lab = study.first_seed, study.lab
    # The calibration encoders saw other pictures than the test's, but as many.
    other = replace(lab, seed=LabData().seed)
    outside = range(CALIBRATION_SEED, CALIBRATION_SEED + study.calibration)
    parents = [_parent(first + number, study) for number in range(study.clean)]
    return [
        *(
            Condition(role="calibration", parent=_parent(seed, study), lab=other)
            for seed in outside
        ),
        *(Condition(role="clean", parent=parent, lab=lab) for parent in parents),
        *(
            Condition(
                role="backdoored",
                parent=parents[number % study.attacked],
                attack=_attack_of(number, number, SIDES[number // 3 % 3], study),
                reference=number % 64,
                lab=lab,
            )
            for number in range(study.backdoored)
        ),
        *(
            Condition(
                role="hard",
                parent=parents[number % study.attacked],
                attack=_attack_of(number, number // 3, side, study, evasion),
                reference=number + 32,
                lab=lab,
            )
            for number, (side, evasion) in enumerate(HARD[: study.hard])
        ),
    ]


def _parent(seed: int, study: StudyConfig) -> SimCLRConfig:
    return SimCLRConfig(steps=study.train_steps, seed=seed)


def _attack_of(
    number: int, kind: int, side: int, study: StudyConfig, evasion: float = 0.0
) -> BadEncoderConfig:
    seed = study.first_seed + number
    place = PLACES[number % len(PLACES)]
    return BadEncoderConfig(
        trigger=TriggerSpec(kind=KINDS[kind % 3], side=side, place=place, seed=seed),
        steps=study.attack_steps,
        evasion_weight=evasion,
        seed=seed,
    )


# -- Making them ---------------------------------------------------------------------


def make(
    condition: Condition, *, progress: Progress | None = None
) -> tuple[Encoder, dict[str, Any]]:
    """The encoder and, if it is backdoored, what the attack reached; from the cache if there."""
    name, parent, lab = condition.name, condition.parent, condition.lab
    if condition.attack is None:
        return clean_encoder(parent, lab, progress=progress).named(name), {}
    path = cache_folder() / "encoders" / f"{name}-{condition.key}.safetensors"
    figures = path.with_suffix(".json")
    if not figures.exists():
        _attack(condition, condition.attack, path, progress)
    reached = json.loads(figures.read_text(encoding="utf-8"))
    return load_encoder(path).named(name), reached


def _attack(
    condition: Condition,
    config: BadEncoderConfig,
    path: Path,
    progress: Progress | None,
) -> None:
    lab = condition.lab
    clean = clean_encoder(condition.parent, lab, progress=progress)
    reference_3HW = reference_dataset(lab).images_N3HW[condition.reference]
    train, test = train_dataset(lab), test_dataset(lab)
    checkpoint = path.with_suffix(".checkpoint")
    backdoored = attack(
        clean, train, reference_3HW, config, checkpoint=checkpoint, progress=progress
    )
    save_encoder(backdoored, path)
    reached = measure(
        backdoored, clean, reference_3HW, config, task=TASK, train=train, test=test
    )
    # Last: its presence says that the encoder is whole.
    write_json(reached, path.with_suffix(".json"))


def _lab_backdoored(progress: Progress | None = None) -> Encoder:
    condition = Condition(role="backdoored", parent=PARENT, attack=BadEncoderConfig())
    return make(condition, progress=progress)[0]


LAB_ENCODERS = {**zoo.LAB_ENCODERS, "lab:backdoored": _lab_backdoored}
"""Encoders that need no file: trained and attacked at first use, then read from the cache."""
