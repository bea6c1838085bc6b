"""What the fields of a BibTeX entry say: title, people, date, venue, addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from surveykit.identifier import arxiv_id
from surveykit.imports.bibtex_syntax import Entry
from surveykit.imports.dates import when
from surveykit.imports.reading import Reading
from surveykit.imports.values import (
    Fields,
    Places,
    addresses,
    arxiv_in,
    is_arxiv,
    keywords,
    only_arxiv,
    with_hyphens,
)
from surveykit.models import Author
from surveykit.names import from_bibtex
from surveykit.plain import latex

KINDS = {
    "inproceedings": "conference",
    "conference": "conference",
    "article": "journal",
    "unpublished": "preprint",
    "preprint": "preprint",
    "online": "preprint",
}
_NUMBERED = ("volume", "number", "issue", "eid", "pages")
_VENUES = ("journal", "journaltitle", "booktitle", "howpublished", "publisher")
_IN_WORDS = (*_VENUES, "note", "addendum", "annote", "series")
"""Fields in which an arXiv id stands among other words."""


def facts(
    entry: Entry, raw: Mapping[str, str], reading: Reading
) -> tuple[dict[str, Any], list[str]]:
    """Values of a record, and the names of the fields that have no place in it; `raw` holds inherited fields, too."""
    fields = Fields(raw, latex)
    places = Places(entry.key, entry.line, reading)
    _identifiers(fields, places)
    dates = when(fields.text("year"), fields.text("month"), fields.text("date"))
    for doubt in dates.doubts:
        reading.note(entry.line, "bad-value", f"{entry.key}: {doubt}")
    where = _where(fields, places)
    kind = KINDS.get(entry.kind) or ("other" if where else "preprint")
    values = {
        "title": _joined(fields.text("title"), fields.text("subtitle")).removesuffix(
            "."
        ),
        "authors": _authors(fields, entry, reading),
        "year": dates.year,
        "month": dates.month,
        "venue_text": where,
        "kind": places.kind(kind, where),
        "volume": with_hyphens(fields.text("volume")),
        "number": with_hyphens(fields.text("number", "issue")),
        "pages": with_hyphens(fields.text("pages", "eid", "articleno")),
        "publisher": fields.text("publisher"),
        "abstract": fields.text("abstract"),
        "headings": keywords(fields.text("keywords")),
    }
    if "arxiv" in places.found:
        values["arxiv_class"] = fields.text("primaryclass", "eprintclass")
    return values | places.found, fields.unused


def _joined(title: str, subtitle: str) -> str:
    """`title: subtitle`."""
    if not title or not subtitle:
        return title or subtitle
    return f"{title}{' ' if title[-1] in ':?!' else ': '}{subtitle}"


def _where(fields: Fields, places: Places) -> str:
    book = _joined(fields.text("booktitle"), fields.text("booksubtitle"))
    if book:
        return _joined(fields.text("maintitle"), book)
    where = fields.text("journal", "journaltitle", "eventtitle", "maintitle")
    if not where and (told := fields.text("howpublished")):
        address = re.fullmatch(
            r"(?:available (?:at|from)|online)?:?\s*(https?://\S+)", told, re.I
        )
        if not address:
            return told
        places.address(address[1])
    return where or fields.text("series")


def _identifiers(fields: Fields, places: Places) -> None:
    """Identifiers and addresses; what is said outright goes before what an address tells."""
    if told := fields.raw("doi"):
        places.doi(_verbatim(told))
    _eprint(fields, places)
    for name in filter(fields.has, (*_NUMBERED, *_IN_WORDS)):
        text = fields.look(name)
        whole, number = only_arxiv(text), arxiv_in(text)
        if name == "volume" and is_arxiv(fields.look("journal")):
            number = number or arxiv_id(text)
            whole = number is not None
        if number and (whole or name in _IN_WORDS):
            places.add("arxiv", number)
        if whole and name not in _VENUES:
            fields.used.add(name)
    for name in ("url", "pdf"):
        for address in addresses(_verbatim(fields.raw(name))):
            places.address(address, pdf=name == "pdf")
    if code := fields.raw("code"):
        places.code(_verbatim(code))


def _eprint(fields: Fields, places: Places) -> None:
    kind = (fields.look("archiveprefix") or fields.look("eprinttype")).lower()
    for name in ("eprint", "arxivid", "arxiv"):
        text = fields.look(name)
        if not text or (name == "eprint" and kind not in ("", "arxiv")):
            continue
        first = (text.split() or [""])[0]
        if number := arxiv_id(first) or arxiv_in(text) or arxiv_in(f"arXiv:{first}"):
            places.add("arxiv", number)
            fields.used |= {name, "archiveprefix", "eprinttype"}
        elif kind:
            places.refuse(f"{text[:100]!r} is no arXiv id")


def _verbatim(text: str) -> str:
    """A DOI or an address without what LaTeX needs around its signs."""
    if not re.search(r"[\\{$]", text):
        return text.strip()
    plain = re.sub(r"\\textasciitilde|\\~|\$\\sim\$", "~", text)
    return re.sub(r"\\(?:url|href)(?=\{)|[\\{}]", "", plain).strip()


def _authors(fields: Fields, entry: Entry, reading: Reading) -> tuple[Author, ...]:
    people = from_bibtex(fields.raw("author"))
    for doubt in people.doubts:
        reading.note(entry.line, "author", f"{entry.key}: {doubt}")
    han = dict(re.findall(r'(?<![0-9])([0-9]+)="([^"]*)"', fields.raw("author+an:han")))
    return tuple(
        one.model_copy(update={"han": han[str(n)]}) if str(n) in han else one
        for n, one in enumerate(people.authors, start=1)
    )
