"""Where a patch sits on an image, and how it is put there.

Shape letters: B batch, H and W pixels, S side of a patch, 3 colour channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from reference_impls.lab.data.images import MARGIN, Place, place_of
from reference_impls.lab.errors import ConfigError, check_choices

PatchPlace = Literal[Place, "random"]


def patch_side(share: float, height: int, width: int) -> int:
    """Edge in pixels of the square that covers at most a share of the area (AdvCLIP)."""
    return math.floor(math.sqrt(share * height * width))


@dataclass(frozen=True, kw_only=True)
class PatchSpec:
    """How large a patch is and where it sits."""

    share: float = 0.0625
    """Of the image's area, in (0, 1]; the side is rounded down to whole pixels."""
    place: PatchPlace = "bottom-right"
    """A corner, the centre, or `random`: anywhere, drawn anew for every image."""
    margin: int = MARGIN
    """Pixels left free beside a corner patch; AdvCLIP leaves 14 at 224 px."""

    def __post_init__(self) -> None:
        """Refuse what cannot be placed on any image."""
        check_choices(self)
        if not 0 < self.share <= 1:
            raise ConfigError(
                f"a patch's share of the image must lie in (0, 1], got {self.share}"
            )
        if self.margin < 0:
            raise ConfigError(f"a patch's margin must be 0 or more, got {self.margin}")

    def __str__(self) -> str:
        """Short name, for instance `6.25%-bottom-right`."""
        return f"{self.share:.4g}-{self.place}"

    def side(self, height: int, width: int) -> int:
        """Edge in pixels on such images.

        Raises:
            ConfigError: the patch has no pixel there, or does not fit.
        """
        side = patch_side(self.share, height, width)
        margin = 0 if self.place in ("centre", "random") else self.margin
        if side < 1 or side + margin > min(height, width):
            raise ConfigError(
                f"a patch of {self.share:.3g} of the area is {side} pixels wide and does not "
                f"fit on {height}x{width} with a margin of {margin}"
            )
        return side

    def corner(self, height: int, width: int) -> tuple[int, int]:
        """Top row and left column; a patch for random places rests at the bottom right."""
        place: Place = "bottom-right" if self.place == "random" else self.place
        side = self.side(height, width)
        margin = min(self.margin, min(height, width) - side)
        return place_of(place, side, height, width, margin=margin)


def paste(
    pixels_3SS: Tensor, images_B3HW: Tensor, tops_B: Tensor, lefts_B: Tensor
) -> Tensor:
    """Each image with the square at its own place; gradients reach the square alone."""
    side = pixels_3SS.shape[-1]
    steps_S = torch.arange(side, device=images_B3HW.device)
    batch_B11 = torch.arange(len(images_B3HW), device=images_B3HW.device)[:, None, None]
    rows_BS1 = (tops_B[:, None] + steps_S)[:, :, None]
    columns_B1S = (lefts_B[:, None] + steps_S)[:, None, :]
    pasted_BHW3 = images_B3HW.permute(0, 2, 3, 1).contiguous()
    pixels_BSS3 = pixels_3SS.permute(1, 2, 0).expand(len(images_B3HW), -1, -1, -1)
    pasted_BHW3 = pasted_BHW3.index_put((batch_B11, rows_BS1, columns_B1S), pixels_BSS3)
    return pasted_BHW3.permute(0, 3, 1, 2)


def random_corners(
    count: int, side: int, height: int, width: int, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Top rows and left columns (B,), uniform over all places where the square fits."""
    tops_B = torch.randint(height - side + 1, (count,), generator=generator)
    lefts_B = torch.randint(width - side + 1, (count,), generator=generator)
    return tops_B, lefts_B


def place_patch(
    pixels_3SS: Tensor, images_B3HW: Tensor, spec: PatchSpec, generator: Generator
) -> Tensor:
    """Images with a patch where the spec says: fixed, or drawn per image for `random`.

    In training this is the expectation over transformations (Athalye et al., 2018) with
    translations alone.
    """
    count, _, height, width = images_B3HW.shape
    if spec.place == "random":
        places = random_corners(
            count, spec.side(height, width), height, width, generator
        )
    else:
        top, left = spec.corner(height, width)
        places = (torch.full((count,), top), torch.full((count,), left))
    tops_B, lefts_B = (place_B.to(images_B3HW.device) for place_B in places)
    return paste(pixels_3SS, images_B3HW, tops_B, lefts_B)
