"""What the services are asked for, out of the catalog alone: classes of arXiv, words of both sides, volumes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date

from surveykit.catalog import Catalog
from surveykit.discover.candidate import Candidate
from surveykit.discover.views import PaperWords, Sides
from surveykit.sources import acl, arxiv, dblp, openalex, openreview
from surveykit.sources.client import Client
from surveykit.sources.recent import Recent, Wanted

CLASSES = 4
"""Classes of arXiv that are asked for, the most frequent of the catalog's."""
WORDS = 8
"""Words of each side."""
_VOLUME = re.compile(r"[0-9]{4}\.([a-z0-9]+-[a-z0-9]+)\.[0-9]+")

Recents = Callable[[Client, Wanted], AsyncIterator[Recent]]
SOURCES: Mapping[str, Recents] = {
    "arxiv": arxiv.recent,
    "openalex": openalex.recent,
    "dblp": dblp.recent,
    "acl": acl.recent,
    "openreview": openreview.recent,
}
"""Name of a service -> how it is asked for recent papers."""


def wanted(
    catalog: Catalog, first: date, last: date, categories: tuple[str, ...] = ()
) -> Wanted:
    """What is asked for in some days; `categories` replaces the classes that the catalog names."""
    papers = catalog.papers
    classes = Counter(p.arxiv_class for p in papers if p.arxiv_class)
    volumes = Counter(
        found[1]
        for p in papers
        if (found := _VOLUME.fullmatch(p.identifiers.acl or ""))
    )
    own = catalog.survey.arxiv_classes or [n for n, _ in classes.most_common(CLASSES)]
    texts = [PaperWords.of(p.title.en, p.tldr.en if p.tldr else "") for p in papers]
    return Wanted(
        first,
        last,
        categories or tuple(own),
        Sides(catalog.taxonomy, texts, ()).asked(WORDS),
        tuple(name for name, count in sorted(volumes.items()) if count > 1),
    )


async def asked(client: Client, source: str, question: Wanted) -> list[Candidate]:
    """What one service has. Raises ServiceError."""
    return [
        Candidate(_name(one), one.day, one.record)
        async for one in SOURCES[source](client, question)
    ]


def _name(recent: Recent) -> str:
    record = recent.record
    known = record.arxiv or record.doi or record.acl or record.openreview
    return known or record.source
