"""Answers of services on disk, one file each: a later run asks only whether they are still right, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from surveykit import files
from surveykit.errors import MachineError


@dataclass(frozen=True)
class Kept:
    """An answer that could be read, or the word that there is nothing."""

    url: str
    body: bytes
    fetched: float
    """When it was last known to be right, in Unix time."""
    etag: str = ""
    modified: str = ""
    """Last-Modified, as it came."""
    content_type: str = ""
    missing: bool = False
    """Whether the service said that it knows nothing there."""
    where: str = ""
    """Where redirects led; empty where that was not kept."""


_KEPT = TypeAdapter(Kept)


@dataclass(frozen=True)
class Cache:
    """A folder of answers. Whole files appear and disappear; a torn or foreign one counts as absent."""

    folder: Path

    def __post_init__(self) -> None:
        """Sweep what killed runs left unfinished."""
        with contextlib.suppress(OSError), files.folder(self.folder) as inside:
            inside.sweep()

    def get(self, url: str) -> Kept | None:
        """The kept answer to one address."""
        try:
            head, _, body = self._read(url).partition(b"\n")
            told = json.loads(head)
            kept = _KEPT.validate_python({**told, "body": body})
            whole = kept.url == url and len(body) == told["bytes"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return kept if whole else None

    def put(self, kept: Kept) -> None:
        """Keep an answer. Raises MachineError."""
        head = {**asdict(kept), "body": None, "bytes": len(kept.body)}
        self._write(kept.url, json.dumps(head).encode() + b"\n" + kept.body)

    def quiet_until(self, host: str) -> float:
        """Unix time before which a host wants no request; 0 where nothing is known."""
        try:
            return float(self._read(f"quiet {host}"))
        except (OSError, ValueError):
            return 0.0

    def keep_quiet(self, host: str, until: float) -> None:
        """Let later runs know when a host may be asked again. Raises MachineError."""
        self._write(f"quiet {host}", f"{until:.3f}".encode())

    def _read(self, what: str) -> bytes:
        return files.read(self.folder, _name(what))

    def _write(self, what: str, raw: bytes) -> None:
        temporary = files.temporary()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with files.folder(self.folder) as inside:
                try:
                    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                    with os.fdopen(inside.open(temporary, flags), "wb") as file:
                        file.write(raw)
                    inside.replace(temporary, _name(what))
                except BaseException:
                    inside.unlink(temporary)
                    raise
        except OSError as error:
            raise MachineError(f"{self.folder}: {error.strerror}") from None


def _name(what: str) -> str:
    return f"{hashlib.sha256(what.encode()).hexdigest()[:32]}.answer"
