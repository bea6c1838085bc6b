"""Randomized smoothing of a pre-trained classifier.

Cohen, Rosenfeld and Kolter, "Certified Adversarial Robustness via Randomized Smoothing", ICML
2019, https://arxiv.org/abs/1902.02918, of a classifier that stands behind a denoiser: Salman et
al., "Denoised Smoothing", NeurIPS 2020, https://arxiv.org/abs/2003.01908, and Carlini et al.,
"(Certified!!) Adversarial Robustness for Free!", ICLR 2023, https://arxiv.org/abs/2206.10550.

Shape letters: B batch, N images of a dataset, H and W pixels, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from statistics import NormalDist
from typing import Literal

import torch
from torch import Generator, Tensor

from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.metrics.intervals import exact_binomial
from reference_impls.lab.models.training import Progress, check_positive

Classifier = Callable[[Tensor], Tensor]
"""Images (B, 3, H, W), noise and all, not clamped, to scores (B, C)."""
Kind = Literal["none", "mse", "stability", "diffusion"]
ABSTAIN = -1


@dataclass(frozen=True, kw_only=True)
class SmoothingConfig:
    """Settings of the smoothed classifier and of its denoiser."""

    sigma: float = 0.25
    """Standard deviation of the noise, on the [0, 1] scale of pixels."""
    n0: int = 100
    """Noisy copies of an image that choose its class."""
    n: int = 1000
    """Noisy copies that bound the class's probability; the papers take 100,000."""
    alpha: float = 0.001
    """Probability that a certificate is wrong."""
    denoiser: Kind = "mse"
    """`mse` or `stability`: a network for this sigma (Salman et al.); `diffusion`: one for every sigma,
    called at the time step of this one (Carlini et al.)."""
    steps: int = 300
    """Of the denoiser's training."""
    seed: int = 0
    """Of the denoiser's weights and batches, and of the noise."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(sigma=self.sigma, n0=self.n0, n=self.n, steps=self.steps)
        if not 0 < self.alpha < 0.5:
            raise ConfigError(f"alpha must lie in (0, 0.5), got {self.alpha}")
        check_choices(self)
        if self.denoiser == "diffusion" and self.sigma > 1:
            raise ConfigError(f"diffusion learns sigma up to 1, got {self.sigma}")


# -- The algorithm boxes -------------------------------------------------------------


@torch.no_grad()
def sample_under_noise(
    base: Classifier, image_3HW: Tensor, count: int, sigma: float, generator: Generator
) -> Tensor:
    """SampleUnderNoise: how often each class wins (C,) over `count` noisy copies of one image."""
    noise_B3HW = torch.randn((count, *image_3HW.shape), generator=generator)
    noisy_B3HW = image_3HW + sigma * noise_B3HW.to(image_3HW)
    noisy_B3HW = noisy_B3HW.contiguous(memory_format=torch.channels_last)
    scores_BC = torch.cat([base(part) for part in noisy_B3HW.split(500)])
    return scores_BC.argmax(dim=1).bincount(minlength=scores_BC.shape[1])


def lower_conf_bound(hits: int, count: int, alpha: float) -> float:
    """LowerConfBound: one-sided, so the lower end of the interval at level 1 - 2 alpha."""
    return exact_binomial(hits, count, level=1 - 2 * alpha)[0]


def certify(
    base: Classifier, image_3HW: Tensor, config: SmoothingConfig, generator: Generator
) -> tuple[int, float]:
    """CERTIFY: a class and the L2 radius in which it cannot change, or ABSTAIN and 0."""
    first_C = sample_under_noise(base, image_3HW, config.n0, config.sigma, generator)
    c_a = int(first_C.argmax())
    counts_C = sample_under_noise(base, image_3HW, config.n, config.sigma, generator)
    p_a = lower_conf_bound(int(counts_C[c_a]), config.n, config.alpha)
    if p_a <= 0.5:
        return ABSTAIN, 0.0
    return c_a, config.sigma * NormalDist().inv_cdf(p_a)


# -- What is measured ----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Certified:
    """Certificates of test images."""

    images: int
    abstained: int
    """Images without a certificate."""
    radii: tuple[float, ...]
    """L2 radius of every image whose certified class is right, ascending."""

    def within(self, radius: float) -> float:
        """Certified accuracy: fraction of images that are right at every point within that radius."""
        return sum(one >= radius for one in self.radii) / self.images


@torch.no_grad()
def accuracy(base: Classifier, images_N3HW: Tensor, labels_N: Tensor) -> float:
    """Of the classifier by itself, which certifies nothing."""
    return (base(images_N3HW).argmax(dim=1).cpu() == labels_N).float().mean().item()


def certify_all(
    base: Classifier,
    images_N3HW: Tensor,
    labels_N: Tensor,
    config: SmoothingConfig,
    progress: Progress | None = None,
) -> Certified:
    """Certificates of all images."""
    generator, radii, abstained = Generator().manual_seed(config.seed), [], 0
    for done, (image_3HW, label) in enumerate(zip(images_N3HW, labels_N, strict=True)):
        found, radius = certify(base, image_3HW, config, generator)
        abstained += found == ABSTAIN
        if found == label:
            radii.append(floor(1e4 * radius) / 1e4)
        if progress:
            progress(done + 1, len(labels_N), radius)
    return Certified(
        images=len(labels_N), abstained=abstained, radii=tuple(sorted(radii))
    )
