"""RIS as EndNote, Zotero and publishers write it -> records."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from surveykit.imports.reading import Reading, arxiv_in, doi_of, located
from surveykit.models import Author
from surveykit.names import from_list, together

KINDS = {
    "CPAPER": "conference",
    "CONF": "conference",
    "JOUR": "journal",
    "JFULL": "journal",
    "UNPB": "preprint",
    "RPRT": "preprint",
}
_LINE = re.compile(r"([A-Z][A-Z0-9])  ?-(?: (.*)|$)")
_USED = frozenset(
    [
        "TY",
        "ID",
        "TI",
        "T1",
        "AU",
        "A1",
        "PY",
        "Y1",
        "DA",
        "JO",
        "JF",
        "JA",
        "T2",
        "BT",
        "C3",
        "VL",
        "IS",
        "SP",
        "EP",
        "PB",
        "M1",
        "DO",
        "UR",
        "L1",
        "L2",
        "AB",
        "N2",
        "KW",
        "N1",
        "ER",
    ]
)


def read(text: str, source: str) -> Reading:
    """Records of a RIS file."""
    reading = Reading(source)
    tags: dict[str, list[str]] = defaultdict(list)
    begun, last = 0, ""
    unused: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        found = _LINE.fullmatch(line.rstrip())
        if not found:
            if line.strip() and begun and last:
                tags[last][-1] += f" {line.strip()}"  # a long text goes on
            elif line.strip():
                reading.note(
                    number, "lost", f"outside of any record: {line.strip()[:80]!r}"
                )
            continue
        tag, value = found[1], (found[2] or "").strip()
        if tag == "TY":
            _unfinished(begun, tags, reading)
            tags, begun = defaultdict(list), number
        if not begun:
            reading.note(number, "lost", f"outside of any record: {line[:80]!r}")
        elif tag == "ER":
            _record(begun, tags, reading)
            tags, begun = defaultdict(list), 0
        else:
            tags[tag].append(value)
            if tag not in _USED:
                unused[tag] = unused.get(tag, 0) + 1
        last = tag if begun else ""
    _unfinished(begun, tags, reading)
    for tag, count in sorted(unused.items()):
        said = f"the tag {tag}, {count} time{'s' * (count != 1)}, has no place in the catalog"
        reading.note(1, "not-kept", said)
    return reading


def _unfinished(begun: int, tags: Mapping[str, list[str]], reading: Reading) -> None:
    if begun:
        title = " ".join([*tags.get("TI", ()), *tags.get("T1", ())])
        said = f"the record {title!r} has no end (`ER  -`); not imported"
        reading.note(begun, "cut", said)


def _record(line: int, tags: Mapping[str, list[str]], reading: Reading) -> None:
    def one(*names: str) -> str:
        return next((tags[n][0] for n in names if tags.get(n) and tags[n][0]), "")

    name = one("ID")
    values: dict[str, Any] = {
        "title": one("TI", "T1").removesuffix("."),
        "authors": _authors(tags, name, line, reading),
        "venue_text": one("T2", "JO", "JF", "BT", "C3", "JA"),
        "kind": KINDS.get(one("TY"), "other"),
        "volume": one("VL"),
        "number": one("IS"),
        "pages": "-".join(part for part in (one("SP"), one("EP")) if part),
        "publisher": one("PB"),
        "abstract": one("AB", "N2"),
        "headings": tuple(tags.get("KW", ())),
    }
    dated = re.match(r"([0-9]{4})(?:[/-]([0-9]{1,2}))?", one("DA", "PY", "Y1"))
    year = re.match(r"[0-9]{4}", one("PY", "Y1", "DA"))
    values["year"] = int(year[0]) if year else None
    values["month"] = int(dated[2]) if dated and dated[2] else None
    for url in (*tags.get("L1", ()), *tags.get("L2", ()), *tags.get("UR", ())):
        values |= located(url)
    values |= doi_of(one("DO"))
    if "arxiv" not in values and (arxiv := arxiv_in(f"{one('M1')} {one('N1')}")):
        values["arxiv"] = arxiv
    if not values["venue_text"] and values["kind"] == "preprint":
        values["venue_text"] = one("M1")
    reading.add(line, name, values)


def _authors(
    tags: Mapping[str, list[str]], name: str, line: int, reading: Reading
) -> tuple[Author, ...]:
    texts = [*tags.get("AU", ()), *tags.get("A1", ())]
    # A lone name with a comma behind it is a group, or a person with one name.
    found = [from_list([text], groups=text.endswith(",")) for text in texts]
    people = (
        together(found) if any(t.endswith(",") for t in texts) else from_list(texts)
    )
    for doubt in people.doubts:
        reading.note(line, "author", f"{name}: {doubt}")
    return people.authors
