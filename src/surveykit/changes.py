"""What a branch changes in the catalog, asked of git."""

from __future__ import annotations

import difflib
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from surveykit import files
from surveykit.errors import GitError, MachineError
from surveykit.yaml_tree import MAX_BYTES, RefusedError, decode, parse, read

_SECONDS = 60


@dataclass(frozen=True)
class Change:
    """One entry file that a branch adds, changes or deletes."""

    path: str
    """Relative to the repository root."""
    before: Mapping[str, Any] | None
    """Data at the base; None for a new file, and for one that could not be read there."""
    after: Mapping[str, Any] | None
    """Data now; None for a deleted file, and for one that cannot be read."""
    deleted: bool = False

    @property
    def id(self) -> str:
        """Id of the entry."""
        return Path(self.path).stem

    def fields(self) -> Iterator[tuple[str, str, str]]:
        """Field, text before and text now, of everything that differs."""
        old, new = dict(_flat(self.before or {})), dict(_flat(self.after or {}))
        for name in dict.fromkeys([*old, *new]):
            if old.get(name) != new.get(name):
                yield name, old.get(name, ""), new.get(name, "")


def changes(home: Path, base: str) -> tuple[Change, ...]:
    """Entry files that differ from the point where this branch left `base`; new ones need not be committed.

    Raises GitError for an unknown `base`, MachineError where git is missing.
    """
    start = fork_point(home, base)
    tracked = _git(
        home, "diff", "--name-only", "--no-renames", "-z", start, "--", "catalog/papers"
    )
    new = _git(
        home, "ls-files", "--others", "--exclude-standard", "-z", "--", "catalog/papers"
    )
    paths = sorted({*_names(tracked), *_names(new)})
    return tuple(_change(home, start, path) for path in paths if path.endswith(".yaml"))


def changed_since(home: Path, revision: str) -> set[str]:
    """Files of the catalog, relative to `home`, that differ from a revision.

    Raises GitError for an unknown revision, MachineError where git is missing.
    """
    which = ("--name-only", "-z", "--relative", "--end-of-options", revision)
    return set(_names(_git(home, "diff", *which, "--", "catalog")))


def fork_point(home: Path, base: str) -> str:
    """The commit at which this branch left `base`. Raises GitError, MachineError."""
    commit = _git(
        home, "rev-parse", "--verify", "--end-of-options", f"{base}^{{commit}}"
    )
    return _git(home, "merge-base", commit.decode().strip(), "HEAD").decode().strip()


def difference(home: Path, start: str, path: str) -> list[str]:
    """Lines of the unified difference between a file at `start` and now."""
    before = _at(home, start, path) or b""
    try:
        after = files.read(home, path)
    except OSError:
        after = b""
    old, new = (raw.decode("utf-8", "replace").splitlines() for raw in (before, after))
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm="", n=1)
    return list(lines)


def _change(home: Path, start: str, path: str) -> Change:
    here = home / path
    before = _data(_at(home, start, path))
    if not os.path.lexists(here):
        return Change(path, before, None, deleted=True)
    after = read(here, root=home).data
    return Change(path, before, after if isinstance(after, dict) else None)


def _data(raw: bytes | None) -> Mapping[str, Any] | None:
    if raw is None or len(raw) > MAX_BYTES:
        return None
    try:
        data = parse(decode(raw)).data
    except RefusedError:
        return None
    return data if isinstance(data, dict) else None


def kept(home: Path, path: str) -> Path:
    """Where the program keeps what it learned, in a repository: reached through no link, and no part of a commit.

    A pull request could else have lines written anywhere, or bring the answers by which it is judged. Raises MachineError.
    """
    here = home
    for part in PurePosixPath(path).parts:
        here /= part
        if here.is_symlink():
            raise MachineError(f"{here} is a symbolic link; delete it, or name another place")  # fmt: skip
    try:
        brought = _git(home, "ls-files", "-z", "--", path)
    except MachineError:  # no git, no commits
        return here
    if brought:
        raise MachineError(f"{path} is part of a commit, so anybody's; `git rm -r --cached {path}`, then delete it")  # fmt: skip
    return here


def _at(home: Path, start: str, path: str) -> bytes | None:
    """Content of a file at a commit; None where it was not there."""
    try:
        return _git(home, "show", f"{start}:{path}")
    except MachineError:
        return None


def _names(output: bytes) -> list[str]:
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def _git(home: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(home), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"git {arguments[0]}: {error}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitError(f"git {arguments[0]}: {said[-1] if said else 'failed'}")
    return done.stdout


def _flat(data: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """`links.code` -> text; lists of plain values in one."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _flat(value, f"{name}.{key}" if name else str(key))
    elif isinstance(data, list) and any(
        isinstance(item, Mapping | list) for item in data
    ):
        for index, item in enumerate(data):
            yield from _flat(item, f"{name}[{index}]")
    elif isinstance(data, list):
        yield name, ", ".join(map(str, data))
    else:
        yield name, str(data)
