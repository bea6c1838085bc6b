"""The command `fleet`: scan many encoders in parallel and list them, the most suspicious first."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from reference_impls.decree.run import ScanOptions
from reference_impls.lab.bilingual import Bilingual, Text, Words, localize
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
        """Scan them all; 1 if one is backdoored, else 3 if one was lost, 2 if one failed."""
        names, out = named(self.encoders), self.out.resolve()
        started = time.monotonic()
        with self._pool() as (pool, workers):
            outcomes = run_fleet(
                partial(_scan, self, out),
                names,
                results=out / "results.jsonl",
                pool=pool,
                workers=workers,
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

    def _pool(self) -> AbstractContextManager[tuple[Pool, int]]:
        if self.dask:
            return dask(self.dask)
        return nullcontext((processes(self.workers), self.workers))


def _scan(options: ScanOptions, out: Path, name: str) -> dict[str, Any]:
    """Scores and verdict of one encoder; runs in a worker, each encoder has a folder."""
    torch.set_num_threads(1)
    started = time.monotonic()
    # Progress bars of several workers would write over each other.
    with contextlib.redirect_stderr(io.StringIO()):
        report, folder = options.scan(name, out / _folder(name))
    return {
        "score": report.score,
        "threshold": report.calibration.threshold,
        "deviations": report.deviations,
        "backdoored": report.backdoored,
        "verdict": report.verdict,
        "report": str(folder / "report.html"),
        "seconds": round(time.monotonic() - started, 2),
    }


def _folder(name: str) -> str:
    """A folder name that two encoders never share."""
    plain = re.sub(r"[^\w+.-]+", "-", name).strip("-.")[-60:]
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


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
    words = outcome.result.get("verdict") or f"{outcome.state}: {outcome.reason}"
    console.say(f"[{done}/{total}] {outcome.name}: {words}")


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """What the command exits with."""
    if any(one.result.get("backdoored") for one in outcomes):
        return 1
    states = {one.state for one in outcomes}
    return 3 if "lost" in states else 2 if "failed" in states else 0


# -- Summary -------------------------------------------------------------------------


def rows(outcomes: Sequence[Outcome]) -> list[tuple[str, Text, str, str]]:
    """Encoder, verdict, PL1 and threshold of each, the most suspicious first."""
    return [
        (
            one.name,
            _verdict(one),
            _number(one.result.get("score")),
            _number(one.result.get("threshold")),
        )
        for one in sorted(outcomes, key=_suspicion)
    ]


def _suspicion(outcome: Outcome) -> tuple[bool, bool, float]:
    score = outcome.result.get("score")
    found = outcome.result.get("backdoored", False)
    return not found, outcome.state == "done", 1.0 if score is None else score


def _verdict(outcome: Outcome) -> Bilingual:
    if outcome.state != "done":
        return WORDS[f"fleet.{outcome.state}"].fill(reason=outcome.reason)
    if outcome.result["score"] is None:
        return WORDS["fleet.no_trigger"]
    return (
        WORDS["fleet.backdoored"]
        if outcome.result["backdoored"]
        else WORDS["fleet.clean"]
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def fleet_page(outcomes: Sequence[Outcome], about: Any) -> Page:
    """The fleet as one page."""
    found = sum(bool(one.result.get("backdoored")) for one in outcomes)
    unread = sum(one.state != "done" for one in outcomes)
    detail = WORDS["fleet.order"]
    if unread:
        detail = detail.then(WORDS["fleet.unread"].fill(unread=unread))
    tone: Tone = "alarm" if found else "open" if unread else "calm"
    header = (
        WORDS["fleet.encoder"],
        WORDS["fleet.verdict"],
        "PL1",
        WORDS["fleet.threshold"],
    )
    count = len(outcomes)
    return Page(
        title=WORDS["fleet.title"],
        subject=WORDS["fleet.subject"].fill(count=count),
        answer=Answer(
            tone, WORDS["fleet.found"].fill(found=found, count=count), detail
        ),
        sections=[Section(WORDS["fleet.all"], table=Table(header, rows(outcomes)))],
        about=about,
    )
