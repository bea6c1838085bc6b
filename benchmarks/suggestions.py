"""How often suggested terms are right: each paper of the catalog judged by all others, with its summary in the place of an abstract."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from pathlib import Path

from surveykit.load import load_catalog
from surveykit.suggest import Clues, Suggester

ROOT = Path(__file__).parents[1]


@dataclasses.dataclass(frozen=True)
class Share:
    """How the suggestions on one axis fare."""

    axis: str
    asked: float
    """Share of papers that get a suggestion, 0 to 1."""
    first: float
    """Of these, the share whose first suggestion is one of their terms."""
    precision: float
    """Share of all suggestions that are right."""
    recall: float
    """Share of all terms that are suggested."""


def measure(root: Path = ROOT) -> tuple[Share, ...]:
    """Shares over the whole catalog, in the order of the taxonomy."""
    catalog = load_catalog(root)
    asked, first, given, right, wanted = (Counter[str]() for _ in range(5))
    for paper in catalog.papers:
        others = tuple(p for p in catalog.papers if p is not paper)
        suggester = Suggester(dataclasses.replace(catalog, papers=others))
        summary = paper.tldr.en if paper.tldr else ""
        found = suggester.suggest(Clues(paper.title.en, summary))
        for axis in catalog.axes:
            ours, theirs = set(paper.terms.get(axis, ())), found.get(axis, ())
            wanted[axis] += len(ours)
            given[axis] += len(theirs)
            right[axis] += len(ours & {one.term for one in theirs})
            if theirs:
                asked[axis] += 1
                first[axis] += theirs[0].term in ours
    return tuple(
        Share(
            axis,
            asked[axis] / len(catalog.papers),
            first[axis] / max(1, asked[axis]),
            right[axis] / max(1, given[axis]),
            right[axis] / max(1, wanted[axis]),
        )
        for axis in catalog.axes
    )


def main() -> None:
    """Write a table in Markdown."""
    lines = [
        "| axis | papers with a suggestion | first one right | precision | recall |",
        "|---|---|---|---|---|",
    ]
    for one in measure():
        cells = (one.asked, one.first, one.precision, one.recall)
        lines.append(f"| {one.axis} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
