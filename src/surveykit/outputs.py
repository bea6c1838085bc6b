"""Puts rendered texts on disk as whole files, or says which of them are stale."""

from __future__ import annotations

import contextlib
import difflib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from surveykit.errors import MachineError

TEMPORARY = ".surveykit-new-"
"""Start of the names of files that are not finished yet."""
LISTING = ".surveykit-files"
"""File in a folder of generated files that names them, so that a later run may delete them."""
LEFTOVER_SECONDS = 3600
"""Unfinished files older than this belong to a run that was killed."""


def write(root: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Paths below `root` that changed. A file is either old or new, never in between.

    All new contents lie on disk before the first file is replaced; files that already hold their text are
    not touched. Raises MachineError when a file cannot be written; then the file at fault is still the old one.
    """
    targets = {path: _inside(root, path) for path in texts}
    changed = [
        path
        for path, text in texts.items()
        if _bytes_of(targets[path]) != text.encode("utf-8")
    ]
    ready: dict[Path, Path] = {}
    try:
        for path in changed:
            with _named(path):
                ready[targets[path]] = _prepare(targets[path], texts[path])
        for path in changed:
            with _named(path):
                os.replace(ready[targets[path]], targets[path])  # noqa: PTH105 - the one step that tests must be able to break
                del ready[targets[path]]
    finally:
        for temporary in ready.values():
            temporary.unlink(missing_ok=True)
    for folder in {targets[path].parent for path in changed}:
        _sweep(folder)
    return tuple(changed)


def write_folder(folder: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Paths that changed in a folder of generated files; files of an earlier run that are gone from `texts` are deleted.

    Only files named in the folder's own listing are ever deleted. Raises MachineError.
    """
    listed = (_bytes_of(folder / LISTING) or b"").decode("utf-8", "replace")
    listing = "".join(f"{path}\n" for path in sorted(texts))
    changed = write(folder, {**texts, LISTING: listing})
    for path in set(listed.splitlines()) - set(texts):
        with _named(path):
            _inside(folder, path).unlink(missing_ok=True)
    return tuple(path for path in changed if path != LISTING)


def stale_paths(root: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Paths of the files that do not hold their text."""
    return tuple(
        path
        for path, text in texts.items()
        if _bytes_of(_inside(root, path)) != text.encode("utf-8")
    )


def stale(root: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """One unified diff for each file that does not hold its text."""
    return tuple(
        _diff(path, old, text)
        for path, text in texts.items()
        if (old := _bytes_of(_inside(root, path))) != text.encode("utf-8")
    )


def _diff(path: str, old: bytes | None, text: str) -> str:
    before = "" if old is None else old.decode("utf-8", "replace")
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        text.splitlines(keepends=True),
        fromfile="/dev/null" if old is None else f"a/{path}",
        tofile=f"b/{path}",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _inside(root: Path, path: str) -> Path:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path:
        raise MachineError(f"{path!r} does not name a file below {root}")
    return root.joinpath(*parts)


def _bytes_of(path: Path) -> bytes | None:
    with _named(str(path)):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def _prepare(target: Path, text: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(target.stat().st_mode if target.exists() else _new_file_mode())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _new_file_mode() -> int:
    # The mask can only be read by setting it.
    mask = os.umask(0o022)
    os.umask(mask)
    return 0o666 & ~mask


def _sweep(folder: Path) -> None:
    for path in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            age_seconds = time.time() - path.stat().st_mtime
            if age_seconds > LEFTOVER_SECONDS:
                path.unlink()


@contextlib.contextmanager
def _named(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(f"{path}: {error.strerror or error}") from error
