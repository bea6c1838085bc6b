"""One YAML file as plain data with places, read without trusting it.

A small part of YAML is understood: mappings, lists, strings, decimal integers and null.
Nothing else is guessed: `no`, `1e3`, `2026-11-20`, `012` and `1_000` stay strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from surveykit import files
from surveykit.errors import Loc
from surveykit.yaml_cut import cut

try:
    from yaml._yaml import CParser as EventParser
except ImportError:  # PyYAML without libyaml: same events, about nine times slower
    EventParser = yaml.SafeLoader  # type: ignore[assignment,misc]

MAX_DEPTH = 12
MAX_BYTES = 256 * 1024
MAX_TEXT = 10_000
"""Characters of one value or key."""

_NOT_PLAIN = "a link, folder or pipe; put the file itself here"
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,15}")
_NULLS = frozenset({"", "~", "null"})
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
)
_OPENING = (ScalarEvent, MappingStartEvent, SequenceStartEvent)

# What PyYAML says (a part of it) -> what we say.
_SYNTAX = {
    "mapping values are not allowed": "a colon and a space inside an unquoted value; put the value in quotes",
    "cannot start any token": "an unquoted value cannot start with this character; put the value in quotes",
    "unexpected end of stream": "a quote is opened here and never closed",
    "could not find expected ':'": "a key without a colon, or a line that is not indented enough",
    "expected ',' or ']'": "a list in [ ] lacks a comma or its end",
    "expected ',' or '}'": "a mapping in { } lacks a comma or its end",
    "expected key": "this line does not continue the block above it; check indentation and quotes",
    "expected <block end>": "this line does not continue the block above it; check indentation and quotes",
    "expected '-' indicator": "a list ends here; check indentation",
    "sequence entries are not allowed": "a list cannot start here; put it on its own lines below the key",
    "undefined tag handle": "tags (`!…`) are not allowed; put the value in quotes",
    "unknown escape": "unknown escape in a \"…\" string; use a '…' string",
    "expected alphabetic or numeric": "anchors and aliases (`&…`, `*…`) are not allowed; put the value in quotes",
}


@dataclass(frozen=True)
class Fault:
    """Something in one file that the YAML border refuses, at a 1-based place."""

    rule: str
    line: int
    column: int
    message: str


class RefusedError(Exception):
    """The reading of one file stops at `fault`."""

    def __init__(self, rule: str, place: tuple[int, int], message: str) -> None:
        super().__init__(message)
        self.fault = Fault(rule, *place, message)


@dataclass(frozen=True)
class Tree:
    """What one file holds. `data` is None when a fault stopped the reading."""

    text: str = ""
    data: Any = None
    faults: list[Fault] = field(default_factory=list)

    @cached_property
    def _places(self) -> dict[Loc, tuple[Any, Any]]:
        stream = events(self.text)
        places: dict[Loc, tuple[Any, Any]] = {}
        try:
            for loc, key, value in _walk(stream, _content(stream), (), None):
                places.setdefault(loc, (key, value))
        except (RefusedError, yaml.YAMLError):
            pass  # places up to the fault are all there is
        return places

    def place(self, loc: Loc, *, key: bool = False) -> tuple[int, int]:
        """1-based line and column of the value at `loc`, or of its key.

        Where `loc` does not exist, the key of the nearest existing parent is meant.
        """
        while loc and loc not in self._places:
            loc, key = loc[:-1], True
        key_mark, value_mark = self._places.get(loc, (None, None))
        mark = (key and key_mark) or value_mark
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def shown(value: object) -> str:
    """A value for a message: quoted, escaped, on one line, at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}…{text[-15:]}"


def read(path: Path, limit: int = MAX_BYTES, *, root: Path | None = None) -> Tree:
    """The file as a tree; what is wrong with it as faults. Raises nothing for bad files.

    Below `root`, by default the file's own folder, no link is followed.
    """
    try:
        text = load_text(path, limit, root)
    except RefusedError as error:
        return Tree(faults=[error.fault])
    return parse(text)


def load_text(path: Path, limit: int, root: Path | None = None) -> str:
    """Text of a plain file. Raises RefusedError for what is no file, too large or no text."""
    return decode(_bytes(path, limit, root or path.parent))


def parse(text: str) -> Tree:
    """YAML text as a tree; the text must have passed `decode`."""
    faults: list[Fault] = []
    try:
        data = _Builder(text, faults).document()
    except RefusedError as error:
        return Tree(text, None, [*faults, error.fault])
    except yaml.YAMLError as error:
        return Tree(text, None, [*faults, _syntax(error)])
    return Tree(text, data, faults)


def decode(raw: bytes) -> str:
    """File content as text. Raises RefusedError for what editors hide: BOM, NUL, tabs, lone CR."""
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise RefusedError(
            "SK102", (1, 1), "byte order mark; save the file as UTF-8 without BOM"
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        good = raw[: error.start].decode("utf-8")
        fault = f"byte 0x{raw[error.start]:02X} is not UTF-8; save the file as UTF-8"
        raise RefusedError("SK101", _at(good, len(good)), fault) from None
    if found := _CONTROL.search(text):
        fault = f"control character U+{ord(found[0]):04X}; delete it"
        raise RefusedError("SK103", _at(text, found.start()), fault)
    if (tab := text.find("\t")) >= 0:
        raise RefusedError("SK104", _at(text, tab), "tab; use spaces")
    if "\r" in text and (lone := re.search(r"\r(?!\n)", text)):
        fault = "line ends with CR alone; save the file with LF line ends"
        raise RefusedError("SK105", _at(text, lone.start()), fault)
    return text


def _bytes(path: Path, limit: int, root: Path) -> bytes:
    name = path.relative_to(root).as_posix()
    try:
        raw = files.read(root, name, limit + 1)
    except IsADirectoryError:
        raise RefusedError("SK003", (1, 1), _NOT_PLAIN) from None
    except files.NotPlainError as error:
        above = error.path != name  # a link on the way to the file
        fault = (
            f"{error.strerror}; put the folder itself there" if above else _NOT_PLAIN
        )
        raise RefusedError("SK003", (1, 1), fault) from None
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise RefusedError("SK001", (1, 1), f"cannot be read: {reason}") from None
    if len(raw) > limit:
        fault = f"larger than {limit // 1024} KiB; an entry holds facts, not texts"
        raise RefusedError("SK002", (1, 1), fault)
    return raw


def _at(text: str, index: int) -> tuple[int, int]:
    start = text.rfind("\n", 0, index) + 1
    return text.count("\n", 0, index) + 1, index - start + 1


def _refused(rule: str, event: Any, message: str) -> RefusedError:
    mark = event.start_mark
    return RefusedError(rule, (mark.line + 1, mark.column + 1), message)


def _syntax(error: yaml.YAMLError) -> Fault:
    mark: Any = getattr(error, "problem_mark", None) or getattr(
        error, "context_mark", None
    )
    said = str(getattr(error, "problem", None) or "")
    if "unexpected end of stream" in said:  # where the quote opens helps more
        mark = getattr(error, "context_mark", None) or mark
    fault = next(
        (ours for theirs, ours in _SYNTAX.items() if theirs in said),
        "not readable as YAML here; check indentation, quotes and colons",
    )
    place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Fault("SK106", place[0], place[1], fault)


class _Builder:
    """Events -> data; guards act before anything grows."""

    def __init__(self, text: str, faults: list[Fault]) -> None:
        self._text = text
        self._next = EventParser(text).get_event
        self._faults = faults

    def document(self) -> Any:
        self._next()  # the stream starts
        if type(self._next()) is StreamEndEvent:
            return None
        data = self._value(self._next(), 0)
        self._next()  # the document ends
        more = self._next()
        if type(more) is not StreamEndEvent:
            fault = "a second document (`---`); one file holds one entry"
            raise _refused("SK107", more, fault)
        return data

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is AliasEvent:
            fault = f"alias *{event.anchor[:40]}; write the value out, or quote it"
            raise _refused("SK109", event, fault)
        if event.anchor is not None or event.tag is not None:
            self._decorated(event)
        if kind is ScalarEvent:
            _short(event)
            if changed := cut(event, self._text):
                self._faults.append(_refused("SK114", event, changed).fault)
            return _scalar(event)
        if depth == MAX_DEPTH:
            fault = f"nested deeper than {MAX_DEPTH} levels; no entry needs that"
            raise _refused("SK111", event, fault)
        return (self._mapping if kind is MappingStartEvent else self._list)(depth + 1)

    def _list(self, depth: int) -> list[Any]:
        items = []
        while type(event := self._next()) is not SequenceEndEvent:
            items.append(self._value(event, depth))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while type(event := self._next()) is not MappingEndEvent:
            if type(event) is not ScalarEvent:
                fault = "a key must be a plain word; quote a value that starts with [ { * or ?"
                raise _refused("SK112", event, fault)
            _short(event)
            if event.anchor is not None or event.tag is not None:
                self._decorated(event)
            key = event.value
            value = self._value(self._next(), depth)
            if key in data:
                fault = f"key {shown(key)} stands here twice; keep one"
                self._faults.append(_refused("SK110", event, fault).fault)
            else:
                data[key] = value
        return data

    def _decorated(self, event: Any) -> None:
        if event.anchor is not None:
            fault = f"anchor &{event.anchor[:40]}; delete it, or quote the value"
            self._faults.append(_refused("SK109", event, fault).fault)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:40]
            fault = f"tag {tag}; delete it, or quote the value"
            self._faults.append(_refused("SK108", event, fault).fault)


def _short(event: Any) -> None:
    if len(event.value) > MAX_TEXT:
        fault = f"a text of {len(event.value)} characters, more than {MAX_TEXT}; an entry holds facts, not texts"
        raise _refused("SK002", event, fault)


def _scalar(event: Any) -> Any:
    text = event.value
    if event.style:  # quoted or block
        return text
    if text in _NULLS:
        return None
    return int(text) if _INTEGER.fullmatch(text) else text


def events(text: str) -> Iterator[Any]:
    """Parser events of a text. Raises yaml.YAMLError where it is no YAML."""
    parser = EventParser(text)
    while (event := parser.get_event()) is not None:
        yield event


def _content(events: Iterator[Any]) -> Any:
    for event in events:
        if isinstance(event, _OPENING):
            return event
    return None


def _walk(
    events: Iterator[Any], event: Any, loc: Loc, key: Any
) -> Iterator[tuple[Loc, Any, Any]]:
    if event is None or len(loc) > MAX_DEPTH:
        return
    yield loc, key, event.start_mark
    if isinstance(event, SequenceStartEvent):
        for index, item in enumerate(iter(lambda: next(events), None)):
            if isinstance(item, SequenceEndEvent):
                return
            yield from _walk(events, item, (*loc, index), None)
    elif isinstance(event, MappingStartEvent):
        for name in events:
            if not isinstance(name, ScalarEvent):
                return
            value = next(events)
            yield from _walk(events, value, (*loc, name.value), name.start_mark)
