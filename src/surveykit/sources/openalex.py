"""OpenAlex: works of all publishers by day and words of title and abstract.

https://developers.openalex.org/guides/page-through-results
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlencode

from surveykit.errors import OddAnswerError, ServiceError
from surveykit.identifier import identify_quietly
from surveykit.sources.client import Client
from surveykit.sources.found import Found, found, listed, mapping, text
from surveykit.sources.recent import PageOfPapers, Recent, Wanted, paged
from surveykit.text.names import from_list

PAGE = 100
"""The most that one page may have."""
_FIELDS = "id,doi,title,publication_date,type,is_retracted,authorships,locations,abstract_inverted_index"
_MOST_WORDS = 2000
"""Of an abstract; longer ones are whole papers."""


async def recent(client: Client, wanted: Wanted) -> AsyncIterator[Recent]:
    """Works with one of the words of each group, by day of publication. Raises ServiceError.

    Pages are counted, as only who has a key may follow a cursor; the day's allowance holds either way.
    """
    groups = (" OR ".join(f'"{word}"' for word in group) for group in wanted.words)
    query = " AND ".join(f"({group})" for group in groups)
    days = f"from_publication_date:{wanted.first},to_publication_date:{wanted.last}"
    asked = {
        "filter": f"title_and_abstract.search:{query},{days}",
        "select": _FIELDS,
        "per_page": PAGE,
        "sort": "publication_date",
    }
    async for paper in paged(client, "OpenAlex", PAGE, partial(_page, client, asked)):
        yield paper


async def _page(
    client: Client, asked: Mapping[str, object], start: int
) -> PageOfPapers:
    service = client.services.openalex
    url = f"{service.url}?{urlencode({**asked, 'page': start // PAGE + 1})}"
    data = await client.json(service, url)
    total, works = mapping(data.get("meta")).get("count"), listed(data.get("results"))
    if not isinstance(total, int) or (total > start and not works):
        raise OddAnswerError(service.name, "gave a page without works")
    papers = []
    for work in map(mapping, works):
        with suppress(ServiceError, ValueError):
            day = date.fromisoformat(text(work, "publication_date"))
            one = _found(client, work)
            if not one.alarms:
                papers.append(Recent(day, one.record))
    return PageOfPapers(tuple(papers), len(works), total)


def _found(client: Client, work: Mapping[str, Any]) -> Found:
    people = (mapping(one) for one in listed(work.get("authorships")))
    id_ = text(work, "id").rpartition("/")[2]
    return found(
        client.services.openalex,
        from_list(text(one, "raw_author_name") for one in people),
        text(work, "publication_date"),
        alarms=[f"openalex:{id_} is retracted"] if work.get("is_retracted") else (),
        title=work.get("title"),
        abstract=abstract(work.get("abstract_inverted_index")),
        source=f"openalex:{id_}",
        **_names(work),
    )


def _names(work: Mapping[str, Any]) -> dict[str, str]:
    """Identifiers among the DOI and the places where the work lies."""
    places = (mapping(place) for place in listed(work.get("locations")))
    told = [text(work, "doi"), *(text(place, "landing_page_url") for place in places)]
    named: dict[str, str] = {}
    for one in filter(None, map(identify_quietly, told)):
        kind = "paper_url" if one.kind == "page" else one.kind
        if kind in ("arxiv", "doi", "acl", "openreview", "paper_url"):
            named.setdefault(kind, one.value)
    return named


def abstract(index: object) -> str:
    """The text of an inverted index: word -> the places where it stands, from 0."""
    places: dict[int, str] = {}
    for word, some in mapping(index).items():
        for place in listed(some):
            if isinstance(place, int) and 0 <= place < _MOST_WORDS:
                places[place] = str(word)
    return " ".join(places[place] for place in sorted(places))
