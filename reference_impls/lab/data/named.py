"""Datasets by name: `shapes`, a folder of images, photographs of Debian, and public datasets through torchvision.

A dataset is downloaded only on request; what lies below its root is used as it is.

Shape letters: N images, H and W pixels, 3 colour channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from reference_impls.lab.data.dataset import CLASS as CLASS
from reference_impls.lab.data.dataset import (
    Dataset,
    class_names,
    folder,
    read_image,
    spread,
)
from reference_impls.lab.data.dataset import Split as Split
from reference_impls.lab.data.debian import pictures_of
from reference_impls.lab.data.pictures import picture_files
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError, DatasetError, DeviceError
from reference_impls.lab.torchvision import import_torchvision

DATASETS = (
    "shapes",
    "folder:PATH",
    "cifar10:ROOT",
    "stl10:ROOT",
    "svhn:ROOT",
    "gtsrb:ROOT",
    "debian:tuxpaint-stamps",
)


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """How many images of which size, and from where."""

    size: int = 32
    """Height and width in pixels; other images are resized."""
    count: int = 1000
    """Images at most, spread evenly over the dataset and its classes, in random order."""
    split: Split = "test"
    """Part of a public dataset."""
    download: bool = False
    """Let torchvision fetch the dataset."""
    seed: int = 0
    """Of the shapes dataset, and of the order of the others' images."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        if self.count < 1 or self.size < 1:
            raise ConfigError(
                f"a dataset needs images, got {self.count} of {self.size} pixels"
            )


def open_dataset(name: str, spec: DatasetSpec = DatasetSpec()) -> Dataset:
    """The dataset of a name: one of `DATASETS`.

    Raises:
        DatasetError: an unknown name, or the images are not there or cannot be read.
        DeviceError: a library is missing, or the dataset could not be fetched.
    """
    kind, _, place = name.partition(":")
    if name == "shapes":
        return shapes(spec.count, seed=spec.seed, size=spec.size)
    if kind == "folder" and place:
        return _folder(Path(place), spec)
    if kind == "debian" and place:
        found = _folder(pictures_of(place, download=spec.download), spec)
        return replace(found, name=name)
    if kind not in READERS or not place:
        raise DatasetError(
            f"unknown dataset {name!r}; choose one of {', '.join(DATASETS)}"
        )
    try:
        return READERS[kind](Path(place), spec)
    except ModuleNotFoundError as error:
        raise DeviceError(
            f"{kind} needs {error.name}; pip install {error.name}"
        ) from error
    except OSError as error:
        raise DatasetError(f"{name} cannot be read or fetched: {error}") from error
    except (RuntimeError, ValueError, KeyError, EOFError) as error:
        raise DatasetError(_remedy(name, spec, error)) from error


def _folder(root: Path, spec: DatasetSpec) -> Dataset:
    """The subfolder of the split's name, where there are both; else the split is made."""
    parts = [root / split for split in get_args(Split)]
    both = all(part.is_dir() for part in parts)
    if both:
        _check_same_classes(*parts)
    found = folder(
        root / spec.split if both else root,
        size=spec.size,
        count=spec.count,
        seed=spec.seed,
        split=None if both else spec.split,
    )
    return replace(found, name=f"folder:{root.name}")


def _check_same_classes(train: Path, test: Path) -> None:
    """Classes are numbered by name, so both parts must have the same."""
    there, here = (set(class_names(picture_files(p), p)) for p in (train, test))
    if odd := sorted(there ^ here):
        raise DatasetError(f"{train} and {test} differ in their classes: {odd[0]}")


def _remedy(name: str, spec: DatasetSpec, error: Exception) -> str:
    first_line = str(error).partition("\n")[0]
    hint = "" if spec.download else "; put it there or add --download"
    return f"{name} is not there or damaged: {first_line}{hint}"


def _datasets() -> Any:
    return import_torchvision().datasets


def _dataset(
    kind: str,
    pixels_N3HW: Tensor,
    labels_N: Tensor,
    classes: tuple[str, ...],
    size: int,
) -> Dataset:
    images_N3HW = pixels_N3HW.float() / 255
    if images_N3HW.shape[-1] != size:
        images_N3HW = F.interpolate(
            images_N3HW,
            size=(size, size),
            mode="bicubic",
            antialias=True,
            align_corners=False,
        ).clamp(0, 1)
    return Dataset(
        name=kind,
        images_N3HW=images_N3HW,
        labels={CLASS: labels_N.long()},
        classes={CLASS: classes},
    )


def _cifar10(root: Path, spec: DatasetSpec) -> Dataset:
    data = _datasets().CIFAR10(
        root, train=spec.split == "train", download=spec.download
    )
    index = spread(len(data.data), spec.count, seed=spec.seed)
    pixels_N3HW = torch.from_numpy(data.data)[index].permute(0, 3, 1, 2)
    labels_N = torch.tensor(data.targets)[index]
    return _dataset("cifar10", pixels_N3HW, labels_N, tuple(data.classes), spec.size)


def _stl10(root: Path, spec: DatasetSpec) -> Dataset:
    data = _datasets().STL10(root, split=spec.split, download=spec.download)
    index = spread(len(data.data), spec.count, seed=spec.seed)
    labels_N = torch.as_tensor(data.labels)[index]
    return _dataset(
        "stl10",
        torch.from_numpy(data.data)[index],
        labels_N,
        tuple(data.classes),
        spec.size,
    )


def _svhn(root: Path, spec: DatasetSpec) -> Dataset:
    data = _datasets().SVHN(root, split=spec.split, download=spec.download)
    index = spread(len(data.data), spec.count, seed=spec.seed)
    labels_N = torch.as_tensor(data.labels)[index]
    pixels_N3HW = torch.from_numpy(data.data)[index]
    return _dataset("svhn", pixels_N3HW, labels_N, tuple("0123456789"), spec.size)


def _gtsrb(root: Path, spec: DatasetSpec) -> Dataset:
    """Images of many sizes, so each is read, cropped and resized by itself."""
    data = _datasets().GTSRB(root, split=spec.split, download=spec.download)
    samples = [data._samples[i] for i in spread(len(data), spec.count, seed=spec.seed)]
    images = [read_image(Path(path), size=spec.size) for path, _ in samples]
    classes = tuple(str(i) for i in range(43))
    labels_N = torch.tensor([label for _, label in samples])
    return Dataset(
        name="gtsrb",
        images_N3HW=torch.stack(images),
        labels={CLASS: labels_N},
        classes={CLASS: classes},
    )


READERS: dict[str, Callable[[Path, DatasetSpec], Dataset]] = {
    "cifar10": _cifar10,
    "stl10": _stl10,
    "svhn": _svhn,
    "gtsrb": _gtsrb,
}
