"""ACL Anthology: its records in MODS, and the marks of retracted papers on its pages.

https://www.loc.gov/standards/mods/
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from datetime import date
from xml.etree.ElementTree import Element

from surveykit.errors import FetchError, NotFoundError, ServiceError
from surveykit.sources.client import Client
from surveykit.sources.found import Found, found, pages
from surveykit.sources.recent import Recent, Wanted
from surveykit.text.names import People, person, together

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
    return _found(client, paper, value, *(await _retracted(client, value)))


async def recent(client: Client, wanted: Wanted) -> AsyncIterator[Recent]:
    """Papers of the volumes that are out, by the month that they bear. Raises ServiceError.

    Whether a paper was retracted is not seen; who adds it hears of that.
    """
    service = client.services.acl
    for year in wanted.years:
        for volume in wanted.volumes:
            url = f"{service.url}/volumes/{year}.{volume}.xml"
            with suppress(NotFoundError):
                root = await client.xml(
                    service, url, accept="application/xml", roots=_ROOTS
                )
                for paper in _dated(client, root):
                    if wanted.first.replace(day=1) <= paper.day <= wanted.last:
                        yield Recent(max(paper.day, wanted.first), paper.record)


def _dated(client: Client, root: Element) -> Iterator[Recent]:
    for paper in root.findall(f"{_MODS}mods"):
        address = _text(paper, "location/url")
        id_ = address.rstrip("/").rpartition("/")[2]
        with suppress(ServiceError):
            record = _found(client, paper, id_).record
            if record.acl and record.year:
                yield Recent(date(record.year, record.month or 12, 1), record)


def _found(
    client: Client,
    paper: Element,
    value: str,
    alarms: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Found:
    host = paper.find(f"{_MODS}relatedItem[@type='host']")
    return found(
        client.services.acl,
        _authors(paper),
        _text(paper, "originInfo/dateIssued") or _text(paper, "part/date"),
        alarms=alarms,
        notes=notes,
        title=_text(paper, "titleInfo/title"),
        venue_text=_text(host, "titleInfo/title"),
        kind="journal"
        if "journal" in " ".join(_texts(host, "genre"))
        else "conference",
        doi=_text(paper, "identifier[@type='doi']"),
        acl=value,
        paper_url=f"https://aclanthology.org/{value}/",
        pdf_url=f"https://aclanthology.org/{value}.pdf",
        pages=pages(_text(paper, "part/extent/start"), _text(paper, "part/extent/end")),
        publisher=_text(host, "originInfo/publisher"),
        abstract=_text(paper, "abstract"),
        source=f"acl:{value}",
    )


async def _retracted(client: Client, value: str) -> tuple[list[str], list[str]]:
    """Alarms and notes of the paper's page: it alone marks the title, the records for citing do not."""
    service = client.services.acl
    url, accept = f"{service.url}/{value}/", "text/html,application/xhtml+xml"
    try:
        page = await client.text(service, url, accept=accept)
    except FetchError as error:
        return [], [f"whether acl:{value} was retracted was not seen: {error}"]
    mark = re.search(r"[>\"'=]\s*\[(RETRACTED|REMOVED)\]", page)
    return [f"acl:{value} was {mark[1].lower()}"] if mark else [], []


def _authors(paper: Element) -> People:
    found = []
    for name in paper.findall(f"{_MODS}name"):
        signs = "[@type='given']", "[@type='family']", ""
        *parts, whole = (" ".join(_texts(name, f"namePart{sign}")) for sign in signs)
        is_group = name.get("type") == "corporate"
        found.append(person(*parts, name=whole, group=is_group))
    return together(found)


def _texts(element: Element | None, path: str) -> list[str]:
    full = "/".join(f"{_MODS}{step}" for step in path.split("/"))
    parts = () if element is None else element.findall(full)
    return ["".join(part.itertext()).strip() for part in parts]


def _text(element: Element | None, path: str) -> str:
    return next(iter(_texts(element, path)), "")
