"""Disks that take no more and trees where nothing may be written, in the place of the system's calls.

CI runs as root, whom no mode of a file stops; so the calls themselves refuse.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGING = {
    "mkdir": (0,),
    "rmdir": (0,),
    "unlink": (0,),
    "remove": (0,),
    "truncate": (0,),
    "utime": (0,),
    "chmod": (0,),
    "replace": (0, 1),
    "rename": (0, 1),
    "link": (1,),
    "symlink": (1,),
}
"""Calls of `os` that change a tree, and which of their arguments name what is changed."""


class FullDisk:
    """A disk that takes so many bytes and then no more."""

    def __init__(self, room: float, patch: pytest.MonkeyPatch) -> None:
        self.room = room
        self.taken = 0
        real_fdopen, real_open, real_write = os.fdopen, io.open, os.write

        def fdopen(handle: int, mode: str = "r", *more: Any, **named: Any) -> Any:
            return self._counted(real_fdopen(handle, mode, *more, **named), mode)

        def opened(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
            found = real_open(file, mode, *more, **named)
            return found if isinstance(file, int) else self._counted(found, mode)

        def write(handle: int, raw: bytes) -> int:
            part = raw[: self._taking(len(raw))]
            return real_write(handle, part) if part or not raw else self._no_more()

        patch.setattr(os, "fdopen", fdopen)
        patch.setattr(io, "open", opened)
        patch.setattr(builtins, "open", opened)
        patch.setattr(os, "write", write)

    def _taking(self, size: int) -> int:
        """How many of so many bytes find room."""
        taken = int(min(size, max(0, self.room - self.taken)))
        self.taken += taken
        return taken

    def _no_more(self) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _counted(self, file: Any, mode: str) -> Any:
        if not set(mode) & set("wax+"):
            return file
        real = file.write

        def write(data: Any) -> int:
            raw = data.encode() if isinstance(data, str) else memoryview(data).cast("B")
            part = self._taking(len(raw))
            if part < len(raw):
                real(raw[:part].decode(errors="ignore") if isinstance(raw, bytes) else raw[:part])  # fmt: skip
                self._no_more()
            return int(real(data))

        return _Full(file, write)


class _Full:
    """An open file whose `write` is another one."""

    def __init__(self, file: Any, write: Callable[[Any], int]) -> None:
        self._file, self.write = file, write

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __enter__(self) -> _Full:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Any:
        return iter(self._file)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class ReadOnly:
    """A tree in which nothing may be written, made, renamed or deleted."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self._root = root.resolve()
        for name, places in CHANGING.items():
            patch.setattr(os, name, self._changing(name, places))
        patch.setattr(os, "open", self._os_open(os.open))
        opened = self._opened(io.open)
        patch.setattr(io, "open", opened)
        patch.setattr(builtins, "open", opened)
        patch.setattr(shutil, "copyfile", self._copied(shutil.copyfile))

    def _refuse(
        self, path: Any, folder: int | None = None, there: bool | None = None
    ) -> None:
        """Raise where the place is below; of a call that wants something to be there or not, only if that is so."""
        if isinstance(path, int):
            return
        base = Path(f"/proc/self/fd/{folder}").resolve() if folder else Path.cwd()
        at = Path(os.path.abspath(base / os.fsdecode(path)))  # noqa: PTH100 - a link itself
        below = at.parent.resolve().is_relative_to(self._root) or at == self._root
        if below and there in (None, os.path.lexists(at)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fsdecode(path))

    def _changing(self, name: str, places: tuple[int, ...]) -> Callable[..., Any]:
        real = getattr(os, name)
        there = None if len(places) > 1 or places[0] else name != "mkdir"

        def call(*args: Any, **named: Any) -> Any:
            for place in places:
                of_place = named.get(("src_dir_fd", "dst_dir_fd")[place])
                self._refuse(args[place], named.get("dir_fd") or of_place, there)
            return real(*args, **named)

        return call

    def _os_open(self, real: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, flags: int, *more: Any, **named: Any) -> int:
            if flags & WRITING:
                self._refuse(path, named.get("dir_fd"))
            return real(path, flags, *more, **named)

        return call

    def _opened(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
            if set(mode) & set("wax+"):
                self._refuse(file)
            return real(file, mode, *more, **named)

        return call

    def _copied(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(source: Any, target: Any, **named: Any) -> Any:
            self._refuse(target)
            return real(source, target, **named)

        return call
