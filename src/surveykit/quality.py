"""How much the entries of a catalog hold, by topic: what a contributor can still add."""

from __future__ import annotations

from dataclasses import dataclass

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.prose import read_prose

ALL = "all"


@dataclass(frozen=True)
class Quality:
    """Papers of a topic, each counted under its main one, and how many of them have what."""

    topic: str
    """Id of the topic, or `all`."""
    papers: int
    identifier: int
    """An arXiv id, a DOI, an OpenReview or an Anthology id."""
    page: int
    """A link to the published version's own page; preprints have none."""
    code: int
    """A link to the authors' program."""
    summary: int
    """A checked sentence, in both languages as always."""
    relations: int
    """A relation, carried by either end."""
    claims: int
    """A headline figure of its own."""
    runnable: int
    """A method that runs here."""
    text: int
    """A citation in a text of the survey."""

    def share(self, name: str) -> float:
        """Papers that have it, in percent of all; 100 where there are none."""
        return 100 * getattr(self, name) / self.papers if self.papers else 100.0


def quality(catalog: Catalog) -> tuple[Quality, ...]:
    """A line for each topic that has papers, in the order of the taxonomy, and one for all."""
    cited = {
        spot.what
        for versions in catalog.texts.values()
        for text in versions.values()
        for spot in read_prose(text.body).cites
    }
    groups = [
        (term.id, [p for p in catalog.papers if catalog.topic(p) == term.id])
        for term in catalog.topic_axis.terms
    ]
    lines = [_line(catalog, cited, *group) for group in groups if group[1]]
    return (*lines, _line(catalog, cited, ALL, list(catalog.papers)))


def _line(
    catalog: Catalog, cited: set[str], topic: str, papers: list[Paper]
) -> Quality:
    return Quality(
        topic,
        papers=len(papers),
        identifier=sum(any(value for _, value in p.identifiers) for p in papers),
        page=sum("arxiv.org/" not in p.links.paper for p in papers),
        code=sum(p.links.code is not None for p in papers),
        summary=sum(p.tldr is not None for p in papers),
        relations=sum(bool(catalog.links(p)) for p in papers),
        claims=sum(bool(p.claims) for p in papers),
        runnable=sum(bool(p.implementations) for p in papers),
        text=sum(p.id in cited for p in papers),
    )
