"""The one form in which an entry is written: order of keys, quotes, line breaks; comments stay.

Written by hand because a round trip through ruamel.yaml takes four milliseconds an entry and moves
comments when keys change places; here the text is always made anew from the data, and each
comment is put back beside the value it belongs to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, get_args

from pydantic import BaseModel

from surveykit.comments import Comments, comments
from surveykit.errors import Loc
from surveykit.models import Paper
from surveykit.yaml_tree import Fault, RefusedError, parse

MODELINE = "# yaml-language-server: $schema=../../schema.json"
"""First line of every entry: editors that know it complete and check while one types."""
WIDTH = 100
"""Column behind which a text goes on in the next line."""

# Read as something else than a text by one YAML program or another.
_AMBIGUOUS = re.compile(
    r"~|null|true|false|yes|no|on|off|y|n|<<|="
    r"|[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)(e[-+]?[0-9]+)?"
    r"|[-+]?0[box][0-9a-f_]+|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"
    r"|[-+]?\.(inf|nan)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?",
    re.IGNORECASE,
)
_STARTS_WRONG = re.compile(r"[#,\[\]{}&*!|>'\"%@`]|[-?:](\s|$)|---|\.\.\.")
_BROKEN_PLAIN = re.compile(r":(\s|$)|\s#")
_FLOW_SIGNS = re.compile(r"[,?\[\]{}:]|^[-]$")
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)


def entry_text(
    data: Mapping[str, Any], remarks: Mapping[Loc, str] | None = None
) -> str:
    """YAML of an entry, from plain data: mappings, lists, texts, integers, null.

    `remarks` are texts that stand as comments behind the values at these places; each is one line.
    """
    notes = Comments()
    for loc, remark in (remarks or {}).items():
        notes.sides[loc].append(f"# {remark}")
    return _text(data, notes)


def format_text(text: str) -> str:
    """The same entry in canonical form, with all its comments; a canonical one is unchanged.

    Raises RefusedError for a text that is no mapping in the YAML that entries may use.
    """
    tree = parse(text)
    if tree.faults:
        raise _refused(tree.faults[0])
    if not isinstance(tree.data, dict):
        raise RefusedError("SK201", (1, 1), "not an entry: no mapping of keys")
    result = _text(tree.data, comments(text))
    again = parse(result)
    if again.faults or again.data != tree.data:  # a fault of ours must not cost data
        raise RefusedError("SK106", (1, 1), "cannot be written in canonical form")
    return result


def _refused(fault: Fault) -> RefusedError:
    return RefusedError(fault.rule, (fault.line, fault.column), fault.message)


def _text(data: Mapping[str, Any], notes: Comments) -> str:
    modeline = _modeline(notes)
    lines = [modeline, *_mapping(data, (), 0, notes), *notes.feet.get((), ())]
    lines += notes.sides.get((), ())
    return "\n".join(lines) + "\n"


def _modeline(notes: Comments) -> str:
    """The modeline that the comments hold, taken out of them; else the usual one."""
    for heads in notes.heads.values():
        for comment in heads:
            if comment.startswith("# yaml-language-server:"):
                heads.remove(comment)
                return comment
    return MODELINE


def _mapping(
    data: Mapping[str, Any], loc: Loc, indent: int, notes: Comments
) -> Iterator[str]:
    for key in _ordered(data, loc):
        child = (*loc, key)
        yield from _indented(notes.heads.get(child, ()), indent)
        yield from _pair(_key(key), data[key], child, indent, notes)
    if loc:
        yield from _indented(notes.feet.get(loc, ()), indent)


def _pair(
    key: str, value: Any, loc: Loc, indent: int, notes: Comments
) -> Iterator[str]:
    start = f"{' ' * indent}{key}:"
    side = _side(notes, loc)
    if (flow := _flow(value, loc, len(start) + 1, notes)) is not None:
        yield f"{start} {flow}{side}"
    elif isinstance(value, str):
        yield from _scalar(f"{start} ", value, indent + 2, side)
    elif isinstance(value, Mapping):
        yield start + side
        yield from _mapping(value, loc, indent + 2, notes)
    elif isinstance(value, list):
        yield start + side
        yield from _list(value, loc, indent + 2, notes)
    else:
        yield from _scalar(f"{start} ", value, indent + 2, side)


def _list(
    items: Sequence[Any], loc: Loc, indent: int, notes: Comments
) -> Iterator[str]:
    dash = f"{' ' * indent}- "
    for index, item in enumerate(items):
        child = (*loc, index)
        _lift(item, child, notes)
        yield from _indented(notes.heads.get(child, ()), indent)
        side = _side(notes, child)
        if (flow := _flow(item, child, len(dash), notes)) is not None:
            yield f"{dash}{flow}{side}"
        elif isinstance(item, Mapping | list):
            yield from _indented(notes.sides.get(child, ()), indent)
            yield from _nested(item, child, indent, notes)
        else:
            yield from _scalar(dash, item, indent + 2, side)
    yield from _indented(notes.feet.get(loc, ()), indent)


def _lift(item: Any, loc: Loc, notes: Comments) -> None:
    """What stands above the first line of an item is the item's comment: a second reading takes it so, too."""
    if not (isinstance(item, Mapping | list) and item):
        return
    first = (*loc, 0 if isinstance(item, list) else next(iter(_ordered(item, loc))))
    if isinstance(item, list):
        _lift(item[0], first, notes)
    if above := notes.heads.pop(first, None):
        notes.heads[loc].extend(above)


def _nested(
    item: Mapping[str, Any] | list[Any], loc: Loc, indent: int, notes: Comments
) -> Iterator[str]:
    """A mapping or list as item of a list: its first line takes the dash."""
    if isinstance(item, Mapping):
        lines = _mapping(item, loc, indent + 2, notes)
    else:
        lines = _list(item, loc, indent + 2, notes)
    dashed = False
    for line in lines:
        comment = line.lstrip().startswith("#")
        if dashed or comment:
            yield line if dashed else line[2:]
        else:
            yield f"{line[:indent]}- {line[indent + 2 :]}"
            dashed = True


def _scalar(start: str, value: Any, indent: int, side: str) -> Iterator[str]:
    """A text, broken between words where lines are too long."""
    written = _written(value)
    if written.startswith('"') or len(start) + len(written) <= WIDTH:
        yield start + written + side
        return
    lines, line = [], start
    words = re.split("(?<=[^ ]) (?=[^ ])", written)
    for number, word in enumerate(words):
        line += word
        if number == len(words) - 1:
            break
        if len(line) > WIDTH:
            lines.append(line)
            line = " " * indent
        else:
            line += " "
    yield from lines
    yield line + side


def _flow(value: Any, loc: Loc, column: int, notes: Comments) -> str | None:
    """`[a, b]` or `{a: b}` for what is written so; None for what gets lines of its own."""
    if isinstance(value, str) or not isinstance(value, Mapping | list):
        return None  # a str is asked first: nearly all are, and Mapping is slow to ask
    if not value:
        return "[]" if isinstance(value, list) else "{}"
    inner = value.values() if isinstance(value, Mapping) else value
    short = loc[0] in ("aka", "terms", "implementations") and isinstance(value, list)
    short |= loc[0] == "authors" and isinstance(value, Mapping)
    nested = any(isinstance(item, Mapping | list) for item in inner)
    if not short or nested or notes.below(loc):
        return None
    if isinstance(value, list):
        text = f"[{', '.join(_written(v, flow=True) for v in value)}]"
    else:
        pairs = (
            f"{_written(k, flow=True)}: {_written(value[k], flow=True)}"
            for k in _ordered(value, loc)
        )
        text = f"{{{', '.join(pairs)}}}"
    return text if column + len(text) <= WIDTH else None


@lru_cache(maxsize=1024)  # the same few names in every entry
def _key(key: str) -> str:
    return _written(key)


def _written(value: Any, *, flow: bool = False) -> str:
    """A scalar, quoted where YAML needs it or another program would misread it."""
    if not isinstance(value, str):
        return "null" if value is None else str(value)
    text = value
    if _UNPRINTABLE.search(text):
        return _UNPRINTABLE.sub(_escape, json.dumps(text, ensure_ascii=False))
    plain = (
        text
        and text == text.strip(" ")
        and not _STARTS_WRONG.match(text)
        and not _BROKEN_PLAIN.search(text)
        and not _AMBIGUOUS.fullmatch(text)
        and not (flow and _FLOW_SIGNS.search(text))
    )
    return text if plain else "'" + text.replace("'", "''") + "'"


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _side(notes: Comments, loc: Loc) -> str:
    sides = notes.sides.get(loc)
    return "".join(f"  {comment}" for comment in sides) if sides else ""


def _indented(lines: Sequence[str], indent: int) -> Iterator[str]:
    return (" " * indent + line for line in lines)


def _ordered(data: Mapping[str, Any], loc: Loc) -> list[str]:
    """Keys in the order of the model; the others behind, as they stood."""
    order = _order(tuple(step for step in loc if isinstance(step, str)))
    return sorted(data, key=lambda key: order.get(key, len(order)))


@cache
def _order(names: tuple[str, ...]) -> Mapping[str, int]:
    model: type[BaseModel] | None = Paper
    for name in names:
        inner = model.model_fields.get(name) if model else None
        model = _model(inner.annotation) if inner else None
    return {name: i for i, name in enumerate(model.model_fields)} if model else {}


def _model(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation like `tuple[Author, ...]` or `Summary | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model, get_args(annotation))), None)
