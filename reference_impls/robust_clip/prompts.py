"""Adversarial prompt tuning: the words around a class name become vectors that are learned on attacked images.

Li et al., "One Prompt Word is Enough to Boost Adversarial Robustness for Pre-trained Vision-Language Models"
(APT), CVPR 2024, https://arxiv.org/abs/2403.01849. One context serves all classes; attacks are made against the
prompt of that step.

Shape letters: B batch, L words of a caption, W width of a word vector, C classes, D embedding width.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.attacks.pgd import Budget, pgd
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.clip import TextTower
from reference_impls.lab.models.prompts import Context, few
from reference_impls.lab.models.training import (
    check_positive,
    draw_batch,
    fine_tuning_learner,
    fit,
)
from reference_impls.lab.models.zero_shot import ZeroShot


@dataclass(frozen=True, kw_only=True)
class PromptConfig:
    """How a context is learned."""

    shots: int = 16
    """Images of each class."""
    attack: Budget = field(default_factory=lambda: Budget(steps=3))
    """Of the attack inside training; epsilon 0 learns from clean images."""
    steps: int = 60
    """Optimiser steps."""
    learning_rate: float = 3e-2
    """Of Adam, with a cosine schedule."""
    seed: int = 0
    """Of batches and attacks; shots are the first of each class."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(shots=self.shots, steps=self.steps, rate=self.learning_rate)


def learn_prompt(
    classifier: ZeroShot,
    text: TextTower,
    captions: list[str],
    train: Dataset,
    task: str,
    config: PromptConfig,
) -> ZeroShot:
    """The classifier with a learned context; its image tower is left alone."""
    context, shots_N = Context(text, captions), few(train, task, config.shots)
    images_N3HW, labels_N = train.images_N3HW[shots_N], train.labels[task][shots_N]
    learner = fine_tuning_learner(
        {"context": context},
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )
    batch = min(64, len(shots_N))

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(shots_N), batch, chance)
        images, labels_B = images_N3HW[index_B], labels_N[index_B]
        now = replace(classifier, classes_CD=context().detach())
        attacked = pgd(now, images, labels_B, config.attack, chance)
        with torch.no_grad():
            embeddings_BD = classifier.encoder.encode(attacked)
        learned = replace(classifier, classes_CD=context())
        return F.cross_entropy(learned.logits(embeddings_BD), labels_B)

    fit(loss_of_step, learner, steps=config.steps)
    return replace(classifier, classes_CD=context().detach())
