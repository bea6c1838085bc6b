"""The command `run`: attack test images of one classifier."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
import tyro
from torch import Tensor

from reference_impls.lab.attacks.pgd import Classifier
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.heads import linear_classifier
from reference_impls.lab.models.training import Progress
from reference_impls.lab.records import as_data
from reference_impls.lab.study import console
from reference_impls.lab.study.options import DataOptions, EncoderName
from reference_impls.query_attack.method import PRESETS, QueryConfig, attack


@dataclass(frozen=True, kw_only=True)
class Success:
    """How often an attack succeeds, and at what price."""

    accuracy: float
    """Of the classifier without an attack, in [0, 1]."""
    images: int
    """Images that were classified right, and so attacked."""
    queries: tuple[int, ...]
    """Answers until the first misclassification, of every image where there was one, ascending."""
    l0: float
    """Pixels changed in misclassified images, on average; 0 without any."""
    l2: float
    """Size of their change, on average."""

    def within(self, queries: float) -> float:
        """Share of the attacked images that are misclassified after so many answers."""
        return sum(one <= queries for one in self.queries) / max(self.images, 1)


def success(
    base: Classifier,
    images_N3HW: Tensor,
    labels_N: Tensor,
    config: QueryConfig,
    progress: Progress | None = None,
) -> Success:
    """Attack the images that the classifier gets right."""
    with torch.no_grad():
        right_N = base(images_N3HW).argmax(dim=1) == labels_N
    images, queries = int(right_N.sum()), torch.zeros(0)
    l0 = l2 = 0.0
    if images:
        found = attack(base, images_N3HW[right_N], labels_N[right_N], config, progress)
        queries = found.queries_B[found.queries_B > 0]
        if len(queries):
            fooled_B = found.queries_B > 0
            l0 = found.l0_B[fooled_B].float().mean().item()
            l2 = found.l2_B[fooled_B].mean().item()
    return Success(
        accuracy=round(images / len(labels_N), 4),
        images=images,
        queries=tuple(sorted(queries.int().tolist())),
        l0=round(l0, 2),
        l2=round(l2, 3),
    )


@dataclass(frozen=True, kw_only=True)
class Run(DataOptions):
    """Attack an encoder with a linear head by asking for its answers."""

    encoder: EncoderName = "lab"
    """`lab` (trained at first use), or a name or file of a model."""
    presets: ClassVar[Mapping[str, QueryConfig]] = PRESETS
    preset: Literal[tuple(PRESETS)] = "sa-moo"  # type: ignore[valid-type]
    """Settings to begin with, one row of the published table; other options change them."""
    config: Annotated[QueryConfig, tyro.conf.arg(name="")] = field(
        default_factory=QueryConfig
    )
    task: str = "foreground"
    """What the head tells of an image."""
    count: int = 64
    """Images to attack; 4096 others teach the head."""
    out: Path = Path("build/query_attack")
    """Folder of the figures."""

    def __call__(self) -> int:
        """Train the head, attack, write."""
        started = time.monotonic()
        encoder = accelerated(self.open_encoder(self.encoder))
        train, test = (
            replace(one, images_N3HW=one.images_N3HW.to(encoder.device))
            for one in (
                self.open_dataset(encoder.size, split="train", seed=1, count=4096),
                self.open_dataset(encoder.size, seed=2),
            )
        )
        base = linear_classifier(encoder, train, self.task)
        labels_N = test.labels[self.task].to(encoder.device)
        with console.progress("attacking") as step:
            found = success(
                base, test.images_N3HW, labels_N, self.config, console.training(step)
            )
        path, most = self.out / "attacked.json", self.config.queries
        lines = [
            f"alone    {found.accuracy:.1%} right without an attack",
            *(
                f"queries  {found.within(one):6.1%} of these wrong after {one}"
                for one in (most // 100, most // 10, most)
                if one
            ),
            f"change   {found.l0:.1f} pixels, L2 {found.l2:.2f} on average",
            f"figures  {path}",
        ]
        return self.leave(as_data(found), lines, path, started=started)
