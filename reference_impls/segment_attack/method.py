"""A promptable segmenter loses its mask: for the prompt that was attacked, or for all prompts.

Attack-SAM: Zhang et al., "Attack-SAM", 2023, https://arxiv.org/abs/2305.00866: the mask of a prompt is removed.
Croce and Hein, "Segment (Almost) Nothing", SaTML 2024, https://arxiv.org/abs/2311.14450: the image embedding moves as
far as it can, which no prompt has a part in; for each image, or with one perturbation for all.

Shape letters: B batch, N training images, H and W pixels, K prompts, D channels and h, w places of the embedding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Generator, Tensor

from reference_impls.lab.attacks.pgd import Budget, ascend, project, start_of
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.segmenter import Segmenter
from reference_impls.lab.models.training import check_positive, draw_batch

Attack = Literal["noise", "mask", "embedding", "universal"]


@dataclass(frozen=True, kw_only=True)
class AttackConfig:
    """What is attacked, and how far pixels may move."""

    attack: Attack = "embedding"
    """`mask` removes the masks of known prompts, `embedding` moves the image embedding, `universal` moves it with one
    perturbation for all images, `noise` is the control."""
    budget: Budget = field(default_factory=lambda: Budget(epsilon=16 / 255, steps=20))
    """Of pixels and steps; of a universal perturbation, only of pixels."""
    prompts: int = 1
    """Points on the object that `mask` knows, the tested one first."""
    floor: float = -10.0
    """`mask`: scores below it count as removed, and are pushed no further."""
    rounds: int = 60
    """`universal`: signed steps, each on a batch of training images."""
    batch: int = 64
    """`universal`: images of a step."""
    seed: int = 0
    """Of start, noise and points."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(prompts=self.prompts, rounds=self.rounds, batch=self.batch)
        if self.floor >= 0:
            raise ConfigError(f"floor must be below 0, where masks end, got {self.floor}")  # fmt: skip


PRESETS: dict[str, AttackConfig] = {
    "noise": AttackConfig(attack="noise"),
    "mask": AttackConfig(attack="mask"),
    "mask-8": AttackConfig(attack="mask", prompts=8),
    "universal": AttackConfig(attack="universal"),
    "embedding": AttackConfig(attack="embedding"),
}
"""What is measured, the control first."""


# -- Scores: of each image, (B,); attacks raise them -----------------------------------


def removal(scores_BHW: Tensor, floor: float) -> Tensor:
    """Attack-SAM's ClipMSE, negated: -mean (max(s, floor) - floor)², 0 where every pixel is at the floor or below."""
    above_BHW = scores_BHW.clamp(min=floor) - floor
    return -above_BHW.square().flatten(1).mean(dim=1)


def displacement(embedding_BDhw: Tensor, clean_BDhw: Tensor) -> Tensor:
    """Croce and Hein: the l2 distance of the image embedding from the clean one."""
    distance_B: Tensor = (embedding_BDhw - clean_BDhw).flatten(1).norm(dim=1)
    return distance_B


# -- Attacks ---------------------------------------------------------------------------


def without_mask(
    segmenter: Segmenter, points_KB2: Tensor, floor: float
) -> Callable[[Tensor], Tensor]:
    """The score that `mask` raises: removal for each of the prompts, on one embedding of the image."""

    def score(images_B3HW: Tensor) -> Tensor:
        embedding = segmenter.embed(images_B3HW)
        each_KB = [removal(segmenter.scores(embedding, at_B2), floor) for at_B2 in points_KB2]  # fmt: skip
        return torch.stack(each_KB).mean(dim=0)

    return score


def universal(segmenter: Segmenter, train_N3HW: Tensor, config: AttackConfig) -> Tensor:
    """One perturbation (3, H, W) for all images: signed steps up the mean displacement of batches, falling to zero."""
    chance, epsilon = Generator().manual_seed(config.seed), config.budget.epsilon
    noise_3HW = torch.rand(train_N3HW.shape[1:], generator=chance).to(train_N3HW)
    delta_3HW = epsilon * (2 * noise_3HW - 1)
    for done in range(config.rounds):
        index_B = draw_batch(len(train_N3HW), min(config.batch, len(train_N3HW)), chance)  # fmt: skip
        images_B3HW = train_N3HW[index_B]
        with torch.no_grad():
            clean_BDhw = segmenter.embed(images_B3HW)
        with torch.enable_grad():
            delta_3HW = delta_3HW.detach().requires_grad_()
            changed_BDhw = segmenter.embed((images_B3HW + delta_3HW).clamp(0, 1))
            moved = displacement(changed_BDhw, clean_BDhw).sum()
            (slope_3HW,) = torch.autograd.grad(moved, delta_3HW)
        step = 0.25 * epsilon * (1 - done / config.rounds)
        delta_3HW = (delta_3HW.detach() + step * slope_3HW.sign()).clamp(-epsilon, epsilon)  # fmt: skip
    return delta_3HW


def attacked(
    config: AttackConfig,
    segmenter: Segmenter,
    images_B3HW: Tensor,
    points_KB2: Tensor,
    train_N3HW: Tensor,
) -> Tensor:
    """Images (B, 3, H, W) within the budget; `mask` knows the first of the points, `universal` the training images."""
    budget, chance = config.budget, Generator().manual_seed(config.seed)
    if config.attack == "noise":
        return start_of(images_B3HW, budget, chance)
    if config.attack == "universal":
        delta_3HW = universal(segmenter, train_N3HW, config)
        return project(images_B3HW + delta_3HW, images_B3HW, budget)
    if config.attack == "mask":
        score = without_mask(segmenter, points_KB2[: config.prompts], config.floor)
    else:
        with torch.no_grad():
            clean_BDhw = segmenter.embed(images_B3HW)

        def score(images: Tensor) -> Tensor:
            return displacement(segmenter.embed(images), clean_BDhw)

    return ascend(lambda x: score(x).sum(), images_B3HW, budget, chance)
