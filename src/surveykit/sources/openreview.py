"""OpenReview: submissions and what became of them, through both versions of its interface.

https://docs.openreview.net/reference/api-v2
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, urlencode

from surveykit.errors import FetchError, NotFoundError, ServiceError
from surveykit.sources.client import Client
from surveykit.sources.found import Found, found, listed, mapping
from surveykit.sources.recent import Recent, Wanted
from surveykit.sources.services import Service
from surveykit.text.letters import fold
from surveykit.text.names import People, from_list

MOST_FOUND = 200
"""Submissions that one question may find."""
_UNDECIDED = re.compile(r"submitted|under review|submission|rejected|blind", re.I)
_PREPRINT = re.compile(r"\s*(?:corr|arxiv)\b", re.I)
"""Venues of the records that OpenReview takes over from DBLP and arXiv, for the pages of authors."""


async def find(client: Client, value: str) -> Found:
    """The submission with a forum id. Raises NotFoundError or ServiceError."""
    first, second = client.services.openreview, client.services.openreview_before_2024
    try:
        note = await _note(client, first, value)
    except FetchError as error:  # 404 or 403, by age of the venue
        try:
            note = await _note(client, second, value)
        except NotFoundError:
            raise error from None
    return _found(client, note, value)


async def search(client: Client, title: str, family: str = "") -> tuple[Found, ...]:
    """Submissions with the words of a title.

    What was withdrawn or refused there is passed over: it may have appeared elsewhere.
    """
    service = client.services.openreview
    words = " ".join(re.findall(r"\w[\w'’-]*", title))
    if not words:
        return ()
    query = {"term": words, "content": "title", "source": "forum", "limit": 10}
    data = await client.json(service, f"{service.url}/search?{urlencode(query)}")
    notes = map(mapping, listed(data.get("notes")))
    results = (
        _found(client, note, str(note.get("forum") or note["id"]))
        for note in notes
        if note.get("id") and _value(mapping(note.get("content")).get("title"))
    )
    return tuple(found for found in results if not found.alarms)


async def recent(client: Client, wanted: Wanted) -> AsyncIterator[Recent]:
    """Submissions that a word of the last group finds and one of the others is in, by the day of their first showing.

    Its search has no dates and knows no "or": each word is a question, the newest first, as far as MOST_FOUND.
    """
    *others, last = wanted.words or ((),)
    for word in last:
        query = {"term": word, "content": "all", "source": "forum", "limit": MOST_FOUND,
                 "sort": "tmdate:desc"}  # fmt: skip
        service = client.services.openreview
        data = await client.json(service, f"{service.url}/search?{urlencode(query)}")
        for note in map(mapping, listed(data.get("notes"))):
            day = _day(note)
            if not day or not wanted.holds(day):
                continue
            with suppress(ServiceError, KeyError):
                one = _found(client, note, str(note.get("forum") or note["id"]))
                said = fold(f"{one.record.title} {one.record.abstract or ''}")
                if not one.alarms and all(
                    any(fold(other) in said for other in group) for group in others
                ):
                    yield Recent(day, one.record)


def _day(note: Mapping[str, Any]) -> date | None:
    """The day on which a submission was first shown, or came in."""
    times = (note.get(name) for name in ("odate", "pdate", "cdate", "tcdate"))
    known = (ms for ms in times if isinstance(ms, int) and 0 < ms < 4 * 10**12)
    return next((datetime.fromtimestamp(ms / 1000, UTC).date() for ms in known), None)


async def _note(client: Client, service: Service, value: str) -> Mapping[str, Any]:
    data = await client.json(service, f"{service.url}?id={quote(value)}")
    notes = [mapping(note) for note in listed(data.get("notes"))]
    if not notes:
        raise NotFoundError(service.name, f"knows no submission {value}")
    if not mapping(notes[0].get("content")).get("title"):
        raise ServiceError(service.name, f"shows no title of {value}")
    return notes[0]


def _found(client: Client, note: Mapping[str, Any], value: str) -> Found:
    content = {k: _value(v) for k, v in mapping(note.get("content")).items()}
    venue = str(content.get("venue") or "").replace(
        "spotlightposter", "spotlight poster"
    )
    became = (content.get("venueid"), note.get("invitation"), note.get("invitations"))
    where = f"{venue} {became}".lower().replace("_", " ")
    withdrawn = "withdrawn" in where or note.get("ddate")
    refused = "desk rejected" in where
    undecided = bool(_UNDECIDED.search(venue)) or not venue
    people = from_list(map(str, listed(content.get("authors"))))
    source, said = f"openreview:{value}", venue or "no decision"
    what = "withdrawn" if withdrawn else "desk rejected" if refused else ""
    return found(
        client.services.openreview,
        People(people.authors) if what else people,
        [_year(venue, note)],
        alarms=[f"{source} was {what} ({said})"] if what else (),
        notes=[f"{source} says: {said}"] if undecided and not what else (),
        title=content.get("title"),
        venue_text=None if undecided else venue,
        kind=_kind(venue, undecided=undecided),
        openreview=value,
        paper_url=f"https://openreview.net/forum?id={value}",
        pdf_url=f"https://openreview.net/pdf?id={value}",
        abstract=content.get("abstract"),
        source=source,
    )


def _kind(venue: str, *, undecided: bool) -> str:
    if undecided:
        return "other"
    return "preprint" if _PREPRINT.match(venue) else "conference"


def _value(field: object) -> Any:
    """The value of a field; the second version wraps it."""
    return field["value"] if isinstance(field, dict) and "value" in field else field


def _year(venue: str, note: Mapping[str, Any]) -> int | None:
    if told := re.search(r"\b(?:19|20)[0-9]{2}\b", venue):
        return int(told[0])
    times = (note.get(name) for name in ("pdate", "odate", "cdate", "tcdate"))
    known = (ms for ms in times if isinstance(ms, int) and 0 < ms < 4 * 10**12)
    return next((1970 + int(ms / 31_556_952_000) for ms in known), None)
