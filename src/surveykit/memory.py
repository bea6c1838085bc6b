"""What a whole pass over a repository gave, kept until anything that it depends on has changed.

Contents are compared, never times or sizes: a file that is edited and given back its old time has changed, one that is
touched has not. What is kept lies in the user's own folder and not in the repository, so that nobody's pull request brings
the verdict on itself; it may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path, PurePosixPath

from surveykit import clock, files, outputs
from surveykit.errors import MachineError, Problem, Severity

READ = ("catalog", "docs", "reference_impls")
"""Folders of a repository from which anything is read; none of them is read through a link."""
METHODS = "reference_impls"
DEEPEST = 3
"""Steps below such a folder to the deepest file that is read: `papers/2026/one.yaml`."""
MOST_BYTES = 4 * 1024 * 1024
"""Of each file; every reader stops before."""
ENVIRONMENT = ("SURVEYKIT_", "GITHUB_", "CI_")
"""How variables begin that say where a deployment lives; more begin so than are asked for."""
FORGET = "SURVEYKIT_FORGET"
"""Variable that, when it is set, makes every pass a whole one that is not kept."""
PACKAGE = Path(__file__).parent
MOST = 64
"""Repositories that are remembered."""

Things = dict[str, str]
"""Name of a thing -> its SHA-256, or another word for what it is."""


@dataclass(frozen=True)
class Recalled:
    """What a whole pass gave."""

    problems: tuple[Problem, ...]
    texts: Mapping[str, str]
    """Generated file -> SHA-256 of its text; empty where nothing was generated."""


class Memory:
    """The last verdict on a repository, as long as it holds."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._name = f"{_sha(os.fsencode(root.resolve()))[:32]}.json"
        self._folder = _folder()
        self._before = _things(root) if self._folder else None

    def recall(self) -> Recalled | None:
        """What a whole pass would give again; None where that is not known."""
        if self._folder is None or self._before is None:
            return None
        try:
            seal, _, body = files.read(self._folder, self._name).partition(b"\n")
        except OSError:
            return None
        if seal != _seal(self._before, body):  # another state, or torn
            return None
        problems, texts = json.loads(body)
        return Recalled(tuple(_problem(*fields) for fields in problems), texts)

    def keep(
        self, problems: Sequence[Problem], texts: Mapping[str, str] | None = None
    ) -> None:
        """Keep a verdict, unless something else than these generated texts has changed meanwhile; never fails."""
        after = _things(self._root) if self._before else None
        if self._folder is None or self._before is None or after is None:
            return
        made = {path: _sha(text.encode()) for path, text in (texts or {}).items()}
        if after != self._before | _written(after, made):
            return
        body = json.dumps([[astuple(problem) for problem in problems], made]).encode()
        kept = _seal(after, body) + b"\n" + body
        with contextlib.suppress(OSError, MachineError):
            outputs.write(self._folder, {self._name: kept.decode("ascii")})
            _forget(self._folder)


def _problem(
    path: str, line: int, column: int, rule: str, message: str, severity: str
) -> Problem:
    return Problem(path, line, column, rule, message, Severity(severity))


def _folder() -> Path | None:
    """Where verdicts are kept; None where they are not."""
    if os.environ.get(FORGET):
        return None
    with contextlib.suppress(RuntimeError):  # a user without a home
        return files.user_cache() / "memory"
    return None


def _forget(folder: Path) -> None:
    """Delete what is kept of repositories beyond the latest."""
    kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for path in kept[:-MOST]:
        path.unlink(missing_ok=True)


def _things(root: Path) -> Things | None:
    """Everything that findings and generated files depend on; None where some of it cannot be read."""
    environment = {k: v for k, v in os.environ.items() if k.startswith(ENVIRONMENT)}
    told = {
        ":root": str(root),
        ":day": str(clock.latest_day()),
        ":python": sys.version,
        ":packages": repr(sorted(_packages())),
        ":environment": repr(sorted(environment.items())),
    }
    with contextlib.suppress(OSError):
        told |= {f":surveykit/{path}": what for path, what in _inside(PACKAGE)}
        for folder in READ:
            if os.path.lexists(root / folder):
                told |= _inside(root, folder, _unread)
        return told
    return None


def _written(after: Things, made: Things) -> Things:
    """Generated files that hold their texts, with their folders, among all things."""
    there = [path for path, sha in made.items() if after.get(path) == sha]
    around = {str(up) for path in there for up in PurePosixPath(path).parents}
    return {path: after[path] for path in (*there, *around) if path in after}


def _packages() -> Iterator[str]:
    """Names of what says which version of each package is installed."""
    for folder in sys.path:
        with contextlib.suppress(OSError):
            yield from (n for n in os.listdir(folder or ".") if n.endswith("-info"))  # noqa: PTH208 - names alone


def _inside(
    root: Path, path: str = "", unread: Callable[[str], bool] = lambda _: False
) -> Iterator[tuple[str, str]]:
    """What lies below a folder: a file's contents, the kind of anything else. Raises OSError."""
    deeper = []
    with files.folder(root, path) as here:
        for name in here.names():
            inner = f"{path}/{name}" if path else name
            if name == "__pycache__" or unread(inner):
                continue
            mode = here.state(name).st_mode
            if stat.S_ISREG(mode):
                with os.fdopen(here.open(name), "rb") as file:
                    yield inner, _sha(file.read(MOST_BYTES))
            else:
                yield inner, f"kind {stat.S_IFMT(mode):o}"
            if stat.S_ISDIR(mode):
                deeper.append(inner)
    for inner in deeper:
        yield from _inside(root, inner, unread)


def _unread(path: str) -> bool:
    """Whether no command reads what lies there: it lies too deep, or is the program of a method."""
    folder, *steps = path.split("/")
    if folder == METHODS:
        return len(steps) > 2 or path.endswith(".py")
    return len(steps) > DEEPEST


def _seal(things: Things, body: bytes) -> bytes:
    state = _sha(repr(sorted(things.items())).encode())
    return _sha(state.encode() + body).encode()


def _sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
