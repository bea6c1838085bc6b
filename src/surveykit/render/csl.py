"""CSL-JSON, which Zotero, pandoc and citation processors read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from surveykit.catalog import Catalog
from surveykit.models import Author, Paper
from surveykit.render.container import container, preprint_label
from surveykit.render.export import json_text

TYPES = {
    "conference": "paper-conference",
    "journal": "article-journal",
    "preprint": "article",
}


def csl_json(papers: Iterable[Paper], catalog: Catalog) -> str:
    """JSON text of a list of items."""
    return json_text([item(paper, catalog) for paper in papers])


def item(paper: Paper, catalog: Catalog) -> dict[str, Any]:
    """One CSL item; what is unknown is absent."""
    venue = catalog.venue(paper)
    preprint = venue.kind == "preprint"
    where = container(paper, catalog)
    arxiv = paper.identifiers.arxiv
    issued = [paper.year, *([paper.month] if paper.month else [])]
    values = {
        "id": paper.id,
        "type": TYPES[venue.kind],
        "title": paper.title.en,
        "author": [_name(author) for author in paper.authors],
        "issued": {"date-parts": [issued]},
        "container-title": None if preprint else where,
        "volume": paper.volume,
        "issue": paper.number,
        "page": paper.pages,
        "publisher": where if preprint else venue.publisher,
        "number": preprint_label(paper, catalog) if preprint else None,
        "archive": "arXiv" if arxiv and not preprint else None,
        "archive_location": arxiv if not preprint else None,
        "DOI": paper.identifiers.doi,
        "URL": paper.links.paper,
    }
    return {key: value for key, value in values.items() if value}


def _name(author: Author) -> dict[str, str]:
    parts = {
        "literal": author.literal,
        "family": author.family,
        "given": author.given,
        "non-dropping-particle": author.particle,
        "suffix": author.suffix,
    }
    return {key: value for key, value in parts.items() if value}
