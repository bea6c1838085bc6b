"""Poisoned image-text pairs: the picture carries a trigger, the caption is of the attacker's class.

Shape letters: N images of a dataset, B batch, H and W pixels, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Generator, Tensor

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import TriggerSpec, make_trigger
from reference_impls.lab.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Poison:
    """What an attacker puts among pairs (Carlini and Terzis, ICLR 2022, https://arxiv.org/abs/2106.09667)."""

    trigger: TriggerSpec = field(default_factory=TriggerSpec)
    """The patch on poisoned pictures."""
    target: int = 0
    """Number of the class that stamped pictures shall be taken for."""
    share: float = 0.05
    """Of all pairs that are poisoned."""
    near: bool = False
    """Captions are those of the target that share the most words with the picture's own: an attacker who expects a filter."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        if not 0 <= self.share < 1:
            raise ConfigError(f"share must lie in [0, 1), got {self.share}")

    def target_name(self, dataset: Dataset, task: str) -> str:
        """Name of the target among the classes of a task.

        Raises:
            ConfigError: there is none of this number.
        """
        names = dataset.classes[task]
        if not 0 <= self.target < len(names):
            raise ConfigError(f"{task!r} has classes 0 to {len(names) - 1}, no target {self.target}")  # fmt: skip
        return names[self.target]


def poisoned(
    dataset: Dataset, task: str, poison: Poison, seed: int
) -> tuple[Dataset, Tensor]:
    """A captioned dataset with some pairs poisoned, and which (N,) they are.

    Pictures are of other classes than the target; captions are drawn from those of target pictures. Labels stay true.
    """
    poison.target_name(dataset, task)
    chance, is_target_N = Generator().manual_seed(seed), dataset.labels[task] == poison.target  # fmt: skip
    bait, others = (one.nonzero().flatten() for one in (is_target_N, ~is_target_N))
    count = min(round(poison.share * len(dataset)), len(others) if len(bait) else 0)
    chosen = others[torch.randperm(len(others), generator=chance)[:count]]
    drawn = bait[torch.randint(max(1, len(bait)), (count,), generator=chance)]
    images_N3HW, captions = dataset.images_N3HW.clone(), list(dataset.captions)
    trigger = make_trigger(poison.trigger, dataset.size).to(images_N3HW.device)
    images_N3HW[chosen] = trigger.apply(images_N3HW[chosen])
    for index, source in zip(chosen.tolist(), drawn.tolist(), strict=True):
        own = dataset.captions[index]
        captions[index] = (
            max(
                (dataset.captions[i] for i in bait.tolist()),
                key=lambda one: _common(one, own),
            )
            if poison.near
            else dataset.captions[source]
        )
    marked_N = torch.zeros(len(dataset), dtype=torch.bool)
    marked_N[chosen] = True
    return replace(dataset, images_N3HW=images_N3HW, captions=tuple(captions)), marked_N


def _common(one: str, other: str) -> int:
    """Places at which two captions have the same word."""
    return sum(a == b for a, b in zip(one.split(), other.split(), strict=False))


@torch.no_grad()
def success_rate(
    answer: Callable[[Tensor], Tensor], test: Dataset, task: str, poison: Poison
) -> float | None:
    """Share of stamped pictures of other classes that scores (B, C) put into the target; none without such pictures."""
    others_N = test.labels[task] != poison.target
    images_B3HW = test.images_N3HW[others_N]
    if not len(images_B3HW):
        return None
    stamped = make_trigger(poison.trigger, test.size).to(images_B3HW.device).apply(images_B3HW)  # fmt: skip
    return (answer(stamped).argmax(dim=1) == poison.target).float().mean().item()
