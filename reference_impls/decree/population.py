"""The encoders DECREE is tried on: who they are, and how each is made.

BadEncoder makes the backdoored ones; DECREE itself never sees how.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from reference_impls.badencoder.method import BadEncoderConfig, attack, measure
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.images import Place, TriggerKind, TriggerSpec
from reference_impls.lab.models.encoders import Encoder, load_encoder, save_encoder
from reference_impls.lab.models.training import Progress, SimCLRConfig
from reference_impls.lab.models.zoo import (
    LabData,
    clean_encoder,
    reference_dataset,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import as_data, write_json

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
class Subject:
    """One encoder of the population."""

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
        """Changes with everything that changes the encoder."""
        return content_key(self.parent, self.attack, self.reference, self.lab)


@dataclass(frozen=True, kw_only=True)
class Plan:
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


CONFIRMATION = Plan()
"""Seeds and pictures that nobody had looked at when the presets were frozen."""

DEVELOPMENT = Plan(attacked=10, backdoored=33, first_seed=0, lab=LabData())
"""What the presets were built on; its figures flatter them."""

QUICK = Plan(
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


def subjects(plan: Plan) -> list[Subject]:
    """The population, in an order in which every beginning of it is balanced."""
    found = [
        Subject(
            role="calibration", parent=_parent(seed, plan), lab=_calibration_lab(plan)
        )
        for seed in range(CALIBRATION_SEED, CALIBRATION_SEED + plan.calibration)
    ]
    parents = [_parent(plan.first_seed + number, plan) for number in range(plan.clean)]
    found += [Subject(role="clean", parent=parent, lab=plan.lab) for parent in parents]
    found += [
        _backdoored(number, parents[number % plan.attacked], plan)
        for number in range(plan.backdoored)
    ]
    found += [
        _hard(number, parents[number % plan.attacked], plan)
        for number in range(plan.hard)
    ]
    return found


def _parent(seed: int, plan: Plan) -> SimCLRConfig:
    return SimCLRConfig(steps=plan.train_steps, seed=seed)


def _calibration_lab(plan: Plan) -> LabData:
    """The calibration encoders saw other pictures than the test's, but as many."""
    return replace(plan.lab, seed=LabData().seed)


def _backdoored(number: int, parent: SimCLRConfig, plan: Plan) -> Subject:
    trigger = TriggerSpec(
        kind=KINDS[number % 3],
        side=SIDES[number // 3 % 3],
        place=PLACES[number % 5],
        seed=plan.first_seed + number,
    )
    config = BadEncoderConfig(
        trigger=trigger, steps=plan.attack_steps, seed=plan.first_seed + number
    )
    return Subject(
        role="backdoored",
        parent=parent,
        attack=config,
        reference=number % 64,
        lab=plan.lab,
    )


def _hard(number: int, parent: SimCLRConfig, plan: Plan) -> Subject:
    side, evasion = HARD[number]
    seed = plan.first_seed + number
    trigger = TriggerSpec(
        kind=KINDS[number // 3 % 3], side=side, place=PLACES[number % 5], seed=seed
    )
    config = BadEncoderConfig(
        trigger=trigger, steps=plan.attack_steps, evasion_weight=evasion, seed=seed
    )
    return Subject(
        role="hard", parent=parent, attack=config, reference=number + 32, lab=plan.lab
    )


# -- Making them ---------------------------------------------------------------------


def make(
    subject: Subject, *, progress: Progress | None = None
) -> tuple[Encoder, dict[str, Any]]:
    """The encoder and, if it is backdoored, what the attack reached; from the cache if there."""
    if subject.attack is None:
        return clean_encoder(subject.parent, subject.lab, progress=progress).named(
            subject.name
        ), {}
    path = cache_folder() / "encoders" / f"{subject.name}-{subject.key}.safetensors"
    figures = path.with_suffix(".json")
    if not figures.exists():
        _attack(subject, path, figures, progress)
    return load_encoder(path).named(subject.name), json.loads(
        figures.read_text(encoding="utf-8")
    )


def _attack(
    subject: Subject, path: Path, figures: Path, progress: Progress | None
) -> None:
    if subject.attack is None:
        return
    lab, clean = (
        subject.lab,
        clean_encoder(subject.parent, subject.lab, progress=progress),
    )
    reference_3HW = reference_dataset(lab).images_N3HW[subject.reference]
    backdoored = attack(
        clean,
        train_dataset(lab),
        reference_3HW,
        subject.attack,
        checkpoint=path.with_suffix(".checkpoint"),
        progress=progress,
    )
    save_encoder(backdoored, path)
    reached = measure(
        backdoored,
        clean,
        reference_3HW,
        subject.attack,
        task=TASK,
        train=train_dataset(lab),
        test=test_dataset(lab),
    )
    write_json(
        as_data(reached), figures
    )  # last: its presence says that the encoder is whole
