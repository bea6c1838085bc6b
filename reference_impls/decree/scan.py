"""One scan from names to a folder: encoder, images, threshold, search, report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from reference_impls.badencoder.method import BadEncoderConfig
from reference_impls.decree.calibration import (
    PUBLISHED_THRESHOLD,
    Calibration,
    calibrate,
    load,
)
from reference_impls.decree.config import PRESETS, DecreeConfig
from reference_impls.decree.method import DecreeReport, detect
from reference_impls.decree.population import Subject, make
from reference_impls.decree.present import present
from reference_impls.lab.bilingual import Language
from reference_impls.lab.data.named import DatasetSpec, open_dataset
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.checkpoints import Preprocessing
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.named import Weights, open_encoder
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.records import as_data, surroundings, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.page import write_page

LAB_CALIBRATION = Path(__file__).with_name("calibration.json")
"""Threshold of the robust preset on lab encoders, made by `sweep`."""

LAB_PARENT = SimCLRConfig(steps=200)
LAB_ENCODERS = {
    "lab": Subject(role="clean", parent=LAB_PARENT),
    "lab:backdoored": Subject(
        role="backdoored", parent=LAB_PARENT, attack=BadEncoderConfig()
    ),
}
"""Encoders that need no file: trained at first use, then read from the cache."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to scan, on what, how, and where the answer goes."""

    encoder: str = "lab"
    """`lab`, `lab:backdoored`, a file, or a name as in `library:model`."""
    images: str = "shapes"
    """Name of the dataset."""
    count: int = 512
    """Images at most."""
    out: Path | None = None
    """Folder of the answer; none is `build/decree/<encoder>`."""
    preset: str = "robust"
    """A key of `PRESETS`."""
    seed: int = 80
    """Of the search."""
    batch: int | None = None
    """Images per step, instead of the preset's."""
    calibration: Path | None = None
    """A file that `--clean` or `sweep` wrote."""
    clean: tuple[str, ...] = ()
    """Encoders known to be clean, to calibrate the threshold on."""
    language: Language = "en"
    """What the report opens in; it holds both."""
    device: str = "cpu"
    """Where to compute."""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    """Size and statistics, instead of those the file suggests."""
    weights: Weights = field(default_factory=Weights)
    """Whether models of a library, and public datasets, may be downloaded."""

    @property
    def config(self) -> DecreeConfig:
        """The settings of the search."""
        config = replace(PRESETS[self.preset], seed=self.seed)
        return config if self.batch is None else replace(config, batch=self.batch)


def scan(order: Order) -> tuple[DecreeReport, Path]:
    """The report, and the folder it was written to."""
    started = time.monotonic()
    encoder = _encoder(order.encoder, order)
    images_N3HW = _images(order, encoder)
    calibration = _calibration(order)
    report = _detect(encoder, images_N3HW, order.config, calibration)
    out = order.out or Path("build/decree") / _file_name(encoder.name)
    about = surroundings(device=encoder.device, seconds=time.monotonic() - started)
    _write(report, images_N3HW, {"order": order} | about, out, order.language)
    return report, out


def _encoder(name: str, order: Order) -> Encoder:
    if name in LAB_ENCODERS:
        with console.progress(f"making {name}, once") as step:
            encoder, _ = make(LAB_ENCODERS[name], progress=console.training(step))
    else:
        loaded = open_encoder(name, order.preprocessing, weights=order.weights)
        for line in loaded.lines():
            console.say(line)
        encoder = loaded.encoder
    return encoder.to(console.device(order.device))


def _images(order: Order, encoder: Encoder) -> Tensor:
    # A seed of its own: the pictures an encoder was trained on would flatter it.
    spec = DatasetSpec(
        size=encoder.size,
        count=order.count,
        seed=3,
        download=order.weights.download,
    )
    return open_dataset(order.images, spec).images_N3HW


def _calibration(order: Order) -> Calibration:
    if order.calibration:
        return load(order.calibration)
    if order.clean:
        return _calibrate_on(order)
    if order.preset == "published":
        return PUBLISHED_THRESHOLD
    if not LAB_CALIBRATION.exists():
        raise ConfigError(
            "no calibration.json beside the method; run `sweep`, or give --clean or --calibration"
        )
    if order.encoder not in LAB_ENCODERS or order.images != "shapes":
        console.say(
            "note: the threshold comes from 32 px lab encoders; give clean ones of this kind with --clean"
        )
    return load(LAB_CALIBRATION)


def _calibrate_on(order: Order) -> Calibration:
    scores = []
    for name in order.clean:
        encoder = _encoder(name, order)
        report = _detect(
            encoder, _images(order, encoder), order.config, PUBLISHED_THRESHOLD
        )
        scores.append(1.0 if report.score is None else report.score)
    return calibrate(scores, source=f"clean encoders ({', '.join(order.clean)})")


def _detect(
    encoder: Encoder,
    images_N3HW: Tensor,
    config: DecreeConfig,
    calibration: Calibration,
) -> DecreeReport:
    with console.progress(f"searching a trigger for {encoder.name}") as step:

        def show(epoch: int, running: int, smallest: float | None) -> None:
            found = "no trigger yet" if smallest is None else f"PL1 {smallest:.4f}"
            step(epoch, config.max_epochs, f"{running} running, {found}")

        return detect(
            encoder, images_N3HW, config, calibration=calibration, progress=show
        )


# -- What is left behind -------------------------------------------------------------


def as_json(report: DecreeReport) -> dict[str, Any]:
    """The report as JSON holds it, with the verdict in words."""
    data: dict[str, Any] = as_data(report)
    return {"verdict": report.verdict} | data


def _write(
    report: DecreeReport,
    images_N3HW: Tensor,
    about: dict[str, Any],
    out: Path,
    language: Language,
) -> None:
    write_page(
        present(report, images_N3HW[:8], as_data(about | {"config": report.config})),
        out,
        language,
    )
    write_json(
        as_json(report) | {"run": about}, out / "report.json"
    )  # last: it says the rest is there


def _file_name(name: str) -> str:
    return (
        "".join(
            letter if letter.isalnum() or letter in "+-._" else "-" for letter in name
        ).strip(".")
        or "encoder"
    )


def lines(report: DecreeReport, out: Path) -> Sequence[str]:
    """The answer for a terminal."""
    sure = (
        ""
        if report.deviations is None
        else (
            f"{abs(report.deviations):.1f} standard deviations "
            f"{'below' if report.deviations >= 0 else 'above'} the clean encoders (log PL1)"
        )
    )
    shown = {
        "encoder": report.encoder,
        "verdict": report.verdict,
        "rests on": report.calibration.source,
        "distance": sure,
        "searches": ", ".join(
            "none" if one.score is None else f"{one.score:.4f}"
            for one in report.restarts
        ),
        "report": str(out / "report.html"),
    }
    return [f"{label:<9} {text}" for label, text in shown.items() if text]
