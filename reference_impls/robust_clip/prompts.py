"""Adversarial prompt tuning: the words around a class name become vectors that are learned on attacked images.

Li et al., "One Prompt Word is Enough to Boost Adversarial Robustness for Pre-trained Vision-Language Models"
(APT), CVPR 2024, https://arxiv.org/abs/2403.01849. One context serves all classes; attacks are made against the
prompt of that step.

Shape letters: B batch, L words of a caption, W width of a word vector, C classes, D embedding width.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.attacks.pgd import Budget, pgd
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.clip import TextTower
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


class Context(nn.Module):
    """Word vectors of a caption of which one is the class's name; the others are learned, and the same for all classes."""

    fixed_CLW: Tensor
    named_L: Tensor

    def __init__(self, text: TextTower, captions: list[str]) -> None:
        """Begin at one caption for each class, the same but for one word."""
        super().__init__()
        self.mlp = (text.mlp,)  # in a tuple it is no part of what is learned
        tokens_CL = text.tokens(captions)
        self.register_buffer("fixed_CLW", text.words(tokens_CL).detach())
        self.register_buffer("named_L", (tokens_CL != tokens_CL[0]).any(dim=0))
        self.vectors_LW = nn.Parameter(self.fixed_CLW.mean(dim=0).clone())

    def forward(self) -> Tensor:
        """Unit-length text embeddings (C, D)."""
        words_CLW = torch.where(
            self.named_L.view(1, -1, 1), self.fixed_CLW, self.vectors_LW
        )
        return F.normalize(self.mlp[0](words_CLW.flatten(1)), dim=1)


def few(dataset: Dataset, task: str, shots: int) -> Tensor:
    """Indices of the first images of each class."""
    labels_N = dataset.labels[task]
    parts = [
        (labels_N == number).nonzero().flatten()[:shots]
        for number in range(len(dataset.classes[task]))
    ]
    return torch.cat(parts)


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
