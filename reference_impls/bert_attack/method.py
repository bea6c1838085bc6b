"""BERT-Attack: a masked language model proposes words that fool a classifier; and FreeLB, which trains against it.

Li et al., EMNLP 2020, https://arxiv.org/abs/2004.09984. Zhu et al., "FreeLB", ICLR 2020, https://arxiv.org/abs/1909.11764.

Shape letters: B texts, L tokens, W words of a text, K candidates, V vocabulary, N numbers of all word vectors of a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.text_encoder import SPECIAL, TextEncoder, split
from reference_impls.lab.models.text_heads import (
    Loss,
    TextClassifier,
    TextScores,
    cross_entropy,
)
from reference_impls.lab.models.training import check_positive

Proposals = Literal["random", "bert"]
Allowed = Callable[[Sequence[str]], bool]
"""Whether words still mean what their label says."""


@dataclass(frozen=True, kw_only=True)
class AttackConfig:
    """Settings of attack and defense."""

    proposals: Proposals = "bert"
    """Who proposes words: the masked language model, or chance (the control)."""
    candidates: int = 16
    """Words that are proposed for a place."""
    changed: float = 0.4
    """Share of a text's words that may be changed."""
    ascents: int = 0
    """FreeLB: steps up the loss in each step of fine-tuning; 0 is plain fine-tuning."""
    radius: float = 0.3
    """FreeLB: norm, over all words of a text, of the shift of their vectors."""
    seed: int = 0
    """Of fine-tuning and of words by chance."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(candidates=self.candidates, changed=self.changed, radius=self.radius)  # fmt: skip
        if self.ascents < 0:
            raise ConfigError(f"ascents must be at least 0, got {self.ascents}")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an attack on one text came to."""

    words: tuple[str, ...]
    fooled: bool
    changed: int
    """Words that differ."""
    queries: int
    """Texts the classifier was asked about."""


# -- BERT-Attack ---------------------------------------------------------------------


def common_words(texts: Sequence[str], share: float = 0.1) -> frozenset[str]:
    """Words in more than a share of the texts, in the place of a list of stop words: never replaced, never proposed."""
    held = Counter(word for text in texts for word in set(split(text)))
    return frozenset(word for word, count in held.items() if count > share * len(texts))


@torch.no_grad()
def proposed(encoder: TextEncoder, words: Sequence[str], count: int) -> list[list[str]]:
    """For each word the model's likeliest ones in its place, likeliest first, where nothing is masked."""
    tokens_1L = encoder.tokens([" ".join(words)])
    scores_LV = encoder.module.scores(encoder.module(tokens_1L))[0, 1:]
    scores_LV[:, : len(SPECIAL)] = -torch.inf
    best_LK = scores_LV.topk(min(count, scores_LV.shape[1])).indices.tolist()
    return [[encoder.module.vocabulary[v] for v in row] for row in best_LK]


def importance(probabilities: Callable[[list[list[str]]], Tensor], words: list[str], label: int) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The probability of the class, and what it loses where a word is masked, (W,): o_y(S) - o_y(S without w)."""
    masked = [[*words[:i], "[MASK]", *words[i + 1 :]] for i in range(len(words))]
    found = probabilities([words, *masked])[:, label]
    return found[0], found[0] - found[1:]


def attacked(
    scores: TextScores,
    encoder: TextEncoder,
    text: str,
    label: int,
    config: AttackConfig,
    *,
    stop: frozenset[str],
    allowed: Allowed,
    chance: Generator,
) -> Outcome:
    """The algorithm: places by importance; at each the first candidate that fools, or else the one that lowers the class most."""
    # What stands behind the longest text is not read by the encoder.
    words, queries = split(text)[: encoder.module.config.length - 1], 0
    start = list(words)

    def probabilities(texts: list[list[str]]) -> Tensor:
        nonlocal queries
        queries += len(texts)
        return scores([" ".join(one) for one in texts]).detach().softmax(1)

    lowest, matters_W = importance(probabilities, words, label)
    order = matters_W.argsort(descending=True).tolist()
    likely = proposed(encoder, words, config.candidates)
    known = encoder.module.vocabulary[len(SPECIAL) :]
    most, fooled = max(1, int(config.changed * len(words))), False
    for place in order:
        if sum(a != b for a, b in zip(words, start, strict=True)) >= most or fooled:
            break
        if words[place] in stop:
            continue
        options = likely[place]
        if config.proposals == "random":
            drawn = torch.randint(len(known), (config.candidates,), generator=chance)
            options = [known[v] for v in drawn.tolist()]
        options = [one for one in options if one != words[place] and one not in stop]
        tried = [[*words[:place], one, *words[place + 1 :]] for one in options]
        if not (tried := [one for one in tried if allowed(one)]):
            continue
        found = probabilities(tried)
        wrong = (found.argmax(1) != label).nonzero()[:, 0].tolist()
        at = wrong[0] if wrong else int(found[:, label].argmin())
        fooled = bool(wrong)
        if fooled or found[at, label] < lowest:
            words, lowest = tried[at], found[at, label]
    changed = sum(a != b for a, b in zip(words, start, strict=True))
    return Outcome(words=tuple(words), fooled=fooled, changed=changed, queries=queries)


# -- FreeLB --------------------------------------------------------------------------


def freelb(ascents: int, radius: float) -> Loss:
    """The mean of the losses on the way up: word vectors shift by gradient steps inside a ball around each text.

    Gradients of the weights are those of every step, so that each text is learned with all its shifts.
    """
    if not ascents:
        return cross_entropy

    def loss(model: TextClassifier, tokens_BL: Tensor, labels_B: Tensor) -> Tensor:
        width = model.encoder.module.config.width
        shift_BN = torch.zeros(len(tokens_BL), tokens_BL[0].numel() * width, device=tokens_BL.device)  # fmt: skip
        total = shift_BN.new_zeros(())
        for _ in range(ascents):
            shift_BN.requires_grad_()
            one = cross_entropy(model, tokens_BL, labels_B, shift_BN.view(*tokens_BL.shape, width))  # fmt: skip
            (up_BN,) = torch.autograd.grad(one, shift_BN, retain_graph=True)
            total = total + one / ascents
            further_BN = shift_BN + 2 * radius / ascents * F.normalize(up_BN, dim=1)
            shift_BN = torch.renorm(further_BN.detach(), 2, 0, radius)
        return total

    return loss
