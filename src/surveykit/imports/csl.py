"""CSL-JSON as Zotero and pandoc write it -> records."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from surveykit.imports.reading import Reading, arxiv_in, doi_of, located
from surveykit.models import Author
from surveykit.names import People, from_list, from_parts, together
from surveykit.record import tidy

KINDS = {
    "paper-conference": "conference",
    "article-journal": "journal",
    "article": "preprint",
    "manuscript": "preprint",
}
_USED = frozenset(
    [
        "id",
        "type",
        "title",
        "author",
        "issued",
        "container-title",
        "volume",
        "issue",
        "page",
        "publisher",
        "number",
        "DOI",
        "URL",
        "abstract",
        "keyword",
        "archive",
        "archive_location",
        "note",
        "event",
        "event-title",
        "collection-title",
    ]
)
_NAMES = frozenset(
    [
        "family",
        "given",
        "literal",
        "suffix",
        "non-dropping-particle",
        "dropping-particle",
        "comma-suffix",
        "static-ordering",
        "parse-names",
    ]
)


def read(text: str, source: str) -> Reading:
    """Records of a list of items, or of a single one."""
    reading = Reading(source)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        reading.note(line, "cut", f"not JSON: {error}; nothing is imported")
        return reading
    if isinstance(data, dict):
        data = data.get("items", [data])
    lines = _lines(text)
    unused: dict[str, int] = {}
    for number, item in enumerate(data if isinstance(data, list) else [data], start=1):
        if not isinstance(item, dict):
            reading.note(1, "cut", f"item {number} is no mapping; not imported")
            continue
        name = str(item.get("id", ""))
        line = lines.get(name, 1)
        if not name:
            reading.note(line, "empty-key", f"item {number} has no id")
        for key in item.keys() - _USED:
            unused[key] = unused.get(key, 0) + 1
        reading.add(line, name, dict(_values(item, name, line, reading)))
    for key, count in sorted(unused.items()):
        said = f"the field `{key}` of {count} item{'s' * (count != 1)} has no place in the catalog"
        reading.note(1, "not-kept", said)
    return reading


def _lines(text: str) -> dict[str, int]:
    """Id -> line of the first place where it stands as one."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        for found in re.finditer(r'"id"\s*:\s*"((?:[^"\\]|\\.)*)"', line):
            lines.setdefault(found[1], number)
    return lines


def _values(
    item: Mapping[str, Any], name: str, line: int, reading: Reading
) -> Iterator[tuple[str, Any]]:
    text = {
        key: plain(value) for key, value in item.items() if isinstance(value, str | int)
    }
    yield "title", text.get("title", "").removesuffix(".")
    yield "authors", _authors(item.get("author"), name, line, reading)
    year, month = _date(item.get("issued"))
    yield "year", year
    yield "month", month
    where = text.get("container-title") or text.get("event-title") or text.get("event")
    number = text.get("number", "")
    kind = KINDS.get(text.get("type", ""), "other")
    yield "venue_text", where or (text.get("publisher") if kind == "preprint" else None)
    yield (
        "kind",
        "preprint" if where and re.match(r"arxiv|corr\b", where, re.I) else kind,
    )
    yield "volume", text.get("volume")
    yield "number", text.get("issue")
    yield "pages", re.sub(r"\s*[–—-]+\s*", "-", text.get("page", ""))
    yield "publisher", text.get("publisher")
    yield "abstract", text.get("abstract")
    yield (
        "headings",
        tuple(
            w.strip() for w in re.split("[;,]", text.get("keyword", "")) if w.strip()
        ),
    )
    found = located(text["URL"]) if text.get("URL") else {}
    found |= doi_of(text.get("DOI", ""))
    if arxiv := arxiv_in(
        f"{number} {text.get('archive_location', '')} {text.get('note', '')}"
    ):
        found.setdefault("arxiv", arxiv)
    yield from found.items()


def plain(value: object) -> str:
    """Text without HTML markup, which CSL allows in titles."""
    return tidy(
        html.unescape(re.sub(r"</?(?:i|b|sub|sup|span|sc)\b[^<>]*>", "", str(value)))
    )


def _date(value: object) -> tuple[int | None, int | None]:
    parts = value.get("date-parts") if isinstance(value, dict) else None
    first = (
        parts[0]
        if isinstance(parts, list) and parts and isinstance(parts[0], list)
        else []
    )
    if not first and isinstance(value, dict):
        first = re.findall(
            "[0-9]+", str(value.get("raw") or value.get("literal") or "")
        )
    numbers = [int(p) for p in first if re.fullmatch("[0-9]{1,4}", str(p))]
    year = numbers[0] if numbers and numbers[0] > 1900 else None
    month = numbers[1] if year and len(numbers) > 1 and 1 <= numbers[1] <= 12 else None
    return year, month


def _authors(
    value: object, name: str, line: int, reading: Reading
) -> tuple[Author, ...]:
    found = [_author(one) for one in (value if isinstance(value, list) else [])]
    people = together(found)
    for doubt in people.doubts:
        reading.note(line, "author", f"{name}: {doubt}")
    return people.authors


def _author(parts: object) -> People:
    if not isinstance(parts, dict):
        return from_list([str(parts)])
    text = {key: str(parts.get(key) or "") for key in _NAMES}
    particle = text["non-dropping-particle"] or text["dropping-particle"]
    if text["literal"]:
        return from_list([text["literal"]], groups=True)
    one = from_parts(text["given"], text["family"], text["suffix"], particle)
    if one and text["family"]:
        return People((one,))
    return from_list([text["given"] or str(dict(parts))])
