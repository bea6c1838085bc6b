"""The commands `run`, `evaluate` and `apply`: craft a universal change, measure it, put it on pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated

import tyro

from reference_impls.advencoder.evaluate import Evaluation, controls, evaluate
from reference_impls.advencoder.method import AdvEncoderConfig, attack
from reference_impls.advencoder.report import OURS, control, present, worst
from reference_impls.lab.attacks.universal import (
    UniversalPatch,
    UniversalPerturbation,
    load,
)
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import save_png
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.records import as_data
from reference_impls.lab.study import console
from reference_impls.lab.study.apply import apply_verb
from reference_impls.lab.study.options import DataOptions, EncoderName

OUT = Path("build/advencoder")
FILE = OUT / "universal.npz"
"""What `run` writes and the other commands read."""
Change = UniversalPatch | UniversalPerturbation


@dataclass(frozen=True, kw_only=True)
class _Measuring(DataOptions):
    """Of a command that measures a change on an encoder."""

    encoder: EncoderName = "lab"
    """`lab` (trained at first use), a file, or a name such as torchvision:resnet18."""
    tasks: tuple[str, ...] = ()
    """Downstream tasks; default: all of the dataset."""
    train: int = 4096
    """Labelled images that downstream models learn from, at most."""
    count: int = 1024
    """Test images at most."""
    out: Path = OUT
    """Folder of the report, its pictures and figures."""

    @cached_property
    def victim(self) -> Encoder:
        """The encoder, on its device."""
        return self.open_encoder(self.encoder)

    @cached_property
    def datasets(self) -> tuple[Dataset, Dataset]:
        """Images that heads learn from, and those of the test; seeds keep them apart in `shapes`."""
        size = self.victim.size
        train = self.open_dataset(size, split="train", seed=1, count=self.train)
        return train, self.open_dataset(size, seed=2)

    def measure(self, change: Change, seed: int) -> Evaluation:
        """The change and its controls; the seed is of heads and controls."""
        train, test = self.datasets
        changes = {OURS: change} | controls(change, train.images_N3HW, seed=seed)
        with console.progress(f"evaluating on {self.victim.name}") as step:
            step(0, 1, f"{len(changes)} changes")
            return evaluate(
                self.victim,
                changes,
                train=train,
                test=test,
                tasks=self.tasks,
                seed=seed,
            )

    def answer(self, found: Evaluation | None, change: Change, started: float) -> int:
        """Write the report, say what it says; `started` is of `time.monotonic`."""
        test = self.datasets[-1]
        lines = _lines(found) if found else _unmeasured(test)
        return self.leave(
            as_data(found) if found else {},
            [*lines, f"folder      {self.out}"],
            self.out / "report.json",
            started=started,
            page=partial(present, found, change, test.images_N3HW[:6])
            if found
            else None,
        )


Apply = apply_verb(OUT)


@dataclass(frozen=True, kw_only=True)
class Run(_Measuring):
    """Craft a universal perturbation or patch on an encoder and measure it."""

    config: Annotated[AdvEncoderConfig, tyro.conf.arg(name="")] = field(
        default_factory=AdvEncoderConfig
    )
    surrogate: int = 2048
    """Unlabelled images of the attacker, at most."""

    def __call__(self) -> int:
        """Craft, measure, write; a killed run goes on from its checkpoint."""
        started, config, encoder = time.monotonic(), self.config, self.victim
        surrogate = self.open_dataset(
            encoder.size, split="train", seed=11, count=self.surrogate
        )
        _, test = self.datasets
        wanted = (self.encoder, self.preprocessing, self.dataset, self.surrogate)
        key = content_key(*wanted, config)
        with console.progress(f"attacking {encoder.name}") as step:
            change = attack(
                encoder,
                surrogate,
                config,
                checkpoint=cache_folder() / "advencoder" / f"{key}.checkpoint",
                progress=console.training(step),
            )
        labelled = test.labels or self.tasks
        found = self.measure(change, config.seed) if labelled else None
        change.save(self.out / FILE.name)
        scale = max(1, 256 // encoder.size)
        save_png(change.visible, self.out / "change.png", scale=scale)
        return self.answer(found, change, started)


@dataclass(frozen=True, kw_only=True)
class Evaluate(_Measuring):
    """Measure a saved change on an encoder, which need not be the one it was crafted on."""

    universal: Path = FILE
    """File that `run` wrote."""
    seed: int = 0
    """Of heads and controls."""
    out: Path = OUT / "evaluation"
    """Folder of the report, its pictures and figures."""

    def __call__(self) -> int:
        """Load, measure, write."""
        started, change = time.monotonic(), load(self.universal)
        return self.answer(self.measure(change, self.seed), change, started)


def _lines(found: Evaluation) -> Iterator[str]:
    chosen = worst(found)
    yield f"{'task':<12}{'clean':>8}{'attacked':>10}{'control':>9}{'fooled':>8}"
    for one in found.outcomes:
        if (one.model, one.attack) == ("mlp", OURS):
            yield (
                f"{one.task:<12}{one.clean_accuracy:>8.1%}{one.attacked_accuracy:>10.1%}"
                f"{control(found, one):>9.1%}{one.fooling_rate:>8.1%}"
                f"{'  <' if one == chosen else ''}"
            )


def _unmeasured(dataset: Dataset) -> Iterator[str]:
    yield (
        f"accuracy    not measured: {dataset.name} has no labels for a downstream task; "
        "shapes and the public datasets have"
    )
