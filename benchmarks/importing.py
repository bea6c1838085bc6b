"""How fast references are imported, and how fast one paper is looked for among ten thousand."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import synthetic

from surveykit.duplicates import Index
from surveykit.imports.run import import_file
from surveykit.load import load_catalog
from surveykit.render.bibtex import bibliography

LIMITS = {"import": 10.0, "look": 0.2}
"""Seconds that must not be passed."""


@dataclass(frozen=True)
class Figures:
    """Seconds of processor time; nothing here waits, and a busy machine must not count."""

    entries: int
    imported: float
    """A BibTeX file with that many entries, into an empty catalog: read, compared with each other, drafted."""
    looked: float
    """One paper among that many, in a catalog that is in memory."""
    filed: float
    """Making the index of that catalog, once."""


def measure(entries: int = 10_000) -> Figures:
    """Figures for a synthetic catalog of that size."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = load_catalog(synthetic.write(Path(folder), entries))
        path = Path(folder) / "all.bib"
        path.write_text(bibliography(catalog.papers, catalog), encoding="utf-8")
        empty = replace(catalog, papers=(), cards={}, paths={})
        imported = _seconds(lambda: _whole(path, empty, entries))
    filed = _seconds(lambda: Index(catalog.papers))
    index = Index(catalog.papers)
    some = catalog.papers[:: max(1, entries // 100)]
    looked = _seconds(lambda: [index.candidates(p) for p in some]) / len(some)
    return Figures(entries, imported, looked, filed)


def _whole(path: Path, empty: object, entries: int) -> None:
    result = import_file(path, empty, date(2026, 11, 20))  # type: ignore[arg-type]
    assert result.papers == len(result.texts) == entries, result.anomalies[:5]


def _seconds(act: Callable[[], object]) -> float:
    begin = time.process_time()
    act()
    return time.process_time() - begin


def main() -> int:
    """Print the figures; 1 when a limit is passed."""
    figures = measure()
    print(  # noqa: T201 - a script
        f"import {figures.entries} BibTeX entries: {figures.imported:.2f} s (at most {LIMITS['import']:g})\n"
        f"one against {figures.entries}: {figures.looked * 1000:.1f} ms (at most {LIMITS['look'] * 1000:g}),"
        f" their index once: {figures.filed:.2f} s"
    )
    return int(figures.imported > LIMITS["import"] or figures.looked > LIMITS["look"])


if __name__ == "__main__":
    sys.exit(main())
