"""Text encoders put to use: a linear head on a frozen one, or head and encoder fine-tuned together.

Shape letters: B texts, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.sentences import Sentences
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.heads import fit_linear_probe
from reference_impls.lab.models.text_encoder import TextEncoder
from reference_impls.lab.models.training import (
    check_positive,
    draw_batch,
    fit,
    one_cycle_learner,
)

TextScores = Callable[[Sequence[str]], Tensor]
"""Texts to scores (B, C)."""


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """How head and encoder learn a task."""

    steps: int = 100
    """Optimiser steps."""
    batch: int = 32
    """Texts per step."""
    learning_rate: float = 1e-3
    """Peak of AdamW's one-cycle schedule."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(steps=self.steps, batch=self.batch, learning_rate=self.learning_rate)  # fmt: skip


def labels_of(data: Sentences, task: str) -> tuple[Tensor, int]:
    """Class indices (N,) of a task, and how many classes it has.

    Raises:
        DatasetError: the texts have no such task.
    """
    if task not in data.labels:
        known = ", ".join(data.labels) or "none"
        raise DatasetError(f"{data.name} has no task {task!r}; it has {known}")
    return data.labels[task], len(data.classes[task])


def text_probe(encoder: TextEncoder, data: Sentences, task: str) -> TextScores:
    """A linear head that learned a task on the frozen encoder.

    Raises:
        DatasetError: the texts have no such task.
    """
    labels_N, count = labels_of(data, task)
    embedded = encoder.embed(data.texts)
    head = fit_linear_probe(embedded, labels_N.to(embedded.device), classes=count)
    return lambda texts: head.logits(encoder.embed(texts))


def new_head(encoder: TextEncoder, classes: int, seed: int) -> nn.Linear:
    """A linear layer from the encoder's embeddings to classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Linear(encoder.module.config.width, classes).to(encoder.device)


def fine_tuned(
    encoder: TextEncoder, data: Sentences, task: str, how: FineTuning, *, seed: int = 0
) -> TextScores:
    """A linear head that learned a task together with a copy of the encoder.

    Raises:
        DatasetError: the texts have no such task.
    """
    labels_N, count = labels_of(data, task)
    tuned, head = encoder.copy(), new_head(encoder, count, seed)
    tokens_NL = tuned.tokens(data.texts)
    learner = one_cycle_learner(
        {"module": tuned.module, "head": head},
        steps=how.steps,
        learning_rate=how.learning_rate,
        seed=seed,
    )

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(data), how.batch, chance)
        tokens_BL = tokens_NL[index_B]
        scores_BC = head(tuned.pool(tuned.module(tokens_BL), tokens_BL))
        return F.cross_entropy(scores_BC, labels_N[index_B].to(scores_BC.device))

    fit(loss_of_step, learner, steps=how.steps)

    def scores(texts: Sequence[str]) -> Tensor:
        scores_BC: Tensor = head(tuned.embed(texts))
        return scores_BC

    return scores
