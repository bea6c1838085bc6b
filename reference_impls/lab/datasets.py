"""Worlds by name: `shapes`, a folder of images, and public data sets through torchvision.

A data set is downloaded only on request; what lies below its root is used as it is.

Shape letters: N images, H and W pixels, 3 colour channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError, DeviceError, WorldError
from reference_impls.lab.shapes import shapes
from reference_impls.lab.torchvision_shim import import_torchvision
from reference_impls.lab.worlds import World, folder, read_image

Split = Literal["train", "test"]
CLASS = "class"
"""The one task of a public data set."""
WORLDS = (
    "shapes",
    "folder:PATH",
    "cifar10:ROOT",
    "stl10:ROOT",
    "svhn:ROOT",
    "gtsrb:ROOT",
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How many images of which size, and from where."""

    size: int = 32
    """Height and width in pixels; other images are resized."""
    count: int = 1000
    """Images at most, spread evenly over the data set."""
    split: Split = "test"
    """Part of a public data set."""
    download: bool = False
    """Let torchvision fetch the data set."""
    seed: int = 0
    """Of the shapes world."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        if self.count < 1 or self.size < 1:
            raise ConfigError(
                f"a world needs images, got {self.count} of {self.size} pixels"
            )


def open_world(name: str, wish: Wish = Wish()) -> World:
    """The world of a name: one of `WORLDS`.

    Raises:
        WorldError: an unknown name, or the images are not there or cannot be read.
        DeviceError: a library is missing, or the data set could not be fetched.
    """
    kind, _, place = name.partition(":")
    if name == "shapes":
        return shapes(wish.count, seed=wish.seed, size=wish.size)
    if kind == "folder" and place:
        return folder(Path(place), size=wish.size, count=wish.count)
    if kind not in READERS or not place:
        raise WorldError(f"unknown world {name!r}; choose one of {', '.join(WORLDS)}")
    try:
        return READERS[kind](Path(place), wish)
    except ModuleNotFoundError as error:
        raise DeviceError(
            f"{kind} needs {error.name}; pip install {error.name}"
        ) from error
    except OSError as error:
        raise WorldError(f"{name} cannot be read or fetched: {error}") from error
    except (RuntimeError, ValueError, KeyError, EOFError) as error:
        raise WorldError(_remedy(name, wish, error)) from error


def _remedy(name: str, wish: Wish, error: Exception) -> str:
    first_line = str(error).partition("\n")[0]
    hint = "" if wish.download else "; put it there or add --download"
    return f"{name} is not there or damaged: {first_line}{hint}"


def _datasets() -> Any:
    return import_torchvision().datasets


def _spread(total: int, count: int) -> Tensor:
    """Indices of `count` items at equal distances: classes that lie in blocks all take part."""
    return torch.arange(min(total, count)) * total // min(total, count)


def _world(
    kind: str,
    pixels_N3HW: Tensor,
    labels_N: Tensor,
    classes: tuple[str, ...],
    size: int,
) -> World:
    images_N3HW = pixels_N3HW.float() / 255
    if images_N3HW.shape[-1] != size:
        images_N3HW = F.interpolate(
            images_N3HW,
            size=(size, size),
            mode="bicubic",
            antialias=True,
            align_corners=False,
        ).clamp(0, 1)
    return World(
        name=kind,
        images_N3HW=images_N3HW,
        labels={CLASS: labels_N.long()},
        classes={CLASS: classes},
    )


def _cifar10(root: Path, wish: Wish) -> World:
    data = _datasets().CIFAR10(
        root, train=wish.split == "train", download=wish.download
    )
    index = _spread(len(data.data), wish.count)
    pixels_N3HW = torch.from_numpy(data.data)[index].permute(0, 3, 1, 2)
    labels_N = torch.tensor(data.targets)[index]
    return _world("cifar10", pixels_N3HW, labels_N, tuple(data.classes), wish.size)


def _stl10(root: Path, wish: Wish) -> World:
    data = _datasets().STL10(root, split=wish.split, download=wish.download)
    index = _spread(len(data.data), wish.count)
    labels_N = torch.as_tensor(data.labels)[index]
    return _world(
        "stl10",
        torch.from_numpy(data.data)[index],
        labels_N,
        tuple(data.classes),
        wish.size,
    )


def _svhn(root: Path, wish: Wish) -> World:
    data = _datasets().SVHN(root, split=wish.split, download=wish.download)
    index = _spread(len(data.data), wish.count)
    labels_N = torch.as_tensor(data.labels)[index]
    pixels_N3HW = torch.from_numpy(data.data)[index]
    return _world("svhn", pixels_N3HW, labels_N, tuple("0123456789"), wish.size)


def _gtsrb(root: Path, wish: Wish) -> World:
    """Images of many sizes, so each is read, cropped and resized by itself."""
    data = _datasets().GTSRB(root, split=wish.split, download=wish.download)
    samples = [data._samples[i] for i in _spread(len(data), wish.count)]
    images = [read_image(Path(path), size=wish.size) for path, _ in samples]
    classes = tuple(str(i) for i in range(43))
    labels_N = torch.tensor([label for _, label in samples])
    return World(
        name="gtsrb",
        images_N3HW=torch.stack(images),
        labels={CLASS: labels_N},
        classes={CLASS: classes},
    )


READERS: dict[str, Callable[[Path, Wish], World]] = {
    "cifar10": _cifar10,
    "stl10": _stl10,
    "svhn": _svhn,
    "gtsrb": _gtsrb,
}
