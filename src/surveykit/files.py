"""Files below a folder, reached without following a symbolic link at any level, and the names of unfinished ones.

Where the system can open names relative to an open folder, nobody can put a link in between while a path is walked;
elsewhere each step is looked at before it is taken.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

TEMPORARY = ".surveykit-new-"
"""Start of the names of files that are not finished yet; the process that writes one is named behind it."""
LEFTOVER_SECONDS = 3600
"""An unfinished file older than this is left over, even if some process has its writer's number again."""

_RELATIVE = os.open in os.supports_dir_fd
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
# O_NONBLOCK: opening a pipe must not wait for a writer. Windows has neither, and translates line ends without O_BINARY.
_ALWAYS = _NOFOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)


class NotPlainError(OSError):
    """A link, folder, pipe or device where a plain file or a folder must be."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(errno.ELOOP, f"{path!r} is {what}")
        self.path = path
        """The link or other thing, relative to the root."""


@dataclass(frozen=True)
class Folder:
    """A folder that is open; its files are reached by their names in it."""

    path: Path
    _fd: int | None

    def _name(self, name: str) -> str:
        return name if self._fd is not None else str(self.path / name)

    def state(self, name: str) -> os.stat_result:
        """What lies there; of a link, the link itself."""
        return os.stat(self._name(name), dir_fd=self._fd, follow_symlinks=False)

    def open(self, name: str, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
        """Open a file that is no link. Raises OSError."""
        return os.open(self._name(name), flags | _ALWAYS, mode, dir_fd=self._fd)

    def replace(self, old: str, new: str) -> None:
        """Give a file another name, in the place of what has it now; a device (`--out /dev`) is never replaced."""
        with contextlib.suppress(FileNotFoundError):
            mode = self.state(new).st_mode
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
                raise NotPlainError(new, _kind(mode))
        os.replace(
            self._name(old),
            self._name(new),
            src_dir_fd=self._fd,
            dst_dir_fd=self._fd,
        )

    def unlink(self, name: str) -> None:
        """Delete a file; one that is not there is no fault."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._name(name), dir_fd=self._fd)

    def names(self) -> list[str]:
        """What lies in it, sorted."""
        return sorted(os.listdir(self.path if self._fd is None else self._fd))  # noqa: PTH208 - an open folder

    def sweep(self) -> None:
        """Delete what killed processes left unfinished."""
        for name in self.names():
            if name.startswith(TEMPORARY):
                with contextlib.suppress(OSError):
                    if _left_over(name, self.state(name).st_mtime):
                        self.unlink(name)


@contextlib.contextmanager
def folder(root: Path, path: str = "", *, create: bool = False) -> Iterator[Folder]:
    """The folder `path` below `root`, which itself may be reached through links. Raises OSError, NotPlainError."""
    parts = PurePosixPath(path).parts
    if not _RELATIVE:
        yield _walked(root, parts, create)
        return
    here = os.open(root, _FOLDER)
    try:
        for count, part in enumerate(parts, start=1):
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=here)
            try:
                inner = os.open(part, _FOLDER | _NOFOLLOW, dir_fd=here)
            except OSError as error:
                state = _state(part, here)
                if state is None or stat.S_ISDIR(state.st_mode):
                    raise
                step = "/".join(parts[:count])
                raise NotPlainError(step, _kind(state.st_mode)) from error
            os.close(here)
            here = inner
        yield Folder(root.joinpath(*parts), here)
    finally:
        os.close(here)


def _walked(root: Path, parts: tuple[str, ...], create: bool) -> Folder:
    here = root
    for part in parts:
        here /= part
        if create:
            here.mkdir(exist_ok=True)
        mode = here.lstat().st_mode
        if not stat.S_ISDIR(mode):
            raise NotPlainError(here.relative_to(root).as_posix(), _kind(mode))
    return Folder(here, None)


def _state(name: str, folder: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFLNK: "a symbolic link, which is not followed",
        stat.S_IFDIR: "a folder",
        stat.S_IFREG: "a file, not a folder",
        stat.S_IFIFO: "a pipe",
    }
    return kinds.get(stat.S_IFMT(mode), "a device or socket")


def read(root: Path, path: str, limit: int = -1) -> bytes:
    """A plain file below `root`, at most `limit` bytes of it. Raises OSError, NotPlainError; waits for no pipe."""
    parent, _, name = path.rpartition("/")
    with folder(root, parent) as inside:
        mode = inside.state(name).st_mode
        if stat.S_ISREG(mode):
            handle = inside.open(name)
            mode = os.fstat(handle).st_mode  # it may be another one by now
            with os.fdopen(handle, "rb") as file:
                if stat.S_ISREG(mode):
                    return file.read(limit)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise NotPlainError(path, _kind(mode))


def user_cache() -> Path:
    """The user's own folder for what may be deleted at any time. Raises RuntimeError for a user without a home."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # A relative path counts as none, says the XDG specification: it would lead into the repository.
    return (base if base.is_absolute() else Path.home() / ".cache") / "surveykit"


def temporary() -> str:
    """A name for an unfinished file of this process."""
    return f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(6)}"


def _left_over(name: str, modified: float) -> bool:
    number = name.removeprefix(TEMPORARY).partition("-")[0]
    return time.time() - modified > LEFTOVER_SECONDS or (
        number.isdecimal() and not _lives(int(number[:18]))
    )


def _lives(process: int) -> bool:
    """Whether there is a process of this number; where that cannot be asked, there may be one."""
    if sys.platform == "win32":  # signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
