"""arXiv: records of its Atom interface, any number of ids in one request.

https://info.arxiv.org/help/api/user-manual.html
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, tostring

from surveykit.errors import FetchError, NotFoundError, ServiceError
from surveykit.identifier import arxiv_id
from surveykit.sources.cache import Kept
from surveykit.sources.client import Client, as_xml
from surveykit.sources.found import Found, found
from surveykit.sources.recent import PageOfPapers, Recent, Wanted, paged
from surveykit.text.names import People, from_list
from surveykit.text.plain import markup
from surveykit.text.retraction import in_abstract, in_comment

MOST_IDS = 400
"""In one request; an address of more than 8,000 characters is refused by many servers."""
_ACCEPT = "application/atom+xml"
_ATOM = "{http://www.w3.org/2005/Atom}"
_OWN = "{http://arxiv.org/schemas/atom}"
_SEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
PAGE = 300
"""Papers of one page; longer ones come back empty more often."""


async def find(client: Client, value: str) -> Found:
    """The newest version of one paper. Raises NotFoundError or ServiceError."""
    papers = await find_all(client, [value])
    if value not in papers:
        raise NotFoundError(client.services.arxiv.name, f"knows no paper {value}")
    return papers[value]


async def find_all(client: Client, ids: Sequence[str]) -> dict[str, Found]:
    """Those of the papers that exist, by id; MOST_IDS are asked for in one request."""
    all_: list[Found] = []
    for start in range(0, len(ids), MOST_IDS):
        all_ += await _ask(client, _papers(ids[start : start + MOST_IDS]))
    return {one.record.arxiv or "": one for one in all_}


async def prefetch(client: Client, ids: Sequence[str]) -> None:
    """Ask for papers in one request, and keep what `find` will want to know of each.

    Without an answer nothing is kept: then each is asked for alone, and fails alone.
    """
    addresses = {one: _url(client, _papers([one])) for one in ids}
    wanted = [one for one, url in addresses.items() if not client.knows(url)]
    if len(wanted) < 2:
        return
    for start in range(0, len(wanted), MOST_IDS):
        some = wanted[start : start + MOST_IDS]
        try:
            root = await _feed(client, _papers(some))
            entries = dict(_entries(client, root))
        except FetchError:
            return
        kept = client.cache.get(_url(client, _papers(some)))
        fetched = kept.fetched if kept else client.now()
        for one in some:
            feed = Element(f"{_ATOM}feed")
            feed.extend([entries[one]] if one in entries else [])
            client.keep(Kept(addresses[one], tostring(feed), fetched))


async def kept(client: Client, ids: Sequence[str]) -> dict[str, Found]:
    """Those of the papers whose answers are at hand, by id; nobody is asked."""
    found: dict[str, Found] = {}
    for one in ids:
        if client.knows(_url(client, _papers([one]))):
            with suppress(FetchError):
                found |= await find_all(client, [one])
    return found


async def search(client: Client, title: str, family: str = "") -> tuple[Found, ...]:
    """Papers whose title has the words of `title`, the likeliest first."""
    words = re.findall(r"\w[\w'’-]*", title)
    if not words:
        return ()
    query = f'ti:"{" ".join(words)}"'
    return tuple(await _ask(client, {"search_query": query, "max_results": 5}))


async def recent(client: Client, wanted: Wanted) -> AsyncIterator[Recent]:
    """Papers of some classes by the day of their first version, cross-lists among them. Raises ServiceError.

    Each day is a question of its own, so that what a run has learned serves the next one.
    """
    classes = " OR ".join(f"cat:{name}" for name in wanted.categories)
    for day in wanted.days:
        span = f"submittedDate:[{day:%Y%m%d}0000 TO {day:%Y%m%d}2359]"
        query = {"search_query": f"({classes}) AND {span}", "sortBy": "submittedDate",
                 "sortOrder": "ascending", "max_results": PAGE}  # fmt: skip
        ask = partial(_page, client, query)
        async for paper in paged(client, f"arXiv of {day}", PAGE, ask):
            yield paper


async def _page(client: Client, query: dict[str, object], start: int) -> PageOfPapers:
    url = _url(client, {**query, "start": start})
    service, read = client.services.arxiv, partial(_counted, start)
    root, total = await client.get(service, url, _ACCEPT, read)
    entries = list(_entries(client, root))
    papers = []
    for id_, entry in entries:
        day = _text(entry, f"{_ATOM}published")[:10]
        with suppress(ServiceError, ValueError):
            found = _found(client, entry, id_)
            if not found.alarms:
                papers.append(Recent(date.fromisoformat(day), found.record))
    return PageOfPapers(tuple(papers), len(entries), total)


def _counted(start: int, kept: Kept) -> tuple[Element, int]:
    """The feed and how many papers there are. Raises ValueError for a page that is empty though there are more."""
    root = as_xml([f"{_ATOM}feed"], kept)
    total = root.findtext(f"{_SEARCH}totalResults") or ""
    if not total.isdecimal():
        raise ValueError("a feed that counts its papers")
    if int(total) > start and root.find(f"{_ATOM}entry") is None:
        raise ValueError("a page with papers")
    return root, int(total)


def _papers(ids: Sequence[str]) -> dict[str, object]:
    return {"id_list": ",".join(ids), "max_results": len(ids)}


def _url(client: Client, query: dict[str, object]) -> str:
    return f"{client.services.arxiv.url}?{urlencode(query, safe=',/')}"


async def _feed(client: Client, query: dict[str, object]) -> Element:
    url, roots = _url(client, query), [f"{_ATOM}feed"]
    return await client.xml(client.services.arxiv, url, accept=_ACCEPT, roots=roots)


async def _ask(client: Client, query: dict[str, object]) -> list[Found]:
    root = await _feed(client, query)
    return [_found(client, entry, id_) for id_, entry in _entries(client, root)]


def _entries(client: Client, root: Element) -> Iterator[tuple[str, Element]]:
    """Papers under their ids. Raises NotFoundError."""
    for entry in root.iter(f"{_ATOM}entry"):
        id_ = _text(entry, f"{_ATOM}id")
        if "/api/errors" in id_:  # in the place of results, with status 200
            message = markup(_text(entry, f"{_ATOM}summary"))
            raise NotFoundError(client.services.arxiv.name, message or "wrong id")
        if number := arxiv_id(id_.partition("/abs/")[2]):
            yield number, entry


def _found(client: Client, entry: Element, id_: str) -> Found:
    comment = markup(_text(entry, f"{_OWN}comment"))
    abstract = _text(entry, f"{_ATOM}summary")
    appeared = markup(_text(entry, f"{_OWN}journal_ref"))
    authors = entry.iter(f"{_ATOM}author")
    people = from_list(_text(author, f"{_ATOM}name") for author in authors)
    primary = entry.find(f"{_OWN}primary_category")
    version = re.search(r"v([0-9]+)$", _text(entry, f"{_ATOM}id"))
    number = int(version[1]) if version else None
    withdrawn = in_comment(comment, number) or in_abstract(markup(abstract), number)
    said = comment or markup(abstract)[:200]
    notes = [f"arXiv:{id_} says: {text}" for text in (appeared, comment) if text]
    return found(
        client.services.arxiv,
        People(people.authors) if withdrawn else people,
        _text(entry, f"{_ATOM}published")[:7],
        alarms=[f"arXiv:{id_} is withdrawn: {said}"] if withdrawn else (),
        notes=() if withdrawn else notes,
        title=_text(entry, f"{_ATOM}title"),
        kind="preprint",
        arxiv=id_,
        arxiv_class=None if primary is None else primary.get("term"),
        doi=_published_doi(_text(entry, f"{_OWN}doi")),
        paper_url=f"https://arxiv.org/abs/{id_}",
        pdf_url=f"https://arxiv.org/pdf/{id_}",
        abstract=abstract,
        source=f"arXiv:{id_}",
    )


def _published_doi(text: str) -> str:
    """The DOI of the published version; arXiv's own is none."""
    doi = text.partition(" ")[0]
    return "" if doi.lower().startswith("10.48550/") else doi


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
