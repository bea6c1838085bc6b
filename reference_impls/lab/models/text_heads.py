"""Text encoders put to use: a linear head on a frozen one, or head and encoder fine-tuned together.

Shape letters: B texts, N texts of a dataset, L tokens, D width, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    seeded,
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
    width = encoder.module.config.width
    return seeded(lambda: nn.Linear(width, classes), seed).to(encoder.device)


@dataclass(frozen=True, eq=False)
class TextClassifier:
    """An encoder and a linear head, which learned a task together."""

    encoder: TextEncoder
    head: nn.Linear

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Scores (B, C)."""
        scores_BC: Tensor = self.head(self.encoder.embed(texts))
        return scores_BC


Loss = Callable[[TextClassifier, Tensor, Tensor], Tensor]
"""Of a classifier on tokens (B, L) with their classes (B,)."""


def cross_entropy(
    model: TextClassifier,
    tokens_BL: Tensor,
    labels_B: Tensor,
    shift_BLD: Tensor | None = None,
) -> Tensor:
    """The usual loss, of word vectors that are shifted if asked."""
    vectors_BLD = model.encoder.module(tokens_BL, shift_BLD)
    scores_BC = model.head(model.encoder.pool(vectors_BLD, tokens_BL))
    return F.cross_entropy(scores_BC, labels_B)


def tune(
    model: TextClassifier,
    data: Sentences,
    task: str,
    how: FineTuning,
    *,
    seed: int = 0,
    loss: Loss = cross_entropy,
) -> TextClassifier:
    """The classifier itself, after it has learned from the texts.

    Raises:
        DatasetError: the texts have no such task.
    """
    labels_N, _ = labels_of(data, task)
    labels_N = labels_N.to(model.encoder.device)
    tokens_NL = model.encoder.tokens(data.texts)
    learner = one_cycle_learner(
        {"module": model.encoder.module, "head": model.head},
        steps=how.steps,
        learning_rate=how.learning_rate,
        seed=seed,
    )

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(data), how.batch, chance)
        return loss(model, tokens_NL[index_B], labels_N[index_B])

    fit(loss_of_step, learner, steps=how.steps)
    return model


def fine_tuned(
    encoder: TextEncoder,
    data: Sentences,
    task: str,
    how: FineTuning,
    *,
    seed: int = 0,
    loss: Loss = cross_entropy,
) -> TextClassifier:
    """A linear head that learned a task together with a copy of the encoder.

    Raises:
        DatasetError: the texts have no such task.
    """
    _, count = labels_of(data, task)
    model = TextClassifier(encoder.copy(), new_head(encoder, count, seed))
    return tune(model, data, task, how, seed=seed, loss=loss)
