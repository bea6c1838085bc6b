"""DECREE: does a pre-trained image encoder carry a backdoor?

Feng et al., "Detecting Backdoors in Pre-trained Encoders", CVPR 2023,
https://arxiv.org/abs/2303.15180.

A backdoored encoder sends every image that carries the attacker's trigger to one
point. So we search for the smallest patch that makes different images embed alike. If
a tiny patch is enough, the encoder is suspicious; a clean one needs a large patch.

Departures from the paper and from its published program are listed in `README.md`.

Shape letters: B batch, H and W pixels, D embedding width, K restarts, N images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor

from reference_impls.decree.calibration import PUBLISHED_THRESHOLD, Calibration
from reference_impls.decree.config import PUBLISHED, DecreeConfig
from reference_impls.lab.encoders import Encoder, check_usable
from reference_impls.lab.errors import EncoderError, WorldError
from reference_impls.lab.images import Trigger, stamp
from reference_impls.lab.similarity import mean_pairwise_cosine
from reference_impls.lab.speed import accelerated

# -- Losses: pure functions, one equation each ---------------------------------------


def covered_fraction(mask_KHW: Tensor) -> Tensor:
    """PL1 (Eq. 6): L1 norm of a mask over the largest norm of an image, (…, H, W) to (…)."""
    return mask_KHW.mean(dim=(-2, -1))


def trigger_loss(cosine_K: Tensor, mask_KHW: Tensor, weight_K: Tensor) -> Tensor:
    """What a search minimises: minus the mean cosine, plus lambda times the mask's size.

    The size sums over height, width and the three channels, so that lambda means what it
    means in the published program.
    """
    return -cosine_K + weight_K * 3 * mask_KHW.sum(dim=(-2, -1))


def squash(free: Tensor) -> Tensor:
    """Free variables to [0, 1]: what is optimised never leaves the range of pixels."""
    return free.tanh() / 2 + 0.5


def unsquash(values: Tensor) -> Tensor:
    """The free variables of values in [0, 1]; the ends are moved inside by 1e-6."""
    return (2 * values.clamp(1e-6, 1 - 1e-6) - 1).atanh()


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
    """One search: its free variables, its optimiser, its lambda, and the best so far."""

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
        rate = config.learning_rates[0][1]
        self.optimizer = torch.optim.Adam(
            [self.mask, self.pattern], lr=rate, betas=config.betas
        )
        self.weight = SizeWeight(config)
        self.best: Found | None = None
        self.steps = 0
        self._stale = 0  # steps in a row without a smaller trigger
        self._epoch_cosines: list[float] = []

    def begin_epoch(self, learning_rate: float) -> None:
        """Set the learning rate of this epoch."""
        self._epoch_cosines = []
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate

    def record(
        self, mask_HW: Tensor, pattern_3HW: Tensor, cosine: float, target: float
    ) -> None:
        """Count a step: keep the trigger if it works and is the smallest, and move lambda."""
        self.steps += 1
        self._epoch_cosines.append(cosine)
        works = cosine > target
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
    progress: SearchProgress | None = None,
) -> list[Restart]:
    """Search the smallest trigger from several starts at once; one result per start.

    All starts go through the encoder as one batch. The encoder's weights stay as they are.
    """
    device = encoder.device
    generator = Generator().manual_seed(config.seed)
    images_N3HW = images_N3HW.to(device)
    restarts = [
        Restart(number, encoder.size, config, generator, device)
        for number in range(config.restarts)
    ]
    running = restarts

    for epoch in range(config.max_epochs):
        for restart in running:
            restart.begin_epoch(_learning_rate(config, epoch))
        for images_B3HW in batches(images_N3HW, config, generator):
            _step(encoder, images_B3HW, running, config)
        running = [restart for restart in running if not restart.finished(config)]
        if epoch + 1 in config.halve_after:
            running = sorted(running, key=Restart.rank)[: (len(running) + 1) // 2]
        if progress:
            progress(epoch + 1, len(running), _smallest(restarts))
        if not running:
            break
    return restarts


def _step(
    encoder: Encoder, images_B3HW: Tensor, restarts: list[Restart], config: DecreeConfig
) -> None:
    mask_KHW = squash(torch.stack([restart.mask for restart in restarts]))
    pattern_K3HW = squash(torch.stack([restart.pattern for restart in restarts]))
    weight_K = mask_KHW.new_tensor([restart.weight.value for restart in restarts])
    cosine_K = stamped_cosines(encoder, images_B3HW, mask_KHW, pattern_K3HW)
    if not cosine_K.isfinite().all():
        raise EncoderError(
            f"{encoder.name} returned NaN or infinity for a stamped image"
        )
    loss = trigger_loss(cosine_K, mask_KHW, weight_K).sum()
    for restart in restarts:
        restart.optimizer.zero_grad()
    loss.backward()
    for restart, mask_HW, pattern_3HW, cosine in zip(
        restarts, mask_KHW, pattern_K3HW, cosine_K.tolist(), strict=True
    ):
        restart.optimizer.step()
        restart.record(mask_HW, pattern_3HW, cosine, config.target_cosine)


def stamped_cosines(
    encoder: Encoder, images_B3HW: Tensor, mask_KHW: Tensor, pattern_K3HW: Tensor
) -> Tensor:
    """Mean pairwise cosine (K,) of the images under each of K triggers, in one forward pass."""
    stamped_KB3HW = stamp(images_B3HW, mask_KHW[:, None, None], pattern_K3HW[:, None])
    flat = stamped_KB3HW.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    embeddings = encoder.encode(flat)
    return mean_pairwise_cosine(embeddings.unflatten(0, stamped_KB3HW.shape[:2]))


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


def _smallest(restarts: list[Restart]) -> float | None:
    sizes = [restart.best.trigger.covered for restart in restarts if restart.best]
    return min(sizes, default=None)


# -- The answer ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RestartReport:
    """How one search ended."""

    score: float | None
    """PL1 of its smallest working trigger; none if it found no working one."""
    cosine: float | None
    """Mean pairwise cosine under that trigger."""
    steps: int
    """Optimiser steps it took."""


@dataclass(frozen=True, eq=False, kw_only=True)
class DecreeReport:
    """What DECREE says about one encoder."""

    encoder: str
    """Name of the encoder."""
    score: float | None
    """PL1, the fraction of the image that the smallest working trigger covers; none if no
    search found a working trigger."""
    backdoored: bool
    """Whether the score lies below the threshold."""
    calibration: Calibration
    """The threshold, and what it rests on."""
    deviations: float | None
    """How many standard deviations (of log PL1) the score lies below the clean encoders'."""
    trigger: Trigger | None = field(repr=False)
    """The smallest working trigger."""
    restarts: tuple[RestartReport, ...]
    """Every search, in the order of the starts."""
    config: DecreeConfig
    """The settings that led here."""

    @property
    def verdict(self) -> str:
        """The answer in one sentence."""
        if self.score is None:
            return "no trigger found: no patch made the images embed alike"
        relation = "below" if self.backdoored else "not below"
        answer = "backdoored" if self.backdoored else "no backdoor found"
        return f"{answer}: PL1 {self.score:.4f} is {relation} {self.calibration.threshold:.4f}"


def detect(
    encoder: Encoder,
    images_N3HW: Tensor,
    config: DecreeConfig = PUBLISHED,
    *,
    calibration: Calibration = PUBLISHED_THRESHOLD,
    progress: SearchProgress | None = None,
) -> DecreeReport:
    """Run DECREE on one encoder with images in [0, 1] of the encoder's size.

    Raises:
        EncoderError: the encoder is broken, constant, or takes images of another size.
        WorldError: fewer than two images.
    """
    if len(images_N3HW) < 2:
        raise WorldError(f"DECREE compares pairs of images and got {len(images_N3HW)}")
    some_B3HW = images_N3HW[: config.batch].to(encoder.device)
    check_usable(encoder, some_B3HW)
    _check_varied(encoder, some_B3HW, config.target_cosine)
    subject = accelerated(encoder, bf16=config.bf16) if config.fast else encoder
    restarts = invert_triggers(subject, images_N3HW, config, progress=progress)
    return summarise(encoder.name, restarts, config, calibration)


@torch.no_grad()
def _check_varied(encoder: Encoder, images_B3HW: Tensor, target: float) -> None:
    """Where all images embed alike anyway, any speck would pass for a trigger."""
    cosine = mean_pairwise_cosine(encoder.encode(images_B3HW)).item()
    if cosine > target:
        raise EncoderError(
            f"{encoder.name} embeds images alike without any trigger (mean cosine {cosine:.4f}, "
            f"above {target}): untrained, collapsed or given wrong statistics; DECREE cannot tell"
        )


def summarise(
    name: str, restarts: list[Restart], config: DecreeConfig, calibration: Calibration
) -> DecreeReport:
    """The verdict over all searches: the smallest trigger against the threshold (Eq. 7)."""
    found = [restart.best for restart in restarts if restart.best is not None]
    best = min(found, key=lambda one: one.trigger.covered, default=None)
    score = None if best is None else best.trigger.covered
    return DecreeReport(
        encoder=name,
        score=score,
        backdoored=score is not None and score < calibration.threshold,
        calibration=calibration,
        deviations=None if score is None else calibration.deviations(score),
        trigger=None if best is None else best.trigger,
        restarts=tuple(
            RestartReport(
                score=restart.best.trigger.covered if restart.best else None,
                cosine=restart.best.cosine if restart.best else None,
                steps=restart.steps,
            )
            for restart in restarts
        ),
        config=config,
    )
