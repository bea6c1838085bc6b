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


def columns(catalog: Catalog) -> tuple[str, ...]:
    """Names of the columns, among them the axes that every paper answers; several values of one cell are parted by `; `."""
    return (
        *("id", *_each("title", catalog), "authors", "year", "month", "venue", "track"),
        *("side", *(a.id for a in catalog.taxonomy.axes if not a.only_for_roles)),
        *("arxiv", "doi", "openreview", "acl", "paper", "pdf", "code", "methods"),
        *(*_each("summary", catalog), "added", "aka"),
    )


def _each(name: str, catalog: Catalog) -> list[str]:
    """A column for each language."""
    return [f"{name}_{lang}" for lang in catalog.kit.languages]


def csv_table(catalog: Catalog) -> str:
    """Text of `papers.csv` (RFC 4180), one line for each paper."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    names = columns(catalog)
    writer.writerow(names)
    for paper in catalog.papers:
        cells = _cells(catalog, paper)
        writer.writerow([safe(str(cells.get(column) or "")) for column in names])
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
        "side": catalog.side_name(paper),
        "methods": "; ".join(paper.implementations),
        "summary_en": paper.tldr.en if paper.tldr else "",
        "summary_zh": paper.tldr.zh if paper.tldr else "",
        "added": paper.added.isoformat(),
        "aka": "; ".join(paper.aka),
    }
