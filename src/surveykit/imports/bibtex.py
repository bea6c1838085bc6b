"""BibTeX, also broken BibTeX: what the parser passes over is found again and reported.

bibtexparser 2 has three silent traps: an empty key, `a # b`, and a brace behind a backslash, which
costs the fields that follow. So every piece of the file that ended up in no field is looked at.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from bibtexparser.model import (
    Block,
    DuplicateBlockKeyBlock,
    DuplicateFieldKeyBlock,
    Entry,
    ImplicitComment,
    ParsingFailedBlock,
    String,
)
from bibtexparser.splitter import Splitter

from surveykit.imports.detex import detex
from surveykit.imports.names import author
from surveykit.imports.reading import Reading, arxiv_in, doi_of, located, usable
from surveykit.models import Author

logging.getLogger("bibtexparser").setLevel(
    logging.CRITICAL
)  # what it finds is reported here

MONTHS = [
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
]
KINDS = {
    "inproceedings": "conference",
    "conference": "conference",
    "article": "journal",
    "unpublished": "preprint",
    "preprint": "preprint",
    "online": "preprint",
}
_ENTRY = re.compile(r"^[ \t]*@(?!comment|string|preamble)\w+\s*[{(]", re.I | re.M)
_FIELD = re.compile(
    r"(?:^|[,\s])([A-Za-z][\w+:.-]*)\s*=\s*(\{.*?\}|\".*?\"|[0-9]+)\s*(?=,|\}?\s*$)",
    re.M | re.S,
)
_HINT = re.compile(r"^\s*,|\b(?:title|author|year|url|doi)\s*=", re.I)
_USED = frozenset(
    [
        "title",
        "author",
        "year",
        "date",
        "month",
        "booktitle",
        "journal",
        "journaltitle",
        "howpublished",
        "series",
        "volume",
        "number",
        "issue",
        "pages",
        "eid",
        "publisher",
        "doi",
        "eprint",
        "archiveprefix",
        "eprinttype",
        "primaryclass",
        "url",
        "pdf",
        "code",
        "abstract",
        "keywords",
        "note",
        "author+an",
        "author+an:han",
    ]
)


def read(text: str, source: str) -> Reading:
    """Records of a BibTeX file."""
    reading = Reading(source)
    blocks = list(Splitter(text).split().blocks)
    strings: dict[str, str] = {}
    unused: Counter[str] = Counter()
    lines: dict[str, int] = {}
    for number, block in enumerate(blocks):
        line = (block.start_line or 0) + 1
        following = blocks[number + 1] if number + 1 < len(blocks) else None
        if isinstance(block, String):
            strings[block.key.lower()] = _value(block.value, strings)
        elif isinstance(block, ImplicitComment):
            if _HINT.search(block.comment) and not _continues(blocks, number):
                said = (
                    f"text outside of any entry is not imported: {block.comment[:80]!r}"
                )
                reading.note(line, "lost", said)
        elif isinstance(block, ParsingFailedBlock):
            _entry(
                _whole(block, line, reading), line, following, strings, reading, unused
            )
        elif isinstance(block, Entry):
            _entry(block, line, following, strings, reading, unused)
        if isinstance(block, Entry) and block.key:
            lines.setdefault(block.key, line)
    _compare_counts(text, blocks, reading)
    for name, count in sorted(unused.items()):
        said = f"the field `{name}` of {count} entr{'y' if count == 1 else 'ies'} has no place in the catalog"
        reading.note(1, "not-kept", said)
    return reading


def _whole(block: ParsingFailedBlock, line: int, reading: Reading) -> Entry | None:
    """The entry inside a block that the parser refused, where there is one."""
    inner = block.ignore_error_block
    if isinstance(block, DuplicateBlockKeyBlock) and isinstance(inner, Entry):
        said = (
            f"the key {inner.key!r} stands at an earlier entry too; both are imported"
        )
        reading.note(line, "repeated-key", said)
        return inner
    if isinstance(block, DuplicateFieldKeyBlock) and isinstance(inner, Entry):
        twice = ", ".join(sorted(block.duplicate_keys))
        said = f"{inner.key}: {twice} stands twice; the first value is taken"
        reading.note(line, "repeated-field", said)
        return inner
    head = " ".join((block.raw or "").split())[:60]
    reading.note(line, "cut", f"{head!r} has no end; not imported")
    return None


def _entry(
    entry: Entry | None,
    line: int,
    following: Block | None,
    strings: Mapping[str, str],
    reading: Reading,
    unused: Counter[str],
) -> None:
    if entry is None:
        return
    raw: dict[str, str] = {}
    for field in entry.fields:
        raw.setdefault(field.key.lower(), _value(field.value, strings))
    if lost := _lost_fields(following):
        for name, value in lost.items():
            raw.setdefault(name, _value(value, strings))
        said = f"{entry.key}: a brace is not closed; {', '.join(lost)} behind it were read all the same"
        reading.note(line, "lost", said)
    if not any(raw.values()):
        reading.note(
            line,
            "empty-key" if not entry.key else "cut",
            f"@{entry.entry_type} without any fact; not imported",
        )
        return
    if not entry.key:
        reading.note(line, "empty-key", f"@{entry.entry_type} has no key")
    unused.update(name for name in raw if name not in _USED)
    values = dict(_values(entry.entry_type.lower(), raw, entry.key, line, reading))
    reading.add(line, entry.key, values)


def _lost_fields(following: Block | None) -> dict[str, str]:
    """Fields that stand in what the parser took for a comment behind the entry."""
    if not isinstance(following, ImplicitComment):
        return {}
    rest = following.comment
    if not rest.lstrip().startswith(","):
        return {}
    return {name.lower(): value for name, value in _FIELD.findall(rest)}


def _continues(blocks: list[Block], number: int) -> bool:
    """Whether a comment is the rest of the entry before it."""
    before = blocks[number - 1] if number else None
    return isinstance(before, Entry) and bool(_lost_fields(blocks[number]))


def _compare_counts(text: str, blocks: list[Block], reading: Reading) -> None:
    begun = len(_ENTRY.findall(text))
    seen = sum(isinstance(b, Entry | ParsingFailedBlock) for b in blocks)
    if begun > seen:
        said = f"{begun} entries begin in the file, {seen} were understood"
        reading.note(1, "lost", said)


def _value(raw: str, strings: Mapping[str, str]) -> str:
    """A field's text: `#` joins, names of strings and months stand for their texts."""
    pieces = []
    for piece in _joined(raw):
        if piece[:1] in ("{", '"'):
            pieces.append(piece[1:-1] if piece[-1] in '}"' else piece[1:])
        else:
            pieces.append(strings.get(piece.lower(), piece))
    return "".join(pieces)


def _joined(raw: str) -> Iterator[str]:
    """Pieces between the `#` that stand outside of braces and quotes."""
    depth, quoted, start = 0, False, 0
    if "#" in raw:
        for at, sign in enumerate(raw):
            depth += (sign == "{") - (sign == "}")
            quoted ^= sign == '"' and depth == 0
            if sign == "#" and depth == 0 and not quoted:
                yield raw[start:at].strip()
                start = at + 1
    yield raw[start:].strip()


def _values(
    kind: str, raw: Mapping[str, str], key: str, line: int, reading: Reading
) -> Iterator[tuple[str, Any]]:
    text = {
        name: detex(value)
        for name, value in raw.items()
        if name
        not in (
            "url",
            "doi",
            "eprint",
            "author",
            "pdf",
            "code",
            "author+an:han",
            "author+an",
        )
    }
    yield "title", text.get("title", "").removesuffix(".")
    yield "authors", _authors(raw, key, line, reading)
    year = re.search(r"\b(19|20)[0-9]{2}\b", text.get("year") or text.get("date", ""))
    yield "year", int(year[0]) if year else None
    yield "month", _month(text)
    where = next(
        (
            text[n]
            for n in ("booktitle", "journal", "journaltitle", "howpublished")
            if text.get(n)
        ),
        None,
    )
    yield "venue_text", where
    preprint = bool(where and re.search(r"\barxiv\b|\bcorr\b", where, re.I))
    yield (
        "kind",
        "preprint" if preprint else KINDS.get(kind, "other" if where else "preprint"),
    )
    for name in ("volume", "publisher", "abstract"):
        yield name, text.get(name)
    yield "number", text.get("number") or text.get("issue")
    pages = text.get("pages") or text.get("eid") or ""
    yield "pages", re.sub(r"\s*[–—-]+\s*", "-", pages)
    words = (
        tidy
        for part in re.split(r"[;,]", text.get("keywords", ""))
        if (tidy := part.strip())
    )
    yield "headings", tuple(words)
    yield from _addresses(raw, text).items()


def _addresses(raw: Mapping[str, str], text: Mapping[str, str]) -> dict[str, str]:
    """Identifiers and addresses; what is said outright goes before what an address tells."""
    found: dict[str, str] = {}
    for name in ("pdf", "url"):
        plain = raw.get(name, "").replace("\\", "").replace(r"{\_}", "_")
        if plain := re.sub(r"^url\{(.*)\}$", r"\1", plain):
            found |= located(plain)
    found |= doi_of(raw.get("doi", "").replace(r"\_", "_").replace(r"{\_}", "_"))
    prefix = (raw.get("archiveprefix") or raw.get("eprinttype") or "arxiv").lower()
    if (eprint := raw.get("eprint", "").strip()) and prefix == "arxiv":
        found |= {
            k: v
            for k, v in located(f"https://arxiv.org/abs/{eprint}").items()
            if k == "arxiv"
        }
    told = " ".join(text.get(n, "") for n in ("journal", "howpublished", "note"))
    if "arxiv" not in found and (number := arxiv_in(told)):
        found["arxiv"] = number
    if code := usable(raw.get("code", "")):
        found["code_url"] = code
    return found


def _authors(
    raw: Mapping[str, str], key: str, line: int, reading: Reading
) -> tuple[Author, ...]:
    han = dict(re.findall(r'([0-9]+)="([^"]*)"', raw.get("author+an:han", "")))
    people = []
    for number, name in enumerate(_people(raw.get("author", "")), start=1):
        plain = detex(name)
        if plain.lower() in ("others", "et al", "et al."):
            reading.note(
                line,
                "author",
                f"{key}: the list of authors ends with {plain!r}; complete it",
            )
            continue
        one = author(
            plain, group=name.startswith("{") and name.endswith("}") and _closed(name)
        )
        if one is None:
            reading.note(line, "author", f"{key}: {plain!r} is no name; left out")
            continue
        if str(number) in han:
            one = one.model_copy(update={"han": han[str(number)]})
        people.append(one)
    return tuple(people)


def _people(text: str) -> Iterator[str]:
    """Names between the `and`s that stand outside of braces."""
    depth, start = 0, 0
    flat = " ".join(text.split())
    for found in re.finditer(r"[{}]| and ", flat, re.I):
        sign = found[0]
        depth += (sign == "{") - (sign == "}")
        if depth == 0 and sign not in "{}":
            yield flat[start : found.start()].strip()
            start = found.end()
    if last := flat[start:].strip():
        yield last


def _closed(name: str) -> bool:
    """Whether the first brace is closed by the last one."""
    depth = 0
    for at, sign in enumerate(name):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return at == len(name) - 1
    return False


def _month(text: Mapping[str, str]) -> int | None:
    said = text.get("month", "").lower()
    if said[:3] in MONTHS:
        return MONTHS.index(said[:3]) + 1
    if said.isdecimal():
        return int(said)
    dated = re.match(r"[0-9]{4}-([0-9]{2})", text.get("date", ""))
    return int(dated[1]) if dated else None
