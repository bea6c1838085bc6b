"""Finding poisoned pictures: every picture gets a score, and the most suspicious leave the training set.

Density: Huang et al., "Detecting Backdoor Samples in Contrastive Language Image Pretraining", ICLR 2025, https://arxiv.org/abs/2502.01385.
Beatrix: Ma et al., NDSS 2023, https://arxiv.org/abs/2209.11715. PatchSearch (Tejankar et al., CVPR 2023) is in `patches.py`.

Shape letters: N pictures, B batch, R pictures to compare with, H and W pixels, D embedding width, C channels of a map, T places, E entries of a Gram matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.errors import DatasetError, check_choices
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.feature_maps import image_tokens
from reference_impls.lab.models.training import check_positive
from reference_impls.poison_filter.patches import Search, patch_classifier

Detector = Literal["random", "slof", "dao", "beatrix", "patchsearch"]
Score = Callable[[Tensor], Tensor]
"""Pictures (B, 3, H, W) to how suspicious each is (B,)."""


@dataclass(frozen=True, kw_only=True)
class FilterConfig(Search):
    """Which detector, and its settings."""

    detector: Detector = "patchsearch"
    """`slof` and `dao`: local outliers among embeddings; `beatrix`: Gram matrices of feature maps; `patchsearch`: patches that
    move other pictures into a cluster; `random`: the control."""
    pool: int = 1024
    """Local outliers: training pictures among which neighbours are sought."""
    neighbours: int = 16
    """Local outliers: k."""
    orders: int = 4
    """Beatrix: Gram matrices of order 1 to this."""
    width: float = 10.0
    """Beatrix: an entry deviates where it lies further than this many median absolute deviations from its median."""
    seed: int = 0
    """Of pool, clusters, candidates and classifier."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        super().__post_init__()
        check_choices(self)
        check_positive(pool=self.pool, neighbours=self.neighbours)
        check_positive(orders=self.orders, width=self.width)


PRESETS: dict[str, FilterConfig] = {
    "random": FilterConfig(detector="random"),
    "slof": FilterConfig(detector="slof"),
    "dao": FilterConfig(detector="dao"),
    "beatrix": FilterConfig(detector="beatrix"),
    "patchsearch": FilterConfig(),
}
"""What is measured, the control first."""


# -- Local outliers --------------------------------------------------------------------


def neighbours_of(points_ND: Tensor, pool_RD: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Distances (N, k), nearest first, and numbers (N, k) of the k nearest of the pool; a point is not its own neighbour."""
    apart_NR = torch.cdist(points_ND, pool_RD, compute_mode="donot_use_mm_for_euclid_dist")  # fmt: skip
    found = apart_NR.masked_fill(apart_NR == 0, float("inf")).topk(k, largest=False)
    return found.values, found.indices


def dimension(distances_Nk: Tensor) -> Tensor:
    """Local intrinsic dimension (N,), by maximum likelihood: -1 / mean of ln(d_i / d_k)."""
    ratio_Nk = distances_Nk / distances_Nk[:, -1:]
    return -1 / ratio_Nk.log().mean(dim=1).clamp(max=-1e-4)


def local_outlier(points_ND: Tensor, pool_RD: Tensor, k: int, *, by_dimension: bool) -> Tensor:  # fmt: skip
    """How much sparser a point's neighbourhood is than those of its neighbours o (N,).

    SLOF: mean of d_k(x) / d_k(o). DAO, as the published program has it: mean of dimension(o) · ln(d_k(x) / d_k(o)).
    """
    distances_Nk, who_Nk = neighbours_of(points_ND, pool_RD, k)
    of_pool_Rk, _ = neighbours_of(pool_RD, pool_RD, k)
    ratio_Nk = distances_Nk[:, -1:] / of_pool_Rk[:, -1][who_Nk]
    if not by_dimension:
        return ratio_Nk.mean(dim=1)
    return (dimension(of_pool_Rk)[who_Nk] * ratio_Nk.log()).mean(dim=1)


# -- Beatrix ---------------------------------------------------------------------------


def gram(tokens_BTC: Tensor, order: int) -> Tensor:
    """Upper triangle (B, E) of (F^p F^pᵀ)^(1/p), powers of each entry, F the map of channels by places."""
    powers_BTC = tokens_BTC**order
    full_BCC = powers_BTC.mT @ powers_BTC
    row_E, column_E = torch.triu_indices(*full_BCC.shape[1:], device=full_BCC.device)
    entries_BE = full_BCC[:, row_E, column_E]
    return entries_BE.sign() * entries_BE.abs() ** (1 / order)


def deviation(entries_BE: Tensor, clean_RE: Tensor, width: float) -> Tensor:
    """Sum (B,) over entries of how far each lies outside median ± width · MAD of the clean ones, relative to the bound."""
    median_E = clean_RE.median(dim=0).values
    spread_E = width * (clean_RE - median_E).abs().median(dim=0).values
    low_E, high_E = median_E - spread_E, median_E + spread_E
    # Entries that are zero on most clean pictures would divide by nothing.
    least = 1e-2 * high_E.abs().mean()
    below_BE = (low_E - entries_BE).relu() / low_E.abs().clamp(min=least)
    above_BE = (entries_BE - high_E).relu() / high_E.abs().clamp(min=least)
    return (below_BE + above_BE).sum(dim=1)


def _beatrix(encoder: Encoder, clean_R3HW: Tensor, answer: Score, config: FilterConfig) -> Score:  # fmt: skip
    """Class by class, as the model itself names the pictures; a class of fewer than two clean pictures takes all of them."""
    orders = range(1, config.orders + 1)
    grams = [gram(image_tokens(encoder, clean_R3HW), order) for order in orders]
    named_R = answer(clean_R3HW)

    def score(images_B3HW: Tensor) -> Tensor:
        named_B, tokens_BTC = answer(images_B3HW), image_tokens(encoder, images_B3HW)
        total_B = torch.zeros(len(images_B3HW), device=named_B.device)  # fmt: skip
        for order, clean_RE in zip(orders, grams, strict=True):
            entries_BE = gram(tokens_BTC, order)
            for name in named_B.unique():
                of_B, of_R = named_B == name, named_R == name
                known_RE = clean_RE[of_R] if of_R.sum() > 1 else clean_RE
                total_B[of_B] += deviation(entries_BE[of_B], known_RE, config.width)
        return total_B

    return score


# -- Any detector ----------------------------------------------------------------------


@torch.no_grad()
def detector(
    encoder: Encoder, train_N3HW: Tensor, clean_R3HW: Tensor, answer: Score, config: FilterConfig
) -> Score:  # fmt: skip
    """A score of pictures, from an encoder that learned from the training pictures, and clean ones that the defender has.

    `answer` names pictures, as class numbers (B,).

    Raises:
        DatasetError: fewer pictures than neighbours.
    """
    chance = Generator().manual_seed(config.seed)
    if config.detector == "random":
        return lambda images: torch.rand(len(images), generator=chance)
    if config.detector == "patchsearch":
        return patch_classifier(encoder, train_N3HW, config, config.seed)
    if config.detector == "beatrix":
        return _beatrix(encoder, clean_R3HW, answer, config)
    drawn = torch.randperm(len(train_N3HW), generator=chance)[: config.pool]
    pool_R3HW = train_N3HW[drawn]
    if len(pool_R3HW) <= config.neighbours:
        raise DatasetError(f"{len(pool_R3HW)} pictures have no {config.neighbours} neighbours each")  # fmt: skip
    pool_RD = F.normalize(embed_all(encoder, pool_R3HW), dim=1)
    return lambda images: local_outlier(
        F.normalize(embed_all(encoder, images), dim=1), pool_RD, config.neighbours, by_dimension=config.detector == "dao"
    )  # fmt: skip
