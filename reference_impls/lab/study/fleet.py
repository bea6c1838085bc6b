"""One task over many encoders in parallel, so that a crash or a dead worker loses nothing else.

Results are appended to a JSON Lines file as they come; a run that is started again goes on
where the file ends. Works with any `concurrent.futures` executor: processes, or Dask.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from reference_impls.lab.errors import ConfigError, DeviceError, LabError

State = Literal["done", "failed", "lost"]


@dataclass(frozen=True)
class Outcome:
    """What became of one encoder."""

    name: str
    state: State
    """`done`; `failed` with a reason of its own; `lost` with its worker."""
    result: dict[str, Any] = field(default_factory=dict)
    """What the task gave back."""
    reason: str = ""
    """Why there is no result."""
    key: str = ""
    """What the result belongs to: settings and content; another key, another run."""


Task = Callable[[str], dict[str, Any]]
"""Takes the name of an encoder, runs in a worker, gives back what JSON can hold."""
Progress = Callable[[Outcome, int, int], None]
"""Called after every encoder with (its outcome, how many are finished, how many in all)."""
Pool = Callable[[], AbstractContextManager[Executor]]
"""Starts the workers; called again after they have died."""


def run_fleet(
    task: Task,
    names: Sequence[str],
    *,
    results: Path,
    pool: Pool,
    workers: int,
    keys: Mapping[str, str] = MappingProxyType({}),
    progress: Progress | None = None,
) -> list[Outcome]:
    """Outcomes of all encoders, in the order of the names; what is done under the same key is not run again.

    `keys` are by name. A failed or lost encoder is on file as such, and is run again when the fleet is started again.
    """
    names = list(dict.fromkeys(names))
    known = {
        one.name: one
        for one in read_outcomes(results)
        if one.state == "done" and one.key == keys.get(one.name, "")
    }
    waiting = deque(name for name in names if name not in known)
    with _Appender(results) as appender:
        for found in _outcomes(task, waiting, pool, workers):
            outcome = replace(found, key=keys.get(found.name, ""))
            appender.append(outcome)
            known[outcome.name] = outcome
            if progress:
                progress(outcome, sum(name in known for name in names), len(names))
    return [known[name] for name in names]


def _outcomes(
    task: Task, waiting: deque[str], pool: Pool, workers: int
) -> Iterator[Outcome]:
    """Run everything; when the workers die, find out alone which encoder killed them."""
    suspects: deque[str] = deque()
    while waiting or suspects:
        alone = bool(suspects)
        running = _Running(
            task, suspects if alone else waiting, most=1 if alone else workers
        )
        with pool() as executor:
            yield from running.run(executor)
        if alone:
            # Only one was running, so it is known which; it had its second generator.
            for name in running.lost:
                yield Outcome(
                    name, "lost", reason="its worker died twice; out of memory?"
                )
        else:
            suspects.extend(running.lost)


class _Running:
    """The encoders that are running, never more than there are workers."""

    def __init__(self, task: Task, waiting: deque[str], *, most: int) -> None:
        self.task, self.waiting, self.most = task, waiting, most
        self.running: dict[Future[dict[str, Any]], str] = {}
        self.lost: list[str] = []

    def run(self, executor: Executor) -> Iterator[Outcome]:
        """Outcomes as they come, until all are there or the workers are dead."""
        while self.waiting or self.running:
            self._fill(executor)
            finished, _ = wait(self.running, return_when=FIRST_COMPLETED)
            for future in finished:
                outcome = self._outcome(future)
                if outcome:
                    yield outcome
            if self.lost:
                self.lost += self.running.values()
                return

    def _fill(self, executor: Executor) -> None:
        while self.waiting and len(self.running) < self.most:
            name = self.waiting.popleft()
            try:
                self.running[executor.submit(self.task, name)] = name
            except (BrokenExecutor, RuntimeError):
                self.waiting.appendleft(name)
                self.lost += [] if self.running else [self.waiting.popleft()]
                return

    def _outcome(self, future: Future[dict[str, Any]]) -> Outcome | None:
        name = self.running.pop(future)
        try:
            return Outcome(name, "done", future.result())
        except (BrokenExecutor, CancelledError):
            self.lost.append(name)
            return None
        except LabError as error:
            return Outcome(name, "failed", reason=str(error))
        except Exception as error:  # noqa: BLE001 - one encoder's failure must not end the others
            state: State = (
                "lost" if type(error).__name__ == "KilledWorker" else "failed"
            )
            return Outcome(
                name, state, reason=f"{type(error).__name__}: {_first_line(error)}"
            )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


# -- Workers -------------------------------------------------------------------------


def processes(count: int) -> Pool:
    """Worker processes on this machine, each with one thread: encoders run side by side."""
    if count < 1:
        raise ConfigError(f"there must be at least one worker, got {count}")
    context = multiprocessing.get_context(
        "spawn"
    )  # torch's threads do not survive a fork
    return lambda: ProcessPoolExecutor(
        count, mp_context=context, initializer=_single_thread
    )


@contextmanager
def workers(jobs: int) -> Iterator[Executor | None]:
    """Processes for several jobs; none for one, which runs here.

    Raises:
        ConfigError: not even one job is allowed.
        DeviceError: a worker process died.
    """
    start = processes(jobs)
    if jobs == 1:
        yield None
        return
    try:
        with start() as executor:
            yield executor
    except BrokenExecutor as error:
        raise DeviceError(
            "a worker process died (out of memory?); what was finished is kept, run it again"
        ) from error


def _single_thread() -> None:
    import torch

    torch.set_num_threads(1)


@contextmanager
def dask(address: str) -> Iterator[tuple[Pool, int]]:
    """The workers of a Dask cluster, and how many run at once.

    Raises:
        DeviceError: distributed is not installed, or no scheduler answers there.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise DeviceError(
            "--dask needs distributed; pip install distributed"
        ) from error
    try:
        client = Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise DeviceError(
            f"no Dask scheduler answers at {address}: {_first_line(error)}"
        ) from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise DeviceError(f"the Dask cluster at {address} has no workers")
        yield lambda: client.get_executor(pure=False), threads


# -- The file of results -------------------------------------------------------------


def read_outcomes(path: Path) -> list[Outcome]:
    """Outcomes on file; a last line that was cut off by a kill is not there.

    Raises:
        ConfigError: the file holds something else.
    """
    if not path.exists():
        return []
    whole = path.read_bytes()[: _whole_lines(path)]
    outcomes = []
    for number, line in enumerate(
        whole.decode("utf-8", "replace").splitlines(), start=1
    ):
        try:
            outcomes.append(Outcome(**json.loads(line)))
        except (json.JSONDecodeError, TypeError) as error:
            raise ConfigError(
                f"{path}:{number} is no result of a fleet; choose another --out"
            ) from error
    return outcomes


def _whole_lines(path: Path) -> int:
    """Length of the file up to the end of its last whole line, in bytes."""
    return path.read_bytes().rfind(b"\n") + 1


class _Appender:
    """Adds lines to the file; each is on disk before the next encoder is reported."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            os.truncate(path, _whole_lines(path))
        self._file = path.open("a", encoding="utf-8")

    def append(self, outcome: Outcome) -> None:
        """Write one line."""
        self._file.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> _Appender:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
