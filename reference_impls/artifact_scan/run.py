"""The command `run`: the verdict on a file or folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import torch
import tyro

from reference_impls.artifact_scan.answer import (
    EXIT_CODES,
    Answer,
    Finding,
    ScanConfig,
    Verdict,
)
from reference_impls.artifact_scan.method import scan
from reference_impls.artifact_scan.scanners import SCANNERS, Name
from reference_impls.artifact_scan.weights import HiddenConfig, flat, suspicious
from reference_impls.lab.bilingual import Words
from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.files import file_name
from reference_impls.lab.models.tensor_files import read_state
from reference_impls.lab.records import as_data, surroundings, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.options import CommonOptions

WORDS = Words.beside(__file__)
SHOWN = 20
"""Findings that are printed; all stand in the report."""


@dataclass(frozen=True, kw_only=True)
class Run(CommonOptions):
    """Judge a model file or folder; nothing of it is run."""

    path: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PATH")]
    """The file, or a folder with all that is in it."""
    config: Annotated[ScanConfig, tyro.conf.arg(name="")] = field(default_factory=ScanConfig)  # fmt: skip
    weights: bool = False
    """Also look for a payload that was written over the bits of the weights."""
    hidden: HiddenConfig = field(default_factory=HiddenConfig)
    scanner: Name = "policy"
    """Who is asked: this method, or a published scanner, whose answer has no reasons here."""
    out: Path = Path("build/artifact_scan")
    """Folder of the report."""

    def __call__(self) -> int:
        """Scan, write, answer: 0, 1 or 4."""
        started = time.monotonic()
        if self.scanner == "policy":
            answer = scan(self.path, self.config)
            if self.weights and answer.verdict != "dangerous":
                answer = with_hidden(answer, self.path, self.hidden)
        elif not self.path.is_file():
            raise ConfigError(f"{self.path} is no file, and --scanner {self.scanner} is asked for one")  # fmt: skip
        else:
            size = self.path.stat().st_size
            answer = Answer(verdict=SCANNERS[self.scanner](self.path), findings=(), files=1, bytes=size)  # fmt: skip
        seconds = time.monotonic() - started
        run = surroundings(device=torch.device("cpu"), seconds=seconds) | {
            "asked": self
        }
        report = (
            self.out / f"{file_name(self.path.resolve().name, empty='report')}.json"
        )
        write_json({**as_data(answer), "run": run}, report)
        console.report(answer, lines(answer, report), as_json=self.json)
        return EXIT_CODES[answer.verdict]


def with_hidden(answer: Answer, path: Path, config: HiddenConfig) -> Answer:
    """The same, and what the bits of the weights say."""
    try:
        tensors = [one.numpy() for one in read_state(path).values() if one.dtype == torch.float32]  # fmt: skip
        signs = [sign for one in flat(tensors) for sign in suspicious(one, config)]
        said = f"{sum(map(bool, signs))} of {len(signs)}" if any(signs) else ""
        reason = "hidden"
    except EncoderError as error:
        said, reason = str(error), "damaged"
    if not said:
        return answer
    found = Finding(level="cannot decide", where=path.name, reason=reason, about=said)
    verdict: Verdict = "cannot decide"
    return Answer(verdict=verdict, findings=(*answer.findings, found), files=answer.files, bytes=answer.bytes)  # fmt: skip


def lines(answer: Answer, report: Path) -> Iterator[str]:
    """The answer for a person, the worst first."""
    yield f"verdict   {answer.verdict}"
    worst = sorted(answer.findings, key=lambda one: one.level != "dangerous")
    for one in worst[:SHOWN]:
        yield f"          {one.where}: {WORDS[f'reason.{one.reason}'].fill(about=one.about).en}"
    if len(worst) > SHOWN:
        yield f"          and {len(worst) - SHOWN} more"
    yield f"read      {answer.files} files, {answer.bytes / 1e6:.1f} MB"
    yield f"report    {report}"
