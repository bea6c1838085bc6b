"""A small promptable segmenter: a point in an image to the mask of what lies there, object or background.

It has the plan of SAM: an image embedding that no prompt changes, and a light decoder that reads it once a prompt.
The image embedding is made of all feature maps of a frozen encoder.

Shape letters: B batch, N images, H and W pixels, C channels of the maps, D of the embedding, h and w their places.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.feature_maps import feature_maps, keep
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
    fit,
    one_cycle_learner,
    seeded,
)


@dataclass(frozen=True, kw_only=True)
class SegmenterConfig:
    """Settings of the decoder's training; the encoder is left alone."""

    steps: int = 300
    """Optimiser steps."""
    batch: int = 64
    """Images per step, each with one point."""
    learning_rate: float = 3e-3
    """Peak of AdamW's one-cycle schedule."""
    width: int = 16
    """D."""
    seed: int = 0
    """Of weights, batches and points."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(steps=self.steps, batch=self.batch, width=self.width)


class MaskDecoder(nn.Module):
    """The neck that makes the image embedding of all maps, and what makes it and a point the scores of a mask."""

    def __init__(self, channels: int, width: int) -> None:
        """For maps of so many channels in all."""
        super().__init__()
        self.neck = nn.Sequential(nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width), nn.ReLU())  # fmt: skip
        self.mix = nn.Sequential(
            nn.Conv2d(3 * width + 1, 2 * width, 3, padding=1),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.Conv2d(2 * width, 4, 1),
        )

    def forward(self, image_BDhw: Tensor, points_B2: Tensor) -> Tensor:
        """Scores (B, 2h, 2w), above 0 inside; points are (x, y) in [-1, 1] from corner to corner."""
        at_B1xy = points_B2.view(-1, 1, 1, 2)
        there_BD11 = F.grid_sample(image_BDhw, at_B1xy, align_corners=False)
        high, wide = image_BDhw.shape[2:]
        y_h, x_w = (((torch.arange(n, device=points_B2.device) + 0.5) / n * 2 - 1) for n in (high, wide))  # fmt: skip
        away_B1hw = torch.hypot(
            x_w - points_B2[:, 0].view(-1, 1, 1), y_h[:, None] - points_B2[:, 1].view(-1, 1, 1)
        ).unsqueeze(1)  # fmt: skip
        pieces = [image_BDhw, image_BDhw * there_BD11, (image_BDhw - there_BD11).abs(), away_B1hw]  # fmt: skip
        scores_B1HW = F.pixel_shuffle(self.mix(torch.cat(pieces, dim=1)), 2)
        return scores_B1HW.squeeze(1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Segmenter:
    """A frozen encoder with a decoder of masks."""

    encoder: Encoder
    decoder: MaskDecoder

    def embed(self, images_B3HW: Tensor) -> Tensor:
        """The image embedding (B, D, h, w)."""
        embedding_BDhw: Tensor = self.decoder.neck(self.maps(images_B3HW))
        return embedding_BDhw

    def maps(self, images_B3HW: Tensor) -> Tensor:
        """All feature maps of the encoder (B, C, h, w), at the size of the finest."""
        maps = feature_maps(self.encoder, images_B3HW)
        size = maps[0].shape[2:]
        grown = [F.interpolate(one, size, mode="bilinear") for one in maps[1:]]
        return torch.cat([maps[0], *grown], dim=1)

    def scores(self, embedding_BDhw: Tensor, pixels_B2: Tensor) -> Tensor:
        """Scores (B, H, W) of the masks that pixels (B, 2), as (row, column), prompt."""
        size = self.encoder.size
        points_B2 = (pixels_B2.flip(1) + 0.5) / size * 2 - 1
        scores_Bhw = self.decoder(embedding_BDhw, points_B2)
        return F.interpolate(scores_Bhw.unsqueeze(1), (size, size), mode="bilinear").squeeze(1)  # fmt: skip


def draw_points(masks_BHW: Tensor, chance: Generator) -> Tensor:
    """One pixel (B, 2), as (row, column), inside each mask; any pixel where the mask is empty."""
    drawn_BP = torch.rand(masks_BHW.flatten(1).shape, generator=chance)
    inside_BP = masks_BHW.flatten(1).cpu()
    place_B = (drawn_BP + inside_BP).argmax(dim=1).to(masks_BHW.device)
    wide = masks_BHW.shape[2]
    return torch.stack([place_B // wide, place_B % wide], dim=1)


def iou(one_BHW: Tensor, other_BHW: Tensor) -> Tensor:
    """Intersection over union (B,) of boolean masks; 1 where both are empty."""
    both_B = (one_BHW & other_BHW).flatten(1).sum(dim=1)
    either_B = (one_BHW | other_BHW).flatten(1).sum(dim=1)
    return torch.where(either_B == 0, 1.0, both_B / either_B.clamp(min=1))


def segmenter(
    encoder: Encoder,
    train: Dataset,
    config: SegmenterConfig = SegmenterConfig(),
    *,
    progress: Progress | None = None,
) -> Segmenter:
    """A segmenter on the encoder, trained on images with masks if the cache has none; the same for the same seed.

    Half of the points it learns from lie on the object, the others on the background.

    Raises:
        DatasetError: images without masks, or fewer than a batch.
        EncoderError: an encoder without feature maps.
    """
    masks_NHW = train.masks_NHW
    if masks_NHW is None:
        raise DatasetError(f"{train.name} has no masks for a segmenter to learn from")
    check_dataset(train, config.batch)
    channels = sum(one.shape[1] for one in feature_maps(encoder, train.images_N3HW[:2]))
    decoder = seeded(lambda: MaskDecoder(channels, config.width), config.seed)
    decoder = decoder.to(encoder.device)
    made = Segmenter(encoder=encoder, decoder=decoder)

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(train), config.batch, chance)
        on_object_B = torch.rand(config.batch, generator=chance) < 0.5
        meant_BHW = masks_NHW[index_B] == on_object_B.view(-1, 1, 1).to(masks_NHW.device)  # fmt: skip
        with torch.no_grad():
            maps_BChw = made.maps(train.images_N3HW[index_B])
        embedding_BDhw = decoder.neck(maps_BChw)
        scores_BHW = made.scores(embedding_BDhw, draw_points(meant_BHW, chance))
        return F.binary_cross_entropy_with_logits(scores_BHW, meant_BHW.float())

    def learn() -> None:
        rate, seed = config.learning_rate, config.seed
        learner = one_cycle_learner({"decoder": decoder}, steps=config.steps, learning_rate=rate, seed=seed)  # fmt: skip
        fit(loss_of_step, learner, steps=config.steps, progress=progress)

    keep("segmenters", decoder, learn, encoder, train, config)
    return made
