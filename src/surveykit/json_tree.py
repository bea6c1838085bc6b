"""One JSON file as plain data with places; as strict as YAML is read, but with decimal numbers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from surveykit.yaml_tree import MAX_DEPTH, Fault, RefusedError, Tree, load_text, shown

MOST_DIGITS = 18
"""Digits of a whole number; more are no count and no seed."""

# A string may lack its end, so that no text is read twice.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},:]|[^\s"\[\]{},:]+', re.DOTALL)
_NO_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"?|[^\[\]{}"]+', re.DOTALL)
_AS_LIST = str.maketrans("{}", "[]")
# Halves of characters, `\ud800`; whole pairs and other escapes are passed over.
_HALF = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def read(path: Path, limit: int, *, root: Path | None = None) -> Tree:
    """The file as a tree; what is wrong with it as faults. Raises nothing for bad files."""
    try:
        text = load_text(path, limit, root)
    except RefusedError as error:
        return Tree(faults=[error.fault])
    return parse(text)


def parse(text: str) -> Tree:
    """JSON text as a tree. Places are found because JSON without tabs is YAML, too."""
    if fault := _half(text) or _too_deep(text):
        return Tree(text, None, [fault])
    try:
        data = json.loads(
            text,
            parse_constant=_constant,
            parse_int=_whole,
            parse_float=_decimal,
            object_pairs_hook=_mapping,
        )
    except json.JSONDecodeError as error:
        message = f"not readable as JSON: {error.msg.lower()}"
        return Tree(text, None, [Fault("SK113", error.lineno, error.colno, message)])
    except _NotJsonError as error:
        places = _twice(text) if error.token is None else _standing(text, error.token)
        return Tree(text, None, [_fault(text, next(places, 0), str(error))])
    return Tree(text, data)


class _NotJsonError(Exception):
    """Something that Python would accept and a file of results must not hold."""

    def __init__(self, message: str, token: str | None = None) -> None:
        super().__init__(message)
        self.token = token
        """The number or word as it stands; None for a key that stands twice."""


def _fault(text: str, index: int, message: str) -> Fault:
    start = text.rfind("\n", 0, index) + 1
    line = text.count("\n", 0, index) + 1
    return Fault("SK113", line, index - start + 1, message)


def _half(text: str) -> Fault | None:
    half = next((m for m in _HALF.finditer(text) if m[1]), None)
    if half is None:
        return None
    message = f"\\{half[1]} is half a character; write the character itself"
    return _fault(text, half.start(), message)


def _too_deep(text: str) -> Fault | None:
    brackets = _NO_BRACKET.sub("", text).translate(_AS_LIST)
    for _ in range(MAX_DEPTH):  # takes away the innermost level
        brackets = brackets.replace("[]", "")
    if not brackets:
        return None
    depth = 0
    for found in _TOKEN.finditer(text):
        depth += (found[0] in ("[", "{")) - (found[0] in ("]", "}"))
        if depth > MAX_DEPTH:
            message = f"not readable as JSON: nested deeper than {MAX_DEPTH} levels"
            return _fault(text, found.start(), message)
    return None


def _standing(text: str, token: str) -> Iterator[int]:
    return (found.start() for found in _TOKEN.finditer(text) if found[0] == token)


def _twice(text: str) -> Iterator[int]:
    """Where keys stand that their mapping has already."""
    seen: list[set[str]] = [set()]
    last: re.Match[str] | None = None
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token in ("[", "{"):
            seen.append(set())
        elif token in ("]", "}"):
            seen.pop()
        elif token == ":" and last and seen:
            key = json.loads(last[0])
            if key in seen[-1]:
                yield last.start()
            seen[-1].add(key)
        last = found


def _constant(name: str) -> Any:
    raise _NotJsonError(f"{name} is not JSON; leave the key out", name)


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        message = f"not readable as JSON: {shown(digits)}, {len(digits)} digits; write at most {MOST_DIGITS}"
        raise _NotJsonError(message, digits)
    return int(digits)


def _decimal(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        message = f"{shown(digits)} is too large for a number; leave the key out"
        raise _NotJsonError(message, digits)
    return number


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise _NotJsonError(f"key {shown(key)} stands twice; keep one")
        data[key] = value
    return data
