"""The command `run`: scan one encoder; and what every command that scans shares."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import tyro
from torch import Tensor

from reference_impls.decree.calibration import (
    LAB_CALIBRATION,
    Calibration,
    Kind,
    calibrate,
    load,
    save,
    search_key,
)
from reference_impls.decree.config import PRESETS, ROBUST, DecreeConfig
from reference_impls.decree.method import DecreeReport, detect, smallest_patch
from reference_impls.decree.population import LAB_ENCODERS
from reference_impls.decree.report import reasons, report_page
from reference_impls.decree.verdict import EXIT_CODES
from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.records import as_data, surroundings, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.options import DataOptions, EncoderName
from reference_impls.lab.study.page import write_page

NOT_READ = EXIT_CODES["cannot decide"]
"""Exit code of an encoder about which nothing can be said, for it cannot be read or used."""


@dataclass(frozen=True, kw_only=True)
class ScanOptions(DataOptions):
    """Of a command that scans."""

    presets: ClassVar[Mapping[str, DecreeConfig]] = PRESETS
    preset: Literal["published", "robust"] = "robust"
    """Measured settings; the search's other options change them one by one."""
    config: Annotated[DecreeConfig, tyro.conf.arg(name="")] = ROBUST
    count: int = 512
    """Images at most."""
    clean: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """An encoder of the same kind known to be clean, to compare with; give three or more."""
    calibration: Path | None = None
    """What `--clean` found before: the calibration.json that it left."""

    def calibrated(self, folder: Path) -> Calibration | None:
        """What the clean encoders say, scanned now and left in the folder, or read; none without them.

        Raises:
            LabError: one of them cannot be scanned, or there is no such file.
        """
        if self.clean and self.calibration:
            raise ConfigError("give --clean or --calibration, not both")
        if self.calibration:
            return load(self.calibration)
        if not self.clean:
            return None
        scores, kinds = [], []
        for name in self.clean:
            encoder = self.open_encoder(name, LAB_ENCODERS)
            kinds.append(Kind.of(encoder))
            if kinds[-1] != kinds[0]:
                raise ConfigError(
                    f"--clean encoders must be of one kind: {self.clean[0]} is {kinds[0]}, {name} is {kinds[-1]}"
                )
            with console.progress(f"calibrating on {encoder.name}") as step:
                scores.append(
                    smallest_patch(
                        encoder,
                        self._images(encoder),
                        self.config,
                        progress=self._told(step),
                    )
                )
        found = calibrate(
            scores,
            source=", ".join(self.clean),
            kind=kinds[0],
            search=search_key(self.config),
        )
        path = folder / "calibration.json"
        save(found, path)
        console.say(f"clean encoders kept for next time: --calibration {path}")
        return found

    def scan(
        self, name: str, folder: Path, calibration: Calibration | None
    ) -> DecreeReport:
        """The report on an encoder, which is also written to the folder.

        Raises:
            LabError: encoder, images or settings cannot be used; nothing is written.
        """
        started = time.monotonic()
        encoder = self.open_encoder(name, LAB_ENCODERS)
        if calibration is None and name in LAB_ENCODERS and self.dataset == "shapes":
            calibration = load(LAB_CALIBRATION)
        images_N3HW = self._images(encoder)
        with console.progress(f"searching a trigger for {encoder.name}") as step:
            report = detect(
                encoder,
                images_N3HW,
                self.config,
                calibration=calibration,
                progress=self._told(step),
            )
        about = surroundings(device=encoder.device, seconds=time.monotonic() - started)
        told = as_data({"options": self} | about)
        write_page(report_page(report, images_N3HW[:8], told), folder, self.language)
        # Last: it says that the rest is there.
        write_json(as_json(report) | {"run": told}, folder / "report.json")
        return report

    def _images(self, encoder: Encoder) -> Tensor:
        # A seed of its own: the pictures an encoder was trained on would flatter it.
        return self.open_dataset(encoder.size, seed=3).images_N3HW

    def _told(self, step: console.Step) -> Any:
        def show(epoch: int, running: int, smallest: float | None) -> None:
            found = "no trigger yet" if smallest is None else f"PL1 {smallest:.4f}"
            step(epoch, self.config.max_epochs, f"{running} running, {found}")

        return show


@dataclass(frozen=True, kw_only=True)
class Run(ScanOptions):
    """Scan one encoder."""

    interrupted: ClassVar[str] = "interrupted; nothing was written"

    encoder: EncoderName = "lab"
    """`lab`, `lab:backdoored` (both made at first use), a file, or a name like `torchvision:resnet18`."""
    out: Path | None = None
    """Folder of the report; default: build/decree/ENCODER."""

    def __call__(self) -> int:
        """Scan, write, answer: 0, 1 or 4."""
        out = self.out or Path("build/decree") / folder_name(self.encoder)
        calibration = self.calibrated(out)
        try:
            report = self.scan(self.encoder, out, calibration)
        except EncoderError as error:
            console.say(f"error: {error}")
            return NOT_READ
        console.report(as_json(report), _lines(report, out), as_json=self.json)
        return EXIT_CODES[report.verdict.answer]


def folder_name(encoder: str) -> str:
    """A folder name that two encoders never share."""
    plain = re.sub(r"[^\w+.-]+", "-", encoder).strip("-.")[-60:]
    return f"{plain}-{hashlib.sha256(encoder.encode()).hexdigest()[:8]}"


def as_json(report: DecreeReport) -> dict[str, Any]:
    """The report as JSON holds it: the answer and its reasons first, then the figures behind it."""
    data: dict[str, Any] = as_data(replace(report, trigger=None))
    del data["trigger"]
    comparison, calibration = report.comparison, report.calibration
    return {
        "answer": report.verdict.answer,
        "reasons": [one.en for one in reasons(report)],
        "backdoored": report.backdoored,
        "paper_says_backdoored": report.paper,
        **data,
        "prominence": comparison.prominence if comparison else None,
        "threshold": calibration.threshold if calibration else None,
    }


def _lines(report: DecreeReport, out: Path) -> Iterator[str]:
    yield f"encoder   {report.encoder}"
    yield f"verdict   {report.verdict.answer}"
    for one in reasons(report):
        yield f"          {one.en}"
    paper = "backdoored" if report.paper else "no backdoor found"
    yield f"paper     {paper}: PL1 {_number(report.score)}, tau 0.1"
    if report.comparison:
        sizes = ", ".join(_number(size) for size in report.comparison.sizes[1:])
        yield f"itself    next patch {sizes}; prominence {_number(report.comparison.prominence)}"
    if report.calibration:
        clean = ", ".join(_number(one) for one in report.calibration.clean_scores)
        yield f"clean     PL1 {clean}; threshold {_number(report.calibration.threshold)}"
    yield f"searches  {', '.join(_number(one.score) for one in report.restarts)}"
    yield f"report    {out / 'report.html'}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
