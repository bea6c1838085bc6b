"""Any page of a paper: what it tells Google Scholar and Zotero in its `citation_*` fields.

https://scholar.google.com/intl/en/scholar/inclusion.html#indexing
"""

from __future__ import annotations

from collections import defaultdict
from html.parser import HTMLParser

from surveykit.errors import NotFoundError
from surveykit.identifier import arxiv_id, doi
from surveykit.names import from_list
from surveykit.sources.client import Client
from surveykit.sources.found import Found, doubts, pages, record, year_month

_DUBLIN_CORE = {
    "dc.identifier": "doi",
    "dc.title": "title",
    "dc.creator": "author",
    "dc.date": "publication_date",
}


class _Fields(HTMLParser):
    """Collects `<meta name=citation_… content=…>`; whatever else the page holds is passed over."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.own: dict[str, list[str]] = defaultdict(list)
        self.other: dict[str, list[str]] = defaultdict(list)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            return
        told = dict(attrs)
        name = (told.get("name") or told.get("property") or "").lower()
        content = (told.get("content") or "").strip()
        if content and name.startswith("citation_"):
            self.own[name.removeprefix("citation_")].append(content)
        elif content and name in _DUBLIN_CORE:
            self.other[_DUBLIN_CORE[name]].append(content)


async def find(client: Client, value: str) -> Found:
    """The paper that the page at an address is about. Raises NotFoundError or ServiceError."""
    service = client.services.page
    text = await client.text(service, value, accept="text/html,application/xhtml+xml")
    reader = _Fields()
    reader.feed(text)
    fields = {**reader.other, **reader.own}

    def first(*names: str) -> str:
        return next((fields[n][0] for n in names if fields.get(n)), "")

    if not first("title"):
        raise NotFoundError(
            service.name,
            f"{value} does not say which paper it is about (no citation_title)",
        )
    year, month = year_month(first("publication_date", "date", "online_date", "year"))
    conference = first("conference_title", "conference", "inbook_title")
    journal = first("journal_title", "journal_abbrev")
    people = from_list(fields.get("author", fields.get("authors", [])))
    made = record(
        service,
        client.now(),
        title=first("title"),
        authors=people.authors,
        year=year,
        month=month,
        venue_text=conference or journal,
        kind="conference" if conference else "journal" if journal else "other",
        doi=doi(first("doi")),
        arxiv=arxiv_id(first("arxiv_id")),
        paper_url=value,
        pdf_url=first("pdf_url"),
        volume=first("volume"),
        number=first("issue"),
        pages=pages(first("firstpage"), first("lastpage")),
        publisher=first("publisher", "technical_report_institution"),
        abstract=first("abstract"),
        source=value,
    )
    return Found(made, notes=doubts(people, made.source))
