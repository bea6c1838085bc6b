"""One JSON file as plain data with places; as strict as YAML is read, but with decimal numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from surveykit.yaml_tree import Fault, RefusedError, Tree, load_text, shown


def read(path: Path, limit: int) -> Tree:
    """The file as a tree; what is wrong with it as faults. Raises nothing for bad files."""
    try:
        text = load_text(path, limit)
    except RefusedError as error:
        return Tree(faults=[error.fault])
    return parse(text)


def parse(text: str) -> Tree:
    """JSON text as a tree. Places are found because JSON without tabs is YAML, too."""
    try:
        data = json.loads(text, parse_constant=_constant, object_pairs_hook=_mapping)
    except json.JSONDecodeError as error:
        message = f"not readable as JSON: {error.msg.lower()}"
        return Tree(text, None, [Fault("SK113", error.lineno, error.colno, message)])
    except _NotJsonError as error:
        return Tree(text, None, [Fault("SK113", 1, 1, str(error))])
    except (RecursionError, ValueError):
        message = "not readable as JSON: nested too deeply, or a number of thousands of digits"
        return Tree(text, None, [Fault("SK113", 1, 1, message)])
    return Tree(text, data)


class _NotJsonError(Exception):
    """Something that Python would accept and JSON does not allow."""


def _constant(name: str) -> Any:
    raise _NotJsonError(f"{name} is no JSON; leave the key out")


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise _NotJsonError(f"key {shown(twice)} stands twice; keep one")
    return data
