"""The command `run`: scan one encoder; and what every command that scans shares."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import tyro
from torch import Tensor

from reference_impls.decree.calibration import (
    LAB_CALIBRATION,
    PUBLISHED_THRESHOLD,
    Calibration,
    calibrate,
    load,
)
from reference_impls.decree.config import PRESETS, ROBUST, DecreeConfig
from reference_impls.decree.method import DecreeReport, detect
from reference_impls.decree.population import LAB_ENCODERS
from reference_impls.decree.report import report_page
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.files import file_name
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.records import as_data, surroundings, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.options import DataOptions, EncoderName
from reference_impls.lab.study.page import write_page


@dataclass(frozen=True, kw_only=True)
class ScanOptions(DataOptions):
    """Of a command that scans."""

    presets: ClassVar[Mapping[str, DecreeConfig]] = PRESETS
    preset: Literal["published", "robust"] = "robust"
    """Measured settings; the search's other options change them one by one."""
    config: Annotated[DecreeConfig, tyro.conf.arg(name="")] = ROBUST
    count: int = 512
    """Images at most."""
    calibration: Path | None = None
    """File of the threshold to judge by."""

    def scan(self, name: str, out: Path | None = None) -> tuple[DecreeReport, Path]:
        """The report on an encoder, and the folder it was written to.

        Raises:
            LabError: encoder, images, threshold or settings cannot be used; nothing is written.
        """
        started = time.monotonic()
        encoder = self.open_encoder(name, LAB_ENCODERS)
        images_N3HW = self._images(encoder)
        report = self._detect(encoder, images_N3HW, self.threshold(name))
        folder = out or Path("build/decree") / file_name(encoder.name, empty="encoder")
        about = surroundings(device=encoder.device, seconds=time.monotonic() - started)
        told = as_data({"options": self} | about)
        write_page(report_page(report, images_N3HW[:8], told), folder, self.language)
        # Last: it says that the rest is there.
        write_json(as_json(report) | {"run": told}, folder / "report.json")
        return report, folder

    def threshold(self, name: str) -> Calibration:
        """What an encoder of this name is judged by.

        Raises:
            ConfigError: there is no such file.
        """
        if self.calibration:
            return load(self.calibration)
        measured = self.presets[self.preset]
        if self.config != replace(measured, seed=self.config.seed):
            console.say(
                f"note: the threshold belongs to {self.preset} as it is; with other settings, give "
                "clean encoders with --clean"
            )
        if self.preset == "published":
            return PUBLISHED_THRESHOLD
        if not LAB_CALIBRATION.exists():
            raise ConfigError(
                "no calibration.json beside the method; run `study --publish`, or give --clean or --calibration"
            )
        if name not in LAB_ENCODERS or self.dataset != "shapes":
            console.say(
                "note: the threshold comes from 32 px lab encoders; give clean ones of this kind with --clean"
            )
        return load(LAB_CALIBRATION)

    def _images(self, encoder: Encoder) -> Tensor:
        # A seed of its own: the pictures an encoder was trained on would flatter it.
        return self.open_dataset(encoder.size, seed=3).images_N3HW

    def _detect(
        self, encoder: Encoder, images_N3HW: Tensor, calibration: Calibration
    ) -> DecreeReport:
        with console.progress(f"searching a trigger for {encoder.name}") as step:

            def show(epoch: int, running: int, smallest: float | None) -> None:
                found = "no trigger yet" if smallest is None else f"PL1 {smallest:.4f}"
                step(epoch, self.config.max_epochs, f"{running} running, {found}")

            return detect(
                encoder,
                images_N3HW,
                self.config,
                calibration=calibration,
                progress=show,
            )


@dataclass(frozen=True, kw_only=True)
class Run(ScanOptions):
    """Scan one encoder."""

    encoder: EncoderName = "lab"
    """`lab`, `lab:backdoored` (both made at first use), a file, or a name like `torchvision:resnet18`."""
    clean: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """An encoder known to be clean, to calibrate on; may be given several times."""
    out: Path | None = None
    """Folder of the report; default: build/decree/ENCODER."""

    def __call__(self) -> int:
        """Scan, write, answer; 1 if it is backdoored."""
        report, out = self.scan(self.encoder, self.out)
        console.report(as_json(report), _lines(report, out), as_json=self.json)
        return 1 if report.backdoored else 0

    def threshold(self, name: str) -> Calibration:
        """From the clean encoders, if there are any.

        Raises:
            LabError: one of them cannot be scanned, or there is no such file.
        """
        if self.calibration or not self.clean:
            return super().threshold(name)
        scores = []
        for one in self.clean:
            encoder = self.open_encoder(one, LAB_ENCODERS)
            report = self._detect(encoder, self._images(encoder), PUBLISHED_THRESHOLD)
            scores.append(1.0 if report.score is None else report.score)
        return calibrate(scores, source=f"clean encoders ({', '.join(self.clean)})")


def as_json(report: DecreeReport) -> dict[str, Any]:
    """The report as JSON holds it, with the verdict in words."""
    data: dict[str, Any] = as_data(report)
    return {"verdict": report.verdict} | data


def _lines(report: DecreeReport, out: Path) -> Iterator[str]:
    yield f"encoder   {report.encoder}"
    yield f"verdict   {report.verdict}"
    yield f"rests on  {report.calibration.source}"
    if report.deviations is not None:
        side = "below" if report.deviations >= 0 else "above"
        distance = f"{abs(report.deviations):.1f} standard deviations {side}"
        yield f"distance  {distance} the clean encoders (log PL1)"
    scores = (
        "none" if one.score is None else f"{one.score:.4f}" for one in report.restarts
    )
    yield f"searches  {', '.join(scores)}"
    yield f"report    {out / 'report.html'}"
