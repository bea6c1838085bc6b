"""One identifier -> all that is known of the paper: its preprint, its published version, and what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from surveykit.errors import FetchError, NotFoundError
from surveykit.identifier import Identifier, IdKind, identify_quietly
from surveykit.record import Record
from surveykit.sources import (
    acl,
    arxiv,
    crossref,
    datacite,
    dblp,
    github,
    openreview,
    page,
)
from surveykit.sources.client import Client
from surveykit.sources.found import Found, listed, mapping, same_paper

_NAMED: tuple[IdKind, ...] = ("arxiv", "doi", "acl", "openreview")
Find = Callable[[Client, str], Awaitable[Found]]


@dataclass
class Known:
    """A paper as several services see it."""

    records: list[Record] = field(default_factory=list)
    """The one that was asked for comes first."""
    alarms: list[str] = field(default_factory=list)
    """What forbids to list the paper as it stands."""
    notes: list[str] = field(default_factory=list)
    """What a person should look at."""

    def take(self, found: Found) -> None:
        """Keep what one service said."""
        self.records.append(found.record)
        self.alarms += found.alarms
        self.notes += found.notes

    def has(self, scheme: str) -> bool:
        """Whether a service has already told of the paper under this scheme."""
        prefix = {"arxiv": "arXiv:"}.get(scheme, f"{scheme}:")
        return any(record.source.startswith(prefix) for record in self.records)


async def find_doi(client: Client, value: str) -> Found:
    """A DOI at the agency that registered it: Crossref, else DataCite."""
    try:
        return await crossref.find(client, value)
    except NotFoundError:
        try:
            return await datacite.find(client, value)
        except NotFoundError:
            message = f"knows no DOI {value}, nor does DataCite"
            raise NotFoundError(client.services.crossref.name, message) from None


async def find_short_doi(client: Client, value: str) -> Found:
    """The paper of the DOI that a short DOI, without `10/`, stands for."""
    service = client.services.doi
    told = await client.json(service, f"{service.url}/10/{value}")
    for one in map(mapping, listed(told.get("values"))):
        name = str(mapping(one.get("data")).get("value"))
        known = identify_quietly(f"doi:{name}")
        named = known and known.kind not in ("shortdoi", "page")
        if known and named and one.get("type") == "HS_ALIAS":
            return await SERVICES[known.kind](client, known.value)
    raise NotFoundError(service.name, f"knows no short DOI 10/{value}")


SERVICES: dict[IdKind, Find] = {
    "arxiv": arxiv.find,
    "doi": find_doi,
    "shortdoi": find_short_doi,
    "acl": acl.find,
    "openreview": openreview.find,
    "github": github.find,
    "page": page.find,
}
"""Kind of identifier -> who is asked first."""


async def resolve(client: Client, identifier: Identifier) -> Known:
    """Everything about one paper.

    Raises NotFoundError or ServiceError where the service that is named by the identifier does not give the paper;
    trouble with the others is a note, because their answers are an addition.
    """
    known = Known()
    known.take(await SERVICES[identifier.kind](client, identifier.value))
    if identifier.kind == "doi" and not known.records[0].doi:
        known.notes.append(f"{identifier} is left out: an entry cannot hold its signs")
    await _follow(client, known)
    if not _published(known):
        await _add_searched(client, known, dblp.search, "its published version")
        await _follow(client, known)
    if not known.has("arxiv"):
        await _add_searched(client, known, arxiv.search, "its preprint")
    return known


async def _follow(client: Client, known: Known) -> None:
    """Ask for every identifier that a record names and nobody has answered for."""
    for kind in _NAMED:
        for one in list(known.records):
            value = getattr(one, kind)
            if value is None or known.has(kind):
                continue
            why = await _join(client, known, one, kind, value)
            if why:  # what nobody has proven does not get into the entry
                said = f"{kind} {value}, named by {one.source}, is left out: {why}"
                known.notes.append(said)
                known.records = [
                    r.model_copy(
                        update={kind: None} if getattr(r, kind) == value else {}
                    )
                    for r in known.records
                ]
    first, *others = known.records
    if others and _is_placeholder(first):  # a service has told the title
        code = {"code_url": first.code_url}
        known.records = [others[0].model_copy(update=code), *others[1:]]


async def _join(
    client: Client, known: Known, one: Record, kind: IdKind, value: str
) -> str:
    """Add what the service has under an identifier that a record names; else say why not."""
    try:
        found = await SERVICES[kind](client, value)
    except FetchError as error:
        return str(error)
    if not _is_placeholder(one) and not same_paper(one, found.record):
        return f"it is {found.record.title!r}"
    known.take(found)
    return ""


def _is_placeholder(record: Record) -> bool:
    """Whether a record is a README's link to a paper, whose title is no more than a heading."""
    return record.code_url is not None and not record.authors


def _published(known: Known) -> bool:
    """Whether a record of the published version is at hand, and not only a mention of it."""
    published = (r for r in known.records if r.kind in ("conference", "journal"))
    return any(r.doi or r.acl for r in published)


Search = Callable[[Client, str, str], Awaitable[tuple[Found, ...]]]


async def _add_searched(
    client: Client, known: Known, search: Search, what: str
) -> None:
    """Add the first result that is the same paper and adds something."""
    asked = known.records[0]
    family = asked.authors[0].last if asked.authors else ""
    try:
        results = await search(client, asked.title, family)
    except FetchError as error:
        known.notes.append(f"{what} was not looked for: {error}")
        return
    wanted = ("preprint",) if search is arxiv.search else ("conference", "journal")
    for found in results:
        if found.record.kind in wanted and same_paper(asked, found.record):
            known.take(found)
            return
