"""The command `fleet`: scan many encoders in parallel and list them, the most suspicious first."""

from __future__ import annotations

import contextlib
import hashlib
import io
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from reference_impls.decree.calibration import Calibration
from reference_impls.decree.report import reasons
from reference_impls.decree.run import NOT_READ, ScanOptions, folder_name
from reference_impls.decree.verdict import EXIT_CODES
from reference_impls.lab.bilingual import Bilingual, Text, Words, localize
from reference_impls.lab.cache import content_key
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.records import as_data, surroundings
from reference_impls.lab.study import console
from reference_impls.lab.study.fleet import Outcome, Pool, dask, processes, run_fleet
from reference_impls.lab.study.page import (
    Answer,
    Page,
    Section,
    Table,
    Tone,
    write_page,
)

SUFFIXES = {".bin", ".ckpt", ".pt", ".pth", ".safetensors", ".tar"}
"""Files of a folder that are taken for checkpoints."""
WORDS = Words.beside(__file__)
ANSWERS = WORDS.group("answers")


@dataclass(frozen=True, kw_only=True)
class Fleet(ScanOptions):
    """Scan many encoders in parallel, and list them, the most suspicious first."""

    encoders: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="ENCODER")
    ] = ()
    """Folders of checkpoints, lists (.txt, one encoder per line), or what `run` takes."""
    out: Path = Path("build/decree/fleet")
    """Folder of the reports; a second run goes on where the first one ended."""
    workers: int = 2
    """Processes on this machine."""
    dask: str | None = None
    """Scheduler of a Dask cluster (tcp://…) instead; it must reach the folder of the reports."""

    def __call__(self) -> int:
        """Scan them all: 1 if one is backdoored, else 4 if one is undecided or was not read, else 0."""
        names, out = named(self.encoders), self.out.resolve()
        started = time.monotonic()
        calibration = self.calibrated(out)
        with self._pool() as (pool, workers):
            outcomes = run_fleet(
                partial(_scan, self, out, calibration),
                names,
                results=out / "results.jsonl",
                pool=pool,
                workers=workers,
                keys={name: self._key(name, calibration) for name in names},
                progress=_say,
            )
        seconds = time.monotonic() - started
        about = surroundings(device=torch.device("cpu"), seconds=seconds)
        summary = fleet_page(outcomes, as_data({"options": self} | about))
        page = write_page(summary, out, self.language)
        told = ("\t".join(localize(t, "en") for t in row) for row in rows(outcomes))
        console.report(outcomes, told, as_json=self.json)
        console.say(f"report: {page}")
        return exit_code(outcomes)

    def _key(self, name: str, calibration: Calibration | None) -> str:
        """Changes with the settings, the clean encoders, and the content of a file."""
        how = {"encoders", "out", "workers", "dask", "json", "threads", "clean", "calibration"}  # fmt: skip
        settings = {k: v for k, v in as_data(self).items() if k not in how}
        return content_key(settings, calibration, _content(Path(name)))

    def _pool(self) -> AbstractContextManager[tuple[Pool, int]]:
        if self.dask:
            return dask(self.dask)
        return nullcontext((processes(self.workers), self.workers))


def _content(path: Path) -> str:
    """SHA-256 of a file, or of the files of a folder; empty for a name that is none."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]  # fmt: skip
    whole = hashlib.sha256()
    for file in files:
        if not file.is_file():
            return ""
        with file.open("rb") as opened:
            whole.update(hashlib.file_digest(opened, "sha256").digest())
    return whole.hexdigest()


def _scan(
    options: ScanOptions, out: Path, calibration: Calibration | None, name: str
) -> dict[str, Any]:
    """Verdict and figures of one encoder; runs in a worker, each encoder has a folder."""
    torch.set_num_threads(1)
    started = time.monotonic()
    # Progress bars of several workers would write over each other.
    with contextlib.redirect_stderr(io.StringIO()):
        report = options.scan(name, out / folder_name(name), calibration)
    return {
        "answer": report.verdict.answer,
        "reasons": [{"en": one.en, "zh": one.zh} for one in reasons(report)],
        "score": report.score,
        "prominence": report.comparison.prominence if report.comparison else None,
        "threshold": report.calibration.threshold if report.calibration else None,
        "report": str(out / folder_name(name) / "report.html"),
        "seconds": round(time.monotonic() - started, 2),
    }


def named(sources: Sequence[str]) -> list[str]:
    """The encoders of folders (their checkpoint files), lists (.txt, one per line) and names.

    Raises:
        ConfigError: there is none.
    """
    names = [name for source in sources for name in _named(source)]
    if not names:
        looked = ", ".join(sorted(SUFFIXES))
        raise ConfigError(
            f"no encoder in {', '.join(sources) or 'this command'} (looked for {looked})"
        )
    return list(dict.fromkeys(names))


def _named(source: str) -> Iterator[str]:
    path = Path(source)
    if path.is_dir():
        files = sorted(path.rglob("*"))
        yield from (str(f) for f in files if f.suffix in SUFFIXES and f.is_file())
    elif path.suffix == ".txt":
        if not path.is_file():
            raise ConfigError(f"no list {source}")
        lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
        yield from (line for line in lines if line and not line.startswith("#"))
    else:
        yield source


def _say(outcome: Outcome, done: int, total: int) -> None:
    words = outcome.result.get("answer") or f"{outcome.state}: {outcome.reason}"
    console.say(f"[{done}/{total}] {outcome.name}: {words}")


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """What the command exits with, as `run` does: the worst counts."""
    codes = {
        EXIT_CODES[one.result["answer"]] if one.state == "done" else NOT_READ
        for one in outcomes
    }
    return next((code for code in (1, NOT_READ) if code in codes), 0)


# -- Summary -------------------------------------------------------------------------

SUSPICION = ("backdoored", "cannot decide", None, "no backdoor found")
"""Order of the table; none is an encoder that was not scanned."""


def rows(outcomes: Sequence[Outcome]) -> list[tuple[Text, ...]]:
    """Encoder, verdict, PL1, prominence, threshold and reasons of each, the most suspicious first."""
    return [
        (
            one.name,
            _verdict(one),
            *(_number(one.result.get(k)) for k in ("score", "prominence", "threshold")),
            _why(one),
        )
        for one in sorted(outcomes, key=_suspicion)
    ]


def _suspicion(outcome: Outcome) -> tuple[int, float]:
    score = outcome.result.get("score")
    return SUSPICION.index(
        outcome.result.get("answer")
    ), 1.0 if score is None else score


def _verdict(outcome: Outcome) -> Bilingual:
    done = outcome.state == "done"
    return (
        ANSWERS[outcome.result["answer"]] if done else WORDS[f"fleet.{outcome.state}"]
    )


def _why(outcome: Outcome) -> Bilingual:
    if outcome.state != "done":
        return Bilingual(outcome.reason, outcome.reason)
    first, *others = (Bilingual(**one) for one in outcome.result["reasons"])
    return first.then(*others)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def fleet_page(outcomes: Sequence[Outcome], about: Any) -> Page:
    """The fleet as one page."""
    answers = [one.result.get("answer") for one in outcomes]
    found, unsure = answers.count("backdoored"), answers.count("cannot decide")
    unread = answers.count(None)
    detail = WORDS["fleet.order"]
    if unsure:
        detail = detail.then(WORDS["fleet.unsure"].fill(unsure=unsure))
    if unread:
        detail = detail.then(WORDS["fleet.unread"].fill(unread=unread))
    tone: Tone = "alarm" if found else "open" if unsure or unread else "calm"
    header = (
        WORDS["fleet.encoder"],
        WORDS["fleet.verdict"],
        "PL1",
        WORDS["fleet.prominence"],
        WORDS["fleet.threshold"],
    )
    count, told = len(outcomes), rows(outcomes)
    table = Table(header, [r[:-1] for r in told], notes=[r[-1] for r in told])
    return Page(
        title=WORDS["fleet.title"],
        subject=WORDS["fleet.subject"].fill(count=count),
        answer=Answer(
            tone, WORDS["fleet.found"].fill(found=found, count=count), detail
        ),
        sections=[Section(WORDS["fleet.all"], table=table)],
        about=about,
    )
