"""Crossref: records of published papers by DOI, and what happened to them afterwards.

https://api.crossref.org/swagger-ui/index.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from surveykit.identifier import arxiv_id
from surveykit.sources.client import Client
from surveykit.sources.found import (
    Found,
    each,
    found,
    listed,
    mapping,
    pages,
    text,
    year_month,
)

_KINDS = {
    "proceedings-article": "conference",
    "journal-article": "journal",
    "posted-content": "preprint",
}
_ALARMS = {
    "retraction": "was retracted",
    "partial_retraction": "was retracted in part",
    "withdrawal": "was withdrawn",
    "removal": "was removed",
    "expression_of_concern": "is under an expression of concern",
}
_CORRECTIONS = {"addendum", "clarification", "correction", "corrigendum", "erratum"}
_SERIES = re.compile(
    r"^(?:lecture notes in|communications in computer|advances in intelligent)", re.I
)


async def find(client: Client, value: str) -> Found:
    """The paper with a DOI. Raises NotFoundError or ServiceError."""
    service = client.services.crossref
    url = f"{service.url}/{quote(value, safe='')}{_polite(client, '?')}"
    data = await client.json(service, url)
    return _found(client, mapping(data.get("message")), value)


async def search(client: Client, title: str, family: str = "") -> tuple[Found, ...]:
    """Papers that Crossref holds to be nearest to a title and an author."""
    service = client.services.crossref
    query = {"query.bibliographic": title, "rows": 5}
    if family:
        query["query.author"] = family
    url = f"{service.url}?{urlencode(query)}{_polite(client, '&')}"
    data = await client.json(service, url)
    items = map(mapping, listed(mapping(data.get("message")).get("items")))
    return tuple(
        _found(client, item, str(item["DOI"]))
        for item in items
        if item.get("DOI") and listed(item.get("title"))
    )


def _polite(client: Client, sign: str) -> str:
    return f"{sign}mailto={quote(client.mailto)}" if client.mailto else ""


def _found(client: Client, item: Mapping[str, Any], doi: str) -> Found:
    doi = str(item.get("DOI") or doi)  # in the registrar's own spelling
    alarms, notes = _updates(item, doi)
    return found(
        client.services.crossref,
        each(item.get("author"), "given family suffix", None),
        _date(item),
        alarms=alarms,
        notes=notes,
        corrected_by=_corrections(item),
        title=_title(item),
        venue_text=_venue(item),
        kind=_KINDS.get(str(item.get("type")), "other"),
        doi=doi,
        arxiv=_preprint(item),
        volume=item.get("volume"),
        number=item.get("issue"),
        pages=pages(item.get("page") or item.get("article-number")),
        publisher=item.get("publisher"),
        abstract=item.get("abstract"),
        source=f"doi:{doi}",
    )


def _texts(item: Mapping[str, Any], name: str) -> list[str]:
    return [str(text) for text in listed(item.get(name)) if text]


def _title(item: Mapping[str, Any]) -> str:
    title, subtitle = ((*_texts(item, f"{a}title"), "")[0] for a in ("", "sub"))
    if subtitle and subtitle.casefold() not in title.casefold():
        return f"{title.rstrip(' :')}: {subtitle}"
    return title


def _venue(item: Mapping[str, Any]) -> str:
    titles = _texts(item, "container-title")
    best = [title for title in titles if not _SERIES.match(title)]
    event = text(mapping(item.get("event")), "name")
    return next(filter(None, [*best, event, *titles]), "")


def _date(item: Mapping[str, Any]) -> object:
    for name in ("published-print", "published-online", "published", "issued"):
        parts = listed(mapping(item.get(name)).get("date-parts"))
        if parts and year_month(parts[0])[0]:
            return parts[0]
    return None


def _preprint(item: Mapping[str, Any]) -> str | None:
    """The arXiv id that the publisher names as the preprint."""
    for other in listed(mapping(item.get("relation")).get("has-preprint")):
        told = text(mapping(other), "id")
        plain_id = re.sub(r"(?i)^(?:https?://\S*/abs/|10\.48550/arxiv\.)", "", told)
        if number := arxiv_id(plain_id):
            return number
    return None


def _updates(item: Mapping[str, Any], doi: str) -> tuple[list[str], list[str]]:
    """Alarms and notes of what the publisher, or Retraction Watch, has announced since."""
    alarms, notes = [], []
    for one in map(mapping, listed(item.get("updated-by"))):
        kind, by = _kind(one), text(one, "DOI")
        by = f"doi:{by}" if by else "its publisher"
        if kind in _ALARMS:
            alarms.append(f"doi:{doi} {_ALARMS[kind]} by {by}")
        else:
            notes.append(f"doi:{doi} was updated ({kind.replace('_', ' ')}) by {by}")
    for one in map(mapping, listed(item.get("update-to"))):
        kind, other = _kind(one), one.get("DOI")
        itself = str(other).casefold() == doi.casefold()
        if kind in _ALARMS:
            about = _ALARMS[kind] if itself else f"is a notice about doi:{other}"
            alarms.append(f"doi:{doi} {about}")
    alarms += [
        f"doi:{doi} {relation.replace('-', ' ')} its publisher"
        for relation in mapping(item.get("relation"))
        if relation in ("is-retracted-by", "is-withdrawn-by", "is-removed-by")
    ]
    return alarms, notes


def _corrections(item: Mapping[str, Any]) -> list[str]:
    """Notices that correct the work without taking it back."""
    updates = map(mapping, listed(item.get("updated-by")))
    told = (text(one, "DOI") for one in updates if _kind(one) in _CORRECTIONS)
    return list(dict.fromkeys(f"doi:{notice}" for notice in told if notice))


def _kind(update: Mapping[str, Any]) -> str:
    told = str(update.get("type") or update.get("label") or "update")
    return re.sub(r"[\s-]+", "_", told.lower())
