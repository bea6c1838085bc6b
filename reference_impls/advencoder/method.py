"""AdvEncoder: a universal perturbation or patch, made on a pre-trained encoder alone.

Zhou et al., "Downstream-agnostic Adversarial Examples", ICCV 2023,
https://arxiv.org/abs/2307.12280.

The attacker holds the public encoder and unlabelled images, no downstream task. One change
to all images is sought that tears each embedding from its own clean one and towards those
of other images, while high frequencies, on which encoders lean, are changed the most.

Departures from the published program are listed in `README.md`.

Shape letters: B batch, N images of a dataset, H and W pixels, S side of the canvas, D width.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from reference_impls.lab.attacks.universal import (
    UniversalPatch,
    UniversalPerturbation,
    as_patch,
    check_epsilon,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.patches import PatchSpec, place_patch
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.contrastive import info_nce
from reference_impls.lab.models.encoders import Encoder, check_usable, embed_all
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.generator import (
    CanvasLoss,
    CraftSettings,
    FreePixels,
    PatchGenerator,
    craft,
)
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
)
from reference_impls.lab.study.options import Fraction

Variant = Literal["perturbation", "patch"]
Crafter = Literal["generator", "direct", "signs"]

# -- Settings ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class AdvEncoderConfig:
    """Settings of the attack; losses as published, schedule at lab scale."""

    variant: Variant = "perturbation"
    """`perturbation` (AdvEncoder-PER) adds a little everywhere, `patch` (-PAT) replaces a square."""
    crafter: Crafter = "generator"
    """Who draws: `generator` a network from fixed noise, as published; `direct` the pixels by
    themselves; `signs` signed gradient steps on a perturbation, the plain universal attack."""
    epsilon: Fraction = 10 / 255
    """Largest change of a pixel's channel by a perturbation, on the [0, 1] scale."""
    patch: PatchSpec = field(default_factory=PatchSpec)
    """Size and place of a patch; 3 % of the area as published, 6.25 % here, see the README."""
    steps: int = 300
    """Optimiser steps; the published attack takes 20 epochs of batches of 256."""
    batch: int = 128
    """Images per step, and so the candidates of the contrastive loss."""
    learning_rate: float | None = None
    """Of Adam, falling to 0 along a cosine; of `signs` in units of epsilon, constant. None takes
    the crafter's own."""
    temperature: float = 0.1
    """Of InfoNCE."""
    contrast_weight: float = 5.0
    """Alpha, of the contrastive loss."""
    quality_weight: float = 1.0
    """Of the mean squared change, which is to stay small."""
    frequency_weight: float = 1.0
    """Of the mean squared change of high frequencies, which is to grow."""
    cutoff: float = 8 / 64
    """Radius of the low frequencies as a share of the image's edge; published: 8 of 64."""
    bf16: bool = True
    """Let the encoder compute in bfloat16."""
    seed: int = 0
    """Of the first canvas, of batches and of places."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_epsilon(self.epsilon)
        check_positive(
            steps=self.steps, temperature=self.temperature, learning_rate=self.rate
        )
        if self.batch < 2:
            raise ConfigError(
                f"batch must be at least 2 images to tell them apart, got {self.batch}"
            )
        if self.variant == "patch" and self.crafter == "signs":
            raise ConfigError(
                "signs takes small steps in a ball, which a patch has none of; use generator or direct"
            )
        if not 0 <= self.cutoff <= 0.5:
            raise ConfigError(
                f"cutoff must lie in [0, 0.5] of the image's edge, got {self.cutoff}"
            )
        for name in ("contrast_weight", "quality_weight", "frequency_weight"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"{name} must not be negative, got {getattr(self, name)}"
                )

    @property
    def rate(self) -> float:
        """The learning rate that is used."""
        if self.learning_rate is None:
            return LEARNING_RATES[self.crafter]
        return self.learning_rate

    def __str__(self) -> str:
        """Short name, for instance `perturbation-generator-0.0392`."""
        size = self.epsilon if self.variant == "perturbation" else self.patch.share
        return f"{self.variant}-{self.crafter}-{size:.4f}"


LEARNING_RATES: dict[Crafter, float] = {
    "generator": 2e-3,
    "direct": 0.1,
    "signs": 0.05,
}


# -- Losses: pure functions, one equation each ---------------------------------------


def contrast_loss(
    attacked_BD: Tensor, clean_BD: Tensor, temperature: float = 0.1
) -> Tensor:
    """An attacked image should not embed like itself: minus InfoNCE with its clean twin."""
    return -info_nce(attacked_BD, clean_BD, temperature)


def quality_loss(change_B3HW: Tensor) -> Tensor:
    """The change should be small: its mean square."""
    loss: Tensor = change_B3HW.square().mean()
    return loss


def frequency_loss(change_B3HW: Tensor, high_HW: Tensor) -> Tensor:
    """High frequencies should change: minus the mean square of the high-pass filtered change.

    The filter is linear, so filtering both images and subtracting is filtering the change
    once; and the transform keeps lengths (Parseval), so nothing is transformed back.
    """
    spectrum_B3HW = torch.fft.fft2(change_B3HW.float(), norm="ortho")
    loss: Tensor = -(spectrum_B3HW.abs().square() * high_HW).mean()
    return loss


def high_frequencies(height: int, width: int, radius: float) -> Tensor:
    """Mask (H, W) of a spectrum: 1 where a frequency lies `radius` or more from the mean.

    In the order of `torch.fft.fft2`, the mean first; distances in cycles per image.
    """
    rows_H = torch.fft.fftfreq(height, 1 / height)
    columns_W = torch.fft.fftfreq(width, 1 / width)
    distance_HW = (rows_H[:, None].square() + columns_W.square()).sqrt()
    high_HW: Tensor = distance_HW >= radius
    return high_HW.float()


# -- The attack ----------------------------------------------------------------------


def attack(
    encoder: Encoder,
    surrogate: Dataset,
    config: AdvEncoderConfig = AdvEncoderConfig(),
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> UniversalPatch | UniversalPerturbation:
    """One change that fools what is built on the encoder; the encoder is left alone.

    Raises:
        EncoderError: the encoder is broken or does not take these images.
        DatasetError: fewer surrogate images than one batch.
        ConfigError: the patch does not fit on the images.
    """
    check_dataset(surrogate, config.batch)
    images_N3HW = surrogate.images_N3HW.to(encoder.device)
    check_usable(encoder, images_N3HW[: config.batch])
    canvas = _canvas(config, encoder.size).to(encoder.device)
    loss_of_pixels = _objective(encoder, images_N3HW, config)
    if config.crafter == "signs":
        delta_3HW = _climb(loss_of_pixels, encoder, config, progress)
        return UniversalPerturbation(delta_3HW.cpu(), config.epsilon)
    pixels_3SS = craft(
        canvas,
        loss_of_pixels,
        CraftSettings(steps=config.steps, learning_rate=config.rate, seed=config.seed),
        checkpoint=checkpoint,
        progress=progress,
    )
    if config.variant == "patch":
        return as_patch(pixels_3SS, config.patch, encoder.size, encoder.size)
    return UniversalPerturbation(_delta(pixels_3SS, config).cpu(), config.epsilon)


def _objective(
    encoder: Encoder, images_N3HW: Tensor, config: AdvEncoderConfig
) -> CanvasLoss:
    """The loss of a canvas on a batch of images."""
    subject = accelerated(encoder, bf16=config.bf16)
    # The encoder never changes, so its answers to clean images are computed once.
    clean_ND = embed_all(encoder, images_N3HW)
    size = encoder.size
    high_HW = high_frequencies(size, size, config.cutoff * size).to(images_N3HW.device)

    def loss_of_pixels(pixels_3SS: Tensor, generator: Generator) -> Tensor:
        index_B = draw_batch(len(images_N3HW), config.batch, generator)
        index_B = index_B.to(images_N3HW.device)
        images_B3HW = images_N3HW[index_B]
        attacked_B3HW = _apply(pixels_3SS, images_B3HW, config, generator)
        attacked_BD = subject.encode(
            attacked_B3HW.contiguous(memory_format=torch.channels_last)
        )
        change_B3HW = attacked_B3HW - images_B3HW
        contrast = contrast_loss(attacked_BD, clean_ND[index_B], config.temperature)
        return (
            config.contrast_weight * contrast
            + config.quality_weight * quality_loss(change_B3HW)
            + config.frequency_weight * frequency_loss(change_B3HW, high_HW)
        )

    return loss_of_pixels


def _canvas(config: AdvEncoderConfig, size: int) -> nn.Module:
    side = config.patch.side(size, size) if config.variant == "patch" else size
    if config.crafter == "generator":
        return PatchGenerator(side, seed=config.seed)
    return FreePixels(side, seed=config.seed)


def _apply(
    pixels_3SS: Tensor,
    images_B3HW: Tensor,
    config: AdvEncoderConfig,
    generator: Generator,
) -> Tensor:
    """The images with the canvas as a patch, or as a perturbation and clamped to [0, 1]."""
    if config.variant == "patch":
        return place_patch(pixels_3SS, images_B3HW, config.patch, generator)
    return (images_B3HW + _delta(pixels_3SS, config)).clamp(0, 1)


def _delta(pixels_3SS: Tensor, config: AdvEncoderConfig) -> Tensor:
    return config.epsilon * (2 * pixels_3SS - 1)


def _climb(
    loss_of_pixels: CanvasLoss,
    encoder: Encoder,
    config: AdvEncoderConfig,
    progress: Progress | None,
) -> Tensor:
    """The plain universal attack: signed gradient steps of a perturbation inside its ball."""
    generator = Generator().manual_seed(config.seed)
    size = encoder.size
    pixels_3HW = torch.rand(3, size, size, generator=generator).to(encoder.device)
    for step in range(1, config.steps + 1):
        pixels_3HW.requires_grad_()
        loss = loss_of_pixels(pixels_3HW, generator)
        (gradient,) = torch.autograd.grad(loss, pixels_3HW)
        # Half a unit of the canvas is epsilon.
        moved = pixels_3HW.detach() - config.rate / 2 * gradient.sign()
        pixels_3HW = moved.clamp(0, 1)
        if progress:
            progress(step, config.steps, loss.item())
    return _delta(pixels_3HW, config)
