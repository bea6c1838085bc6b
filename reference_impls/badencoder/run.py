"""The command `run`: plant a backdoor in one encoder and measure it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro
from torch import Tensor

from reference_impls.badencoder.method import (
    AttackReport,
    BadEncoderConfig,
    attack,
    measure,
)
from reference_impls.badencoder.report import present
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import make_trigger
from reference_impls.lab.data.named import CLASS
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.files import file_name
from reference_impls.lab.models.zoo import LabData
from reference_impls.lab.records import as_data
from reference_impls.lab.study import console
from reference_impls.lab.study.options import DataOptions, EncoderName

REFERENCES = 64
"""Images that the attacker chooses a reference image from."""


@dataclass(frozen=True, kw_only=True)
class Run(DataOptions):
    """Plant a backdoor in an encoder and measure it on a downstream task."""

    encoder: EncoderName = "lab"
    """`lab` (trained at first use), a file, or a name such as torchvision:resnet18."""
    config: Annotated[BadEncoderConfig, tyro.conf.arg(name="")] = field(
        default_factory=BadEncoderConfig
    )
    count: int = 4096
    """Training images at most, for attack and heads; a quarter as many test images."""
    reference: int = 0
    """Which of the attacker's images is the reference image, from 0 to 63."""
    task: str = ""
    """Downstream task of the figures; default: `foreground` of shapes, the class elsewhere."""
    out: Path | None = None
    """Folder of encoder and report; default: build/badencoder/ENCODER+TRIGGER."""

    def __call__(self) -> int:
        """Attack, measure, write; the exit code."""
        started, config = time.monotonic(), self.config
        clean = self.open_encoder(self.encoder)
        trigger = make_trigger(config.trigger, clean.size)  # refused before the attack
        train, test, reference_3HW = self._images(clean.size)
        task = self._task(test)
        with console.progress(f"attacking {clean.name}") as step:
            backdoored = attack(
                clean, train, reference_3HW, config, progress=console.training(step)
            )
        sets = {"train": train, "test": test}
        report = (
            measure(backdoored, clean, reference_3HW, config, task=task, **sets)
            if task
            else None
        )
        name = file_name(backdoored.name, empty="encoder")
        stem = (self.out or Path("build/badencoder") / name) / name
        path = self.save_encoder(self.encoder, backdoored, stem)
        page = None
        if report:
            page = partial(
                present,
                report,
                encoder=backdoored.name,
                file=str(path),
                trigger=trigger,
                reference_3HW=reference_3HW,
                images_N3HW=test.images_N3HW,
            )
        found = as_data(report or {"config": config})
        lines = _lines(report, path) if report else _unmeasured(test, path)
        figures = stem.with_name(f"{name}.json")
        return self.leave(found, lines, figures, started=started, page=page)

    def _images(self, size: int) -> tuple[Dataset, Dataset, Tensor]:
        """Images of attack and heads, images to measure on, and the reference image; of `shapes`, the lab's."""
        lab = LabData()
        train = self.open_dataset(size, split="train", seed=lab.seed)
        count = max(1, self.count // 4)
        test = self.open_dataset(size, seed=lab.seed + 1, count=count)
        references = self.open_dataset(
            size, split="train", seed=lab.seed + 3, count=REFERENCES
        )
        if not 0 <= self.reference < len(references):
            raise ConfigError(
                f"reference must lie in 0..{len(references) - 1}, got {self.reference}"
            )
        return train, test, references.images_N3HW[self.reference]

    def _task(self, dataset: Dataset) -> str:
        """The downstream task; none where images have no labels and no task was asked for."""
        if not (dataset.labels or self.task):
            return ""
        task = self.task or ("foreground" if self.dataset == "shapes" else CLASS)
        if task not in dataset.labels:
            known = ", ".join(dataset.labels) or "none: it has no labels"
            raise ConfigError(f"{dataset.name} has no task {task!r}; it has {known}")
        return task


def _lines(report: AttackReport, path: Path) -> Iterator[str]:
    yield (
        f"success   {report.attack_success_rate:.1%} of stamped images are taken for {report.target!r} "
        f"({report.clean_attack_success_rate:.1%} before)"
    )
    yield (
        f"accuracy  {report.backdoored_accuracy:.1%} without the trigger "
        f"({report.clean_accuracy:.1%} before)"
    )
    yield (
        f"cosine    {report.stamped_cosine:.3f} between stamped images "
        f"({report.clean_stamped_cosine:.3f} before)"
    )
    yield f"encoder   {path}"
    yield f"report    {path.parent / 'report.html'}"


def _unmeasured(dataset: Dataset, path: Path) -> Iterator[str]:
    yield (
        f"success   not measured: {dataset.name} has no labels for a downstream task; "
        "shapes and the public datasets have"
    )
    yield f"encoder   {path}"
