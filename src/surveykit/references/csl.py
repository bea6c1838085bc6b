"""CSL-JSON as Zotero, Mendeley, pandoc and Crossref write it -> records."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from surveykit.identifier import arxiv_id
from surveykit.references import values
from surveykit.references.reading import Reading
from surveykit.text.dates import When, when
from surveykit.text.names import People, from_list, person, together
from surveykit.text.plain import markup, title

_TYPES = values.kinds(
    conference="paper-conference proceedings-article",
    journal="article-journal journal-article",
    preprint="article manuscript posted-content",
)
_NAME = re.compile(r'"(?:id|citation-key|DOI)"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([0-9]+))')
_NAMES = "family given literal name suffix non-dropping-particle dropping-particle"
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
            own = "Zotero's own JSON; export it as CSL JSON"
            what = own if isinstance(item, dict) else "no mapping"
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
    for number, line in enumerate(text.split("\n"), start=1):
        for found in _NAME.finditer(line):
            lines.setdefault(found[1] or found[2], number)
    return lines


def _item(item: Mapping[str, Any], name: str, line: int, reading: Reading) -> list[str]:
    """Keeps the paper; gives the names of the fields that are not kept."""
    texts = ((k, text) for k, value in item.items() for text in _texts(k, value))
    fields, places = values.Fields(texts, markup), values.Places(name, line, reading)
    fields.use("id", "citation-key")
    for key in ("author", "issued"):
        fields.all(key)
    _identifiers(fields, places)
    kind = _TYPES.get(fields.text("type"), "other")
    if re.search("preprint", fields.look("genre"), re.I):
        fields.use("genre")
        kind = "preprint" if kind == "other" else kind
    main, sub = fields.text("title"), fields.text("subtitle")
    publisher = fields.text("publisher")
    where = fields.text("container-title", "event-title", "event", "collection-title")
    places.keep(
        title(f"{main}: {sub}" if sub else main),
        where or (publisher if kind == "preprint" else ""),
        kind,
        together(map(_author, _list(item.get("author")))),
        _date(item.get("issued")),
        volume=fields.text("volume"),
        number=fields.text("issue"),
        pages=fields.text("page", "page-first"),
        publisher=publisher,
        abstract=fields.text("abstract"),
        headings=values.keywords(fields.text("keyword")),
    )
    return list(dict.fromkeys(fields.unused))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _texts(key: str, value: object) -> list[str]:
    """A value as text; a list of texts as one where all count."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return [_JOINED[key].join(value)] if key in _JOINED else value
    if isinstance(value, dict) and key == "event":
        value = value.get("name")
    return [str(value)] if value else []


def _identifiers(fields: values.Fields, places: values.Places) -> None:
    if told := fields.raw("DOI"):
        places.doi(told)
    for key in ("number", "archive_location", "archive"):
        told = fields.look(key)
        bare = arxiv_id(told) if values.is_arxiv(fields.look("archive")) else None
        if number := values.arxiv_in(told) or bare:
            places.add("arxiv", number)
            fields.use(key, "archive")
    named = "container-title publisher"
    places.arxiv(fields, "", named, stays=named)
    _note(fields, places)
    for url in values.addresses(fields.raw("URL")):
        places.address(url)


def _note(fields: values.Fields, places: values.Places) -> None:
    """Identifiers in a note, one a line: `DOI: …` and `arXiv: …` of Zotero, `{:DOI: …}` of before."""
    left = False
    for line in re.split(r"\n|(?=\{:)", fields.raw("note")):
        key, _, value = line.strip(" {}:").partition(":")
        name = key.strip().lower()
        if name == "doi":
            places.doi(value)
        elif name in ("openreview", "acl"):
            places.add(name, value.strip())
        elif number := values.arxiv_in(line):
            places.add("arxiv", number)
            left |= not values.only_arxiv(line.strip(" {}:"))
        else:
            left |= bool(line.strip())
    fields.used["note"] = int(not left)


def _date(value: object) -> When:
    if not isinstance(value, dict):
        return when(date=str(value or ""))
    dates = _list(value.get("date-parts"))
    numbers = [str(part) for one in dates[:1] for part in _list(one) if part]
    if not numbers:
        return when(date=str(value.get("literal") or value.get("raw") or ""))
    season = f"season {value['season']}" if value.get("season") else ""
    year = f"{numbers[0]}?" if value.get("circa") else numbers[0]
    return when(year, numbers[1] if len(numbers) > 1 else season)


def _author(parts: object) -> People:
    if not isinstance(parts, dict):
        return from_list([str(parts)])
    text = {key: str(parts.get(key) or "") for key in _NAMES.split()}
    family, given, group, name, suffix, particle, other = text.values()
    whole = group or name
    spoken = whole or given or str(dict(parts))
    names = given, family, suffix, particle or other
    return person(*names, name=spoken, group=bool(whole))
