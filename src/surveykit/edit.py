"""One key of an entry's file set to a new value: the lines of that key change, all others and all comments stay."""

from __future__ import annotations

import re
from typing import Any

from surveykit.canon import entry_text
from surveykit.comments import comments
from surveykit.models import Paper
from surveykit.yaml_tree import Tree, parse


def with_key(text: str, key: str, value: Any) -> str | None:
    """`text` with the top-level `key` set to plain data, or without it for None; None where that cannot be done safely.

    The result is read again: it must hold the same data but for this key, and every comment.
    """
    tree = parse(text)
    if tree.faults or not isinstance(tree.data, dict):
        return None
    if tree.data.get(key) == value:
        return text
    lines = text.splitlines(keepends=True)
    block = [] if value is None else entry_text({key: value}).splitlines(keepends=True)
    span = _span(tree, lines, key)
    if span is None:
        return None
    new = "".join([*lines[: span[0]], *block[1:], *lines[span[1] :]])
    return new if _proven(tree, new, key, value) else None


def _span(tree: Tree, lines: list[str], key: str) -> tuple[int, int] | None:
    """The 0-based lines that the key takes up; an empty span, in its place, where it is absent."""
    places = {name: tree.place((name,), key=True) for name in tree.data}
    starts = {name: line - 1 for name, (line, column) in places.items() if column == 1}
    if len(set(starts.values())) != len(tree.data):
        return None  # not one key a line
    if key in starts:
        if comments(tree.text).below((key,)):
            return None  # they would lose their place
        later = [line for line in starts.values() if line > starts[key]]
        return starts[key], _end(lines, min(later, default=len(lines)))
    order = list(Paper.model_fields)
    before = [n for n in starts if n in order and order.index(n) < order.index(key)]
    at = max((starts[name] for name in before), default=-1)
    later = [line for line in starts.values() if line > at]
    end = _end(lines, min(later, default=len(lines)))
    return end, end


def _end(lines: list[str], following: int) -> int:
    """Where a block ends: what stands above the next key, comment or blank, belongs to that."""
    while following and re.match(r"#|\s*$", lines[following - 1]):
        following -= 1
    return following


def _proven(before: Tree, text: str, key: str, value: Any) -> bool:
    after = parse(text)
    same = {**before.data, key: value}
    if value is None:
        del same[key]
    return not after.faults and after.data == same and _told(text) == _told(before.text)


def _told(text: str) -> list[str]:
    """All comments of a text."""
    found = comments(text)
    groups = (*found.heads.values(), *found.sides.values(), *found.feet.values())
    return sorted(comment for group in groups for comment in group)
