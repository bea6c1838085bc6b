"""The command `privacy`: what attacks tell of the pictures that an encoder learned from, by what its owner does against it.

Encoders learn from few pictures and give away embeddings. The attacker has a shadow encoder that was made, and answers,
in the same way; only the privacy backdoor lies in a CLIP, and is read after somebody fine-tuned it.

Shape letters: N pictures, M of them members.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Generator, Tensor

from reference_impls.arena.boards import Board, Trial
from reference_impls.arena.guards import BITS, NOISE, guarded
from reference_impls.deja_vu.method import DejaVuConfig
from reference_impls.deja_vu.study import VIEWS, shares, told
from reference_impls.encoder_mi.method import (
    AttackConfig,
    Kind,
    learn,
    membership_features,
)
from reference_impls.lab.metrics.detection import auroc, threshold_at
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.suspects import predictions
from reference_impls.lab.models.training import SimCLRConfig, train_simclr
from reference_impls.lab.models.zoo import (
    STUDIED,
    LabData,
    studied_clip,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.setup import lab_setup
from reference_impls.privacy_backdoor.method import PrivacyBackdoorConfig
from reference_impls.privacy_backdoor.study import measure as fine_tuned_by_victims

STOPPED = {"third": 3, "ninth": 9}
"""By what the columns divide the steps of a training."""
TASK = "foreground"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One protection of one encoder, and all that is tried on it."""

    seed: int
    protection: str
    members: int = 64
    """Pictures that an encoder learns from, all of which attacks ask for."""
    steps: int = 600
    """Of the encoder's training, if it is not stopped before."""
    others: int = 2048
    """Pictures that no encoder learned from."""
    labelled: int = 1024
    """The first of them, from which heads learn."""
    images: int = 1024
    """Test pictures, at most; déjà vu's public ones as well."""
    noise: float = NOISE
    """Of the guard; here so that trials are measured again when it changes."""
    bits: int = BITS
    """The same."""
    attack: AttackConfig = field(default_factory=lambda: AttackConfig(augmentation=VIEWS))  # fmt: skip
    recall: DejaVuConfig = field(default_factory=DejaVuConfig)
    backdoor: PrivacyBackdoorConfig = field(default_factory=PrivacyBackdoorConfig)
    candidates: int = 512
    """Test pictures of the privacy backdoor's own study, a quarter of them candidates."""

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.protection}, seed {self.seed}"

    def shorter(self, steps: int) -> int:
        """Steps of a training under the protection."""
        return max(1, steps // STOPPED.get(self.protection, 1))


def conditions(options: StudyOptions) -> list[Condition]:
    """Every protection of one encoder, then of the next."""
    asked = [
        Condition(seed=seed, protection=one.id)
        for seed in options.seeds_of()
        for one in PRIVACY.columns
    ]
    if not options.quick:
        return asked
    backdoor = PrivacyBackdoorConfig(steps=2, tuning=2, batch=4, victims=3)
    small: dict[str, Any] = {"steps": 2, "others": 256, "labelled": 128, "images": 64, "candidates": 16, "backdoor": backdoor}  # fmt: skip
    return [replace(one, **small) for one in asked]


# -- Measuring -----------------------------------------------------------------------


@lru_cache(maxsize=8)
def trained(start: int, count: int, steps: int, seed: int) -> Encoder:
    """An encoder of some of the pictures; crops are so small that many show background alone."""
    config = SimCLRConfig(steps=steps, batch=64, views=VIEWS, net=STUDIED, bf16=False, seed=seed)  # fmt: skip
    return train_simclr(train_dataset(LabData()).take(range(start, start + count)), config)  # fmt: skip


def measured(condition: Condition) -> list[Trial]:
    """All attacks on one encoder under one protection."""
    started = time.process_time()
    found = on_the_encoder(condition)
    if condition.protection in ("none", *STOPPED):
        found |= on_the_clip(condition)
    seconds = round((time.process_time() - started) / len(found), 1)
    return [
        Trial(
            row=row,
            column=condition.protection,
            seed=condition.seed,
            figures={name: round(value, 4) for name, value in figures.items()},
            seconds=seconds,
        )
        for row, figures in found.items()
    ]


def on_the_encoder(condition: Condition) -> dict[str, dict[str, float]]:
    """Figures of EncoderMI, of déjà vu and of an honest user, by row.

    The target learned from the first pictures, the shadow from the next, which are the attacker's as those after them are.
    """
    seed, members = condition.seed, condition.members
    data, test = train_dataset(LabData()), test_dataset(LabData()).first(condition.images)  # fmt: skip
    images, steps = data.images_N3HW, condition.shorter(condition.steps)
    target, shadow = (
        guarded(
            trained(start, members, steps, own),
            images[start : start + members],
            condition.protection,
            own,
        )
        for start, own in ((0, seed), (members, seed + 1000))
    )
    chance = Generator().manual_seed(seed)

    def features(encoder: Encoder, some: Tensor) -> Tensor:
        return membership_features(encoder.encode, some, condition.attack, chance)

    own, seen, unseen = images[: 3 * members].split(members)
    learned, not_learned = features(shadow, seen), features(shadow, unseen)
    others = data.take(range(3 * members, 3 * members + condition.others))
    inside, outside = features(target, own), features(target, others.images_N3HW)  # fmt: skip
    found: dict[str, dict[str, float]] = {}
    kinds: tuple[Kind, ...] = ("threshold", "set", "vector")
    for kind in kinds:
        how = replace(condition.attack, kind=kind, seed=seed)
        score = learn(learned, not_learned, how)
        found[f"encoder-mi-{kind}"] = told_apart(score(outside), score(inside))
        # What is left of the attack where nobody learned from anything that is asked for: the last one's is kept.
        found["nobody"] = told_apart(score(outside[members:]), score(outside[:members]))
    part, recall = data.first(members), condition.recall
    for row, model in (("deja-vu", target), ("deja-vu-control", shadow)):
        found[row] = {"recalled": shares([told(model, part, test, TASK, recall)])[0]}
    labelled = others.first(condition.labelled)
    said_TN = predictions(target, labelled, test.images_N3HW)
    true_TN = torch.stack([test.labels[task] for task in labelled.labels])
    found["user"] = {"accuracy": (said_TN == true_TN).float().mean().item()}
    return found


def told_apart(outside_N: Tensor, inside_M: Tensor) -> dict[str, float]:
    """AUROC, and shares of members found where 1 % and 0.1 % of the others are taken for members."""
    found = {"auroc": auroc(outside_N, inside_M)}
    for name, rate in (("tpr1", 0.01), ("tpr01", 0.001)):
        if rate * len(outside_N) >= 1:  # fewer others cannot tell such a rate
            above_M = inside_M > threshold_at(outside_N, rate)
            found[name] = above_M.float().mean().item()
    return found


def on_the_clip(condition: Condition) -> dict[str, dict[str, float]]:
    """Figures of fine-tuned CLIPs that were tampered with before, and of untouched ones, by row."""
    setup = lab_setup(studied_clip(condition.seed), TASK, condition.candidates, quick=condition.candidates < 512)  # fmt: skip
    tuning = condition.shorter(condition.backdoor.tuning)
    config = replace(condition.backdoor, tuning=tuning, seed=condition.seed)
    rows = {"untouched": replace(config, steps=0), "privacy-backdoor": config}
    found = {}
    for row, one in rows.items():
        figures = fine_tuned_by_victims(setup, one)
        names = {"auroc": "auroc", "tpr1": "tpr1", "accuracy": "after"}
        found[row] = {name: figures[of] or 0.0 for name, of in names.items()}
    return found


def settings(asked: Sequence[Condition]) -> Mapping[str, Any]:
    """What all conditions have in common."""
    return {name: value for name, value in vars(asked[0]).items() if name not in ("seed", "protection")}  # fmt: skip


PRIVACY = Board(
    name="privacy",
    about="Measure what attacks tell of training pictures, by protection.",
    conditions=conditions,
    measure=measured,
    settings=settings,
    chain=lambda condition: condition.seed,
)
