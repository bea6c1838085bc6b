"""Papers of a list, once all of it is read -> records, and what only shows then."""

from __future__ import annotations

import re
from typing import Any

from rapidfuzz import fuzz

from surveykit.imports import wording
from surveykit.imports.document import Block
from surveykit.imports.entry import ListedPaper
from surveykit.imports.segments import cited, is_date, is_tag, is_venue, year_in
from surveykit.models import Author
from surveykit.references import bibtex
from surveykit.references.reading import Reading, short
from surveykit.references.values import arxiv_in, located, usable
from surveykit.text import names
from surveykit.text.plain import markup

SAME = 85
"""Likeness of two titles, 0 to 100, from which a BibTeX entry belongs to an item."""


def record(paper: ListedPaper, reading: Reading) -> None:
    """Keep what a paper tells as a record."""
    rest = paper.rest
    authors = _authors(paper, reading)
    title, suffix = wording.mended_title(markup(paper.title), paper.line, reading)
    venue = rest.venue or suffix
    year = rest.year or year_in(venue)
    above = paper.headings[-1] if paper.headings else ""
    if not venue and is_date(above):
        year = year or year_in(above)
    elif not venue and is_tag(above) and is_venue(above):  # a section `CVPR 2023`
        venue, year = above, year_in(above)
    values: dict[str, Any] = {
        "title": title,
        "authors": authors,
        "venue_text": markup(venue),
        "year": year,
        "headings": tuple(filter(None, paper.headings)),
    }
    values |= _addresses(paper, title, reading)
    if "arxiv" not in values and (known := arxiv_in(venue)):
        values["arxiv"] = known
    if re.match(r"(?i)\W*(arxiv|corr)(?![a-z])", venue):
        values["kind"] = "preprint"
    for line, _ in rest.remarks:
        beside = rest.authors and line != paper.line
        what = "affiliations and remarks" if beside else "remarks"
        reading.gather(line, "not-kept", f"{what} have no place in the catalog")
    for code in paper.codes:
        _cite(code, values, paper, reading)
    reading.add(paper.line, short(title), values)


def is_alike(one: str, other: str) -> bool:
    """Whether two titles are those of one paper."""
    return fuzz.ratio(one.casefold(), other.casefold()) >= SAME


def _cite(
    code: Block, values: dict[str, Any], paper: ListedPaper, reading: Reading
) -> None:
    """Let a BibTeX entry below the paper fill in what the list does not say."""
    for found in bibtex_of(code, reading).found:
        if not is_alike(found.record.title, paper.title):
            said = f"the BibTeX entry {found.name!r} below {short(paper.title)!r} has another title; not taken"
            reading.note(code.line, "check", said)
            continue
        for name, value in found.record:
            if name not in ("title", "source", "headings"):
                values[name] = values.get(name) or value


def bibtex_of(code: Block, reading: Reading) -> Reading:
    """What BibTeX in a code block holds; what is wrong with it is noted in the list's reading."""
    inner = bibtex.read("".join(span.text for span in code.spans), reading.source)
    for anomaly in inner.anomalies:
        said = f"in a code block: {anomaly.message}"
        reading.note(code.line + anomaly.line - 1, anomaly.kind, said)
    return inner


def _authors(paper: ListedPaper, reading: Reading) -> tuple[Author, ...]:
    rest = paper.rest
    for index, (line, said) in enumerate(rest.remarks if not rest.authors else ()):
        if pair := cited(said):  # `(Song and Mittal, 2020)`
            rest.authors, rest.authors_line = pair[0], line
            rest.year = rest.year or pair[1]
            del rest.remarks[index]
            break
    people = names.from_line(rest.authors) if rest.authors else names.People()
    if people.authors and not any(a.given or a.literal for a in people.authors):
        said = "authors by family name alone are left out"
        reading.gather(rest.authors_line, "author", said)
        return ()
    wording.check_names(rest.authors, rest.authors_line, reading)
    for doubt in people.doubts:
        reading.note(rest.authors_line, "author", f"{short(paper.title)}: {doubt}")
    return people.authors


_LEFT_OUT = {
    "empty": "",
    "local": "links to files beside the list are left out",
    "other": "links called {0.label!r} are left out",
}


def _addresses(paper: ListedPaper, title: str, reading: Reading) -> dict[str, str]:
    values: dict[str, str] = {}
    for link in paper.links:
        address = usable(link.url)
        if link.role in _LEFT_OUT:
            unnamed = "links to {0.url} are left out"
            said = (_LEFT_OUT[link.role] if link.label else unnamed).format(link)
            if said and link.url:
                reading.gather(link.line, "not-kept", said)
        elif link.role == "twofold":
            said = f"{short(title)}: a link reads {link.label} and leads to {link.url}; left out, find out which is right"
            reading.note(link.line, "check", said)
        elif link.role == "broken" or address is None:
            said = f"{short(title)}: the address {link.url[:80]!r} cannot be used; left out"
            reading.note(link.line, "bad-value", said)
        else:
            _check_address(address, link.line, reading)
            code = {"code_url": address} if link.role == "code" else None
            for name, value in (code or located(address)).items():
                if values.setdefault(name, value) != value:
                    said = f"{short(title)}: a second address {address} is left out"
                    reading.note(link.line, "check", said)
    return values


def _check_address(address: str, line: int, reading: Reading) -> None:
    if address.startswith("http:"):
        reading.gather(line, "http", "addresses are not encrypted; try https")
    if version := re.search(r"arxiv\.org/\w+/[0-9.]+(v[0-9]+)", address):
        said = f"{address} names version {version[1]}; the id is kept without it"
        reading.note(line, "version", said)
