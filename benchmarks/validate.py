"""How fast entries are validated, beside a bare CSafeLoader pass over the same files."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent))

import synthetic

from surveykit.load import check

LIMITS = {1_000: (1.0, 4.0), 10_000: (10.0, float("inf"))}
"""Entries -> seconds and ratio that must not be passed."""


@dataclass(frozen=True)
class Figures:
    """Seconds of wall clock, the best of several runs."""

    entries: int
    validate: float
    bare: float

    @property
    def ratio(self) -> float:
        """Validation in units of a bare pass."""
        return self.validate / self.bare

    @property
    def kept(self) -> bool:
        """Whether both limits hold."""
        seconds, ratio = LIMITS[self.entries]
        return self.validate <= seconds and self.ratio <= ratio


def measure(entries: int, runs: int = 3) -> Figures:
    """Figures for a synthetic catalog of that size."""
    with tempfile.TemporaryDirectory() as folder:
        root = synthetic.write(Path(folder), entries)
        assert check(root).problems == ()
        files = sorted((root / "catalog").rglob("*.yaml"))
        validate = _best(lambda: check(root), runs)
        alone = _best(lambda: [bare(file) for file in files], runs)
    return Figures(entries, validate, alone)


def bare(file: Path) -> object:
    return yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)


def _best(act: Callable[[], object], runs: int) -> float:
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        act()
        times.append(time.perf_counter() - begin)
    return min(times)


def main() -> int:
    """Print the figures; 1 when a limit is passed."""
    good = True
    for entries in LIMITS:
        figures = measure(entries, runs=3 if entries == 1_000 else 1)
        good = good and figures.kept
        seconds, ratio = LIMITS[entries]
        print(  # noqa: T201 - a script
            f"validate {entries:>6} entries: {figures.validate:6.2f} s (at most {seconds:g}),"
            f" bare {figures.bare:6.2f} s, ratio {figures.ratio:.2f} (at most {ratio:g})"
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
