"""How far a run is: a bar for a reader, a line now and then for a log."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress import TimeRemainingColumn as Remaining

from surveykit import errors
from surveykit.cli.terminal import note
from surveykit.links.state import Result

PLAIN_SECONDS = 10.0


@contextlib.contextmanager
def progress(total: int) -> Iterator[Callable[[Result], None]]:
    """Something to tell each result of `total` links to."""
    if not sys.stderr.isatty():
        yield _lines(total)
        return
    rate = TextColumn("{task.fields[rate]:.1f}/s  {task.fields[alarms]} failing")
    columns = (BarColumn(), MofNCompleteColumn(), rate, Remaining())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("links", total=total, rate=0.0, alarms=0)
        urls: set[str] = set()
        failing = 0
        start = time.monotonic()

        def seen(result: Result) -> None:
            nonlocal failing
            failing += result.state in ("broken", "blocked")
            urls.add(result.url)
            rate = len(urls) / max(time.monotonic() - start, 0.1)
            bar.update(task, completed=len(urls), rate=rate, alarms=failing)

        yield seen


@contextlib.contextmanager
def counted(total: int, what: str) -> Iterator[Callable[[], None]]:
    """Something to call for each of `total` things that is done."""
    done = 0
    told = time.monotonic()
    if sys.stderr.isatty():
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)
        return

    def step() -> None:
        nonlocal done, told
        done += 1
        if time.monotonic() - told >= PLAIN_SECONDS:
            told = time.monotonic()
            note(f"{done} of {total} {what}")

    yield step


def _lines(total: int) -> Callable[[Result], None]:
    start = told = time.monotonic()
    urls: set[str] = set()

    def seen(result: Result) -> None:
        nonlocal told
        urls.add(result.url)
        now = time.monotonic()
        if now - told >= PLAIN_SECONDS:
            told = now
            note(
                f"{len(urls)} of {errors.plural(total, 'link')}, {len(urls) / (now - start):.1f}/s"
            )

    return seen
