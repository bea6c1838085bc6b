"""What `surveykit build` and `validate` cost when nothing has changed, and what from nothing, beside a bare CSafeLoader pass.

The real catalog, in a copy. Processor time of whole processes, the start of the interpreter included; runs of all kinds take
turns, so that a busy machine meets each, and the least of each counts.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from timing import child

from surveykit import memory
from surveykit.load import check

ROOT = Path(__file__).parents[1]
LIMITS = {"build": 0.5, "validate": 1.3, "cold": 4.0}
"""Seconds of a build that changes nothing; bare passes of such a validation, and of one from nothing, imports excepted."""


@dataclass(frozen=True)
class Figures:
    """Seconds of processor time, and the ratios of validations to the bare pass."""

    entries: int
    bare: float
    """CSafeLoader over all entry files, in a process that runs already."""
    check: float
    """The whole catalog from nothing, in a process that runs already."""
    build: float
    """`surveykit build` when nothing has changed."""
    validate: float
    """`surveykit validate` when nothing has changed."""
    whole_build: float
    """`surveykit build` from nothing."""
    whole_validate: float
    """`surveykit validate` from nothing."""

    @property
    def ratio(self) -> float:
        """A validation that recalls, in bare passes."""
        return self.validate / self.bare

    @property
    def cold_ratio(self) -> float:
        """A validation from nothing, in bare passes; imports excepted."""
        return self.check / self.bare


def measure(runs: int = 5) -> Figures:
    """Figures for the catalog of this repository."""
    with tempfile.TemporaryDirectory() as folder:
        root, cache = Path(folder) / "copy", Path(folder) / "cache"
        for name in memory.READ:
            shutil.copytree(ROOT / name, root / name)
        entries = sorted((root / "catalog/papers").rglob("*.yaml"))
        recalling = {**os.environ, "XDG_CACHE_HOME": str(cache)}
        recalling.pop(memory.FORGET, None)
        forgetting = recalling | {memory.FORGET: "1"}
        _child(root, "build", recalling)  # once, so that there is something to recall
        kinds: dict[str, Callable[[], float]] = {
            "bare": lambda: _own(lambda: [_bare(entry) for entry in entries]),
            "check": lambda: _own(lambda: check(root)),
            "build": lambda: _child(root, "build", recalling),
            "validate": lambda: _child(root, "validate", recalling),
            "whole_build": lambda: _child(root, "build", forgetting),
            "whole_validate": lambda: _child(root, "validate", forgetting),
        }
        turns = [{kind: run() for kind, run in kinds.items()} for _ in range(runs)]
    least = {kind: min(turn[kind] for turn in turns) for kind in kinds}
    return Figures(len(entries), **least)


def _bare(file: Path) -> object:
    return yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)


def _own(act: Callable[[], object]) -> float:
    begin = time.process_time()
    act()
    return time.process_time() - begin


def _child(root: Path, command: str, environment: dict[str, str]) -> float:
    program = [sys.executable, "-m", "surveykit.cli", "--root", str(root), command]
    return child(program, environment)


def main() -> int:
    """Print the figures; 1 when a limit is passed."""
    found = measure()
    bare = found.bare
    lines = [
        f"{found.entries} entries, a bare pass: {bare:.2f} s",
        f"build, nothing changed: {found.build:.2f} s (at most {LIMITS['build']:g}); from nothing {found.whole_build:.2f} s",
        f"validate, nothing changed: {found.validate:.2f} s, {found.ratio:.2f} bare passes (at most {LIMITS['validate']:g})",
        f"validate, from nothing: {found.check:.2f} s, {found.cold_ratio:.2f} bare passes (at most {LIMITS['cold']:g});"
        f" with all imports {found.whole_validate:.2f} s, {found.whole_validate / bare:.2f} bare passes",
    ]
    print("\n".join(lines))  # noqa: T201 - a script
    used = (found.build / LIMITS["build"], found.ratio / LIMITS["validate"], found.cold_ratio / LIMITS["cold"])  # fmt: skip
    return int(max(used) > 1)


if __name__ == "__main__":
    sys.exit(main())
