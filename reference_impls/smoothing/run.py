"""The command `run`: certify test images of one classifier."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.heads import linear_classifier
from reference_impls.lab.records import as_data
from reference_impls.lab.study import console
from reference_impls.lab.study.options import DataOptions, EncoderName
from reference_impls.smoothing.denoiser import behind_denoiser
from reference_impls.smoothing.method import (
    SmoothingConfig,
    accuracy,
    certify_all,
)

RADII = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, kw_only=True)
class Run(DataOptions):
    """Certify an encoder with a linear head: noise, a denoiser, and a vote."""

    encoder: EncoderName = "lab"
    """`lab` (trained at first use), or a name or file of a model."""
    config: Annotated[SmoothingConfig, tyro.conf.arg(name="")] = field(
        default_factory=SmoothingConfig
    )
    task: str = "foreground"
    """What the head tells of an image."""
    count: int = 128
    """Images to certify; 4096 others teach head and denoiser."""
    out: Path = Path("build/smoothing")
    """Folder of the radii."""

    def __call__(self) -> int:
        """Train head and denoiser, certify, write."""
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
        with console.progress("training the denoiser") as step:
            smoothed = behind_denoiser(base, train, self.config, console.training(step))
        images_N3HW, labels_N = test.images_N3HW, test.labels[self.task]
        with console.progress("certifying") as step:
            found = certify_all(
                smoothed, images_N3HW, labels_N, self.config, console.training(step)
            )
        alone = accuracy(base, images_N3HW, labels_N)
        path = self.out / "certified.json"
        lines = [
            f"alone     {alone:.1%} right without noise, nothing certified",
            *(f"L2 {one:<6} {found.within(one):.1%} certified" for one in RADII),
            f"abstained {found.abstained} of {found.images}",
            f"radii     {path}",
        ]
        return self.leave(
            as_data(found) | {"alone": alone}, lines, path, started=started
        )
