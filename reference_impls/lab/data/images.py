"""Images and the patches stamped on them: triggers, stamping, PNG.

Images are float32 in [0, 1] everywhere .

Shape letters: B batch, H and W pixels, 3 colour channels (red, green, blue).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import torch
from PIL import Image
from torch import Tensor

from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.files import replacing

TriggerKind = Literal["white", "random", "coloured"]
Place = Literal["top-left", "top-right", "bottom-left", "bottom-right", "centre"]

MARGIN = 1
"""Pixels left free beside a corner trigger, as in the published trigger files."""


def stamp(images_B3HW: Tensor, mask_HW: Tensor, pattern_3HW: Tensor) -> Tensor:
    """Images with the pattern where the mask is 1: `(1 - m) x + m t`.

    DECREE's Eq. 2 has the mask the other way round; this is the convention under
    which a small mask is a small trigger, the one its published program uses.
    """
    return images_B3HW + mask_HW * (pattern_3HW - images_B3HW)


@dataclass(frozen=True, kw_only=True)
class TriggerSpec:
    """What a patch trigger looks like and where it sits."""

    kind: TriggerKind = "white"
    """`white`; `random` black or white per pixel; `coloured` uniform per pixel and channel."""
    side: int = 6
    """Edge of the square, in pixels."""
    place: Place = "bottom-right"
    """A corner, one pixel away from both edges, or the centre."""
    seed: int = 0
    """Chooses the pixels of `random` and `coloured`."""

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        check_choices(self)
        if self.side < 1:
            raise ConfigError(f"trigger side must be at least 1 pixel, got {self.side}")

    def __str__(self) -> str:
        """Short name, for instance `white-6-bottom-right`."""
        return f"{self.kind}-{self.side}-{self.place}"


@dataclass(frozen=True, eq=False)
class Trigger:
    """A patch: where it covers the image, and with what."""

    mask_HW: Tensor
    """In [0, 1]; 1 replaces the pixel."""
    pattern_3HW: Tensor
    """In [0, 1]."""

    def apply(self, images_B3HW: Tensor) -> Tensor:
        """The images with this patch on them."""
        return stamp(images_B3HW, self.mask_HW, self.pattern_3HW)

    def to(self, device: torch.device | str) -> Self:
        """The same patch on a device."""
        return type(self)(self.mask_HW.to(device), self.pattern_3HW.to(device))

    @property
    def covered(self) -> float:
        """L1 norm of the mask as a fraction of the image, in [0, 1]."""
        return self.mask_HW.mean().item()

    @property
    def visible(self) -> Tensor:
        """The pattern on mid-grey, (3, H, W), where both its black and its white parts can be seen."""
        return 0.5 + self.mask_HW * (self.pattern_3HW - 0.5)


def make_trigger(spec: TriggerSpec, size: int) -> Trigger:
    """The trigger of a spec on images of `size` x `size` pixels."""
    if spec.side + 2 * MARGIN > size:
        raise ConfigError(
            f"a trigger of {spec.side} pixels does not fit on {size}x{size}"
        )
    top, left = place_of(spec.place, spec.side, size, size)
    rows, columns = slice(top, top + spec.side), slice(left, left + spec.side)
    mask_HW = torch.zeros(size, size)
    mask_HW[rows, columns] = 1
    pattern_3HW = torch.zeros(3, size, size)
    pattern_3HW[:, rows, columns] = _pixels(spec)
    return Trigger(mask_HW, pattern_3HW)


def place_of(
    place: Place, side: int, height: int, width: int, *, margin: int = MARGIN
) -> tuple[int, int]:
    """Top row and left column of a square of `side` pixels at a place of an image."""
    if place == "centre":
        return (height - side) // 2, (width - side) // 2
    vertical, horizontal = place.split("-")
    return (
        margin if vertical == "top" else height - side - margin,
        margin if horizontal == "left" else width - side - margin,
    )


def _pixels(spec: TriggerSpec) -> Tensor:
    generator = torch.Generator().manual_seed(spec.seed)
    if spec.kind == "white":
        return torch.ones(3, spec.side, spec.side)
    if spec.kind == "random":
        bits = torch.rand(1, spec.side, spec.side, generator=generator) < 0.5
        return bits.float().expand(3, -1, -1)
    return torch.rand(3, spec.side, spec.side, generator=generator)


def to_image(image_3HW: Tensor, *, scale: int = 1) -> Image.Image:
    """A picture; every pixel becomes a square of `scale` pixels. One channel is grey."""
    pixels_HWC = image_3HW.detach().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0)
    array = pixels_HWC.cpu().numpy()
    picture = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
    size = (picture.width * scale, picture.height * scale)
    return picture.resize(size, Image.Resampling.NEAREST)


def png_bytes(image_3HW: Tensor, *, scale: int = 1) -> bytes:
    """The picture as a PNG file's content."""
    buffer = io.BytesIO()
    to_image(image_3HW, scale=scale).save(buffer, "PNG")
    return buffer.getvalue()


def save_png(image_3HW: Tensor, path: Path, *, scale: int = 1) -> None:
    """Write the picture as a PNG file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new:
        new.write_bytes(png_bytes(image_3HW, scale=scale))
