"""A CLIP made robust by tuning: its image tower with one of three losses, or the context of its prompts alone.

TeCoA: Mao et al., "Understanding Zero-Shot Adversarial Robustness for Large-Scale Models", ICLR 2023,
https://arxiv.org/abs/2212.07016. FARE: Schlarmann et al., "Robust CLIP", ICML 2024,
https://arxiv.org/abs/2402.12336. PMG-AFT: Wang et al., CVPR 2024, https://arxiv.org/abs/2401.04350.
Prompts (APT, Li et al., CVPR 2024) are in `prompts.py`.

Shape letters: B batch, H and W pixels, D embedding width, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.attacks.pgd import Budget, ascend
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import check_choices
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
    fine_tuning_learner,
    fit,
)
from reference_impls.lab.models.zero_shot import ZeroShot

Loss = Literal["clean", "tecoa", "pmg-aft", "fare"]


@dataclass(frozen=True, kw_only=True)
class TuningConfig:
    """Which loss, and how it is minimised."""

    loss: Loss = "fare"
    """`tecoa` names attacked images by the task's texts, `pmg-aft` also stays near the untuned CLIP, `fare` keeps
    embeddings without any text; `clean` is TeCoA without an attack, the control."""
    attack: Budget = field(default_factory=lambda: Budget(steps=3))
    """Of the attack inside training."""
    steps: int = 200
    """Optimiser steps."""
    batch: int = 64
    """Images per step."""
    learning_rate: float = 3e-3
    """Of Adam, with a cosine schedule."""
    general: float = 1.0
    """PMG-AFT: weight of the distance to the untuned CLIP's answer on the attacked image."""
    clean: float = 1.0
    """PMG-AFT: weight of the distance to its own answer on the clean image."""
    seed: int = 0
    """Of batches and attacks."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(
            steps=self.steps, batch=self.batch, learning_rate=self.learning_rate
        )


PRESETS: dict[str, TuningConfig] = {
    "clean": TuningConfig(loss="clean", learning_rate=1e-3),
    "tecoa": TuningConfig(loss="tecoa", learning_rate=1e-3),
    "pmg-aft": TuningConfig(loss="pmg-aft", learning_rate=1e-3),
    "fare": TuningConfig(),
}
"""What is measured, the control first."""


# -- Losses: means over a batch ------------------------------------------------------


def tecoa_loss(attacked_BC: Tensor, labels_B: Tensor) -> Tensor:
    """TeCoA: cross entropy of the attacked images' scaled cosines to the class texts."""
    return F.cross_entropy(attacked_BC, labels_B)


def divergence(target_BC: Tensor, logits_BC: Tensor) -> Tensor:
    """KL(target ‖ answer) of the softmax of logits, mean over the batch."""
    target, answer = target_BC.log_softmax(dim=1), logits_BC.log_softmax(dim=1)
    return F.kl_div(answer, target, reduction="batchmean", log_target=True)


def pmg_aft_loss(
    attacked_BC: Tensor,
    clean_BC: Tensor,
    untuned_BC: Tensor,
    labels_B: Tensor,
    *,
    general: float,
    clean: float,
) -> Tensor:
    """PMG-AFT: TeCoA's, and KL from the untuned CLIP's answer to the same attacked images and from its own to clean ones."""
    near_untuned = divergence(untuned_BC, attacked_BC)
    near_clean = divergence(clean_BC, attacked_BC)
    loss = tecoa_loss(attacked_BC, labels_B)
    return loss + general * near_untuned + clean * near_clean


def fare_loss(attacked_BD: Tensor, untuned_BD: Tensor) -> Tensor:
    """FARE: squared distance from the attacked image's embedding to the untuned one of the clean image."""
    return (attacked_BD - untuned_BD).square().sum(dim=1).mean()


# -- The loop ------------------------------------------------------------------------


def tune(
    classifier: ZeroShot,
    train: Dataset,
    task: str,
    config: TuningConfig,
    progress: Progress | None = None,
) -> Encoder:
    """A copy of the image tower, tuned: each step attacks a batch, then lowers the loss on it.

    Raises:
        DatasetError: fewer images than a batch.
    """
    check_dataset(train, config.batch)
    untuned, tuned = classifier.encoder, classifier.encoder.copy()
    answer = classifier.with_encoder(tuned)
    learner = fine_tuning_learner(
        {"image": tuned.module},
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(train), config.batch, chance)
        images = train.images_N3HW[index_B].to(tuned.device)
        labels_B = train.labels[task][index_B].to(tuned.device)
        if config.loss == "clean":
            return tecoa_loss(answer(images), labels_B)
        with torch.no_grad():
            kept_BD = untuned.encode(images)
        rise = _rise(config.loss, answer, kept_BD, labels_B)
        attacked = ascend(rise, images, config.attack, chance)
        if config.loss == "fare":
            return fare_loss(tuned.encode(attacked), kept_BD)
        if config.loss == "tecoa":
            return tecoa_loss(answer(attacked), labels_B)
        with torch.no_grad():
            untuned_BC = classifier(attacked)
        return pmg_aft_loss(
            answer(attacked),
            answer(images),
            untuned_BC,
            labels_B,
            general=config.general,
            clean=config.clean,
        )

    fit(loss_of_step, learner, steps=config.steps, progress=progress)
    return tuned


def _rise(
    loss: Loss, answer: ZeroShot, kept_BD: Tensor, labels_B: Tensor
) -> Callable[[Tensor], Tensor]:
    """What the attack inside training raises: distance for FARE, cross entropy for the others."""
    if loss == "fare":
        return lambda x: (answer.encoder.encode(x) - kept_BD).square().sum()
    return lambda x: F.cross_entropy(answer(x), labels_B, reduction="sum")
