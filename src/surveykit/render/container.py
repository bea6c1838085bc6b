"""Where a paper appeared, in the words that every bibliography uses."""

from __future__ import annotations

from surveykit.catalog import Catalog
from surveykit.models import Paper


def container(paper: Paper, catalog: Catalog) -> str:
    """Title of the journal, the proceedings or the preprint server."""
    venue = catalog.venue(paper)
    full = venue.full.en
    if venue.kind == "preprint":
        return venue.name
    if venue.kind == "journal":
        return full
    if paper.track == "findings":
        return venue.findings or f"Findings of the {full}"
    if paper.track == "workshop":
        book = venue.workshops or f"{full} Workshops"
        return f"{book}: {paper.workshop}" if paper.workshop else book
    return venue.book or f"Proceedings of the {full}"


def preprint_label(paper: Paper, catalog: Catalog) -> str:
    """`arXiv:2303.15180`, or the name of the server where there is no arXiv id."""
    if arxiv := paper.identifiers.arxiv:
        return f"arXiv:{arxiv}"
    return catalog.venue(paper).full.en
