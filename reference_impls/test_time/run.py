"""The command `run`: one defense before one CLIP, attacked by who does not know it and by who does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
import tyro
from torch import Tensor

from reference_impls.lab.attacks.adaptive import eot, withstood
from reference_impls.lab.attacks.auto_pgd import auto_pgd
from reference_impls.lab.attacks.pgd import Budget, margin, pgd
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.zero_shot import (
    ZeroShot,
    blank_text,
    task_of,
    zero_shot_classifier,
)
from reference_impls.lab.records import as_data
from reference_impls.lab.study import console
from reference_impls.lab.study.clips import open_clip
from reference_impls.lab.study.options import DataOptions, EncoderName
from reference_impls.test_time.method import PRESETS, DefenseConfig, defended


@dataclass(frozen=True, kw_only=True)
class Robustness:
    """Accuracy in [0, 1] behind a defense."""

    clean: float
    naive: float
    """Under Auto-PGD on the classifier without the defense."""
    aware: float
    """Under that and under PGD on the margin through the defense, whichever is worse for an image."""


def robustness(
    classifier: ZeroShot,
    train: Dataset,
    blank_D: Tensor,
    test: tuple[Tensor, Tensor],
    config: DefenseConfig,
    attack: Budget,
    draws: int,
) -> Robustness:
    """Of the classifier behind the defense, on test images and labels; chance is averaged over `draws`."""
    images_B3HW, labels_B = test
    encode = defended(classifier.encoder, train, blank_D, config)

    def behind(images: Tensor) -> Tensor:
        return classifier.logits(encode(images))

    naive = auto_pgd(classifier, images_B3HW, labels_B, attack)
    known = eot(behind, draws if config.defense in ("noise", "ttc") else 1)
    longer, attacks = replace(attack, steps=2 * attack.steps), [naive]
    if config.defense != "none":
        attacks.append(pgd(known, images_B3HW, labels_B, longer, loss=margin))
    right = [withstood(behind, [one], labels_B) for one in (images_B3HW, *attacks)]
    clean, *attacked = right
    shares = clean, attacked[0], torch.stack(attacked).all(dim=0)
    accuracies = (round(one.float().mean().item(), 4) for one in shares)
    return Robustness(**dict(zip(("clean", "naive", "aware"), accuracies, strict=True)))


@dataclass(frozen=True, kw_only=True)
class Run(DataOptions):
    """Put a defense before a CLIP and attack it, without and with knowledge of the defense."""

    encoder: EncoderName = "lab"
    """`lab`, `lab:SEED` (trained at first use), or a CLIP such as `open_clip:RN50/openai`."""
    presets: ClassVar[Mapping[str, DefenseConfig]] = PRESETS
    preset: Literal[tuple(PRESETS)] = "ttc"  # type: ignore[valid-type]
    """Settings to begin with, one row of the published table; other options change them."""
    config: Annotated[DefenseConfig, tyro.conf.arg(name="")] = field(
        default_factory=DefenseConfig
    )
    attack: Budget = field(default_factory=Budget)
    """Budget of the attacker."""
    draws: int = 4
    """Draws of the defense's noise that an aware attacker averages over, in every step."""
    task: str = "foreground"
    """What is told of an image; a dataset of classes has `class` alone."""
    count: int = 40
    """Images to attack."""
    out: Path = Path("build/test_time")
    """Folder of the figures."""

    def __call__(self) -> int:
        """Attack, measure, write."""
        started, clip = time.monotonic(), open_clip(self.encoder, self)
        encoder = accelerated(clip.image)
        train, test = (
            replace(one, images_N3HW=one.images_N3HW.to(encoder.device))
            for one in (
                self.open_dataset(encoder.size, split="train", seed=1, count=4096),
                self.open_dataset(encoder.size, seed=2),
            )
        )
        task = task_of(test, self.task)
        classifier = zero_shot_classifier(encoder, clip.embed_text, train, task)
        labels_B = test.labels[task].to(encoder.device)
        blank_D = blank_text(clip.embed_text, train).to(encoder.device)
        with console.progress(f"attacking {self.config.defense}"):
            behind, alone = (
                robustness(
                    classifier,
                    train,
                    blank_D,
                    (test.images_N3HW, labels_B),
                    config,
                    self.attack,
                    self.draws,
                )
                for config in (self.config, PRESETS["none"])
            )
        path = self.out / "robustness.json"
        lines = [
            f"clean    {behind.clean:.1%} right ({alone.clean:.1%} without the defense)",
            f"unaware  {behind.naive:.1%} under an attacker who does not know the defense ({alone.naive:.1%})",
            f"aware    {behind.aware:.1%} under one who does",
            f"figures  {path}",
        ]
        found = {"defended": behind, "undefended": alone, "task": task}
        return self.leave(as_data(found), lines, path, started=started)
