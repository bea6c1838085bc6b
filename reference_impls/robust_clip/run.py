"""The command `run`: tune one CLIP, and tell what it names before and after, attacked and not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
import tyro
from torch import Tensor

from reference_impls.lab.attacks.auto_pgd import auto_pgd
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.zero_shot import (
    ZeroShot,
    task_of,
    zero_shot_classifier,
)
from reference_impls.lab.study import console
from reference_impls.lab.study.clips import open_clip
from reference_impls.lab.study.options import DataOptions, EncoderName
from reference_impls.robust_clip.method import PRESETS, TuningConfig, tune


@torch.no_grad()
def accuracies(
    classifier: ZeroShot, images_N3HW: Tensor, labels_N: Tensor, attack: Budget
) -> tuple[float, float]:
    """Clean accuracy, and that under Auto-PGD with two losses, in [0, 1]."""
    attacked = auto_pgd(classifier, images_N3HW, labels_N, attack)
    right = [classifier(x).argmax(dim=1) == labels_N for x in (images_N3HW, attacked)]
    clean, robust = (round(one.float().mean().item(), 4) for one in right)
    return clean, robust


@dataclass(frozen=True, kw_only=True)
class Run(DataOptions):
    """Tune the image tower of a CLIP adversarially, and measure every task before and after."""

    encoder: EncoderName = "lab"
    """`lab`, `lab:SEED` (trained at first use), or a CLIP such as `open_clip:RN50/openai`."""
    presets: ClassVar[Mapping[str, TuningConfig]] = PRESETS
    preset: Literal[tuple(PRESETS)] = "fare"  # type: ignore[valid-type]
    """Settings to begin with, one row of the published table; other options change them."""
    config: Annotated[TuningConfig, tyro.conf.arg(name="")] = field(
        default_factory=TuningConfig
    )
    test_attack: Budget = field(default_factory=Budget)
    """Budget of the attack that is measured."""
    task: str = "texture"
    """What TeCoA and PMG-AFT learn to tell; a dataset of classes has `class` alone."""
    count: int = 128
    """Images to test on; 4096 others are tuned on."""
    out: Path = Path("build/robust_clip")
    """Folder of the tuned image tower and the figures."""

    def __call__(self) -> int:
        """Tune, measure, write."""
        started, clip = time.monotonic(), open_clip(self.encoder, self)
        image = clip.image
        train = self.open_dataset(image.size, split="train", seed=1, count=4096)
        test = self.open_dataset(image.size, seed=2)
        task = task_of(test, self.task)
        before = {
            name: zero_shot_classifier(image, clip.embed_text, train, name)
            for name in dict.fromkeys((task, *test.labels))
        }
        with console.progress(f"tuning with {self.config.loss}") as step:
            tuned = tune(before[task], train, task, self.config, console.training(step))
        found = dict(self._measured(before, accelerated(tuned), test))
        stem = self.out / "tuned"
        saved = self.save_encoder(self.encoder, tuned, stem)
        lines = [
            f"{name:<11} clean {b[0]:.1%} -> {a[0]:.1%}, attacked {b[1]:.1%} -> {a[1]:.1%}"
            for name, (b, a) in found.items()
        ]
        told = {
            name: {"before": list(b), "after": list(a)}
            for name, (b, a) in found.items()
        }
        path = self.out / "accuracies.json"
        lines += [f"tower       {saved}", f"figures     {path}"]
        return self.leave({"tasks": told}, lines, path, started=started)

    def _measured(
        self, before: Mapping[str, ZeroShot], tuned: Encoder, test: Dataset
    ) -> Iterator[tuple[str, tuple[tuple[float, float], tuple[float, float]]]]:
        for name, classifier in before.items():
            device = classifier.encoder.device
            pair = test.images_N3HW.to(device), test.labels[name].to(device)
            pairs = [
                accuracies(one, *pair, self.test_attack)
                for one in (classifier, replace(classifier, encoder=tuned))
            ]
            yield name, (pairs[0], pairs[1])
