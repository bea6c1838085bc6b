"""SA-MOO: few pixels are changed, and a search by the classifier's answers alone says which.

Williams and Li, "Black-Box Sparse Adversarial Attack via Multi-Objective Optimisation", CVPR 2023,
https://doi.org/10.1109/CVPR52729.2023.01183, section 3. Its control is Sparse-RS (Croce et al., AAAI
2022, https://arxiv.org/abs/2006.12834) as they adapt it in section 4.3: one solution, no crossover.

Shape letters: B images, S solutions of an image, N = B x S of all, H and W pixels, 3 colour channels.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from reference_impls.lab.attacks.pgd import Classifier, checked, margin
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.training import Progress, check_positive
from reference_impls.query_attack.solutions import (
    Solutions,
    crossover,
    mutation,
    sample,
)

Domination = Literal["goal", "loss"]


@dataclass(frozen=True, kw_only=True)
class QueryConfig:
    """Settings of the search; the defaults are the paper's for CIFAR-10, not targeted."""

    queries: int = 1000
    """Answers that the attacker may ask for, per image."""
    pixels: int = 24
    """K: pixels that may change."""
    population: int = 2
    """S: solutions kept for an image."""
    crossover: float = 0.1
    """Share of pixels that a solution takes from another one."""
    mutation: float = 0.4
    """Share of pixels that are drawn anew; 1 makes it a random search."""
    decay: bool = True
    """Draw fewer and fewer pixels anew, by Sparse-RS's schedule; else always the share."""
    zeros: float = 0.3
    """Probability that a chosen pixel's channel stays as it is."""
    domination: Domination = "goal"
    """`goal`: small changes count once an image is misclassified; `loss`: nothing but the loss counts."""
    seed: int = 0
    """Of all draws."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(pixels=self.pixels, population=self.population)
        if self.queries < 2 * self.population:
            raise ConfigError(
                f"queries must be at least {2 * self.population}, two generations, got {self.queries}"
            )
        for name in ("crossover", "mutation", "zeros"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"{name} must lie in [0, 1], got {getattr(self, name)}"
                )
        check_choices(self)


PRESETS = {
    "random": QueryConfig(population=1, mutation=1.0, decay=False),
    "sparse-rs": QueryConfig(population=1, mutation=0.3),
    "constant": QueryConfig(decay=False),
    "loss": QueryConfig(domination="loss"),
    "sa-moo": QueryConfig(),
}
"""The paper's attack last, its controls before it."""


STAGES = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
DIVISORS = (1, 2, 4, 5, 6, 8, 10, 12, 15, 20)
"""Of the share that is drawn anew, up to each part of the queries and beyond the last: Sparse-RS's schedule, as
Williams and Li's program has it."""


def decayed(share: float, spent: float) -> float:
    """Sparse-RS's share to draw anew once a part of the queries, in [0, 1], is spent."""
    return share / DIVISORS[bisect_left(STAGES, spent)]


def dominates(loss_BS: Tensor, size_BS: Tensor, rule: Domination) -> Tensor:
    """Whether solution i (B, i, j) dominates j: Definition 3.1, or the loss alone.

    A misclassified image has a loss (Eq. 7) below 0; sizes are L2 norms.
    """
    lower_BSS = loss_BS.unsqueeze(2) < loss_BS.unsqueeze(1)
    if rule == "loss":
        return lower_BSS
    fooled_i, fooled_j = (loss_BS < 0).unsqueeze(2), (loss_BS < 0).unsqueeze(1)
    smaller_BSS = size_BS.unsqueeze(2) < size_BS.unsqueeze(1)
    both, neither = fooled_i & fooled_j, ~fooled_i & ~fooled_j
    return fooled_i & ~fooled_j | both & smaller_BSS | neither & lower_BSS


@dataclass(frozen=True, eq=False, kw_only=True)
class Attacked:
    """What the attack leaves of B images."""

    images_B3HW: Tensor
    """The best solution: misclassified if any was, then of the smallest change."""
    queries_B: Tensor
    """Answers until the first misclassification; 0 where there was none."""
    l0_B: Tensor
    """Pixels that changed."""
    l2_B: Tensor
    """Size of the change, on the [0, 1] scale."""


@torch.no_grad()
def attack(
    logits_of: Classifier,
    images_B3HW: Tensor,
    labels_B: Tensor,
    config: QueryConfig,
    progress: Progress | None = None,
) -> Attacked:
    """Spend all queries on every image; no gradient is asked for.

    Raises:
        ConfigError: images outside [0, 1], labels that cannot be right, or less than 2K pixels.
    """
    logits_of = checked(logits_of, images_B3HW, labels_B)
    batch, area, kept = len(images_B3HW), images_B3HW[0, 0].numel(), config.population
    if area < 2 * config.pixels:
        raise ConfigError(f"pixels must be at most half of {area}, got {config.pixels}")
    clean_N3HW, labels_N = (
        one.repeat_interleave(kept, dim=0) for one in (images_B3HW, labels_B)
    )
    rows_BS = torch.arange(batch * kept, device=labels_B.device).view(batch, kept)
    next_N = rows_BS.roll(-1, dims=1).flatten()
    chance = Generator().manual_seed(config.seed)
    queries_B = torch.zeros_like(labels_B)

    def draws(like: Tensor) -> Tensor:
        return torch.rand(like.shape, generator=chance).to(images_B3HW)

    def judged(found: Solutions, asked: int) -> tuple[Tensor, ...]:
        changed_N3HW = found.change(clean_N3HW)
        loss_N = -margin(logits_of(changed_N3HW), labels_N)  # Eq. 7
        size_N = (changed_N3HW - clean_N3HW).flatten(1).norm(dim=1)
        for number, loss_B in enumerate(loss_N.view(batch, kept).T, asked + 1):
            queries_B[(loss_B < 0) & (queries_B == 0)] = number
        return found.pixels_NK, found.values_NK3, loss_N, size_N

    start = sample(
        draws(clean_N3HW[:, 0].flatten(1)), config.pixels, config.zeros, draws
    )
    parents = judged(start, 0)
    for asked in range(kept, config.queries - kept + 1, kept):
        own, other = (
            Solutions(*parents[:2]),
            Solutions(*(one[next_N] for one in parents[:2])),
        )
        crossed = crossover(own, other, config.crossover, draws)
        share = (
            decayed(config.mutation, asked / config.queries)
            if config.decay
            else config.mutation
        )
        offspring = judged(mutation(crossed, share, area, config.zeros, draws), asked)
        both = [
            torch.cat([one.unflatten(0, (batch, kept)) for one in pair], dim=1)
            for pair in zip(offspring, parents, strict=True)
        ]
        ranks = dominates(both[2], both[3], config.domination).sum(dim=1)
        best_BS = ranks.argsort(dim=1, stable=True)[:, :kept]
        rows_B1 = torch.arange(batch, device=labels_B.device).unsqueeze(1)
        parents = tuple(one[rows_B1, best_BS].flatten(0, 1) for one in both)
        if progress:
            progress(
                asked + kept, config.queries, (queries_B > 0).float().mean().item()
            )
    best_N = rows_BS[:, 0]
    images = Solutions(*(one[best_N] for one in parents[:2])).change(images_B3HW)
    change_B3HW = images - images_B3HW
    return Attacked(
        images_B3HW=images,
        queries_B=queries_B,
        l0_B=(change_B3HW != 0).any(dim=1).flatten(1).sum(dim=1),
        l2_B=change_B3HW.flatten(1).norm(dim=1),
    )
