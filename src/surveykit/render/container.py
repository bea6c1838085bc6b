"""Where a paper appeared, in the words that every bibliography uses."""

from __future__ import annotations

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.vocabulary import Venue


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
        return _workshop(paper, venue)
    return venue.book or f"Proceedings of the {full}"


def _workshop(paper: Paper, venue: Venue) -> str:
    """Title of the common volume of a venue's workshops, else of the workshop's own."""
    if venue.workshops and paper.workshop:
        return f"{venue.workshops}: {paper.workshop}"
    own = f"Proceedings of the {paper.workshop}" if paper.workshop else None
    return venue.workshops or own or venue.book or f"{venue.full.en} Workshops"


def preprint_label(paper: Paper, catalog: Catalog) -> str:
    """`arXiv:2303.15180`, or the name of the server where there is not an arXiv id."""
    if arxiv := paper.identifiers.arxiv:
        return f"arXiv:{arxiv}"
    return catalog.venue(paper).full.en
