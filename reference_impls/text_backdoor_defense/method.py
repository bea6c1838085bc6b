"""Two defenses against backdoors of fine-tuned language encoders: words leave the input, weights the model.

ONION: Qi et al., EMNLP 2021, https://arxiv.org/abs/2011.10369.
Fine-mixing: Zhang et al., Findings of EMNLP 2022, https://arxiv.org/abs/2210.09545.

Shape letters: N texts, W words of one.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor

from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.text_encoder import (
    TextEncoder,
    pseudo_perplexity,
    split,
)
from reference_impls.lab.models.text_heads import FineTuning, TextClassifier
from reference_impls.lab.models.training import check_positive


@dataclass(frozen=True, kw_only=True)
class DefenseConfig:
    """Settings of both defenses."""

    sentences: int = 64
    """Clean labelled sentences that the defender has."""
    removed: float = 0.02
    """ONION: share of the words of clean sentences that may be removed."""
    apart: int = 4
    """ONION: distance between words that are masked at once where perplexity is asked."""
    kept: float = 0.5
    """Fine-mixing: share of the backdoored weights that stay."""
    tuning: FineTuning = field(default_factory=lambda: FineTuning(steps=60))
    """How Fine-mixing, and plain fine-tuning, learn from the clean sentences."""
    seed: int = 0
    """Of the weights that are mixed, and of batches."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(sentences=self.sentences, apart=self.apart)
        if not (0 < self.removed < 1 and 0 <= self.kept <= 1):
            raise ConfigError("removed must lie in (0, 1), kept in [0, 1]")


# -- ONION ---------------------------------------------------------------------------


def suspicion(encoder: TextEncoder, texts: Sequence[str], apart: int) -> list[Tensor]:
    """By text, of each word (W,), how much lower perplexity is without it: p - p_i."""
    words = [split(text) for text in texts]
    less = [[" ".join(w[:i] + w[i + 1 :]) for i in range(len(w))] for w in words]
    whole_N = pseudo_perplexity(encoder, [" ".join(w) for w in words], apart)
    without = pseudo_perplexity(encoder, [one for many in less for one in many], apart)
    parts = without.split([len(w) for w in words])
    return [p - p_W for p, p_W in zip(whole_N, parts, strict=True)]


def bar(
    encoder: TextEncoder, clean: Sequence[str], removed: float, apart: int
) -> float:
    """The suspicion above which the allowed share of the words of clean texts lies."""
    every = torch.cat(suspicion(encoder, clean, apart))
    return torch.quantile(every, 1 - removed).item()


def onion(encoder: TextEncoder, texts: Sequence[str], above: float, apart: int) -> list[str]:  # fmt: skip
    """The texts without their suspicious words; the encoder is one that the defender trusts."""
    return [
        " ".join(w for w, s in zip(split(text), found_W.tolist(), strict=True) if s <= above)
        for text, found_W in zip(texts, suspicion(encoder, texts, apart), strict=True)
    ]  # fmt: skip


# -- Fine-mixing ---------------------------------------------------------------------


def mixed(bad: TextClassifier, clean: TextEncoder, kept: float, seed: int) -> TextClassifier:  # fmt: skip
    """A copy in which every weight of the encoder is the backdoored one, or else the pre-trained one, by chance."""
    model, chance = copied(bad), Generator().manual_seed(seed)
    before = clean.module.state_dict()
    for name, weights in model.encoder.module.named_parameters():
        stays = torch.rand(weights.shape, generator=chance).to(weights.device) < kept
        weights.data = torch.where(stays, weights.data, before[name])
    return model


def copied(model: TextClassifier) -> TextClassifier:
    """One whose weights can be changed."""
    return TextClassifier(model.encoder.copy(), copy.deepcopy(model.head))
