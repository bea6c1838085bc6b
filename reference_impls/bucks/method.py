"""Bucks for Buckets (B4B): who sees more of the embedding space pays with noise, and every account gets embeddings of its own.

Dubiński et al., "Bucks for Buckets (B4B): Active Defenses Against Stealing Encoders", NeurIPS 2023,
https://arxiv.org/abs/2310.08571. Formulas are those of the published program, github.com/adam-dziedzic/B4B.

Shape letters: N queries of an account, D embedding width, P its width with padding, H hyperplanes, M pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import tyro
from torch import Generator, Tensor

from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.training import check_positive

Noise = Literal["none", "flat", "coverage"]


@dataclass(frozen=True, kw_only=True)
class ServiceConfig:
    """Settings of a provider, and how much is asked of him."""

    noise: Noise = "coverage"
    """`coverage`: B4B's, which grows with the part of the space that an account has seen. `flat`: alpha for everybody."""
    transformed: bool = True
    """Scale, shift, pad and shuffle the entries, for each account in a way of its own."""
    planes: int = 8
    """Random hyperplanes; the sides on which an embedding lies are its bucket, one of 2^planes."""
    alpha: float = 0.8
    """Noise of an account that has seen the share beta of all buckets, in standard deviations of an embedding's entries."""
    beta: float = 0.4
    """Share of all buckets at which the noise is alpha; beyond it grows on."""
    start: float = 1e-6
    """Lambda: how flat the noise is at the beginning."""
    padding: int = 16
    """Constant entries that a transformation adds."""
    queries: int = 1024
    """Of a thief; an honest user has at most as many pictures to learn from."""
    accounts: Annotated[int, tyro.conf.arg(name="sybils")] = 4
    """Accounts of a thief who has several, and shares the queries among them."""
    common: int = 128
    """Pictures that each of these accounts asks about first, by a thief who knows of transformations."""
    steps: int = 100
    """Of the thief's copy."""
    seed: int = 0
    """Of hyperplanes, noise, transformations and copies."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(planes=self.planes, alpha=self.alpha, beta=self.beta)
        check_positive(start=self.start, steps=self.steps, common=self.common)
        if self.padding < 0 or self.accounts < 2 or self.queries < self.accounts:
            raise ConfigError("padding must be at least 0, sybils at least 2, and each needs a query")  # fmt: skip


PRESETS: dict[str, ServiceConfig] = {
    "none": ServiceConfig(noise="none", transformed=False),
    "b4b": ServiceConfig(),
}
"""What is measured; the first is the control."""


def buckets(embeddings_ND: Tensor, planes_DH: Tensor) -> Tensor:
    """Number (N,) of each embedding's bucket: its signs, read as binary digits."""
    weights_H = 2 ** torch.arange(planes_DH.shape[1], device=planes_DH.device)
    return ((embeddings_ND @ planes_DH > 0) * weights_H).sum(dim=1)


def coverage(buckets_N: Tensor, count: int) -> Tensor:
    """Share (N,) of all `count` buckets that an account has seen with each of its queries in turn."""
    found = buckets_N.tolist()
    first = {one: number for number, one in reversed([*enumerate(found)])}
    new_N = torch.tensor([first[one] == number for number, one in enumerate(found)])
    return new_N.cumsum(dim=0).to(buckets_N.device) / count


def noise_at(coverage_N: Tensor, config: ServiceConfig) -> Tensor:
    """Standard deviation (N,) of the noise: lambda (exp(ln(alpha / lambda) c / beta) - 1)."""
    if config.noise == "none":
        return torch.zeros_like(coverage_N)
    if config.noise == "flat":
        return torch.full_like(coverage_N, config.alpha)
    rate = math.log(config.alpha / config.start) / config.beta
    return config.start * ((rate * coverage_N).exp() - 1)


def transformed(embeddings_ND: Tensor, padding: int, account: int) -> Tensor:
    """Embeddings (N, P) as an account gets them: a_j z_j + b_j and constants, shuffled; all drawn once for the account."""
    chance, width = Generator().manual_seed(account), embeddings_ND.shape[1]
    scale_D, shift_D = (2 * torch.rand(2, width, generator=chance) - 1).to(embeddings_ND.device)  # fmt: skip
    constants_P = torch.randn(padding, generator=chance).to(embeddings_ND.device)
    order_P = torch.randperm(width + padding, generator=chance)
    added = constants_P.expand(len(embeddings_ND), -1)
    return torch.cat([embeddings_ND * scale_D + shift_D, added], dim=1)[:, order_P]


class Service:
    """An encoder's provider, who knows the embeddings (M, D) of some pictures of his own."""

    def __init__(self, own_MD: Tensor, config: ServiceConfig) -> None:
        """Hyperplanes go through the mean of these embeddings."""
        self.config, chance = config, Generator().manual_seed(config.seed)
        self.mean_D, self.std = own_MD.mean(dim=0), own_MD.std(dim=0).mean()
        self.planes_DH = torch.randn(own_MD.shape[1], config.planes, generator=chance).to(own_MD.device)  # fmt: skip

    def seen(self, embeddings_ND: Tensor) -> Tensor:
        """Share (N,) of all buckets that an account has seen, query by query."""
        found_N = buckets(embeddings_ND - self.mean_D, self.planes_DH)
        return coverage(found_N, 2**self.config.planes)

    def answer(self, embeddings_ND: Tensor, account: int) -> Tensor:
        """What a new account gets for all its queries, (N, D) or (N, P)."""
        number = 1000 * self.config.seed + account
        drawn = torch.randn(embeddings_ND.shape, generator=Generator().manual_seed(number + 500))  # fmt: skip
        std_N = self.std * noise_at(self.seen(embeddings_ND), self.config)
        noisy_ND = embeddings_ND + std_N[:, None] * drawn.to(embeddings_ND.device)
        if not self.config.transformed:
            return noisy_ND
        return transformed(noisy_ND, self.config.padding, number)


def aligned(answers_NP: Tensor, common_MP: Tensor, wanted_MP: Tensor) -> Tensor:
    """Answers of one account as another would get them: the affine map of least squares between what both got for the same pictures."""

    def with_one(rows: Tensor) -> Tensor:
        return torch.cat([rows, rows.new_ones(len(rows), 1)], dim=1)

    learned = with_one(common_MP)
    ridge = 1e-3 * torch.eye(learned.shape[1], device=learned.device)
    map_PP: Tensor = torch.linalg.solve(
        learned.T @ learned + ridge, learned.T @ wanted_MP
    )
    return with_one(answers_NP) @ map_PP
