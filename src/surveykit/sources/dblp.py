"""DBLP: where a paper of computer science was published, found by title and author.

https://dblp.org/faq/How+to+use+the+dblp+search+API.html
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlencode

from surveykit.errors import OddAnswerError, ServiceError
from surveykit.identifier import identify_quietly
from surveykit.sources.client import Client
from surveykit.sources.found import Found, found, listed, mapping, pages
from surveykit.sources.recent import PageOfPapers, Recent, Wanted, paged
from surveykit.text.letters import fold
from surveykit.text.names import from_list

_KINDS = {
    "Conference and Workshop Papers": "conference",
    "Journal Articles": "journal",
    "Informal and Other Publications": "preprint",
}
PAGE = 500
"""Hits of one page; it gives 1,000 at most."""
_WITHDRAWN = "Withdrawn Items"


async def search(client: Client, title: str, family: str = "") -> tuple[Found, ...]:
    """Papers with the words of a title and of a family name, preprints among them."""
    service = client.services.dblp
    words = re.findall(r"[a-z0-9]+", fold(f"{title} {family}"))
    if not words:
        return ()
    query = {"q": " ".join(words), "format": "json", "h": 10}
    data = await client.json(service, f"{service.url}?{urlencode(query)}")
    hits = mapping(mapping(data.get("result")).get("hits")).get("hit")
    infos = (mapping(mapping(hit).get("info")) for hit in listed(hits))
    return tuple(_found(client, info) for info in infos if info.get("title"))


async def recent(client: Client, wanted: Wanted) -> AsyncIterator[Recent]:
    """Papers of the years with one of the words of each group in their title. Raises ServiceError.

    DBLP knows no days, no abstracts and, beside a choice, no phrases: a paper of the last year counts as of the last day.
    """
    single = ([word for word in group if " " not in word] for group in wanted.words)
    words = " ".join("|".join(group) for group in single if group)
    for year in wanted.years:
        query = {"q": f"{words} year:{year}:", "format": "json", "h": PAGE}
        day = min(date(year, 12, 31), wanted.last)
        ask = partial(_page, client, query, day)
        async for paper in paged(client, f"DBLP of {year}", PAGE, ask):
            yield paper


async def _page(
    client: Client, query: Mapping[str, object], day: date, start: int
) -> PageOfPapers:
    service = client.services.dblp
    url = f"{service.url}?{urlencode({**query, 'f': start})}"
    hits = mapping(mapping((await client.json(service, url)).get("result")).get("hits"))
    total, hit = str(hits.get("@total")), listed(hits.get("hit"))
    if not total.isdecimal() or (int(total) > start and not hit):
        raise OddAnswerError(service.name, "gave a page without papers")
    papers = []
    for info in (mapping(mapping(one).get("info")) for one in hit):
        with suppress(ServiceError):
            one = _found(client, info)
            if not one.alarms:
                papers.append(Recent(day, one.record))
    return PageOfPapers(tuple(papers), len(hit), int(total))


def _found(client: Client, info: Mapping[str, Any]) -> Found:
    authors = listed(mapping(info.get("authors")).get("author"))
    people = from_list(str(mapping(a).get("text") or a) for a in authors)
    kind = _KINDS.get(str(info.get("type")), "other")
    withdrawn = info.get("type") == _WITHDRAWN
    if withdrawn:
        kind = "journal" if info.get("volume") else "conference"
    venue = " ".join(map(str, listed(info.get("venue"))))
    kind = "preprint" if venue == "CoRR" else kind
    source = f"dblp:{info.get('key') or 'search'}"
    return found(
        client.services.dblp,
        people,
        [info.get("year")],
        alarms=[f"{source} is among the withdrawn items"] if withdrawn else (),
        title=info.get("title"),
        venue_text=venue,
        kind=kind,
        volume=info.get("volume") if kind == "journal" else None,
        number=info.get("number"),
        pages=pages(info.get("pages")),
        source=source,
        **_names(info),
    )


def _names(info: Mapping[str, Any]) -> dict[str, str]:
    """Identifiers and page among what DBLP knows."""
    named: dict[str, str] = {}
    for told in [info.get("doi") or "", *listed(info.get("ee"))]:
        one = identify_quietly(str(told))
        if one and one.kind in ("arxiv", "doi", "acl", "openreview"):
            named.setdefault(one.kind, one.value)
        elif one and one.kind == "page":
            named.setdefault("paper_url", one.value)
    return named
