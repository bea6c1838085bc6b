"""The denoiser before the classifier: a small network, trained here, in the two papers' ways.

Salman et al. train one for each sigma; Carlini et al. take a diffusion model for every sigma
and call it once, at the time step whose noise is sigma.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    draw_batch,
    fit,
    one_cycle_learner,
    seeded,
)
from reference_impls.smoothing.method import Classifier, SmoothingConfig

WIDTH, BATCH, LEARNING_RATE = 16, 64, 1e-2
"""Channels of the network; images per step; peak of the one-cycle schedule."""
ALPHA_BAR = (1 - torch.linspace(1e-4, 0.02, 1000)).cumprod(dim=0)
"""Signal left at each time step (DDPM): x_t = sqrt(a) x + sqrt(1 - a) noise, with x in [-1, 1]."""


def time_step(sigma: float) -> int:
    """Carlini et al.: the first t with (1 - a_t) / a_t >= (2 sigma)^2; 2 sigma, as x spans [-1, 1]."""
    noise_T = (1 - ALPHA_BAR) / ALPHA_BAR
    return int((noise_T < (2 * sigma) ** 2).sum().clamp(max=len(noise_T) - 1))


class Denoiser(nn.Module):
    """Noisy images (B, 3, H, W) to clean ones: a residual network at half the resolution."""

    def __init__(self, *, diffusion: bool = False) -> None:
        """Build with PyTorch's default initialisation."""
        super().__init__()
        self.diffusion = diffusion
        layers: list[nn.Module] = [nn.Conv2d(13, WIDTH, 3, padding=1), nn.ReLU()]
        for _ in range(2):
            layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Conv2d(WIDTH, 12, 3, padding=1))
        self.shortcut = nn.Conv2d(13, 12, 3, padding=1)

    def forward(self, noisy_B3HW: Tensor, sigma: float) -> Tensor:
        """The images without their noise, whose standard deviation is `sigma`."""
        if not self.diffusion:
            return noisy_B3HW - self.noise(noisy_B3HW, sigma)
        t = time_step(sigma)
        a = ALPHA_BAR[t].item()
        x_t = a**0.5 * (2 * noisy_B3HW - 1)
        x_0: Tensor = (x_t - (1 - a) ** 0.5 * self.noise(x_t, t / 1000)) / a**0.5
        return (x_0 + 1) / 2

    def noise(self, images_B3HW: Tensor, level: float) -> Tensor:
        """What the network takes for noise; the level of noise is its thirteenth channel."""
        quarters = F.pixel_unshuffle(images_B3HW, 2)
        inputs = F.pad(quarters, (0, 0, 0, 0, 0, 1), value=level)
        found = self.body(inputs) + self.shortcut(inputs)
        noise_B3HW: Tensor = F.pixel_shuffle(found, 2)
        return noise_B3HW


def mse_loss(denoiser: Denoiser, clean: Tensor, noise: Tensor, sigma: float) -> Tensor:
    """Between clean and denoised images; divided by sigma^2 it is DDPM's, between noise and guess."""
    error = F.mse_loss(denoiser(clean + sigma * noise, sigma), clean)
    return error / sigma**2 if denoiser.diffusion else error


def stability_loss(base: Classifier, clean: Tensor, denoised: Tensor) -> Tensor:
    """Cross entropy to the class that the classifier gives the clean image (Salman et al.)."""
    return F.cross_entropy(base(denoised), base(clean).argmax(dim=1))


def behind_denoiser(
    base: Classifier,
    train: Dataset,
    config: SmoothingConfig,
    progress: Progress | None = None,
) -> Classifier:
    """The classifier behind a denoiser that learns from these images; it is left alone itself.

    Raises:
        DatasetError: fewer images than a batch, or their height and width are odd.
    """
    if config.denoiser == "none":
        return base
    check_dataset(train, BATCH)
    if train.size % 2:
        raise DatasetError(f"the denoiser takes even sizes only, got {train.size}")
    diffusion = config.denoiser == "diffusion"
    denoiser = seeded(lambda: Denoiser(diffusion=diffusion), config.seed)
    learner = one_cycle_learner(
        {"denoiser": denoiser.to(train.images_N3HW.device)},
        steps=config.steps,
        learning_rate=LEARNING_RATE,
        seed=config.seed,
    )

    def loss_of_step(generator: Generator) -> Tensor:
        clean = train.images_N3HW[draw_batch(len(train), BATCH, generator)]
        noise = torch.randn(clean.shape, generator=generator).to(clean)
        sigma = config.sigma
        if config.denoiser == "stability":
            return stability_loss(base, clean, denoiser(clean + sigma * noise, sigma))
        if denoiser.diffusion:  # every sigma in (0, 1]
            sigma = 1 - torch.rand((), generator=generator).item()
        return mse_loss(denoiser, clean, noise, sigma)

    fit(loss_of_step, learner, steps=config.steps, progress=progress)
    return lambda noisy_B3HW: base(denoiser(noisy_B3HW, config.sigma))
