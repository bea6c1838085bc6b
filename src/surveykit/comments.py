"""Where the comments of a YAML file stand: which value each belongs to.

A comment on a line of its own belongs to the value below it (its head), or, indented deeper
than what follows, to the end of the block that it is indented with (its foot). A comment
behind something belongs to that (its side).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from surveykit.errors import Loc
from surveykit.yaml_tree import events

_OPENING = (ScalarEvent, MappingStartEvent, SequenceStartEvent)


def _texts() -> dict[Loc, list[str]]:
    return defaultdict(list)


@dataclass(frozen=True)
class Comments:
    """Comments from `#` to the end of their line, by the way to the value they belong to."""

    heads: dict[Loc, list[str]] = field(default_factory=_texts)
    """On the lines above."""
    sides: dict[Loc, list[str]] = field(default_factory=_texts)
    """Behind the key or the value."""
    feet: dict[Loc, list[str]] = field(default_factory=_texts)
    """Below the last value of a mapping or a list."""

    def below(self, loc: Loc) -> bool:
        """Whether any comment stands inside the mapping or list at `loc`."""
        places = (*self.heads, *self.sides, *self.feet)
        return any(len(p) > len(loc) and p[: len(loc)] == loc for p in places) or (
            loc in self.feet
        )


@dataclass
class _Places:
    """Positions of one file's values, in the order of the file, as indices into the text."""

    starts: list[tuple[int, Loc]] = field(default_factory=list)
    """Where each value, or the key before it, begins."""
    ends: list[tuple[int, Loc]] = field(default_factory=list)
    """Where each key, scalar and bracketed value ends."""
    columns: dict[Loc, int] = field(default_factory=dict)
    """0-based column in which the block that holds a value puts it."""
    values: dict[Loc, int] = field(default_factory=dict)
    """Where a scalar begins, behind its key."""
    scalars: list[tuple[int, int]] = field(default_factory=list)
    """Beginning and end of every scalar, keys included."""


def comments(text: str) -> Comments:
    """All comments of a text that `yaml_tree.parse` reads without a fault."""
    places = _Places()
    stream = events(text)
    for event in stream:
        if isinstance(event, _OPENING):
            _walk(stream, event, (), places, text)
            break
    found = Comments()
    for match in re.finditer("#[^\n]*", _without_scalars(text, places.scalars)):
        comment = text[match.start() : match.end()].rstrip()
        _attach(found, comment, match.start(), places, text)
    return found


def _walk(stream: Any, event: Any, loc: Loc, places: _Places, text: str) -> None:
    start: Any = event.start_mark
    if isinstance(event, ScalarEvent):
        _scalar(event, places, text)
        places.values[loc] = start.index
        places.ends.append((_end(event, text), loc))
        return
    column = start.column
    if isinstance(event, SequenceStartEvent):
        end = _items(stream, loc, column, places, text)
    else:
        end = _pairs(stream, loc, column, places, text)
    if event.flow_style:
        places.ends.append((end, loc))


def _items(stream: Any, loc: Loc, column: int, places: _Places, text: str) -> int:
    """Notes the items of a list; gives back where it ends."""
    index = 0
    while not isinstance(item := next(stream), SequenceEndEvent):
        child = (*loc, index)
        places.starts.append((item.start_mark.index, child))
        places.columns[child] = column
        _walk(stream, item, child, places, text)
        index += 1
    return _after(item)


def _pairs(stream: Any, loc: Loc, column: int, places: _Places, text: str) -> int:
    """Notes the keys and values of a mapping; gives back where it ends."""
    while not isinstance(key := next(stream), MappingEndEvent):
        child = (*loc, key.value)
        _scalar(key, places, text)
        places.starts.append((key.start_mark.index, child))
        places.ends.append((key.end_mark.index, child))
        places.columns[child] = column
        _walk(stream, next(stream), child, places, text)
    return _after(key)


def _after(event: Any) -> int:
    return int(event.end_mark.index)


def _scalar(event: Any, places: _Places, text: str) -> None:
    start = event.start_mark.index
    if event.style in ("|", ">"):  # a comment may stand behind the sign
        start = text.find("\n", start) if "\n" in text[start:] else len(text)
    places.scalars.append((start, event.end_mark.index))


def _end(event: Any, text: str) -> int:
    """Where a scalar's first line ends for a block, so that its comment is found behind the sign."""
    if event.style not in ("|", ">"):
        return int(event.end_mark.index)
    header = re.compile("[|>][-+0-9]*").match(text, event.start_mark.index)
    return header.end() if header else int(event.start_mark.index)


def _without_scalars(text: str, scalars: list[tuple[int, int]]) -> str:
    """The text with blanks where scalars stand, so that each `#` left begins a comment."""
    pieces, at = [], 0
    for start, end in scalars:
        pieces += [text[at:start], " " * (end - start)]
        at = max(at, end)
    return "".join([*pieces, text[at:]])


def _attach(
    found: Comments, comment: str, index: int, places: _Places, text: str
) -> None:
    line = text.rfind("\n", 0, index) + 1
    before = bisect_right(places.ends, index, key=lambda end: end[0])
    if before and places.ends[before - 1][0] > line:
        found.sides[places.ends[before - 1][1]].append(comment)
        return
    after = bisect_right(places.starts, index, key=lambda start: start[0])
    last = places.starts[after - 1][1] if after else ()
    if places.values.get(last, -1) > index:  # between a key and its value
        found.heads[last].append(comment)
        return
    following = places.starts[after][1] if after < len(places.starts) else None
    column = index - line
    if following is None or column > places.columns[following]:
        for size in range(len(last), 0, -1):
            if places.columns[last[:size]] == column:
                found.feet[last[: size - 1]].append(comment)
                return
    if following is None:
        found.feet[()].append(comment)
    else:
        found.heads[following].append(comment)
