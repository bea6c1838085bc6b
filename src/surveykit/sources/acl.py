"""ACL Anthology: its records in MODS, and the marks of retracted papers on its pages.

https://www.loc.gov/standards/mods/
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from surveykit.errors import FetchError, NotFoundError
from surveykit.names import People, person, together
from surveykit.sources.client import Client
from surveykit.sources.found import Found, doubts, pages, record, year_month

_MODS = "{http://www.loc.gov/mods/v3}"
_ROOTS = (f"{_MODS}modsCollection", f"{_MODS}mods")


async def find(client: Client, value: str) -> Found:
    """The paper with an Anthology id. Raises NotFoundError or ServiceError."""
    service = client.services.acl
    url = f"{service.url}/{value}.xml"
    root = await client.xml(service, url, accept="application/xml", roots=_ROOTS)
    paper = root if root.tag == f"{_MODS}mods" else root.find(f"{_MODS}mods")
    if paper is None:
        raise NotFoundError(service.name, f"has no record of {value}")
    host = paper.find(f"{_MODS}relatedItem[@type='host']")
    issued = _text(paper, "originInfo/dateIssued") or _text(paper, "part/date")
    year, month = year_month(issued)
    people = _authors(paper)
    made = record(
        service,
        client.now(),
        title=_text(paper, "titleInfo/title"),
        authors=people.authors,
        year=year,
        month=month,
        venue_text=_text(host, "titleInfo/title") if host is not None else None,
        kind=_kind(host),
        doi=_text(paper, "identifier[@type='doi']") or None,
        acl=value,
        paper_url=f"https://aclanthology.org/{value}/",
        pdf_url=f"https://aclanthology.org/{value}.pdf",
        pages=pages(_text(paper, "part/extent/start"), _text(paper, "part/extent/end")),
        publisher=_text(host, "originInfo/publisher") if host is not None else None,
        abstract=_text(paper, "abstract"),
        source=f"acl:{value}",
    )
    alarms, notes = await _retracted(client, value)
    return Found(made, alarms, (*notes, *doubts(people, made.source)))


async def _retracted(
    client: Client, value: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Alarms and notes of the paper's page: it alone marks the title, the records for citing do not."""
    service = client.services.acl
    try:
        page = await client.text(
            service, f"{service.url}/{value}/", accept="text/html,application/xhtml+xml"
        )
    except FetchError as error:
        return (), (f"whether acl:{value} was retracted was not seen: {error}",)
    mark = re.search(r"[>\"'=]\s*\[(RETRACTED|REMOVED)\]", page)
    return ((f"acl:{value} was {mark[1].lower()}",) if mark else ()), ()


def _authors(paper: Element) -> People:
    return together(
        person(
            " ".join(_texts(name, "namePart[@type='given']")),
            " ".join(_texts(name, "namePart[@type='family']")),
            name=" ".join(_texts(name, "namePart")),
            group=name.get("type") == "corporate",
        )
        for name in paper.findall(f"{_MODS}name")
    )


def _kind(host: Element | None) -> str:
    genres = _texts(host, "genre") if host is not None else []
    return "journal" if any("journal" in genre for genre in genres) else "conference"


def _texts(element: Element, path: str) -> list[str]:
    full = "/".join(f"{_MODS}{step}" for step in path.split("/"))
    return ["".join(found.itertext()).strip() for found in element.findall(full)]


def _text(element: Element, path: str) -> str:
    return next(iter(_texts(element, path)), "")
