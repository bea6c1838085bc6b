"""`… decree fleet`: scan many encoders in parallel and list them, the most suspicious first."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from reference_impls.decree.config import PRESETS
from reference_impls.decree.scan import Order, scan
from reference_impls.lab.bilingual import Bilingual, Text, localize
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.records import as_data, surroundings
from reference_impls.lab.study import console
from reference_impls.lab.study.argparse_options import (
    add_dataset,
    add_device,
    add_language,
    add_preprocessing,
    preprocessing,
    weights,
)
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
DEFAULT_OUT = Path("build/decree/fleet")


class Words:
    """What the summary says."""

    TITLE = Bilingual(
        "DECREE · which of these encoders are backdoored?",
        "DECREE · 这些编码器中哪些含有后门？",
    )
    SUBJECT = Bilingual("{count} encoders", "{count} 个编码器")
    FOUND = Bilingual(
        "{found} of {count} look backdoored",
        "{count} 个编码器中有 {found} 个疑似含有后门",
    )
    ORDER = Bilingual(
        "The most suspicious stand first; each has a report of its own.",
        "最可疑的排在最前；每个编码器另有单独的报告。",
    )
    UNREAD = Bilingual(
        "{unread} could not be scanned: see the reasons below.",
        "{unread} 个未能扫描，原因见下表。",
    )
    ALL = Bilingual("All encoders", "全部编码器")
    ENCODER = Bilingual("encoder", "编码器")
    VERDICT = Bilingual("verdict", "判定")
    THRESHOLD = Bilingual("threshold", "阈值")
    BACKDOORED = Bilingual("backdoored", "含有后门")
    CLEAN = Bilingual("no backdoor found", "未发现后门")
    NO_TRIGGER = Bilingual("no trigger found", "未找到触发器")
    FAILED = Bilingual("failed: {reason}", "失败：{reason}")
    LOST = Bilingual("lost: {reason}", "丢失：{reason}")


@dataclass(frozen=True)
class ScanTask:
    """Scans one encoder in a worker; everything but its name is in the order."""

    order: Order
    out: Path
    """Folder of the fleet; each encoder gets one below."""

    def __call__(self, name: str) -> dict[str, Any]:
        """Scores and verdict of one encoder."""
        torch.set_num_threads(1)
        started = time.monotonic()
        order = replace(self.order, encoder=name, out=self.out / _folder(name))
        # Progress bars of several workers would write over each other.
        with contextlib.redirect_stderr(io.StringIO()):
            report, out = scan(order)
        return {
            "score": report.score,
            "threshold": report.calibration.threshold,
            "deviations": report.deviations,
            "backdoored": report.backdoored,
            "verdict": report.verdict,
            "report": str(out / "report.html"),
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
        raise ConfigError(f"no encoder in {', '.join(sources)} (looked for {looked})")
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


# -- Command line --------------------------------------------------------------------


def add_options(parser: ArgumentParser) -> None:
    """The options of `fleet`."""
    default = Order()
    add = parser.add_argument
    add(
        "encoders",
        nargs="+",
        metavar="ENCODER",
        help="folders of checkpoints, lists (.txt) or names, as for scan",
    )
    add_dataset(parser)
    add(
        "--count",
        type=int,
        default=default.count,
        help="images at most; default %(default)s",
    )
    add(
        "--out",
        type=Path,
        default=DEFAULT_OUT,
        help="folder of the reports; default %(default)s",
    )
    add(
        "--preset",
        choices=sorted(PRESETS),
        default=default.preset,
        help="default %(default)s",
    )
    add("--calibration", type=Path, metavar="FILE", help="threshold to judge by")
    add_preprocessing(parser, "the encoders'")
    add_language(parser)
    add_device(parser)
    add("--workers", type=int, default=2, help="processes here; default %(default)s")
    add(
        "--dask",
        metavar="ADDRESS",
        help="scheduler of a Dask cluster (tcp://…) instead; --out must be shared",
    )


def run(options: Namespace) -> int:
    """Scan them all; exit code 1 if one is backdoored, 3 if one was lost, 2 if one failed."""
    names = named(options.encoders)
    out = options.out.resolve()
    order = Order(
        images=options.images,
        count=options.count,
        preset=options.preset,
        calibration=options.calibration,
        language=options.language,
        device=options.device,
        preprocessing=preprocessing(options),
        weights=weights(options),
    )
    started = time.monotonic()
    with _pool(options) as (pool, workers):
        outcomes = run_fleet(
            ScanTask(order, out),
            names,
            results=out / "results.jsonl",
            pool=pool,
            workers=workers,
            progress=_say,
        )
    seconds = time.monotonic() - started
    about = surroundings(device=torch.device("cpu"), seconds=seconds)
    summary = present(outcomes, as_data({"order": order} | about))
    page = write_page(summary, out, order.language)
    told = ("\t".join(localize(cell, "en") for cell in row) for row in rows(outcomes))
    console.answer("\n".join(told))
    console.say(f"report: {page}")
    return exit_code(outcomes)


@contextmanager
def _pool(options: Namespace) -> Iterator[tuple[Pool, int]]:
    if options.dask:
        with dask(options.dask) as found:
            yield found
    else:
        yield processes(options.workers), options.workers


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
        words = Words.FAILED if outcome.state == "failed" else Words.LOST
        return words.fill(reason=outcome.reason)
    if outcome.result["score"] is None:
        return Words.NO_TRIGGER
    return Words.BACKDOORED if outcome.result["backdoored"] else Words.CLEAN


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def present(outcomes: Sequence[Outcome], about: Any) -> Page:
    """The fleet as one page."""
    found = sum(bool(one.result.get("backdoored")) for one in outcomes)
    unread = sum(one.state != "done" for one in outcomes)
    detail = Words.ORDER
    if unread:
        detail = detail.then(Words.UNREAD.fill(unread=unread))
    tone: Tone = "alarm" if found else "open" if unread else "calm"
    header = (Words.ENCODER, Words.VERDICT, "PL1", Words.THRESHOLD)
    count = len(outcomes)
    return Page(
        title=Words.TITLE,
        subject=Words.SUBJECT.fill(count=count),
        answer=Answer(tone, Words.FOUND.fill(found=found, count=count), detail),
        sections=[Section(Words.ALL, table=Table(header, rows(outcomes)))],
        about=about,
    )
