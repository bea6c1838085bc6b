"""arXiv: records of its Atom interface, any number of ids in one request.

https://info.arxiv.org/help/api/user-manual.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from surveykit.errors import NotFoundError
from surveykit.identifier import arxiv_id
from surveykit.names import from_list
from surveykit.plain import markup
from surveykit.sources.client import Client
from surveykit.sources.found import Found, doubts, record, year_month

MOST_IDS = 400
"""In one request; an address of more than 8,000 characters is refused by many servers."""
_ACCEPT = "application/atom+xml"
_ATOM = "{http://www.w3.org/2005/Atom}"
_OWN = "{http://arxiv.org/schemas/atom}"
_WITHDRAWN = re.compile(
    r"^withdraw(?:n|al)\b|\bwithdrawn (?:by|due|because|as|for|from|until)\b"
    r"|\b(?:been|was|is|paper|article|submission|manuscript|version|v[0-9]+) withdrawn\b",
    re.IGNORECASE,
)
_WITHDRAWN_TEXT = re.compile(
    r"\s*(?:this|the) (?:\w+ )?(?:paper|article|submission|manuscript|work|preprint)\b.{0,40}\bwithdrawn\b",
    re.IGNORECASE,
)


async def find(client: Client, value: str) -> Found:
    """The newest version of one paper. Raises NotFoundError or ServiceError."""
    found = await find_all(client, [value])
    if value not in found:
        raise NotFoundError(client.services.arxiv.name, f"knows no paper {value}")
    return found[value]


async def find_all(client: Client, ids: Sequence[str]) -> dict[str, Found]:
    """Those of the papers that exist, by id; MOST_IDS are asked for in one request."""
    found: dict[str, Found] = {}
    for start in range(0, len(ids), MOST_IDS):
        some = ids[start : start + MOST_IDS]
        query = {"id_list": ",".join(some), "max_results": len(some)}
        found |= {f.record.arxiv or "": f for f in await _ask(client, query)}
    return found


async def search(client: Client, title: str, family: str = "") -> tuple[Found, ...]:
    """Papers whose title has the words of `title`, the likeliest first."""
    words = re.findall(r"\w[\w'’-]*", title)
    if not words:
        return ()
    query = f'ti:"{" ".join(words)}"'
    return tuple(await _ask(client, {"search_query": query, "max_results": 5}))


async def _ask(client: Client, query: dict[str, object]) -> list[Found]:
    service = client.services.arxiv
    url = f"{service.url}?{urlencode(query, safe=',/')}"
    root = await client.xml(service, url, accept=_ACCEPT, roots=[f"{_ATOM}feed"])
    return list(_entries(client, root))


def _entries(client: Client, root: Element) -> Iterator[Found]:
    for entry in root.iter(f"{_ATOM}entry"):
        id_ = _text(entry, f"{_ATOM}id")
        found = arxiv_id(id_.partition("/abs/")[2])
        if "/api/errors" in id_:  # in the place of results, with status 200
            message = markup(_text(entry, f"{_ATOM}summary"))
            raise NotFoundError(client.services.arxiv.name, message or "wrong id")
        if found:
            yield _found(client, entry, found)


def _found(client: Client, entry: Element, id_: str) -> Found:
    comment = markup(_text(entry, f"{_OWN}comment"))
    abstract = _text(entry, f"{_ATOM}summary")
    appeared = markup(_text(entry, f"{_OWN}journal_ref"))
    year, month = year_month(_text(entry, f"{_ATOM}published")[:7])
    people = from_list(
        _text(author, f"{_ATOM}name") for author in entry.iter(f"{_ATOM}author")
    )
    made = record(
        client.services.arxiv,
        client.now(),
        title=_text(entry, f"{_ATOM}title"),
        authors=people.authors,
        year=year,
        month=month,
        kind="preprint",
        arxiv=id_,
        doi=_published_doi(_text(entry, f"{_OWN}doi")),
        paper_url=f"https://arxiv.org/abs/{id_}",
        pdf_url=f"https://arxiv.org/pdf/{id_}",
        abstract=abstract,
        source=f"arXiv:{id_}",
    )
    withdrawn = _WITHDRAWN.search(comment) or _WITHDRAWN_TEXT.match(markup(abstract))
    said = comment or markup(abstract)[:200]
    notes = [f"arXiv:{id_} says: {text}" for text in (appeared, comment) if text]
    return Found(
        made,
        (f"arXiv:{id_} is withdrawn: {said}",) if withdrawn else (),
        (*notes, *doubts(people, made.source)) if not withdrawn else (),
    )


def _published_doi(text: str) -> str | None:
    """The DOI of the published version; arXiv's own is none."""
    doi = text.split()[0] if text.split() else ""
    return None if doi.lower().startswith("10.48550/") else doi or None


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
