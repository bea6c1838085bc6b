"""Sentences read back from their embeddings, and what a defender does to embeddings before he gives them away.

Words: Song and Raghunathan, "Information Leakage in Embedding Models", CCS 2020, https://arxiv.org/abs/2004.00053.
GEIA: Li, Xu and Song, "Sentence Embedding Leaks More Information than You Expect", Findings of ACL 2023, https://arxiv.org/abs/2305.03010.
TextObfuscator: Zhou et al., Findings of ACL 2023, https://aclanthology.org/2023.findings-acl.337.

Shape letters: B texts, N texts to learn from, L tokens, D width of tokens and embeddings, V vocabulary, W words that occur,
P prototypes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.sentences import Sentences
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.small_gpt import SmallGPT
from reference_impls.lab.models.text_encoder import TextEncoder
from reference_impls.lab.models.text_heads import labels_of, new_head
from reference_impls.lab.models.training import (
    Progress,
    check_positive,
    draw_batch,
    fit,
    one_cycle_learner,
    seeded,
)

Control = Literal["no", "shuffled", "untrained"]
Defense = Literal["none", "noise", "rounding", "obfuscation"]
Released = Callable[[Sequence[str]], Tensor]
"""Texts to what a defender gives away of them (B, D)."""


@dataclass(frozen=True, kw_only=True)
class InversionConfig:
    """What is given away, and how the attacker learns to read it."""

    control: Control = "no"
    """`shuffled`: the attacker learns from embeddings of other sentences; `untrained`: the encoder's weights are random."""
    defense: Defense = "none"
    """What the defender does: `noise`, `rounding`, or `obfuscation` (TextObfuscator)."""
    noise: float = 1.0
    """Noise: its standard deviation, in that of each number of an embedding. Obfuscation: the same of token vectors."""
    bits: int = 1
    """Rounding: of each number."""
    prototypes: int = 16
    """Obfuscation: how many, each for words of similar function."""
    close: float = 0.5
    """Obfuscation: weight of distances to prototypes, as in the authors' program."""
    away: float = 0.1
    """Obfuscation: weight of distances between prototypes, as in the authors' program."""
    tuning: int = 150
    """Obfuscation: steps in which the encoder learns it."""
    steps: int = 250
    """Steps of each attacker."""
    batch: int = 64
    """Sentences per step."""
    learning_rate: float = 2e-2
    """Peak of AdamW's one-cycle schedule, of the decoder; ten times that of the predictor of words."""
    width: int = 64
    """Channels of GEIA's decoder; a multiple of 4."""
    seed: int = 0
    """Of weights, batches and noise."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(noise=self.noise, bits=self.bits, prototypes=self.prototypes)
        check_positive(tuning=self.tuning, steps=self.steps, batch=self.batch)
        if self.width < 4 or self.width % 4:
            raise ConfigError(f"width must be a multiple of 4, got {self.width}")


# -- What the defender gives away ----------------------------------------------------


def rounded(z_BD: Tensor, mean_D: Tensor, std_D: Tensor, bits: int) -> Tensor:
    """Each number as the middle of one of 2^bits cells of equal width within two standard deviations."""
    cells = 1 << bits
    cell_BD = (((z_BD - mean_D) / std_D + 2) * cells / 4).floor().clamp(0, cells - 1)
    return mean_D + std_D * ((cell_BD + 0.5) * 4 / cells - 2)


def released(encoder: TextEncoder, train: Sentences, task: str, config: InversionConfig) -> Released:  # fmt: skip
    """What the defender answers; the statistics it needs are of the training texts."""
    if config.defense == "obfuscation":
        return obfuscated(encoder, train, task, config)
    if config.defense == "none":
        return encoder.embed
    chance = Generator().manual_seed(config.seed)
    known_ND = encoder.embed(train.texts)
    mean_D, std_D = known_ND.mean(dim=0), known_ND.std(dim=0)

    def answer(texts: Sequence[str]) -> Tensor:
        z_BD = encoder.embed(texts)
        if config.defense == "rounding":
            return rounded(z_BD, mean_D, std_D, config.bits)
        return z_BD + config.noise * std_D * torch.randn(z_BD.shape, generator=chance).to(z_BD)  # fmt: skip

    return answer


def clusters(vectors_WD: Tensor, count: int, chance: Generator, rounds: int = 10) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Prototypes (P, D) by k-means, and the nearest one (W,) of each vector."""
    centers_PD = vectors_WD[torch.randperm(len(vectors_WD), generator=chance)[:count]].clone()  # fmt: skip
    for _ in range(rounds):
        nearest_W = torch.cdist(vectors_WD, centers_PD).argmin(dim=1)
        for p in nearest_W.unique().tolist():
            centers_PD[p] = vectors_WD[nearest_W == p].mean(dim=0)
    return centers_PD, torch.cdist(vectors_WD, centers_PD).argmin(dim=1)


def apart(prototypes_PD: Tensor) -> Tensor:
    """TextObfuscator: mean distance between prototypes, which grows."""
    return F.pdist(prototypes_PD).mean()


def obfuscated(encoder: TextEncoder, train: Sentences, task: str, config: InversionConfig) -> Released:  # fmt: skip
    """TextObfuscator: token vectors learn to lie at prototypes of similar words, and Laplace noise hides which word it was."""
    labels_N, classes = labels_of(train, task)
    own, head, chance = encoder.copy(), new_head(encoder, classes, config.seed), Generator().manual_seed(config.seed)  # fmt: skip
    tokens_NL = own.tokens(train.texts)
    with torch.no_grad():
        vectors = torch.cat([own.module(part) for part in tokens_NL.split(256)]).flatten(0, 1)  # fmt: skip
    kinds, kind_of = tokens_NL.unique(return_inverse=True)
    sums_WD = vectors.new_zeros(len(kinds), vectors.shape[1]).index_add_(0, kind_of.flatten(), vectors)  # fmt: skip
    words_WD = sums_WD / kind_of.flatten().bincount().unsqueeze(1)
    centers_PD, nearest_W = clusters(words_WD, config.prototypes, chance)
    means, nearest_NL = nn.Embedding.from_pretrained(centers_PD, freeze=False), nearest_W[kind_of]  # fmt: skip
    std_D = vectors.std(dim=0)

    def noisy(vectors_BLD: Tensor, tokens_BL: Tensor) -> Tensor:
        even = torch.rand(vectors_BLD.shape, generator=chance).to(vectors_BLD) - 0.5
        laplace = (
            -even.sign() * torch.log1p(-2 * even.abs().clamp(max=0.499999)) / 2**0.5
        )
        return own.pool(vectors_BLD + config.noise * std_D * laplace, tokens_BL)

    def loss_of_step(drawn: Generator) -> Tensor:
        index_B = draw_batch(len(train), config.batch, drawn)
        tokens_BL = tokens_NL[index_B]
        vectors_BLD = own.module(tokens_BL)
        right = F.cross_entropy(head(noisy(vectors_BLD, tokens_BL)), labels_N[index_B].to(vectors_BLD.device))  # fmt: skip
        near = F.mse_loss(vectors_BLD, means(nearest_NL[index_B]))
        return right + config.close * near - config.away * apart(means.weight)

    parts = {"module": own.module, "head": head, "means": means}
    learner = one_cycle_learner(parts, steps=config.tuning, learning_rate=1e-3, seed=config.seed)  # fmt: skip
    fit(loss_of_step, learner, steps=config.tuning)

    @torch.no_grad()
    def answer(texts: Sequence[str]) -> Tensor:
        tokens_BL = own.tokens(texts)
        parts = [noisy(own.module(part), part) for part in tokens_BL.split(256)]
        return torch.cat(parts)

    return answer


# -- Attackers -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Attackers:
    """Both, with what standardises embeddings for them."""

    words: nn.Linear
    decoder: SmallGPT
    mean_D: Tensor
    std_D: Tensor

    def __call__(self, z_BD: Tensor) -> tuple[list[set[str]], list[str]]:
        """The set of words that each embedding tells, and the sentence it is read as."""
        read_BD = (z_BD - self.mean_D) / self.std_D
        held_BV = (self.words(read_BD) > 0).tolist()
        sets = [{self.decoder.vocabulary[v] for v, held in enumerate(row) if held} for row in held_BV]  # fmt: skip
        begun_B0 = torch.zeros(len(z_BD), 0, dtype=torch.long, device=z_BD.device)
        return sets, self.decoder.write(begun_B0, read_BD)


def taught(embed: Released, texts: Sequence[str], config: InversionConfig, progress: Progress | None = None) -> Attackers:  # fmt: skip
    """Attackers that learned from texts of their own and the answers they got for them.

    Song and Raghunathan: the sum over the vocabulary of binary cross entropies, word in the text or not. GEIA: cross
    entropy of each word given the right ones before it, with the projected embedding as the first token.
    """
    z_ND = embed(texts)
    chance = Generator().manual_seed(config.seed)
    if config.control == "shuffled":
        z_ND = z_ND[torch.randperm(len(z_ND), generator=chance)]
    mean_D, std_D = z_ND.mean(dim=0), z_ND.std(dim=0) + 1e-6
    z_ND = (z_ND - mean_D) / std_D
    decoder = seeded(lambda: SmallGPT(texts, reads=z_ND.shape[1], width=config.width), config.seed).to(z_ND.device)  # fmt: skip
    words = seeded(lambda: nn.Linear(z_ND.shape[1], len(decoder.vocabulary)), config.seed).to(z_ND.device)  # fmt: skip
    tokens_NL = decoder.tokens(texts)
    held_NV = torch.zeros(len(texts), len(decoder.vocabulary), device=z_ND.device).scatter_(1, tokens_NL, 1.0)  # fmt: skip

    def loss_of_words(drawn: Generator) -> Tensor:
        index_B = draw_batch(len(texts), config.batch, drawn)
        return F.binary_cross_entropy_with_logits(words(z_ND[index_B]), held_NV[index_B]) * held_NV.shape[1]  # fmt: skip

    def loss_of_sentences(drawn: Generator) -> Tensor:
        index_B = draw_batch(len(texts), config.batch, drawn)
        losses_BL = decoder.losses(tokens_NL[index_B], z_ND[index_B])
        return losses_BL.sum() / (losses_BL > 0).sum()

    for name, module, loss, rate in (
        ("words", words, loss_of_words, 10 * config.learning_rate),
        ("decoder", decoder, loss_of_sentences, config.learning_rate),
    ):
        learner = one_cycle_learner({name: module}, steps=config.steps, learning_rate=rate, seed=config.seed)  # fmt: skip
        fit(loss, learner, steps=config.steps, progress=progress)
    return Attackers(words, decoder, mean_D, std_D)


PRESETS = {
    "shuffled": InversionConfig(control="shuffled"),
    "untrained": InversionConfig(control="untrained"),
    "plain": InversionConfig(),
    "noise-0.5": InversionConfig(defense="noise", noise=0.5),
    "noise-1.5": InversionConfig(defense="noise", noise=1.5),
    "rounding": InversionConfig(defense="rounding"),
    "obfuscation": InversionConfig(defense="obfuscation", noise=1.0),
}
