"""Datasets to run on: labelled images that need no download, or a folder of your own.

Shape letters: N images of the dataset, H and W pixels, 3 colour channels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from reference_impls.lab.data.pictures import picture_files
from reference_impls.lab.data.pictures import read_image as read_image
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
    masks_NHW: Tensor | None = None
    """Which pixels show the object, bool; none where nobody knows."""
    notes: tuple[str, ...] = ()
    """What a reader should know of how it was read."""

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
            masks_NHW=None if self.masks_NHW is None else self.masks_NHW[index],
        )

    def first(self, count: int) -> Dataset:
        """The dataset made of its first `count` images."""
        return self.take(range(min(count, len(self))))


# -- A folder of images --------------------------------------------------------------

Split = Literal["train", "test"]
CLASS = "class"
"""The one task of a dataset whose images belong to classes."""
MOST_BROKEN = 0.5
"""Share of a folder's files above which it is refused."""


def folder(
    path: Path,
    *,
    size: int,
    count: int | None = None,
    seed: int = 0,
    split: Split | None = None,
) -> Dataset:
    """Images of a folder and its subfolders, centre-cropped and resized, in an order drawn from the seed.

    Where all lie in subfolders of two names or more, these are their classes; `count` images are taken
    of all classes alike, and every second one of a class, by name, is of the split `test`. Files that
    cannot be read are left out, and said in `notes`.

    Raises:
        DatasetError: no such folder, no image in it, or more than half of its files are none.
    """
    files = picture_files(path)
    of_files = class_names(files, path)
    names = tuple(sorted(set(of_files)))
    if split and len(names) > 1:
        chosen = every_second(of_files, first=int(split == "test"))
        if not chosen:
            raise DatasetError(f"{path} has one picture a class, so none for {split}")
        files, of_files = [files[i] for i in chosen], [of_files[i] for i in chosen]
    images, kept, broken = _read(files, in_turn(of_files, seed=seed), size, count)
    if len(broken) > MOST_BROKEN * (len(broken) + len(images)):
        others = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise DatasetError(f"{broken[0]}{others}")
    labels_N = torch.tensor([names.index(of_files[index]) for index in kept])
    return Dataset(
        name=f"folder:{path.name}",
        images_N3HW=torch.stack(images),
        labels={CLASS: labels_N} if len(names) > 1 else {},
        classes={CLASS: names} if len(names) > 1 else {},
        notes=(f"{len(broken)} files were left out: {broken[0]}",) if broken else (),
    )


def _read(
    files: Sequence[Path], order: Sequence[int], size: int, count: int | None
) -> tuple[list[Tensor], list[int], list[str]]:
    """The first `count` images that can be read, their indices, and what was wrong with others on the way."""
    images: list[Tensor] = []
    kept, broken = [], []
    for index in order:
        if len(images) == count:
            break
        try:
            images.append(read_image(files[index], size=size))
            kept.append(index)
        except DatasetError as error:
            broken.append(str(error))
    return images, kept, broken


def every_second(classes: Sequence[str], *, first: int) -> list[int]:
    """Indices of every second item of each class, from its item `first` on."""
    seen: Counter[str] = Counter()
    chosen = []
    for index, name in enumerate(classes):
        if seen[name] % 2 == first:
            chosen.append(index)
        seen[name] += 1
    return chosen


def class_names(files: Sequence[Path], root: Path) -> list[str]:
    """Per file the name of its subfolder, at the first level where these differ; else nothing."""
    parts = [file.relative_to(root).parts[:-1] for file in files]
    for level in range(min(map(len, parts))):
        names = [one[level] for one in parts]
        if len(set(names)) > 1:
            return names
    return [""] * len(files)


def in_turn(classes: Sequence[str], *, seed: int) -> list[int]:
    """All indices, one of each class in turn, both the classes and what lies in them in random order."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(classes), generator=generator).tolist()
    seen: Counter[str] = Counter()
    turns = {}
    for index in shuffled:
        turns[index] = seen[classes[index]]
        seen[classes[index]] += 1
    return sorted(
        shuffled, key=lambda index: turns[index]
    )  # stable: shuffled in a turn


def spread(total: int, count: int, *, seed: int) -> Tensor:
    """Indices of `count` items at equal distances, in random order: classes that lie in blocks all take part."""
    kept = min(total, count)
    generator = torch.Generator().manual_seed(seed)
    return (torch.arange(kept) * total // kept)[
        torch.randperm(kept, generator=generator)
    ]
