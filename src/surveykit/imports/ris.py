"""RIS as EndNote, Zotero, Scopus, Web of Science and publishers write it -> records."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from surveykit.identifier import arxiv_id
from surveykit.imports.dates import When, when
from surveykit.imports.reading import Reading
from surveykit.imports.values import (
    Places,
    addresses,
    arxiv_in,
    only_arxiv,
    with_hyphens,
)
from surveykit.models import Author
from surveykit.names import from_list, together
from surveykit.plain import markup, title

KINDS = {
    "CPAPER": "conference",
    "CONF": "conference",
    "JOUR": "journal",
    "JFULL": "journal",
    "EJOUR": "journal",
    "UNPB": "preprint",
    "RPRT": "preprint",
    "PREPRINT": "preprint",
}
_STRICT = re.compile(r"\s*([A-Z][A-Z0-9])  -(?:\s(.*)|$)")
_LOOSE = re.compile(r"\s*([A-Z][A-Z0-9])\s{0,4}-(?:\s(.*)|$)", re.I)
"""For files in which no tag has its two blanks."""
_NUMBERS = ("AN", "C7", "VL", "IS", "SP")
_NAMED = ("T2", "JO", "JF", "PB")
_WITH_ARXIV = (*_NUMBERS, "M1", "M3", "N1", *_NAMED)
"""Tags under which arXiv ids stand."""
_VENUES = {
    "conference": ("BT", "C3", "T2", "JF", "JO", "T3", "JA", "J2"),
    "preprint": ("T2", "JF", "JO", "PB", "M1"),
}
_SLASHES = re.compile(r"([0-9]{4})(?:/([0-9]{1,2})?)?(?:/[^/]*)*")


class _Record:
    """Tags of one record, which remember what was made use of."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.tags: dict[str, list[str]] = defaultdict(list)
        self.used: dict[str, int] = defaultdict(int, TY=1)
        self.last = ""

    def add(self, tag: str, value: str) -> None:
        """Keep a text under its tag."""
        self.tags[tag].append(value)
        self.last = tag

    def go_on(self, value: str) -> None:
        """A line without a tag: another keyword or note, as EndNote writes them, or more of a long text."""
        if self.last in ("KW", "N1"):
            self.add(self.last, value)
        else:
            self.tags[self.last][-1] += f" {value}"

    def look(self, tag: str) -> str:
        """The first text of a tag."""
        return self.tags[tag][0] if self.tags.get(tag) else ""

    def one(self, *tags: str) -> str:
        """The first of some tags that has a text and no use yet."""
        for tag in tags:
            if (text := self.look(tag)) and not self.used[tag]:
                self.used[tag] = 1
                return text
        return ""

    def all(self, *tags: str) -> list[str]:
        """Every text of some tags."""
        self.used.update(dict.fromkeys(tags, len(self.tags) + 10**6))
        return [text for tag in tags for text in self.tags.get(tag, ()) if text]

    @property
    def unused(self) -> Iterator[str]:
        """The tag of each text that nobody asked for."""
        for tag, texts in self.tags.items():
            yield from [tag] * (len([t for t in texts if t]) - self.used[tag])


def read(text: str, source: str) -> Reading:
    """Records of a RIS file."""
    reading = Reading(source)
    unused: list[str] = []
    for record in _records(text.removeprefix("\ufeff"), reading):
        unused += _keep(record, reading)
    reading.unused(unused, "tags")
    if text.strip(" \n\ufeff") and not reading.found and not reading.anomalies:
        reading.note(1, "lost", "no record (`TY  - …`) was found; nothing is imported")
    return reading


def _records(text: str, reading: Reading) -> Iterator[_Record]:
    """Records in their order, also those without an end."""
    form = _STRICT if re.search(r"(?m)^[^\S\n]*TY  -", text) else _LOOSE
    record: _Record | None = None
    outside: list[tuple[int, str]] = []
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        found = form.fullmatch(line.rstrip())
        tag = found[1].upper() if found else ""
        value = ((found[2] or "") if found else line).strip()
        if record and (tag == "ER" or (tag == "TY" and "TY" in record.tags)):
            yield from _typed(record, reading, ended=tag == "ER")
            record = None
        if tag and tag != "ER":
            record = record or _Record(number)
            record.add(tag, value)
        elif value and record:
            record.go_on(value)
        elif value and not tag:
            outside.append((number, value))
    if record:
        if lines[-1]:
            record.tags[record.last].pop()  # may be cut
        yield from _typed(record, reading, ended=False)
    if outside:
        more = f", and {len(outside) - 1} more lines" * (len(outside) > 1)
        said = f"outside of any record: {outside[0][1][:80]!r}{more}"
        reading.note(outside[0][0], "lost", said)


def _typed(
    record: _Record, reading: Reading, *, ended: bool = True
) -> Iterator[_Record]:
    """The record, unless it has no type; what is wrong with its ends is reported."""
    name = record.look("TI") or record.look("T1")
    if "TY" not in record.tags:
        said = f"the record {name!r} has no type (`TY  - …`); not imported"
        reading.note(record.line, "lost", said)
        return
    if not ended:
        said = f"the record {name!r} has no end (`ER  -`); read all the same"
        reading.note(record.line, "cut", said)
    yield record


def _keep(record: _Record, reading: Reading) -> Iterator[str]:
    """Keeps the paper; gives the tag of each text that is not kept."""
    name, line = record.one("ID"), record.line
    places = Places(name, line, reading)
    _identifiers(record, places)
    dates = _when(record.one("PY", "Y1"), record.one("DA"))
    for doubt in dates.doubts:
        reading.note(line, "bad-value", f"{name}: {doubt}")
    kind = KINDS.get(record.look("TY").upper(), "other")
    publisher = record.look("PB")
    where = record.one(*_VENUES.get(kind, ("T2", "BT", "JF", "JO", "JA", "J2")))
    if where != publisher:
        record.one("PB")
    values = {
        "title": title(record.one("TI", "T1")),
        "authors": _authors(record, name, reading),
        "venue_text": markup(where),
        "kind": places.kind(kind, where),
        "year": dates.year,
        "month": dates.month,
        "volume": with_hyphens(record.one("VL")),
        "number": with_hyphens(record.one("IS")),
        "pages": _pages(record),
        "publisher": markup(publisher),
        "abstract": markup(record.one("AB", "N2")),
        "headings": tuple(record.all("KW")),
    }
    reading.add(line, name, values | places.found)
    yield from record.unused


def _pages(record: _Record) -> str:
    first, last = with_hyphens(record.one("SP")), with_hyphens(record.one("EP"))
    if "-" in first:
        return first
    return "-".join(part for part in (first, last) if part) or record.one("C7", "SE")


def _identifiers(record: _Record, places: Places) -> None:
    for doi in record.all("DO"):
        places.doi(doi)
    for tag in _WITH_ARXIV:
        text = record.look(tag)
        whole, number = only_arxiv(text), arxiv_in(text)
        if tag == "AN" and record.look("DB").lower() == "arxiv":
            number = number or arxiv_id(text)
            whole = number is not None
            record.used["DB"] = 1
        if number and (whole or tag not in _NUMBERS):
            places.add("arxiv", number)
        repeated = tag in ("N1", "M3") and re.match(r"doi:\s*10\.", text, re.I)
        if (whole or repeated) and tag not in _NAMED:
            record.used[tag] = 1
    for url in record.all("UR"):
        for one in addresses(url):
            places.address(one)
    for url in record.all("L1", "L2"):
        places.address(url, pdf=True)


def _when(year: str, date: str) -> When:
    """`2024///` and `2024/06/17/spring`, or a date in another form."""
    told = [_SLASHES.fullmatch(text.strip()) for text in (year, date)]
    months = [found[2] for found in told if found and found[2]]
    if told[0] and (told[1] or not date):
        if told[1] and told[0][1] != told[1][1]:
            return when(told[0][1], date=told[1][1])
        return when(told[0][1], months[-1] if months else "")
    if told[1] and not year:
        return when(told[1][1], told[1][2] or "")
    return when(
        told[0][1] if told[0] else year,
        months[0] if months else "",
        date.replace("/", "-"),
    )


def _authors(record: _Record, name: str, reading: Reading) -> tuple[Author, ...]:
    texts = record.all("AU", "A1")
    # A lone name with a comma behind it is a group, or a person with one name.
    found = [from_list([text], groups=text.endswith(",")) for text in texts]
    groups = any(text.endswith(",") for text in texts)
    people = together(found) if groups else from_list(texts)
    for doubt in people.doubts:
        reading.note(record.line, "author", f"{name}: {doubt}")
    return people.authors
