"""Datasets to run on: labelled images that need no download, or a folder of your own.

Shape letters: N images of the dataset, H and W pixels, 3 colour channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from reference_impls.lab.errors import DatasetError


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """Images, and what is known of them."""

    name: str
    """What reports call it."""
    images_N3HW: Tensor
    """float32 in [0, 1]."""
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    """Per downstream task the class index of each image, int64 (N,)."""
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Per downstream task the names of its classes."""
    captions: tuple[str, ...] = ()
    """One per image; empty where the dataset has none."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images_N3HW)

    @property
    def size(self) -> int:
        """Height and width of its images, in pixels."""
        return self.images_N3HW.shape[-1]

    def take(self, indices: Sequence[int] | Tensor) -> Dataset:
        """The dataset made of some of its images, in that order."""
        index = torch.as_tensor(indices)
        return replace(
            self,
            images_N3HW=self.images_N3HW[index],
            labels={task: values[index] for task, values in self.labels.items()},
            captions=tuple(self.captions[i] for i in index.tolist())
            if self.captions
            else (),
        )

    def first(self, count: int) -> Dataset:
        """The dataset made of its first `count` images."""
        return self.take(range(min(count, len(self))))


# -- A folder of images --------------------------------------------------------------

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"}
MAX_PIXELS = 64_000_000
"""Larger pictures are refused: they are a mistake or a decompression bomb."""


def folder(path: Path, *, size: int, count: int | None = None) -> Dataset:
    """Images of a folder and its subfolders, sorted by path, centre-cropped and resized.

    Raises:
        DatasetError: no such folder, no image in it, or a file that is none.
    """
    if not path.is_dir():
        raise DatasetError(f"no folder {path}")
    files = sorted(
        file for file in path.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES
    )
    if not files:
        raise DatasetError(
            f"no image in {path} (looked for {', '.join(sorted(IMAGE_SUFFIXES))})"
        )
    images = [read_image(file, size=size) for file in files[:count]]
    return Dataset(name=f"folder:{path.name}", images_N3HW=torch.stack(images))


def read_image(path: Path, *, size: int) -> Tensor:
    """One image (3, size, size) in [0, 1]: the middle square, resized.

    Raises:
        DatasetError: the file is no image that can be read.
    """
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise DatasetError(
                    f"{path}: {picture.width}x{picture.height} pixels are too many"
                )
            rgb = picture.convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise DatasetError(f"{path} is no image that can be read: {error}") from error
    edge = min(rgb.size)
    left, top = (rgb.width - edge) // 2, (rgb.height - edge) // 2
    square = rgb.crop((left, top, left + edge, top + edge))
    pixels = numpy.asarray(square.resize((size, size), Image.Resampling.BICUBIC))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
