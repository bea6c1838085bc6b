"""CSL-JSON as Zotero, Mendeley, pandoc and Crossref write it -> records."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from surveykit.identifier import arxiv_id
from surveykit.imports.dates import When, when
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
from surveykit.names import People, from_list, from_parts, together
from surveykit.plain import markup, title

KINDS = {
    "paper-conference": "conference",
    "proceedings-article": "conference",
    "article-journal": "journal",
    "journal-article": "journal",
    "article": "preprint",
    "manuscript": "preprint",
    "posted-content": "preprint",
}
_NAMES = ("family", "given", "literal", "name", "suffix", "non-dropping-particle", "dropping-particle")  # fmt: skip
_JOINED = {"keyword": "; ", "container-title": ": "}
"""Fields of which every text of a list counts, and what stands between them."""


def read(text: str, source: str) -> Reading:
    """Records of a list of items, or of a single one."""
    reading = Reading(source)
    try:
        data = json.loads(text.removeprefix("\ufeff"))
        # JSON can name halves of characters, `\ud800`, which no text may hold.
        data = json.loads(json.dumps(data, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        reading.note(line, "cut", f"not JSON: {error}; nothing is imported")
        return reading
    lines, unused = _lines(text), []
    for number, item in enumerate(_items(data), start=1):
        if not isinstance(item, dict) or "itemType" in item:
            what = (
                "no mapping"
                if not isinstance(item, dict)
                else "Zotero's own JSON; export it as CSL JSON"
            )
            reading.note(1, "cut", f"item {number} is {what}; not imported")
            continue
        name = str(item.get("id") or item.get("citation-key") or item.get("DOI") or "")
        line = lines.get(name, 1)
        if not name:
            reading.note(line, "empty-key", f"item {number} has no id")
        unused += _item(item, name, line, reading)
    reading.unused(unused, "fields")
    if not reading.found and not reading.anomalies:
        reading.note(1, "lost", "the list is empty; nothing is imported")
    return reading


def _items(data: object) -> list[Any]:
    """The items of a list, of Better BibTeX's or Crossref's wrapping, or the single one."""
    for wrapping in ("message", "items"):
        if isinstance(data, dict):
            data = data.get(wrapping, data)
    return data if isinstance(data, list) else [data]


def _lines(text: str) -> dict[str, int]:
    """Name of an item -> line of the first place where it stands as one."""
    lines: dict[str, int] = {}
    name = re.compile(
        r'"(?:id|citation-key|DOI)"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([0-9]+))'
    )
    for number, line in enumerate(text.split("\n"), start=1):
        for found in name.finditer(line):
            lines.setdefault(found[1] or found[2], number)
    return lines


def _item(item: Mapping[str, Any], name: str, line: int, reading: Reading) -> list[str]:
    """Keeps the paper; gives the names of the fields that are not kept."""
    texts = {key: _text(key, value) for key, value in item.items()}
    fields = Fields(texts, markup)
    fields.used |= {"id", "citation-key", "type", "author", "issued"}
    places = Places(name, line, reading)
    _identifiers(fields, places)
    dates = _date(item.get("issued"))
    for doubt in dates.doubts:
        reading.note(line, "bad-value", f"{name}: {doubt}")
    people = together(map(_author, _list(item.get("author"))))
    for doubt in people.doubts:
        reading.note(line, "author", f"{name}: {doubt}")
    kind = KINDS.get(texts.get("type", ""), "other")
    if re.search("preprint", fields.look("genre"), re.I):
        fields.used.add("genre")
        kind = "preprint" if kind == "other" else kind
    main, sub = fields.text("title"), fields.text("subtitle")
    publisher = fields.text("publisher")
    where = fields.text("container-title", "event-title", "event", "collection-title")
    values = {
        "title": title(f"{main}: {sub}" if sub else main),
        "authors": people.authors,
        "year": dates.year,
        "month": dates.month,
        "venue_text": where or (publisher if kind == "preprint" else None),
        "kind": places.kind(kind, where),
        "volume": with_hyphens(fields.text("volume")),
        "number": with_hyphens(fields.text("issue")),
        "pages": with_hyphens(fields.text("page", "page-first")),
        "publisher": publisher,
        "abstract": fields.text("abstract"),
        "headings": keywords(fields.text("keyword")),
    }
    reading.add(line, name, values | places.found)
    several = [
        key
        for key, value in item.items()
        if isinstance(value, list) and key in fields.used
    ]
    return fields.unused + [
        key
        for key in several
        if key not in _JOINED and key != "author" and len(item[key]) > 1
    ]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _text(key: str, value: object) -> str:
    """A value as text; of a list of texts the first, where not all count."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return _JOINED[key].join(value) if key in _JOINED else "".join(value[:1])
    if isinstance(value, dict) and key == "event":
        return str(value.get("name") or "")
    return str(value) if value else ""


def _identifiers(fields: Fields, places: Places) -> None:
    if told := fields.raw("DOI"):
        places.doi(told)
    for key in ("number", "archive_location", "archive"):
        told = fields.look(key)
        if number := arxiv_in(told) or (
            is_arxiv(fields.look("archive")) and arxiv_id(told)
        ):
            places.add("arxiv", number)
            fields.used |= {key, "archive"}
    for key in ("container-title", "publisher"):
        if number := arxiv_in(fields.look(key)):
            places.add("arxiv", number)
    _note(fields, places)
    for url in addresses(fields.raw("URL")):
        places.address(url)


def _note(fields: Fields, places: Places) -> None:
    """Identifiers in a note, one a line: `DOI: …` and `arXiv: …` of Zotero, `{:DOI: …}` of before."""
    left = False
    for line in re.split(r"\n|(?=\{:)", fields.raw("note")):
        key, _, value = line.strip(" {}:").partition(":")
        name = key.strip().lower()
        if name == "doi":
            places.doi(value)
        elif name in ("openreview", "acl"):
            places.add(name, value.strip())
        elif number := arxiv_in(line):
            places.add("arxiv", number)
            left |= not only_arxiv(line.strip(" {}:"))
        else:
            left |= bool(line.strip())
    if left:
        fields.used.remove("note")


def _date(value: object) -> When:
    if not isinstance(value, dict):
        return when(date=str(value or ""))
    parts = value.get("date-parts")
    first = parts[0] if isinstance(parts, list) and parts else []
    numbers = [str(part) for part in first if part] if isinstance(first, list) else []
    told = str(value.get("literal") or value.get("raw") or "")
    if not numbers:
        return when(date=told)
    season = f"season {value['season']}" if value.get("season") else ""
    year = f"{numbers[0]}?" if value.get("circa") else numbers[0]
    return when(year, numbers[1] if len(numbers) > 1 else season)


def _author(parts: object) -> People:
    if not isinstance(parts, dict):
        return from_list([str(parts)])
    text = {key: str(parts.get(key) or "") for key in _NAMES}
    particle = text["non-dropping-particle"] or text["dropping-particle"]
    if group := text["literal"] or text["name"]:
        return from_list([group], groups=True)
    one = from_parts(text["given"], text["family"], text["suffix"], particle)
    if one and text["family"]:
        return People((one,))
    return from_list([text["given"] or str(dict(parts))])
