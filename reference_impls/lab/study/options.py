"""Options that several commands share: a command is a dataclass, and inherits those it has.

Field docstrings are the help texts, field defaults the defaults.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import tyro

from reference_impls.lab.bilingual import Language
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.named import DatasetSpec, Split, open_dataset
from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.checkpoints import Preprocessing
from reference_impls.lab.models.encoders import Encoder, save_weights
from reference_impls.lab.models.formats.family import Activation
from reference_impls.lab.models.named import Weights, open_encoder
from reference_impls.lab.models.saving import save_like
from reference_impls.lab.models.training import Progress
from reference_impls.lab.models.zoo import LAB_ENCODERS
from reference_impls.lab.records import as_data, surroundings, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.page import Page, write_page

Statistics = Literal["cifar", "stl10", "imagenet", "clip", "half", "none"]


def fraction(text: str) -> float:
    """A number, or two with a slash: `10/255`."""
    above, slash, below = text.partition("/")
    try:
        return float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{text!r} is no number; write 0.04 or 10/255") from error


Fraction = Annotated[
    float,
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="FRACTION",
        instance_from_str=lambda words: fraction(words[0]),
        is_instance=lambda value: isinstance(value, float | int),
        str_from_instance=lambda value: [f"{value:.4g}"],
    ),
]
"""An option that takes `10/255` as well as `0.04`."""


EncoderName = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="ENCODER")]
"""The argument of a command that opens an encoder."""


@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """Of every command."""

    threads: int = 1
    """CPU threads; more only pay on idle cores."""
    json: bool = False
    """Print the answer as JSON."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions(CommonOptions):
    """Of a command that computes, and leaves a report."""

    device: str = "cpu"
    """Where to compute: cpu, cuda, cuda:1."""
    language: Language = "en"
    """What the report opens in; it holds both."""

    @property
    def torch_device(self) -> torch.device:
        """Where to compute.

        Raises:
            DeviceError: this machine has no such device.
        """
        return console.device(self.device)

    def leave(
        self,
        found: Mapping[str, Any],
        lines: Iterable[str],
        path: Path,
        *,
        started: float,
        page: Callable[[Any], Page] | None = None,
    ) -> int:
        """Write figures as JSON, their page beside them, and say them; the exit code.

        The page gets settings, versions and seconds; `started` is of `time.monotonic`.
        """
        seconds = time.monotonic() - started
        run = surroundings(device=self.torch_device, seconds=seconds) | {"asked": self}
        if page:
            write_page(page(as_data(run)), path.parent, self.language)
        write_json({**found, "run": run}, path)  # last: it says that the rest is there
        console.report(found, lines, as_json=self.json)
        return 0


@dataclass(frozen=True, kw_only=True)
class DataOptions(ReportOptions):
    """Of a command that opens encoders and datasets, and leaves a report."""

    dataset: str = "shapes"
    """Images: `shapes`, `folder:PATH`, `cifar10:ROOT`, `stl10:ROOT`, `svhn:ROOT`, `gtsrb:ROOT` or `debian:tuxpaint-stamps`."""
    count: int = 1024
    """Images at most."""
    size: int | None = None
    """Height and width of the encoder's images in pixels, if its file does not tell."""
    statistics: Statistics | None = None
    """Normalisation of its images, if its file does not tell."""
    part: str | None = None
    """Which encoder of a file that holds several: its name there, or a word of it such as `teacher`."""
    activation: Activation | None = None
    """Of a vision transformer, if its file does not tell."""
    heads: int | None = None
    """Of a vision transformer's attention, if its file does not tell."""
    stem_padding: int | None = None
    """Of a ResNet's 3x3 stem, if its file does not tell."""
    stem_pool: bool | None = None
    """Whether a ResNet's 3x3 stem ends with pooling, if its file does not tell."""
    pictures: Path | None = None
    """A folder of pictures like those it was trained on: the statistics of its BatchNorms settle the stem and judge the normalisation."""
    download: bool = False
    """Let a library fetch published weights and data."""

    @property
    def preprocessing(self) -> Preprocessing:
        """How the encoder wants its images."""
        return Preprocessing(
            size=self.size,
            statistics=self.statistics,
            part=self.part,
            activation=self.activation,
            heads=self.heads,
            stem_padding=self.stem_padding,
            stem_pool=self.stem_pool,
            pictures=self.pictures,
        )

    @property
    def weights(self) -> Weights:
        """Whether weights may be fetched."""
        return Weights(download=self.download)

    def open_encoder(
        self,
        name: str,
        lab: Mapping[str, Callable[[Progress | None], Encoder]] = LAB_ENCODERS,
    ) -> Encoder:
        """The encoder of a name, on the device; those of the lab are trained at first use.

        Raises:
            LabError: there is none, it does not work, or the device is not there.
        """
        if make := lab.get(name):
            with console.progress(f"making {name}, once") as step:
                encoder = make(console.training(step))
        else:
            loaded = open_encoder(name, self.preprocessing, weights=self.weights)
            for line in loaded.lines():
                console.say(line)
            encoder = loaded.encoder
        return encoder.to(self.torch_device)

    def open_dataset(
        self, size: int, *, split: Split = "test", seed: int = 0, count: int = 0
    ) -> Dataset:
        """The images, `count` of them at most instead of the option's; `seed` is of `shapes`.

        Raises:
            LabError: there are none of that name, or they cannot be read.
        """
        spec = DatasetSpec(
            size=size,
            count=count or self.count,
            split=split,
            seed=seed,
            download=self.download,
        )
        found = open_dataset(self.dataset, spec)
        for note in found.notes:
            console.say(f"note: {note}")
        return found

    def save_encoder(self, source: str, changed: Encoder, stem: Path) -> Path:
        """Write a changed encoder in the form of the clean one that `source` names; the path."""
        try:
            return save_like(source, changed, stem, self.preprocessing)
        except EncoderError as error:
            console.say(f"note: {error}; kept by the names of the network instead")
            path = stem.with_name(f"{stem.name}.safetensors")
            save_weights(changed, path)
            return path


@dataclass(frozen=True, kw_only=True)
class StudyOptions(CommonOptions):
    """Of the command `study`."""

    quick: bool = False
    """A small version, to see that everything works; nothing of it is published."""
    seeds: tuple[int, ...] = ()
    """Only these; default: those of the published table."""
    jobs: int = 1
    """Processes."""
    finished: bool = False
    """Measure nothing: show what earlier runs have finished."""
    out: Path | None = None
    """Folder of the results; default: build/METHOD/study."""
    publish: bool = False
    """Also write the committed results, charts and README tables beside the method."""

    def seeds_of(self, published: tuple[int, ...] = (0, 1, 2)) -> tuple[int, ...]:
        """Seeds to measure: those asked for, else the published ones, of which a quick study takes the first."""
        return self.seeds or published[: 1 if self.quick else None]

    @property
    def chosen(self) -> list[str]:
        """Words that ask for another study than the published one, as `--seeds 1 2`."""
        how = {*CommonOptions.__dataclass_fields__, "jobs", "out", "publish"}
        words: list[str] = []
        for name in (one.name for one in fields(self) if one.name not in how):
            value = getattr(self, name)
            if value:
                words += [f"--{name}", *(map(str, value) if value is not True else ())]
        return words


@dataclass(frozen=True, kw_only=True)
class DrawOptions(CommonOptions):
    """Of the command `draw`."""

    folder: Annotated[
        Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")
    ] = None
    """Where results.json lies; default: beside the method."""
