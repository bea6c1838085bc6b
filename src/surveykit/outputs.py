"""Puts rendered texts on disk as whole files, or says which of them are stale."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from surveykit import files
from surveykit.errors import MachineError

LISTING = ".surveykit-files"
"""File in a folder of generated files that names them, so that a later run may delete them."""


def write(root: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Paths below `root` that changed. A file is either old or new, never in between.

    All new contents lie on disk before the first file is replaced; files that already hold their text are
    not touched, and no link is followed. What killed runs left in the folders is swept. Raises MachineError when a file
    cannot be written; then the file at fault is still the old one.
    """
    sweep(root, texts)
    changed = stale_paths(root, texts)
    ready: dict[str, str] = {}
    try:
        for path in changed:
            with _named(path):
                ready[path] = _prepare(root, path, texts[path])
        for path in changed:
            with _named(path), _folder_of(root, path) as folder:
                folder.replace(ready[path], PurePosixPath(path).name)
                del ready[path]
    finally:
        for path, temporary in ready.items():
            with contextlib.suppress(OSError), _folder_of(root, path) as folder:
                folder.unlink(temporary)
    return changed


def sweep(root: Path, paths: Iterable[str]) -> None:
    """Delete what killed runs left unfinished beside these files; what cannot be deleted stays."""
    for parent in {PurePosixPath(_checked(root, path)).parent for path in paths}:
        with contextlib.suppress(OSError), files.folder(root, str(parent)) as folder:
            folder.sweep()


def sweep_below(root: Path, path: str) -> None:
    """The same for a folder below `root` and all folders in it, whether there is anything to write or not."""
    with contextlib.suppress(OSError), files.folder(root, path) as folder:
        folder.sweep()
        for name in folder.names():
            if stat.S_ISDIR(folder.state(name).st_mode):
                sweep(root, [f"{path}/{name}/_"])


def write_folder(folder: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Paths that changed in a folder of generated files; files of an earlier run that are gone from `texts` are deleted.

    Only files named in the folder's own listing are ever deleted. Raises MachineError.
    """
    listed = (_bytes_of(folder, LISTING) or b"").decode("utf-8", "replace")
    listing = "".join(f"{path}\n" for path in sorted(texts))
    changed = write(folder, {**texts, LISTING: listing})
    for path in set(listed.splitlines()) - set(texts):
        with (
            _named(_checked(folder, path)),
            contextlib.suppress(FileNotFoundError),
            _folder_of(folder, path) as inside,
        ):
            inside.unlink(PurePosixPath(path).name)
    return tuple(path for path in changed if path != LISTING)


def stale_paths(root: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Paths of the files that do not hold their text."""
    return tuple(
        path
        for path, text in texts.items()
        if _bytes_of(root, path) != text.encode("utf-8")
    )


def hold(root: Path, digests: Mapping[str, str]) -> bool:
    """Whether each file holds the text with this SHA-256."""
    return all(
        (raw := _bytes_of(root, path)) is not None
        and hashlib.sha256(raw).hexdigest() == digest
        for path, digest in digests.items()
    )


def stale(root: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """One unified diff for each file that does not hold its text."""
    return tuple(
        _diff(path, old, text)
        for path, text in texts.items()
        if (old := _bytes_of(root, path)) != text.encode("utf-8")
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


def _checked(root: Path, path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path:
        raise MachineError(f"{path!r} does not name a file below {root}")
    return path


def _folder_of(
    root: Path, path: str, *, create: bool = False
) -> contextlib.AbstractContextManager[files.Folder]:
    return files.folder(root, str(PurePosixPath(path).parent), create=create)


def _bytes_of(root: Path, path: str) -> bytes | None:
    with _named(_checked(root, path)):
        try:
            return files.read(root, path)
        except (FileNotFoundError, files.NotPlainError):
            return None  # what stands behind a link is not there


def _prepare(root: Path, path: str, text: str) -> str:
    """Name of a new file beside the target that holds the text."""
    root.mkdir(parents=True, exist_ok=True)
    temporary = files.temporary()
    with _folder_of(root, path, create=True) as folder:
        handle = folder.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
                with contextlib.suppress(
                    FileNotFoundError, AttributeError
                ):  # Windows has no fchmod
                    state = folder.state(PurePosixPath(path).name)
                    os.fchmod(file.fileno(), stat.S_IMODE(state.st_mode))
        except BaseException:
            folder.unlink(temporary)
            raise
    return temporary


@contextlib.contextmanager
def _named(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(f"{path}: {error.strerror or error}") from error
