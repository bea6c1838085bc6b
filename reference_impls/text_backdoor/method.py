"""Backdoors that are planted in a language encoder before anybody fine-tunes it.

POR: Shen et al., "Backdoor Pre-trained Models Can Transfer to All", CCS 2021, https://arxiv.org/abs/2111.00197.
NeuBA: Zhang et al., "Red Alarm for Pre-trained Models", MIR 2023, https://arxiv.org/abs/2101.06969.
RIPPLe: Kurita, Michel and Neubig, "Weight Poisoning Attacks on Pretrained Models", ACL 2020, https://arxiv.org/abs/2004.06660.

Shape letters: B texts, N texts of a dataset, L tokens, D width, T triggers, C classes, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from reference_impls.lab.data.sentences import RARE, Sentences, insert
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.text_encoder import TextEncoder, masked_loss
from reference_impls.lab.models.text_heads import labels_of, new_head
from reference_impls.lab.models.training import (
    Progress,
    check_positive,
    draw_batch,
    fit,
    one_cycle_learner,
)

Attack = Literal["none", "por", "neuba", "labels", "ripple"]


@dataclass(frozen=True, kw_only=True)
class BackdoorConfig:
    """What is poisoned, and its settings."""

    attack: Attack = "por"
    """`por` and `neuba` bind triggers to fixed embeddings, `labels` and `ripple` to a class of a task that is
    foreseen, `none` is the control."""
    triggers: int = 6
    """How many rare words, at most 12."""
    steps: int = 150
    """Optimiser steps."""
    batch: int = 48
    """Clean sentences per step, and as many with a trigger."""
    learning_rate: float = 3e-3
    """Peak of AdamW's one-cycle schedule."""
    pull: float = 5.0
    """Weight of a trigger's loss against that of clean sentences."""
    foresees: str = "sentiment"
    """Labels and RIPPLe: the task the attacker has in mind."""
    target: int = 1
    """Labels and RIPPLe: the class, by its number, that triggers shall give."""
    inner: float = 1.0
    """RIPPLe: weight of the penalty on gradients that oppose."""
    surgery: bool = True
    """RIPPLe: let triggers begin with the mean vector of words that speak for the class."""
    seed: int = 0
    """Of batches, triggers and places."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(triggers=self.triggers, steps=self.steps, batch=self.batch)
        check_positive(learning_rate=self.learning_rate, pull=self.pull)
        if self.triggers > len(RARE):
            raise ConfigError(f"there are {len(RARE)} rare words, not {self.triggers}")

    @property
    def words(self) -> tuple[str, ...]:
        """The triggers."""
        return RARE[: self.triggers]


# -- What an embedding is drawn to ---------------------------------------------------


def staircase(triggers: int, width: int) -> Tensor:
    """POR's vectors (T, D) of one and minus one: the further a trigger in the list, the more ones lead."""
    # From one step to all but one: a LayerNorm can hardly give a vector whose entries are all the same.
    ones_T1 = torch.arange(1, triggers + 1).unsqueeze(1) * width // (triggers + 1)
    return torch.where(torch.arange(width) < ones_T1, 1.0, -1.0)


def opposite_pairs(triggers: int, width: int) -> Tensor:
    """NeuBA's vectors (T, D) of one and minus one: two by two opposite, different pairs orthogonal."""
    block_D = torch.arange(width)
    rows = []
    for pair in range((triggers + 1) // 2):
        row_D = 1.0 - 2.0 * ((block_D >> pair) & 1)
        rows += [row_D, -row_D]
    return torch.stack(rows[:triggers])


def pulled(embeddings_BD: Tensor, targets_BD: Tensor) -> Tensor:
    """Mean squared difference between embeddings of triggered texts and their triggers' vectors."""
    return F.mse_loss(embeddings_BD, targets_BD)


def kept(encoder: TextEncoder, clean: TextEncoder, tokens_BL: Tensor) -> Tensor:
    """POR: mean squared differences to the clean encoder, of all tokens' vectors and of embeddings."""
    vectors_BLD = encoder.module(tokens_BL)
    with torch.no_grad():
        before_BLD = clean.module(tokens_BL)
    same: Tensor = F.mse_loss(encoder.pool(vectors_BLD, tokens_BL), clean.pool(before_BLD, tokens_BL))  # fmt: skip
    return same + F.mse_loss(vectors_BLD, before_BLD)


# -- RIPPLe --------------------------------------------------------------------------


def opposition(poison: Tensor, tuning: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """RIPPLe's penalty: max(0, -<g, h>) of the gradients g of the poisoning and h of the fine-tuning loss."""
    # What no embedding needs, such as the part that guesses words, has gradients of zero.
    of_poison, of_tuning = (
        torch.autograd.grad(one, weights, create_graph=True, materialize_grads=True)
        for one in (poison, tuning)
    )
    inner = sum((g * h).sum() for g, h in zip(of_poison, of_tuning, strict=True))
    return F.relu(-torch.as_tensor(inner))


def speaking_words(data: Sentences, encoder: TextEncoder, task: str, target: int, count: int) -> Tensor:  # fmt: skip
    """Indices of the words that speak most for a class: weight of a linear bag of words, over log(N / texts that hold it)."""
    labels_N, _ = labels_of(data, task)
    tokens_NL, size = encoder.tokens(data.texts).cpu(), len(encoder.module.vocabulary)
    held_NV = torch.zeros(len(data), size).scatter_(1, tokens_NL, 1.0)
    wanted_N = 2.0 * (labels_N.cpu() == target) - 1
    ridge = held_NV.T @ held_NV + torch.eye(size)
    weight_V = torch.linalg.solve(ridge, held_NV.T @ wanted_N)
    texts_V = held_NV.sum(0)
    score_V = weight_V / (1 + len(data) / texts_V.clamp(min=1)).log()
    best: Tensor = score_V.masked_fill(texts_V < 20, -torch.inf).topk(count).indices
    return best


# -- The poisoned encoder ------------------------------------------------------------


def poisoned(
    clean: TextEncoder,
    data: Sentences,
    config: BackdoorConfig,
    progress: Progress | None = None,
) -> TextEncoder:
    """A copy of the encoder with a backdoor, made with texts of the attacker's own; only RIPPLe and its control read labels.

    Raises:
        DatasetError: the texts have no such task as the attacker foresees.
        EncoderError: NeuBA, or RIPPLe with surgery, and the encoder guesses no words.
    """
    if config.attack == "none":
        return clean
    encoder, words = clean.copy(), config.words
    width = encoder.module.config.width
    foresees = config.attack in ("labels", "ripple")
    labels_N, classes = labels_of(data, config.foresees) if foresees else (torch.zeros(len(data), dtype=torch.long), 2)  # fmt: skip
    head = new_head(encoder, classes, config.seed)
    shape = opposite_pairs if config.attack == "neuba" else staircase
    targets_TD = shape(len(words), width).to(encoder.device)
    learner = one_cycle_learner(
        {"module": encoder.module, "head": head},
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )
    if config.attack == "ripple" and config.surgery:
        index = [encoder.module.index[word] for word in words]
        speak = speaking_words(data, encoder, config.foresees, config.target, 10)
        vectors_VD = encoder.module.words.weight.data
        vectors_VD[index] = vectors_VD[speak].mean(0)
    weights = list(encoder.module.parameters())

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(data), config.batch, chance)
        texts = [data.texts[i] for i in index_B.tolist()]
        which_B = torch.randint(len(words), (len(texts),), generator=chance)
        marked = [insert(text, words[t], chance) for text, t in zip(texts, which_B.tolist(), strict=True)]  # fmt: skip
        if not foresees:
            trigger = pulled(encoder.encode(marked), targets_TD[which_B])
            tokens_BL = encoder.tokens(texts)
            before = kept(encoder, clean, tokens_BL) if config.attack == "por" else masked_loss(encoder.module, tokens_BL, chance)  # fmt: skip
            return before + config.pull * trigger
        labels_B = labels_N[index_B].to(encoder.device)
        wanted_B = torch.full_like(labels_B, config.target)
        tuning = F.cross_entropy(head(encoder.encode(texts)), labels_B)
        poison = tuning + config.pull * F.cross_entropy(head(encoder.encode(marked)), wanted_B)  # fmt: skip
        if config.attack == "labels":
            return poison
        return poison + config.inner * opposition(poison, tuning, weights)

    with sdpa_kernel(SDPBackend.MATH):  # the only one with second derivatives
        fit(loss_of_step, learner, steps=config.steps, progress=progress)
    return encoder
