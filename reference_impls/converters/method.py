"""Testing an encoder that a tool has changed against the one it was made of: largest deviation, and a search for inputs.

Jajal et al., ISSTA 2024, https://arxiv.org/abs/2303.17708, study converters to ONNX whose models answer differently.
DFLare: Tian et al., "Finding Deviated Behaviors of the Compressed DNN Models for Image Classifications", ACM TOSEM
2023, https://arxiv.org/abs/2112.02819; its rules are those of the published program, github.com/yqtianust/DFlare.

Shape letters: B images, C classes, K mutations, D embedding width, H and W pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.converters.conversion import Way
from reference_impls.lab.errors import check_choices
from reference_impls.lab.models.training import check_positive

Probabilities = Callable[[Tensor], Tensor]
"""Images (B, 3, H, W) to probabilities of classes (B, C)."""


@dataclass(frozen=True, kw_only=True)
class ConverterConfig:
    """Which tool is tested, and for how long."""

    way: Way = "onnx"
    """Runs the encoder again as it is (`eager`), with BatchNorm folded in, exported, compiled, in ONNX Runtime, with
    8-bit numbers by ONNX Runtime or PyTorch (`dynamic`, `static`), in 16 bits, or with 4-bit weights."""
    searched: int = 16
    """Test images that the search for deviations starts from."""
    mutations: int = 60
    """Changes of an image that it may try."""
    backdoored: bool = True
    """Also convert an encoder whose backdoor sleeps until weights are rounded to 4 bits; it is planted first."""
    seed: int = 0
    """Of mutations and backdoor."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(searched=self.searched, mutations=self.mutations)


PRESETS: dict[str, ConverterConfig] = {
    way: ConverterConfig(way=way) for way in get_args(Way)
}
"""What is measured; `eager`, the same encoder run twice, is the control."""


# -- Deviation -----------------------------------------------------------------------


def digits(plain_BD: Tensor, changed_BD: Tensor) -> float:
    """-log10 of the largest ‖g(x) - f(x)‖ / ‖f(x)‖: digits in which all embeddings agree, 7.2 at most as float32 has no more."""
    plain_BD, changed_BD = plain_BD.double(), changed_BD.double()
    shift_B = (changed_BD - plain_BD).norm(dim=1) / plain_BD.norm(dim=1)
    return -math.log10(max(shift_B.max().item(), 2**-24))


# -- DFLare --------------------------------------------------------------------------


def _uniform(images: Tensor, low: float, high: float, chance: Generator) -> Tensor:
    return low + (high - low) * torch.rand(len(images), 1, 1, 1, generator=chance)


def _normal(images: Tensor, chance: Generator) -> Tensor:
    return torch.randn(images.shape, generator=chance)


def _sprinkle(images: Tensor, share: float, chance: Generator, *, ends: bool) -> Tensor:
    """Some values replaced, by 0 or 1 or by any."""
    where, value = (torch.rand(images.shape, generator=chance) for _ in range(2))
    return torch.where(where < share, value.round() if ends else value, images)


def _median(images: Tensor) -> Tensor:
    windows = F.pad(images, (1, 1, 1, 1), "reflect").unfold(2, 3, 1).unfold(3, 3, 1)
    return windows.flatten(4).median(dim=4).values


def _mean(images: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(images, (1, 1, 1, 1), "reflect"), 3, stride=1)


MUTATIONS: tuple[Callable[[Tensor, Generator], Tensor], ...] = (
    lambda x, chance: x + 0.02 * _normal(x, chance),
    lambda x, chance: x * (_uniform(x, 0.8, 1.2, chance) + 0.1 * _normal(x, chance)),
    lambda x, chance: _sprinkle(x, 0.004, chance, ends=True),
    lambda x, chance: _sprinkle(x, 0.002, chance, ends=False),
    lambda x, chance: _mean(x),
    lambda x, chance: torch.lerp(x, _mean(x), _uniform(x, 0, 1, chance)),
    lambda x, chance: _median(x),
)
"""Additive and multiplicative noise, black and white dots, changed pixels, three ways to blur."""
NEW_STATE = 0.5
"""Squared distance from all pairs of probability vectors seen before, above which one is new."""


def mutated(images_B3HW: Tensor, which_B: Tensor, chance: Generator) -> Tensor:
    """Every image after the mutation that is chosen for it."""
    changed = images_B3HW.clone()
    for which in which_B.unique().tolist():
        own = which_B == which
        changed[own] = MUTATIONS[which](images_B3HW[own], chance)
    return changed.clamp(0, 1)


def choose(score_BK: Tensor, last_B: Tensor, chance: Generator) -> Tensor:
    """Metropolis-Hastings: a mutation (B,) whose rank by success is k2 follows one of rank k1 with min(1, (1 - 1/K)^(k2 - k1))."""
    shuffle = torch.rand(score_BK.shape, generator=chance)  # decides among equal scores
    rank_BK = (-score_BK - 1e-6 * shuffle).argsort(dim=1).argsort(dim=1)
    steps_BK = rank_BK - rank_BK.gather(1, last_B.unsqueeze(1))
    weight_BK = (1 - 1 / score_BK.shape[1]) ** steps_BK.clamp(min=0)
    return torch.multinomial(weight_BK, 1, generator=chance).squeeze(1)


def search(
    plain: Probabilities, changed: Probabilities, seeds_B3HW: Tensor, config: ConverterConfig, *, guided: bool = True
) -> Tensor:  # fmt: skip
    """After how many mutations the two models' answers differ (B,): 0 at once, -1 never.

    A mutant is gone on from if the two top probabilities lie further apart than ever, or if the pair of probability
    vectors is new. Not guided, the control: every try is one mutation, any, of the seed.
    """
    chance, count = Generator().manual_seed(config.seed), len(seeds_B3HW)
    tried_BK, good_BK = (torch.zeros(count, len(MUTATIONS)) for _ in range(2))
    rows, here_B3HW = torch.arange(count), seeds_B3HW
    last_B = torch.randint(len(MUTATIONS), (count,), generator=chance)
    found_B, best_B = torch.full((count,), -1), torch.zeros(count)
    seen: list[Tensor] = []
    for step in range(config.mutations + 1):
        which_B = choose(good_BK / tried_BK.clamp(min=1), last_B, chance)
        if not guided:
            which_B = torch.randint(len(MUTATIONS), (count,), generator=chance)
        mutants = mutated(here_B3HW, which_B, chance) if step else seeds_B3HW
        one_BC, two_BC = plain(mutants), changed(mutants)
        differs_B = one_BC.argmax(1) != two_BC.argmax(1)
        found_B[differs_B & (found_B < 0)] = step
        apart_B = (one_BC.amax(1) - two_BC.amax(1)).abs()
        state_B2C = torch.cat([one_BC, two_BC], dim=1)
        known = [(state_B2C - one).square().sum(1) <= NEW_STATE for one in seen]
        better_B = (apart_B > best_B) | ~torch.stack([*known, rows < 0]).any(0)
        seen.append(state_B2C)
        if step and guided:
            tried_BK[rows, which_B] += 1
            good_BK[rows, which_B] += better_B.float()
            here_B3HW = torch.where(better_B.view(-1, 1, 1, 1), mutants, here_B3HW)
            last_B = torch.where(better_B, which_B, last_B)
            best_B = torch.where(better_B, apart_B, best_B)
    return found_B
