"""What earlier runs found: lines appended as results come, so that a kill at any point loses at most one."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from surveykit import files
from surveykit.errors import MachineError
from surveykit.links.state import Hop, Reason, Result, State

if sys.platform != "win32":  # where two runs at once are not refused
    import fcntl

KEEP = 12
"""Lines and failing days kept for each address."""
THOROUGH_SECONDS = 90 * 86400.0
"""A page is looked at, and not only its status, at least this often."""
RESUME_SECONDS = 86400.0
"""A run that did not end is gone on with for so long."""


@dataclass(slots=True)
class Past:
    """What is known of one address."""

    result: Result
    """The last one."""
    at: float
    """When, in Unix time."""
    run: str
    thorough_at: float = 0.0
    """When the page itself was last looked at and nothing was wrong."""
    failures: list[date] = field(default_factory=list)
    """Days of failing runs since it last worked, in order; a run counts once."""
    failed_run: str = ""

    def add(self, result: Result, at: float, run: str) -> None:
        """Take in a newer result."""
        self.result, self.at, self.run = result, at, run
        good = result.state in (State.OK, State.MOVED)
        if good and result.thorough:
            self.thorough_at = at
        if good:
            self.failures.clear()
        elif result.state is State.BROKEN and run != self.failed_run:
            self.failed_run = run
            self.failures.append(datetime.fromtimestamp(at, UTC).date())
            del self.failures[1:-KEEP]


def strikes(failures: Iterable[date], days: int) -> int:
    """Failing days that lie at least `days` apart, counted from the first."""
    count, last = 0, None
    for day in failures:
        if last is None or (day - last).days >= days:
            count, last = count + 1, day
    return count


class History:
    """The file and what it says. A context: one run at a time holds it."""

    def __init__(self, path: Path, now: float) -> None:
        self.path = path
        self.past: dict[str, Past] = {}
        self.run = (
            f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%SZ}/{os.getpid()}"
        )
        self._now = now
        self._unfinished: set[str] = set()
        self._lines = 0
        self._handle = -1
        self._begun = False
        self._torn = False

    def __enter__(self) -> History:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._handle = os.open(self.path, flags, 0o644)
        except OSError as error:
            raise MachineError(f"{self.path}: {error.strerror}") from None
        self._lock()
        self._read()
        with contextlib.suppress(OSError), files.folder(self.path.parent) as folder:
            folder.sweep()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            raise MachineError(
                f"{self.path}: another check is running; wait, or name another --history"
            ) from None

    def _read(self) -> None:
        with self.path.open("rb") as file:
            for line in file:
                self._lines += 1
                self._torn = not line.endswith(b"\n")
                self._take(line)

    def _take(self, line: bytes) -> None:
        """One line into memory; a torn or foreign one is passed over."""
        try:
            data = json.loads(line)
            run, at = str(data["run"]), float(data["at"])
            event = data.get("event")
            if event == "begin":
                self._unfinished.add(run)
            elif event == "end":
                self._unfinished.clear()
            else:
                self._remember(_result(data), at, run)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return

    def _remember(self, result: Result, at: float, run: str) -> None:
        past = self.past.setdefault(result.url, Past(result, at, run))
        past.add(result, at, run)

    def add(self, result: Result, at: float) -> None:
        """Append one result; a kill after this does not lose it."""
        if not self._begun:
            self._begun = True
            self._write({"event": "begin", "run": self.run, "at": at})
        self._write({"run": self.run, "at": round(at, 1), **_record(result)})
        self._remember(result, at, self.run)

    def _write(self, data: dict[str, Any]) -> None:
        line = json.dumps(data, separators=(",", ":")).encode() + b"\n"
        if self._torn:  # the torn line stays alone, so that ours is whole
            line, self._torn = b"\n" + line, False
        try:
            while line:  # a full disk takes a part
                line = line[os.write(self._handle, line) :]
        except OSError as error:
            raise MachineError(f"{self.path}: {error.strerror}") from None
        self._lines += 1

    def finish(self, at: float) -> None:
        """Say that the run came to its end, and make the file smaller where much is old."""
        if self._begun:
            self._write({"event": "end", "run": self.run, "at": at})
        if self._lines > 2 * KEEP * max(len(self.past), 100):
            self._compact()

    def _compact(self) -> None:
        """Keep the last lines of each address, in a new file that takes the old one's place at once."""
        last: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=KEEP))
        with self.path.open("rb") as file:
            for number, line in enumerate(file):
                try:
                    last[json.loads(line)["url"]].append(number)
                except (ValueError, KeyError, TypeError):
                    continue
        kept = {number for numbers in last.values() for number in numbers}
        new = files.temporary()
        with (
            contextlib.suppress(OSError),  # then it stays long
            files.folder(self.path.parent) as folder,
        ):
            try:
                handle = folder.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
                with self.path.open("rb") as file, os.fdopen(handle, "wb") as out:
                    lines = enumerate(file)
                    out.writelines(line for number, line in lines if number in kept)
                folder.replace(new, self.path.name)
            finally:
                folder.unlink(new)

    def fresh(self, url: str, max_age: float) -> Result | None:
        """A result that need not be asked for again.

        That is one younger than `max_age` seconds and no failure, or any of a run that was cut off less than a day ago.
        """
        past = self.past.get(url)
        if past is None:
            return None
        age = self._now - past.at
        cut_off = past.run in self._unfinished and age < RESUME_SECONDS
        good = past.result.state in (State.OK, State.MOVED, State.UNVERIFIABLE)
        return past.result if cut_off or (good and age < max_age) else None

    def asked_at(self, url: str) -> float:
        """When the address was last asked for, in Unix time; 0 for never."""
        past = self.past.get(url)
        return past.at if past else 0.0

    def thorough(self, url: str) -> bool:
        """Whether it is time to look at the page and not only at its status."""
        past = self.past.get(url)
        return past is None or self._now - past.thorough_at > THOROUGH_SECONDS

    def failures(self, url: str) -> tuple[date, ...]:
        """Days of failing runs since the address last worked."""
        past = self.past.get(url)
        return tuple(past.failures) if past else ()


def _record(result: Result) -> dict[str, Any]:
    data = {
        "url": result.url,
        "state": result.state,
        "reason": result.reason,
        "detail": result.detail,
        "hops": [[hop.url, hop.status] for hop in result.hops],
        "target": result.target,
        "seconds": result.seconds,
        "thorough": result.thorough,
    }
    return {key: value for key, value in data.items() if value not in ("", None)}


_RENAMED = {"bot-wall": "bot-blocked"}
"""Reasons in older histories."""


def _result(data: dict[str, Any]) -> Result:
    return Result(
        url=str(data["url"]),
        state=State(data["state"]),
        reason=Reason(_RENAMED.get(data["reason"], data["reason"])),
        detail=str(data.get("detail", "")),
        hops=tuple(Hop(str(url), int(status)) for url, status in data["hops"]),
        target=data.get("target"),
        seconds=float(data.get("seconds", 0)),
        thorough=bool(data.get("thorough")),
    )
