"""Random views of images, as contrastive learning needs them; drawn from a Generator.

Shape letters: B batch, H and W pixels, 3 colour channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class Views:
    """How far a random view may differ from its image."""

    smallest_crop: float = 0.5
    """Least area of a crop, as a fraction of the image."""
    jitter: float = 0.4
    """Brightness, contrast and saturation change by a factor within 1 ± this."""
    jitter_probability: float = 0.8
    """Share of images whose colours change."""
    gray_probability: float = 0.2
    """Share of images that lose their colours."""


def random_views(images_B3HW: Tensor, views: Views, generator: Generator) -> Tensor:
    """One random crop, flip, colour jitter and graying of each image."""
    cropped_B3HW = crop_and_flip(images_B3HW, views.smallest_crop, generator)
    return change_colours(cropped_B3HW, views, generator)


def crop_and_flip(
    images_B3HW: Tensor,
    smallest_crop: float,
    generator: Generator,
    *,
    largest_crop: float = 1,
) -> Tensor:
    """Each image cropped at random, resized to its old size, mirrored half of the time; bounds are shares of its area."""
    batch, device = len(images_B3HW), images_B3HW.device

    def uniform(low: float, high: float) -> Tensor:
        return (low + (high - low) * torch.rand(batch, generator=generator)).to(device)

    edge_B = uniform(smallest_crop, largest_crop).sqrt()
    flip_B = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    zero_B = torch.zeros_like(edge_B)
    across_B3 = torch.stack(
        [edge_B * flip_B, zero_B, (1 - edge_B) * uniform(-1, 1)], dim=1
    )
    down_B3 = torch.stack([zero_B, edge_B, (1 - edge_B) * uniform(-1, 1)], dim=1)
    affine_B23 = torch.stack([across_B3, down_B3], dim=1)
    grid_BHW2 = F.affine_grid(affine_B23, list(images_B3HW.shape), align_corners=False)
    return F.grid_sample(
        images_B3HW, grid_BHW2, padding_mode="border", align_corners=False
    )


def change_colours(images_B3HW: Tensor, views: Views, generator: Generator) -> Tensor:
    """Each image with its brightness, contrast and saturation changed, or turned gray."""
    batch, device = len(images_B3HW), images_B3HW.device

    def uniform(low: float, high: float) -> Tensor:
        drawn = low + (high - low) * torch.rand(batch, 1, 1, 1, generator=generator)
        return drawn.to(device)

    low, high = 1 - views.jitter, 1 + views.jitter
    changed = images_B3HW * uniform(low, high)
    mean = gray(changed).mean(dim=(2, 3), keepdim=True)
    changed = mean + uniform(low, high) * (changed - mean)
    changed = gray(changed) + uniform(low, high) * (changed - gray(changed))
    jittered = torch.where(
        uniform(0, 1) < views.jitter_probability, changed, images_B3HW
    )
    colourless = gray(jittered).expand_as(jittered)
    return torch.where(
        uniform(0, 1) < views.gray_probability, colourless, jittered
    ).clamp(0, 1)


def gray(images_B3HW: Tensor) -> Tensor:
    """Luma (B, 1, H, W) with the weights of ITU-R BT.601."""
    weights_311 = images_B3HW.new_tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    return (images_B3HW * weights_311).sum(dim=1, keepdim=True)
