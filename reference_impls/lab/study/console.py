"""What a command line shows: progress, and every error as one line with its exit code.

Answers go to stdout, everything else to stderr; colour only where a person looks.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from reference_impls.lab.errors import DeviceError, LabError
from reference_impls.lab.records import as_data

EVERY_SECONDS = 10.0
"""A log that is no terminal gets a line this often, at most."""

Step = Callable[[int, int, str], None]
"""Called with (done, in all, a few words)."""


@contextmanager
def progress(what: str) -> Iterator[Step]:
    """A bar on a terminal, now and then a plain line elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_lines(what)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[words]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, words="")
        yield lambda done, total, words: bar.update(
            task, completed=done, total=total, words=words
        )


def _plain_lines(what: str) -> Step:
    last = time.monotonic()

    def step(done: int, total: int, words: str) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY_SECONDS:
            last = time.monotonic()
            say(f"{what}: {done}/{total} {words}".rstrip())

    return step


def training(step: Step) -> Callable[[int, int, float], None]:
    """The progress of a training loop, which reports its loss."""
    return lambda done, total, loss: step(done, total, f"loss {loss:.3f}")


def say(text: str) -> None:
    """A line for whoever watches."""
    _write(sys.stderr, text)


def answer(text: str) -> None:
    """What was asked for."""
    _write(sys.stdout, text)


def _write(stream: TextIO | None, text: str) -> None:
    """A line; where nobody reads on, as behind `| head`, it is dropped, for the exit code is an answer, too."""
    if stream is None:
        return
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def report(data: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """The answer: JSON for a program, lines for a person."""
    answer(json.dumps(as_data(data), indent=2) if as_json else "\n".join(lines))


INTERRUPTED = (
    "interrupted; what was finished is kept and the same command goes on from there"
)
UNEXPECTED = 3
"""Exit code of an error that nobody foresaw: never 1, which may be an answer."""
STOPPED = 130
"""Exit code after Ctrl-C."""


def exit_code(command: Callable[[], int]) -> int:
    """Run a command; its exit code, or that of the error it ended with, be it a stranger's."""
    try:
        return command()
    except LabError as error:
        say(f"error: {error}")
        return error.exit_code
    except torch.cuda.OutOfMemoryError as error:
        say(
            f"error: the GPU's memory is full; use a smaller --batch: {_first_line(error)}"
        )
        return DeviceError.exit_code
    except OSError as error:
        say(f"error: {error}")
        return DeviceError.exit_code
    except KeyboardInterrupt:
        say(INTERRUPTED)
        return STOPPED
    except Exception as error:  # noqa: BLE001 - Python's own exit code is 1, which may be an answer
        say(traceback.format_exc().rstrip())
        say(f"error: unexpected {type(error).__name__}: {_first_line(error)}")
        return UNEXPECTED


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def device(name: str) -> torch.device:
    """The device of a name.

    Raises:
        DeviceError: this machine or this torch has none.
    """
    try:
        found = torch.device(name)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise DeviceError(f"no device {name!r} here: {_first_line(error)}") from error
    return found
