"""The command `run` of a method: one setting on a model and images of the reader's, beside its control."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from reference_impls.lab.bilingual import LAB, Words
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.zero_shot import task_of
from reference_impls.lab.study import console
from reference_impls.lab.study.clips import open_clip
from reference_impls.lab.study.options import (
    DataOptions,
    EncoderName,
    ReportOptions,
)
from reference_impls.lab.study.setup import Setup, on_device

Measures = Mapping[str, float | None]
"""What was measured, by name; None where there is nothing to tell."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """How a measure is shown."""

    form: str = ".2f"
    """As in `format`, of the table."""
    share: bool = True
    """Whether it lies in [0, 1], and is a percentage in sentences."""

    def shown(self, values: Sequence[float]) -> str:
        """Mean and standard deviation as the table shows them; a count that is always the same stands alone."""
        if not values:
            return "–"
        same = not self.share and min(values) == max(values)
        return f"{MeanStd.of(values[:1] if same else values):{self.form}}"

    def told(self, value: float | None) -> str:
        """As a sentence shows it."""
        if value is None:
            return "–"
        return f"{value:.1%}" if self.share else f"{value:{self.form}}"


Kind = Literal["encoder", "clip", "text"]
"""What a method is tried on: an image encoder, one with a text tower, a text encoder."""


class Method(Protocol):
    """What the command needs to know of a method."""

    @property
    def measure(self) -> Callable[[Any, Any], Measures]:
        """Of a setup under a setting."""
        ...

    @property
    def columns(self) -> Mapping[str, Column]:
        """By measure."""
        ...

    @property
    def words(self) -> Words:
        """Its sentences."""
        ...

    @property
    def kept(self) -> Sequence[str]:
        """Settings that the control has as the row beside it."""
        ...

    @property
    def kind(self) -> Kind:
        """What it is tried on."""
        ...


@dataclass(frozen=True, kw_only=True)
class OneSetting(ReportOptions, ABC):
    """What `run` does with any kind of model; a method adds `preset`, `config`, `task`, `count`, `out`."""

    method: ClassVar[Method]
    presets: ClassVar[Mapping[str, Any]]
    preset: str = ""
    config: Any = None
    task: str = ""
    out: Path = Path()

    def __call__(self) -> int:
        """Measure the setting and its control, write, say."""
        started, control = time.monotonic(), next(iter(self.presets))
        setup, plain = self.setup(), next(iter(self.presets.values()))
        settings = {self.preset: self.config}
        if self.config != plain:
            # A row of the table only if it is as that row says.
            alike = all(getattr(self.config, n) == getattr(plain, n) for n in self.method.kept)  # fmt: skip
            settings[control if alike else "control"] = self.beside(plain)
        found: dict[str, Measures] = {}
        for name, config in settings.items():
            with console.progress(f"measuring {name}") as step:
                told = replace(setup, progress=console.training(step))
                found[name] = self.method.measure(told, config)
        path = self.out / "measured.json"
        lines = [*self.lines(found), f"figures: {path}"]
        return self.leave({"task": setup.task, "measures": found}, lines, path, started=started)  # fmt: skip

    def beside(self, plain: Any) -> Any:
        """The control, with the reader's options wherever the preset is as the control is, or must be."""
        preset, kept = self.presets[self.preset], self.method.kept
        asked = {
            name: value
            for name, value in vars(self.config).items()
            if name in kept or value != getattr(preset, name) == getattr(plain, name)
        }
        return replace(plain, **asked)

    def called(self, preset: str) -> str:
        """A row as the table names it, or the control that is no row of it."""
        known = preset in self.presets
        return (self.method.words[f"presets.{preset}"] if known else LAB["grid.control"]).en  # fmt: skip

    @abstractmethod
    def setup(self) -> Any:
        """What is measured."""

    def lines(self, found: Mapping[str, Measures]) -> Iterator[str]:
        """One line for each measure, the control behind."""
        words = self.method.words
        (_, own), *rest = found.items()
        names = {name: words[f"measures.{name}"].en for name in self.method.columns}
        width = max(map(len, names.values()))
        for name, column in self.method.columns.items():
            beside = "".join(
                f"   ({self.called(preset)}: {column.told(other[name])})"
                for preset, other in rest
            )
            yield f"{names[name]:<{width}}  {column.told(own[name]):>6}{beside}"


@dataclass(frozen=True, kw_only=True)
class Single(OneSetting, DataOptions):
    """Options of `run` on images."""

    encoder: EncoderName = "lab"
    """`lab` (trained at first use), or a name or file of a model; `lab:SEED` where it must be a CLIP."""
    train: int = 4096
    """Images to learn from, at most; others than those it is measured on."""

    def setup(self) -> Setup:
        """The model on its device, images to learn from and others to test on.

        Raises:
            LabError: something of it is not there, or there is no such task.
        """
        clip = open_clip(self.encoder, self) if self.method.kind == "clip" else None
        original = clip.image if clip else self.open_encoder(self.encoder)
        encoder = accelerated(original)
        train = self.open_dataset(encoder.size, split="train", seed=1, count=self.train)
        test = self.open_dataset(encoder.size, seed=2)
        task = task_of(test, self.task)
        for data in (train, test):
            if task and task not in data.labels:
                known = ", ".join(data.labels) or "none"
                raise DatasetError(f"{data.name} has no task {task!r}; it has {known}")
        return Setup(
            encoder=encoder,
            original=original,
            clip=clip,
            train=on_device(train, encoder),
            test=on_device(test, encoder),
            task=task,
            seed=getattr(self.config, "seed", 0),
        )
