"""RIS as EndNote, Zotero, Scopus, Web of Science and publishers write it -> records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from surveykit.references.reading import Reading
from surveykit.references.values import Fields, Places, addresses, kinds
from surveykit.text.dates import When, when
from surveykit.text.names import People, from_list, together
from surveykit.text.plain import markup, title, with_hyphens

_TYPES = kinds(
    conference="CPAPER CONF", journal="JOUR JFULL EJOUR", preprint="UNPB RPRT PREPRINT"
)
_STRICT = re.compile(r"\s*([A-Z][A-Z0-9])  -(?:\s(.*)|$)")
_LOOSE = re.compile(r"\s*([A-Z][A-Z0-9])\s{0,4}-(?:\s(.*)|$)", re.I)
"""For files in which no tag has its two blanks."""
_NUMBERS, _NAMED = "AN C7 VL IS SP", "T2 JO JF PB"
_IN_WORDS = f"M1 M3 N1 {_NAMED}"
"""Tags under which arXiv ids stand, alone and among words."""
_VENUES = {"conference": "BT C3 T2 JF JO T3 JA J2", "preprint": "T2 JF JO PB M1"}
_SLASHES = re.compile(r"([0-9]{4})(?:/([0-9]{1,2})?)?(?:/[^/]*)*")


@dataclass
class _Record:
    """Tags of one record and their texts."""

    line: int
    tags: list[tuple[str, str]] = field(default_factory=list)
    ended: bool = False

    def go_on(self, value: str) -> None:
        """A line without a tag: another keyword or note, as EndNote writes them, or more of a long text."""
        tag = self.tags[-1][0]
        if tag not in ("KW", "N1"):
            value = f"{self.tags.pop()[1]} {value}"
        self.tags.append((tag, value))


def read(text: str, source: str) -> Reading:
    """Records of a RIS file."""
    reading = Reading(source)
    unused: list[str] = []
    for record in _records(text.removeprefix("\ufeff"), reading):
        fields = Fields(record.tags)
        name = fields.look("TI") or fields.look("T1")
        if "TY" not in dict(record.tags):
            said = f"the record {name!r} has no type (`TY  - …`); not imported"
            reading.note(record.line, "lost", said)
            continue
        if not record.ended:
            said = f"the record {name!r} has no end (`ER  -`); read all the same"
            reading.note(record.line, "cut", said)
        _keep(fields, Places(fields.text("ID"), record.line, reading))
        unused += fields.unused
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
        if record and (tag == "ER" or (tag == "TY" and tag in dict(record.tags))):
            record.ended = tag == "ER"
            yield record
            record = None
        if tag and tag != "ER":
            record = record or _Record(number)
            record.tags.append((tag, value))
        elif value and record:
            record.go_on(value)
        elif value and not tag:
            outside.append((number, value))
    if record:
        if lines[-1]:
            record.tags[-1] = (record.tags[-1][0], "")  # may be cut
        yield record
    if outside:
        more = f", and {len(outside) - 1} more lines" * (len(outside) > 1)
        said = f"outside of any record: {outside[0][1][:80]!r}{more}"
        reading.note(outside[0][0], "lost", said)


def _keep(fields: Fields, places: Places) -> None:
    _identifiers(fields, places)
    kind = _TYPES.get(fields.text("TY").upper(), "other")
    publisher = fields.look("PB")
    where = fields.text(*_VENUES.get(kind, "T2 BT JF JO JA J2").split())
    if where != publisher:
        fields.use("PB")
    places.keep(
        title(fields.text("TI", "T1")),
        markup(where),
        kind,
        _authors(fields.all("AU") + fields.all("A1")),
        _when(fields.text("PY", "Y1"), fields.text("DA")),
        volume=fields.text("VL"),
        number=fields.text("IS"),
        pages=_pages(fields),
        publisher=markup(publisher),
        abstract=markup(fields.text("AB", "N2")),
        headings=tuple(fields.all("KW")),
    )


def _pages(fields: Fields) -> str:
    first, last = (with_hyphens(fields.text(tag)) for tag in ("SP", "EP"))
    if "-" in first:
        return first
    return "-".join(filter(None, (first, last))) or fields.text("C7", "SE")


def _identifiers(fields: Fields, places: Places) -> None:
    for doi in fields.all("DO"):
        places.doi(doi)
    archive = fields.look("DB").lower() == "arxiv"
    if archive and fields.look("AN"):
        fields.use("DB")
    places.arxiv(fields, _NUMBERS, _IN_WORDS, _NAMED, "AN" if archive else "")
    for tag in ("N1", "M3"):
        if re.match(r"doi:\s*10\.", fields.look(tag), re.I):
            fields.use(tag)
    for url in fields.all("UR"):
        for one in addresses(url):
            places.address(one)
    for url in fields.all("L1") + fields.all("L2"):
        places.address(url, pdf=True)


def _when(year: str, date: str) -> When:
    """`2024///` and `2024/06/17/spring`, or a date in another form."""
    one, other = (_SLASHES.fullmatch(text.strip()) for text in (year, date))
    month = (other and other[2]) or (one and one[2]) or ""
    if one and other and one[1] != other[1]:
        month = ""
    if other and (one or not year):
        return when(one[1] if one else "", month, other[1])
    return when(one[1] if one else year, month, date.replace("/", "-"))


def _authors(texts: list[str]) -> People:
    # A lone name with a comma behind it is a group, or a person with one name.
    if any(text.endswith(",") for text in texts):
        return together(from_list([one], groups=one.endswith(",")) for one in texts)
    return from_list(texts)
