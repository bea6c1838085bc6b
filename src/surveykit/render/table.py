"""The catalog as CSV for spreadsheets: UTF-8 with a mark, so that Chinese survives Excel."""

from __future__ import annotations

import csv
import io

from surveykit.catalog import Catalog
from surveykit.models import Paper

MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Begins the file: without it Excel takes UTF-8 for Windows-1252."""
# What a spreadsheet takes for the beginning of a formula, full-width forms among it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
COLUMNS = (
    *("id", "title_en", "title_zh", "authors", "year", "month", "venue", "track"),
    *("side", "role", "threat", "technique", "stage", "modality", "scope"),
    *("arxiv", "doi", "openreview", "acl", "paper", "pdf", "code", "methods"),
    *("summary_en", "summary_zh", "added", "aka"),
)
"""Names of the columns; several values of one cell are parted by `; `."""


def csv_table(catalog: Catalog) -> str:
    """Text of `papers.csv` (RFC 4180), one line for each paper."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for paper in catalog.papers:
        cells = _cells(catalog, paper)
        writer.writerow([safe(str(cells.get(column) or "")) for column in COLUMNS])
    return MARK + file.getvalue()


def safe(cell: str) -> str:
    """The cell as text: an apostrophe before what a spreadsheet would calculate."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def _cells(catalog: Catalog, paper: Paper) -> dict[str, object]:
    terms = {axis: "; ".join(held) for axis, held in paper.terms.items()}
    return {
        **terms,
        **paper.identifiers.model_dump(),
        **paper.links.model_dump(),
        "id": paper.id,
        "title_en": paper.title.en,
        "title_zh": paper.title.zh,
        "authors": "; ".join(author.name for author in paper.authors),
        "year": paper.year,
        "month": paper.month,
        "venue": catalog.venue(paper).name,
        "track": paper.track,
        "side": catalog.side(paper),
        "methods": "; ".join(paper.implementations),
        "summary_en": paper.tldr.en if paper.tldr else "",
        "summary_zh": paper.tldr.zh if paper.tldr else "",
        "added": paper.added.isoformat(),
        "aka": "; ".join(paper.aka),
    }
