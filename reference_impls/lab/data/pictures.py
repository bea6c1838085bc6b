"""Picture files as people have them, read into images in [0, 1].

Rotated as their EXIF says, transparent parts on white, the first frame of several, 16-bit and
floating-point ones by their range. Names that begin with a dot are left alone.

Shape letters: H and W pixels, 3 colour channels.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy
import torch
from PIL import Image, ImageOps
from torch import Tensor

from reference_impls.lab.errors import DatasetError

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm")
)
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM")
"""Whatever a name says, only these are read: some of Pillow's other readers start programs."""
MAX_PIXELS = 64_000_000
"""Larger pictures are refused: they are a mistake or a decompression bomb."""
NOT_PICTURES = ("__MACOSX",)
"""Folders that archives bring along."""


def picture_files(folder: Path) -> list[Path]:
    """Files below a folder that by their names are pictures, sorted; hidden ones are none.

    Raises:
        DatasetError: no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise DatasetError(f"no folder {folder}")
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES
        and not any(
            part.startswith(".") or part in NOT_PICTURES
            for part in file.relative_to(folder).parts
        )
        and file.is_file()
    )
    if not files:
        raise DatasetError(
            f"no image in {folder} (looked for {', '.join(sorted(SUFFIXES))})"
        )
    return files


def read_image(path: Path, *, size: int) -> Tensor:
    """One image (3, size, size) in [0, 1]: the middle square, resized.

    Raises:
        DatasetError: the file is no image that can be read, or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of damaged EXIF, and of sizes that are judged below
            with Image.open(path, formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise DatasetError(
                        f"{path}: {picture.width}x{picture.height} pixels are too many"
                    )
                upright = ImageOps.exif_transpose(picture)
                square = _middle(_plain(upright, path))
    except DatasetError:
        raise
    except Exception as error:  # each of the readers has its own way to fail
        first_line = str(error).partition("\n")[0] or type(error).__name__
        raise DatasetError(
            f"{path} is no image that can be read: {first_line}"
        ) from error
    resized = square.resize((size, size), Image.Resampling.BICUBIC)
    pixels = torch.from_numpy(numpy.array(resized))
    if resized.mode == "F":
        return pixels.clamp(0, 1).expand(3, -1, -1).clone()
    return pixels.permute(2, 0, 1).float() / 255


def _middle(picture: Image.Image) -> Image.Image:
    edge = min(picture.size)
    left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
    return picture.crop((left, top, left + edge, top + edge))


def _plain(picture: Image.Image, path: Path) -> Image.Image:
    """The picture in eight-bit RGB, or as floats in [0, 1] where it is finer than that."""
    if picture.mode == "F" or picture.mode.startswith("I"):
        values = numpy.asarray(picture).astype(numpy.float32)
        return Image.fromarray(values / _largest(values, picture, path))
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def _largest(values: numpy.ndarray, picture: Image.Image, path: Path) -> float:
    """What stands for white: of 16-bit files 65535, else the least usual value that none exceeds."""
    low, high = float(values.min()), float(values.max())
    if not numpy.isfinite([low, high]).all() or low < 0:
        raise DatasetError(
            f"{path}: pixels from {low:g} to {high:g} are no brightness; they must lie in [0, 1], "
            "[0, 255] or [0, 65535]"
        )
    if picture.mode.startswith("I;16") or picture.format == "PNG":
        return 65535.0
    usual = (1.0, 255.0, 65535.0) if picture.mode == "F" else (255.0, 65535.0, 2.0**31)
    for white in usual:
        if high <= white:
            return white
    raise DatasetError(f"{path}: pixels up to {high:g} are brighter than 65535")
