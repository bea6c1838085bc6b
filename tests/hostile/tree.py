"""One repository that takes a pull request, is looked at, and is put back."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Link(NamedTuple):
    """A symbolic link."""

    target: str


class Fifo(NamedTuple):
    """A pipe that nobody writes to."""


class Folder(NamedTuple):
    """An empty folder."""


Content = str | bytes | Link | Fifo | Folder | None
"""None deletes."""


@dataclass
class Tree:
    """The repository, and what lies beside it and is none of its business."""

    root: Path
    outside: Path

    @contextmanager
    def changed(self, files: Mapping[str, Content]) -> Iterator[None]:
        """The repository with the files of a pull request in it."""
        undo = []
        try:
            for name, content in files.items():
                undo.append(self._put(self.root / name, content))
            yield
        finally:
            for path, made, kept in reversed(undo):
                _remove(path)
                if made is not None:
                    _remove(made)
                if kept is not None:
                    kept.rename(path)

    def _put(
        self, path: Path, content: Content
    ) -> tuple[Path, Path | None, Path | None]:
        kept = None
        if os.path.lexists(path):
            kept = self.outside.parent / f"kept{len([*self.outside.parent.iterdir()])}"
            path.rename(kept)
        made = next((p for p in reversed(path.parents) if not p.exists()), None)
        path.parent.mkdir(parents=True, exist_ok=True)
        match content:
            case str():
                path.write_bytes(content.encode("utf-8"))
            case bytes():
                path.write_bytes(content)
            case Link(target):
                path.symlink_to(target.replace("OUTSIDE", str(self.outside)))
            case Fifo():
                os.mkfifo(path)
            case Folder():
                path.mkdir()
        return path, made, kept

    def state(self) -> dict[str, Any]:
        """What lies in the repository and beside it."""
        found = {}
        for top in (self.root, self.outside):
            for path in sorted(top.rglob("*")):
                if ".git" in path.parts:
                    continue
                here = path.lstat()
                plain = stat.S_ISREG(here.st_mode)
                found[str(path)] = (here.st_mode, path.read_bytes() if plain else None)
        return found


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


def under_git(root: Path) -> None:
    """Makes the folder a repository with one commit, `main`, and stands on a branch of it."""
    who = {f"GIT_{p}_{f}": "a@e.org" for p in ("AUTHOR", "COMMITTER") for f in ("NAME", "EMAIL")}  # fmt: skip
    env = os.environ | who | {"GIT_CONFIG_GLOBAL": os.devnull}
    for command in ("init -q -b main", "add .", "commit -q -m base", "switch -q -c paper"):  # fmt: skip
        subprocess.run(["git", "-C", root, *command.split()], check=True, env=env, timeout=60)  # fmt: skip


_DEEDS = frozenset(
    "os.system os.exec os.fork pty.spawn socket.connect os.remove os.rename os.mkdir os.rmdir os.symlink os.link os.chmod "
    "os.truncate shutil.rmtree".split()
)
"""What a command that only looks never does."""


@dataclass
class Watch:
    """What the program does while it is watched: every deed that a hostile text could want of it."""

    readable: tuple[str, ...]
    """Where files may be read."""
    on: bool = False
    deeds: list[str] = field(default_factory=list)

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Called by Python before it acts."""
        if not self.on:
            return
        if event == "open":
            self._opened(*args)
        elif event == "subprocess.Popen" and Path(str(args[0])).name != "git":
            self.deeds.append(f"ran {args[1]!r}")
        elif event in _DEEDS:
            self.deeds.append(f"{event} {args!r}")

    def _opened(self, name: object, mode: object, flags: int) -> None:
        if not isinstance(name, str | bytes):
            return  # a file that is open already
        path = Path.cwd() / os.fsdecode(name)
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            if str(path) != os.devnull and "__pycache__" not in path.parts:
                self.deeds.append(f"wrote {path}")
            return
        # A link that is opened only if it is none leads nowhere.
        nofollow = flags & os.O_NOFOLLOW
        real = path.parent.resolve() / path.name if nofollow else path.resolve()
        if not str(real).startswith(self.readable):
            self.deeds.append(f"read {path}")

    @contextmanager
    def watching(self) -> Iterator[list[str]]:
        """The deeds inside."""
        self.deeds.clear()
        self.on = True
        try:
            yield self.deeds
        finally:
            self.on = False


def watch(root: Path) -> Watch:
    """A watch on this process, which lasts as long as it does."""
    source = str(Path(__file__).parents[2] / "src")
    made = Watch((str(root.resolve()), source, sys.prefix, sys.base_prefix, "/usr/", "/dev/null", "/proc/"))  # fmt: skip
    sys.addaudithook(made)
    return made
