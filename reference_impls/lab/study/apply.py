"""The command `apply`: a universal change that `run` crafted, put on pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from reference_impls.lab.attacks.universal import load
from reference_impls.lab.data.dataset import read_image
from reference_impls.lab.data.images import save_png
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.study import console
from reference_impls.lab.study.options import CommonOptions


def apply_verb(folder: Path) -> type[Any]:
    """The command of a method whose `run` leaves `universal.npz` in this folder."""

    @dataclass(frozen=True, kw_only=True)
    class Apply(CommonOptions):
        """Put a saved change on pictures, as PNG: on their middle square, resized to its images."""

        images: Annotated[
            tuple[Path, ...],
            tyro.conf.Positional,
            tyro.conf.arg(metavar="IMAGE [IMAGE ...]"),
        ]
        """Picture files to change."""
        universal: Path = folder / "universal.npz"
        """File that `run` wrote."""
        out: Path = folder / "applied"
        """Folder of the changed pictures."""

        def __call__(self) -> int:
            """Read all, then write all."""
            targets = {self.out / f"{path.stem}.png": path for path in self.images}
            if not self.images:
                raise ConfigError("no picture; name one file or more")
            if len(targets) < len(self.images):
                raise ConfigError("two pictures have one name; do one after the other")
            change = load(self.universal)
            pictures = [read_image(path, size=change.size[0]) for path in self.images]
            for target, image_3HW in zip(targets, pictures, strict=True):
                save_png(change.apply(image_3HW[None])[0], target)
                console.answer(str(target))
            return 0

    return Apply
