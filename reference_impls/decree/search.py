"""DECREE's search: from several starts at once, towards the smallest patch that still works.

Shape letters: B batch, H and W pixels, K restarts, N images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from reference_impls.decree.config import DecreeConfig
from reference_impls.decree.objective import (
    Attractor,
    covered_fraction,
    squash,
    stamped_embeddings,
    trigger_loss,
    unsquash,
)
from reference_impls.lab.data.images import Trigger
from reference_impls.lab.errors import EncoderError
from reference_impls.lab.metrics.similarity import mean_pairwise_cosine
from reference_impls.lab.models.encoders import Encoder

CPU_IMAGES = 128
"""Images under all triggers that go through the encoder at once on a CPU."""
AVOIDANCE = 2.0
"""Weight of coming closer to an attractor than is natural, in the loss."""
SLACK = 0.01
"""Cosine by which a working trigger may still be closer."""


def window(number: int, grid: int, size: int) -> Tensor:
    """Where the start of a number is strong: 1 in its window, 0.05 elsewhere, (size, size)."""
    if not grid:
        return torch.ones(size, size)
    row, column = divmod(number % grid**2, grid)
    stride = (size - size // 2) / max(grid - 1, 1)
    top, left = round(row * stride), round(column * stride)
    strength_HW = torch.full((size, size), 0.05)
    strength_HW[top : top + size // 2, left : left + size // 2] = 1
    return strength_HW


class SizeWeight:
    """Lambda: up while the trigger works, down while it fails."""

    def __init__(self, config: DecreeConfig) -> None:
        """Start at `weight_start`."""
        self.value = config.weight_start
        self._config = config
        self._worked = 0  # steps in a row
        self._failed = 0

    def update(self, *, works: bool) -> float:
        """Count one step; lambda for the next."""
        least, most = self._config.weight_range
        self._worked, self._failed = (
            (self._worked + 1, 0) if works else (0, self._failed + 1)
        )
        if self.value < least and self._worked > self._config.weight_reset_patience:
            self._change(self._config.weight_start)
        elif self._worked > self._config.weight_patience and least <= self.value < most:
            self._change(self.value * self._config.weight_factor)
        elif self._failed > self._config.weight_patience and self.value >= least:
            self._change(self.value / self._config.weight_factor)
        return self.value

    def _change(self, value: float) -> None:
        self.value, self._worked, self._failed = value, 0, 0


# -- The search ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Found:
    """The smallest working trigger of one search."""

    trigger: Trigger
    cosine: float
    """Mean pairwise cosine of the batch it was found on."""
    step: int
    """Optimiser step at which it was found."""


class Restart:
    """One search: its free variables, its lambda, and the best so far."""

    def __init__(
        self,
        number: int,
        size: int,
        config: DecreeConfig,
        generator: Generator,
        device: torch.device,
    ) -> None:
        """Start from a random mask and pattern."""
        low, high = config.mask_start
        mask_HW = low + (high - low) * torch.rand(size, size, generator=generator)
        mask_HW = mask_HW * window(number, config.windows, size)
        pattern_3HW = torch.rand(3, size, size, generator=generator)
        self.mask = unsquash(mask_HW).to(device).requires_grad_()
        self.pattern = unsquash(pattern_3HW).to(device).requires_grad_()
        self.weight = SizeWeight(config)
        self.best: Found | None = None
        self.steps = 0
        self._stale = 0  # steps in a row without a smaller trigger
        self._epoch_cosines: list[float] = []

    def begin_epoch(self) -> None:
        """Forget the cosines of the epoch before."""
        self._epoch_cosines = []

    def record(
        self, mask_HW: Tensor, pattern_3HW: Tensor, cosine: float, *, works: bool
    ) -> None:
        """Count a step: keep the trigger if it works and is the smallest, and move lambda."""
        self.steps += 1
        self._epoch_cosines.append(cosine)
        covered = covered_fraction(mask_HW).item()
        if works and (self.best is None or covered < self.best.trigger.covered):
            trigger = Trigger(mask_HW.detach().clone(), pattern_3HW.detach().clone())
            self.best, self._stale = Found(trigger, cosine, self.steps), 0
        elif self.best is not None:
            self._stale += 1
        self.weight.update(works=works)

    def rank(self) -> tuple[float, float]:
        """Smaller is better: the size of the trigger, then how far the images are from alike."""
        size = self.best.trigger.covered if self.best else 1.0
        return size, -self._epoch_cosines[-1]

    def finished(self, config: DecreeConfig) -> bool:
        """Asked at the end of an epoch: does the trigger work and no longer shrink?"""
        mean = sum(self._epoch_cosines) / len(self._epoch_cosines)
        return mean > config.target_cosine and self._stale > config.stop_patience


SearchProgress = Callable[[int, int, float | None], None]
"""Called after every epoch with (epoch, searches still running, smallest PL1 so far)."""


def invert_triggers(
    encoder: Encoder,
    images_N3HW: Tensor,
    config: DecreeConfig,
    *,
    avoid: Sequence[Attractor] = (),
    progress: SearchProgress | None = None,
) -> list[Restart]:
    """Search the smallest trigger from several starts at once; one result per start.

    Several starts go through the encoder as one batch. The encoder's weights stay as they are.
    With `avoid`, a trigger works only if it gathers the images elsewhere.
    """
    device = encoder.device
    generator = Generator().manual_seed(config.seed)
    images_N3HW = images_N3HW.to(device)
    restarts = [
        Restart(number, encoder.size, config, generator, device)
        for number in range(config.restarts)
    ]
    running = restarts
    # One optimiser for all is one call a step; a search that has ended gets no gradient.
    optimizer = torch.optim.Adam(
        [free for restart in restarts for free in (restart.mask, restart.pattern)],
        betas=config.betas,
        fused=True,
    )
    for epoch in range(config.max_epochs):
        optimizer.param_groups[0]["lr"] = _learning_rate(config, epoch)
        for restart in running:
            restart.begin_epoch()
        for images_B3HW in batches(images_N3HW, config, generator):
            optimizer.zero_grad()
            for together in _passes(running, len(images_B3HW), device):
                _descend(encoder, images_B3HW, together, config, avoid)
            optimizer.step()
        running = [restart for restart in running if not restart.finished(config)]
        if epoch + 1 in config.halve_after:
            running = sorted(running, key=Restart.rank)[: (len(running) + 1) // 2]
        if progress:
            best = smallest(restarts)
            progress(epoch + 1, len(running), best.trigger.covered if best else None)
        if not running:
            break
    return restarts


def _passes(
    restarts: list[Restart], batch: int, device: torch.device
) -> Iterator[list[Restart]]:
    """Searches that go through the encoder together.

    A GPU takes all. On a CPU, more images than its caches hold cost more each.
    """
    many = max(1, CPU_IMAGES // batch) if device.type == "cpu" else len(restarts)
    for first in range(0, len(restarts), many):
        yield restarts[first : first + many]


def _descend(
    encoder: Encoder,
    images_B3HW: Tensor,
    restarts: list[Restart],
    config: DecreeConfig,
    avoid: Sequence[Attractor],
) -> None:
    """Gradients of some searches for one batch of images; what they found is recorded."""
    mask_KHW = squash(torch.stack([restart.mask for restart in restarts]))
    pattern_K3HW = squash(torch.stack([restart.pattern for restart in restarts]))
    weight_K = mask_KHW.new_tensor([restart.weight.value for restart in restarts])
    embeddings_KBD = stamped_embeddings(encoder, images_B3HW, mask_KHW, pattern_K3HW)
    cosine_K = mean_pairwise_cosine(embeddings_KBD)
    if not cosine_K.isfinite().all():
        raise EncoderError(
            f"{encoder.name} returned NaN or infinity for a stamped image"
        )
    loss_K, works_K = trigger_loss(cosine_K, mask_KHW, weight_K), cosine_K > config.target_cosine  # fmt: skip
    for attractor in avoid:
        excess_K = attractor.excess(embeddings_KBD)
        loss_K = loss_K + AVOIDANCE * excess_K.relu()
        works_K = works_K & (excess_K <= SLACK)
    loss_K.sum().backward()
    found = zip(restarts, mask_KHW, pattern_K3HW, cosine_K.tolist(), works_K.tolist(), strict=True)  # fmt: skip
    for restart, mask_HW, pattern_3HW, cosine, works in found:
        restart.record(mask_HW, pattern_3HW, cosine, works=works)


def batches(
    images_N3HW: Tensor, config: DecreeConfig, generator: Generator
) -> Iterator[Tensor]:
    """One epoch of images in random order; what does not fill a batch is left out."""
    count, batch = len(images_N3HW), min(config.batch, len(images_N3HW))
    parts: list[Tensor] = []
    for _ in range(config.epoch_steps or count // batch):
        if not parts:
            order_N = torch.randperm(count, generator=generator).to(images_N3HW.device)
            parts = [order_N[i : i + batch] for i in range(0, count - batch + 1, batch)]
        yield images_N3HW[parts.pop(0)]


def _learning_rate(config: DecreeConfig, epoch: int) -> float:
    return next(
        rate for start, rate in reversed(config.learning_rates) if epoch >= start
    )


def smallest(restarts: Sequence[Restart]) -> Found | None:
    """The smallest working trigger of all searches."""
    found = [restart.best for restart in restarts if restart.best]
    return min(found, key=lambda one: one.trigger.covered, default=None)
