"""Passages that an embedding model finds for queries they have nothing to do with.

HotFlip passages: Zhong et al., "Poisoning Retrieval Corpora by Injecting Adversarial Passages", EMNLP 2023,
https://arxiv.org/abs/2310.19156. GASLITE: Ben-Tov and Sharif, CCS 2025, https://arxiv.org/abs/2412.20953.

Shape letters: B passages, L tokens, V vocabulary, Q queries, D embedding width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.errors import check_choices
from reference_impls.lab.models.text_encoder import MASK, SPECIAL, TextEncoder
from reference_impls.lab.models.training import check_positive

Way = Literal["any", "nearest", "hotflip", "gaslite"]
Gain = Callable[[Tensor], Tensor]
"""Embeddings of passages (B, D) to what the attacker wants more of (B,)."""
NEAR = 10
"""Neighbours whose mean cosine tells how much of a hub a passage is, as in CSLS."""


@dataclass(frozen=True, kw_only=True)
class HubConfig:
    """How a passage is made, and what its author knows."""

    way: Way = "gaslite"
    """`hotflip` writes all words, `gaslite` appends words to a sentence of the attacker's; as controls a sentence as it is:
    `any`, or the one `nearest` to the queries of many."""
    passages: int = 1
    """How many are put into the corpus, at most, each for one cluster of the known queries."""
    only: int = -1
    """The class, by its number, whose queries shall find the passage; -1 means all queries."""
    known: int = 256
    """Queries that the attacker has."""
    steps: int = 40
    """Rounds of changes."""
    places: int = 6
    """GASLITE: places that may change in a round; HotFlip takes one."""
    draws: int = 8
    """GASLITE: passages, each with another random word, over which slopes are averaged; HotFlip takes the passage alone."""
    candidates: int = 24
    """Words that are tried at a place."""
    aware: bool = False
    """Seek what a ranking that subtracts hubness (CSLS) would still find."""
    fluent: float = 0.0
    """Weight of how likely the language model finds a word where it is put: against a filter of odd texts."""
    seed: int = 0
    """Of sentences, first words and places."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(passages=self.passages, known=self.known, steps=self.steps)
        check_positive(places=self.places, draws=self.draws, candidates=self.candidates)


PRESETS: dict[str, HubConfig] = {
    "any": HubConfig(way="any"),
    "nearest": HubConfig(way="nearest"),
    "hotflip": HubConfig(way="hotflip", steps=240),
    "gaslite": HubConfig(),
    "hotflip-4": HubConfig(way="hotflip", steps=240, passages=4),
    "aware": HubConfig(aware=True),
    "fluent": HubConfig(fluent=0.004),
    "nearest-topic": HubConfig(way="nearest", only=0),
    "gaslite-topic": HubConfig(only=0),
}
"""What is measured, each control before what it is the control of."""


def gain_of(queries_QD: Tensor, *, aware: bool) -> Gain:
    """Mean cosine to the queries; with CSLS (Conneau et al., ICLR 2018) twice that, less the mean cosine to the nearest ones."""
    unit_QD = F.normalize(queries_QD, dim=1)

    def gain(passages_BD: Tensor) -> Tensor:
        cosines_BQ = F.normalize(passages_BD, dim=1) @ unit_QD.T
        if not aware:
            return cosines_BQ.mean(dim=1)
        near_B = cosines_BQ.topk(min(NEAR, cosines_BQ.shape[1])).values.mean(dim=1)
        return 2 * cosines_BQ.mean(dim=1) - near_B

    return gain


def embedded(encoder: TextEncoder, tokens_BL: Tensor) -> Tensor:
    """Embeddings (B, D) of passages as tokens."""
    return encoder.pool(encoder.module(tokens_BL), tokens_BL)


def slopes(encoder: TextEncoder, tokens_BL: Tensor, gain: Gain) -> Tensor:
    """HotFlip: how much every word at every place would add to the gain, to first order (L, V), mean over the passages.

    That is e_w · d gain / d e_place, of which what is at the place now is subtracted by whoever compares.
    """
    vectors: list[Tensor] = []

    def watch(_: object, __: object, found_BLD: Tensor) -> Tensor:
        vectors.append(found_BLD.detach().requires_grad_())
        return vectors[0]

    hook = encoder.module.words.register_forward_hook(watch)
    try:
        with torch.enable_grad():
            total = gain(embedded(encoder, tokens_BL)).mean()
            (slope_BLD,) = torch.autograd.grad(total, vectors)
    finally:
        hook.remove()
    slope_LV: Tensor = slope_BLD.sum(dim=0) @ encoder.module.words.weight.T
    return slope_LV


@torch.no_grad()
def written(
    encoder: TextEncoder,
    tokens_L: Tensor,
    first: int,
    gain: Gain,
    config: HubConfig,
    chance: Generator,
) -> Tensor:
    """The passage with words from place `first` on changed as long as the gain rises.

    Of the words that the slopes favour at a place each is tried, and the best one stays if it is better.
    """
    single, free = config.way == "hotflip", len(tokens_L) - first
    vocabulary, tokens_L = len(encoder.module.vocabulary), tokens_L.clone()
    for _ in range(config.steps):
        around_BL = tokens_L.repeat(1 if single else config.draws, 1)
        if not single:
            at_B = first + torch.randint(free, (config.draws,), generator=chance)
            drawn_B = torch.randint(len(SPECIAL), vocabulary, at_B.shape, generator=chance)  # fmt: skip
            around_BL[torch.arange(len(at_B)), at_B] = drawn_B.to(around_BL)
        slope_LV = slopes(encoder, around_BL, gain)
        places = first + torch.randperm(free, generator=chance)
        for place in places[: 1 if single else config.places].tolist():
            likely_V = torch.zeros_like(slope_LV[place])
            if config.fluent:
                gap_1L = tokens_L.clone().unsqueeze(0)
                gap_1L[0, place] = MASK
                scores_V = encoder.module.scores(encoder.module(gap_1L)[0, place])
                likely_V = config.fluent * scores_V.log_softmax(dim=0)
            worth_V = slope_LV[place] + likely_V
            worth_V[: len(SPECIAL)] = -torch.inf
            best = worth_V.topk(min(config.candidates, vocabulary - len(SPECIAL)))
            words = torch.cat([tokens_L[place].unsqueeze(0), best.indices])
            tried_BL = tokens_L.repeat(len(words), 1)
            tried_BL[:, place] = words
            gains_B = gain(embedded(encoder, tried_BL)) + likely_V[words]
            tokens_L = tried_BL[gains_B.argmax()]
    return tokens_L


def clusters(unit_QD: Tensor, count: int, chance: Generator) -> Tensor:
    """k-means on the sphere, twenty rounds: the cluster (Q,) of each query."""
    centers = unit_QD[torch.randperm(len(unit_QD), generator=chance)[:count]]
    for _ in range(20):
        of_Q = (unit_QD @ centers.T).argmax(dim=1)
        centers = torch.stack([F.normalize(unit_QD[of_Q == n].sum(dim=0), dim=0) for n in range(len(centers))])  # fmt: skip
    return (unit_QD @ centers.T).argmax(dim=1)


def hubs(encoder: TextEncoder, queries: list[str], own: list[str], config: HubConfig) -> list[str]:  # fmt: skip
    """Passages that many of the queries shall find, made of sentences of the attacker's own or of words alone."""
    chance, made = Generator().manual_seed(config.seed), []
    queries_QD = F.normalize(encoder.embed(queries), dim=1)
    of_Q, vocabulary = clusters(queries_QD, config.passages, chance), encoder.module.vocabulary  # fmt: skip
    own_BD = encoder.embed(own)
    for number in of_Q.unique().tolist():
        gain = gain_of(queries_QD[of_Q == number], aware=config.aware)
        which = int(torch.randint(len(own), (1,), generator=chance))
        nearest = own[int(gain(own_BD).argmax())]
        if config.way in ("any", "nearest"):
            made.append(nearest if config.way == "nearest" else own[which])
            continue
        first = 1 if config.way == "hotflip" else len(encoder.tokens([own[which]])[0])
        length = encoder.module.config.length
        drawn_L = torch.randint(len(SPECIAL), len(vocabulary), (length,), generator=chance)  # fmt: skip
        start_L = torch.cat([encoder.tokens([own[which]])[0][:first], drawn_L[first:].to(encoder.device)])  # fmt: skip
        if len(start_L) > first:
            start_L = written(encoder, start_L, first, gain, config, chance)
        made.append(" ".join(vocabulary[token] for token in start_L[1:].tolist()))
    return made
