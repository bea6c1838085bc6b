"""Any page of a paper: what it tells Google Scholar, Zotero and libraries in its `<meta>` fields.

https://scholar.google.com/intl/en/scholar/inclusion.html#indexing
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

import charset_normalizer
from selectolax.lexbor import LexborHTMLParser

from surveykit.errors import NotFoundError
from surveykit.identifier import doi, identify_quietly
from surveykit.sources.cache import Kept
from surveykit.sources.client import Client
from surveykit.sources.found import Found, found, pages
from surveykit.text.letters import fold
from surveykit.text.names import from_list
from surveykit.text.plain import title

_FAMILIES = ("citation_", "bepress_citation_", "eprints.", "prism.", "dc.")
"""Beginnings of names, the most exact first; `dcterms.` counts as `dc.`."""
_FIELDS = {
    "title": "title",
    "authors": "author authors creators_name creator creator.personalname",
    "date": "publication_date date.issued issued date publicationdate cover_date coverdate year online_date",
    "conference": "conference_title conference inbook_title event_title",
    "journal": "journal_title publication publicationname journal_abbrev",
    "names": "doi arxiv_id identifier.doi identifier id_number technical_report_number",
    "pdf": "pdf_url document_url",
    "volume": "volume",
    "number": "issue number",
    "first": "firstpage startingpage pagerange identifier.pagenumber",
    "last": "lastpage endingpage",
    "publisher": "publisher technical_report_institution",
    "abstract": "abstract description.abstract description",
}
_AS_TOLD = ("volume", "number", "publisher", "abstract")
# All other tags are text to the parser: with them, a page of nothing but `<div>` would take it minutes.
_OTHER_TAG = re.compile(r"<(?!/?(?:meta|base|title|script|style)\b|!--)", re.I)
_DECLARED = rb"(?i)<\?xml[^>]{0,200}?encoding=[\"']([\w.:-]+)|<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:-]+)"
_SLOW = ("idna", "punycode")
"""No charsets of pages, and quadratic."""
_LATIN = ("iso8859-1", "cp1252", "ascii")
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}  # fmt: skip
_WIDER = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}  # fmt: skip
"""Declared -> what it means on the web (https://encoding.spec.whatwg.org/)."""


@dataclass(frozen=True)
class _Page:
    """What was read of a page."""

    fields: dict[str, list[str]]
    """Name -> values, in English where there are several languages."""
    calls_itself: str
    bases: tuple[str, str]
    """Address of the page, and the one that it gives for relative addresses."""
    hint: str | None
    """A DOI that a script of the page names."""
    guess: str
    """The charset, if it was looked for."""

    def one_of(self, name: str) -> list[str]:
        """All values of the best family that has the field."""
        return next(self._values(name), [])

    def all(self, name: str) -> list[str]:
        return [value for values in self._values(name) for value in values]

    def first(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    def _values(self, name: str) -> Iterator[list[str]]:
        names = (f"{a}{b}" for a in _FAMILIES for b in _FIELDS[name].split())
        return (self.fields[name] for name in names if name in self.fields)


async def find(client: Client, value: str) -> Found:
    """The paper that the page at an address is about. Raises NotFoundError or ServiceError."""
    service = client.services.page
    accept = "text/html,application/xhtml+xml"
    page = await client.get(service, value, accept, _read)
    titles = page.one_of("title")
    if len({fold(text) for text in map(title, titles)} - {""}) != 1:
        raise NotFoundError(service.name, f"{value} {_refusal(page, titles)}")
    people = from_list(_once(page.one_of("authors"), len(titles)))
    conference, journal = page.first("conference"), page.first("journal")
    guess = f"{value} is in no charset that it declares; read as {page.guess}"
    return found(
        service,
        people,
        page.first("date"),
        notes=[guess] if page.guess else (),
        title=titles[0],
        venue_text=conference or journal,
        kind="conference" if conference else "journal" if journal else "other",
        **{name: page.first(name) for name in _AS_TOLD},
        **_identifiers(page),
        paper_url=value,
        pdf_url=_absolute(page),
        pages=pages(page.first("first"), page.first("last")),
        source=value,
    )


def _refusal(page: _Page, titles: list[str]) -> str:
    what = "give its DOI, its arXiv id, or another page"
    if titles:
        return f"tells of {len(titles)} papers, {titles[0][:60]!r} and others; {what}"
    told = f"; it calls itself {page.calls_itself!r}" if page.calls_itself else ""
    hint = f" (perhaps doi:{page.hint})" if page.hint else ""
    why = "does not say which paper it is about (no citation_title)"
    return f"{why}{told}; {what}{hint}"


def _once(names: list[str], titles: int) -> list[str]:
    """The names without the second copy of the whole list that some pages hold."""
    half = len(names) // 2
    twice = names == names[:half] * 2 and (half > 1 or titles > 1)
    return names[:half] if twice else names


def _identifiers(page: _Page) -> dict[str, str]:
    """DOI and arXiv id, the first of each."""
    told = (identify_quietly(doi(text) or text) for text in page.all("names"))
    named = [(one.kind, one.value) for one in told if one]
    return {k: v for k, v in reversed(named) if k in ("doi", "arxiv")}


def _absolute(page: _Page) -> str:
    try:
        url = urljoin(urljoin(*page.bases), page.first("pdf"))
    except ValueError:
        return ""
    return url if page.first("pdf") and url.startswith(("http:", "https:")) else ""


def _read(kept: Kept) -> _Page:
    pdf = kept.body[:5] == b"%PDF-"
    text, guess = ("<title>PDF</title>", "") if pdf else _text(kept)
    tree = LexborHTMLParser(_OTHER_TAG.sub("&lt;", text))
    found: dict[str, list[tuple[str, str]]] = {}
    for meta in tree.css("meta"):
        told = meta.attributes
        name = (told.get("name") or told.get("property") or "").lower()
        name = re.sub("^dc(?:terms)?[.:]", "dc.", name)
        name = re.sub("^(prism|eprints):", r"\1.", name)
        content = (told.get("content") or "").strip()
        language = (told.get("xml:lang") or told.get("lang") or "en").lower()
        if content:
            found.setdefault(name, []).append((language, content))
    base, heading = tree.css_first("base"), tree.css_first("title")
    hint = re.search(r'"doi"\s*:\s*"(10\.[!-~]{5,99}?)"', text)
    return _Page(
        {name: _in_english(values) for name, values in found.items()},
        title(heading.text())[:80] if heading else "",
        (kept.where or kept.url, (base and base.attributes.get("href")) or ""),
        hint and hint[1],
        guess,
    )


def _in_english(values: list[tuple[str, str]]) -> list[str]:
    english = [text for language, text in values if language.startswith("en")]
    return english or [text for _, text in values]


def _text(kept: Kept) -> tuple[str, str]:
    """The page up to its last field, and the charset that it looks like where none that it declares fits."""
    end = kept.body.lower().rfind(b"<meta")
    raw = kept.body[: end + 65_536] if end >= 0 else kept.body
    for name in (*_declared(raw, kept.content_type), "utf-8"):
        try:
            return codecs.getincrementaldecoder(name)().decode(raw), ""
        except (LookupError, UnicodeError):
            continue
    best = charset_normalizer.from_bytes(raw, cp_isolation=["gb18030", "cp1252"]).best()
    if best is None:
        raise ValueError("text in a charset that it declares")
    return str(best), best.encoding


def _declared(raw: bytes, content_type: str) -> list[str]:
    """Names of charsets by rank: a mark in front, what the server says, what the page says."""
    told = re.findall(r"(?i)charset=[\"']?([\w.:-]+)", content_type)
    for one in re.finditer(_DECLARED, raw[:4096]):
        told.append((one[1] or one[2]).decode())
    found = [name for mark, name in _MARKS.items() if raw.startswith(mark)]
    for name in told:
        try:
            b"    ".decode(name, "replace")  # no packing and no cipher, that is
            name = codecs.lookup(name).name
        except (LookupError, UnicodeError):
            continue
        if name in _SLOW:
            continue
        # what is UTF-8 is nothing else, whatever a server says of all its pages
        found += ["utf-8"] if name in _LATIN else []
        found.append(_WIDER.get(name, name))
    return found
