"""What the fields of a BibTeX entry say: title, people, date, venue, addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from surveykit.identifier import arxiv_id
from surveykit.references import values
from surveykit.references.bibtex_syntax import BibEntry
from surveykit.references.reading import Reading
from surveykit.text.dates import when
from surveykit.text.names import People, from_bibtex
from surveykit.text.plain import latex

_TYPES = values.kinds(
    conference="inproceedings conference",
    journal="article",
    preprint="unpublished preprint online",
)
_NUMBERED = "volume number issue eid pages"
_VENUES = "journal journaltitle booktitle howpublished publisher"
_IN_WORDS = f"{_VENUES} note addendum annote series"
"""Fields in which an arXiv id stands among other words."""


def keep(entry: BibEntry, raw: Mapping[str, str], reading: Reading) -> list[str]:
    """Keeps the paper; gives the names of the fields that have no place. `raw` holds inherited fields, too."""
    fields = values.Fields(raw.items(), latex)
    places = values.Places(entry.key, entry.line, reading)
    _identifiers(fields, places)
    where = _where(fields, places)
    if "arxiv" in places.found:
        places.found["arxiv_class"] = fields.text("primaryclass", "eprintclass")
    places.keep(
        _joined(fields.text("title"), fields.text("subtitle")).removesuffix("."),
        where,
        _TYPES.get(entry.kind) or ("other" if where else "preprint"),
        _people(fields),
        when(fields.text("year"), fields.text("month"), fields.text("date")),
        volume=fields.text("volume"),
        number=fields.text("number", "issue"),
        pages=fields.text("pages", "eid", "articleno"),
        publisher=fields.text("publisher"),
        abstract=fields.text("abstract"),
        headings=values.keywords(fields.text("keywords")),
    )
    return fields.unused


def _joined(title: str, subtitle: str) -> str:
    """`title: subtitle`."""
    if not title or not subtitle:
        return title or subtitle
    return f"{title}{' ' if title[-1] in ':?!' else ': '}{subtitle}"


def _where(fields: values.Fields, places: values.Places) -> str:
    book = _joined(fields.text("booktitle"), fields.text("booksubtitle"))
    if book:
        return _joined(fields.text("maintitle"), book)
    where = fields.text("journal", "journaltitle", "eventtitle", "maintitle")
    if not where and (told := fields.text("howpublished")):
        only = r"(?i)(?:available (?:at|from)|online)?:?\s*(https?://\S+)"
        address = re.fullmatch(only, told)
        if not address:
            return told
        places.address(address[1])
    return where or fields.text("series")


def _identifiers(fields: values.Fields, places: values.Places) -> None:
    """Identifiers and addresses; what is said outright goes before what an address tells."""
    if told := fields.raw("doi"):
        places.doi(_verbatim(told))
    _eprint(fields, places)
    archive = values.is_arxiv(fields.look("journal"))
    bare = "volume" if archive else ""
    places.arxiv(fields, _NUMBERED, _IN_WORDS, _VENUES, bare)
    for name in ("url", "pdf"):
        for address in values.addresses(_verbatim(fields.raw(name))):
            places.address(address, pdf=name == "pdf")
    if code := fields.raw("code"):
        places.code(_verbatim(code))


def _eprint(fields: values.Fields, places: values.Places) -> None:
    kind = (fields.look("archiveprefix") or fields.look("eprinttype")).lower()
    for name in ("eprint", "arxivid", "arxiv"):
        text = fields.look(name)
        if not text or (name == "eprint" and kind not in ("", "arxiv")):
            continue
        first = text.partition(" ")[0]
        number = arxiv_id(first) or values.arxiv_in(f"{text} arXiv:{first}")
        if number:
            places.add("arxiv", number)
            fields.use(name, "archiveprefix", "eprinttype")
        elif kind:
            places.note("bad-value", f"{text[:100]!r} is not an arXiv id; left out")


def _verbatim(text: str) -> str:
    """A DOI or an address without what LaTeX needs around its signs."""
    if not re.search(r"[\\{$]", text):
        return text.strip()
    plain = re.sub(r"\\textasciitilde|\\~|\$\\sim\$", "~", text)
    return re.sub(r"\\(?:url|href)(?=\{)|[\\{}]", "", plain).strip()


def _people(fields: values.Fields) -> People:
    people = from_bibtex(fields.raw("author"))
    told = re.findall(r'(?<![0-9])([0-9]+)="([^"]*)"', fields.raw("author+an:han"))
    han = {int(number[:9]): {"han": name} for number, name in told}
    authors = enumerate(people.authors, start=1)
    named = (a.model_copy(update=han[n]) if n in han else a for n, a in authors)
    return replace(people, authors=tuple(named))
