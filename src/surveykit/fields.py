"""What pydantic says about the fields of one file, as faults in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from surveykit.errors import Loc
from surveykit.scalars import FORMS
from surveykit.text.did_you_mean import did_you_mean
from surveykit.text.printable import printable
from surveykit.yaml_tree import Fault, Tree, shown

_KINDS = {
    "string_type": "a text",
    "string_unicode": "a text",
    "int_type": "a whole number",
    "int_parsing_size": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys and values",
    "model_type": "a mapping of keys and values",
    "author": "an author; write `Given Family` or the parts of the name",
}
LANGUAGES = ("en", "zh")
"""Languages of a survey that does not say which it has."""
MOST_EXPLAINED = 200
"""Misfits of one file that are looked at one by one."""
_EMPTY = {"string_too_short": "text", "too_short": "list"}
_RANGES = {
    "greater_than_equal": ("ge", "small; the least is"),
    "less_than_equal": ("le", "large; the most is"),
}
# Raised in scalars.py, whose messages are made for readers.
_OWN = {
    "invisible_character": "SK208",
    "other_space": "SK209",
    "stray_space": "SK209",
    "not_normalized": "SK210",
    "bad_url": "SK211",
    "orcid_checksum": "SK212",
    "one_word_author": "SK213",
    "author_form": "SK213",
    "languages": "SK205",
    "bad_day": "SK214",
}


def validated(
    form: TypeAdapter[Any],
    tree: Tree,
    faults: list[Fault],
    languages: tuple[str, ...] = LANGUAGES,
) -> Any:
    """The data of a file as models; None when it does not fit, with the reasons in `faults`.

    `languages` are those in which the survey has its texts.
    """
    try:
        return form.validate_python(tree.data, context={"languages": languages})
    except ValidationError as error:
        for detail in error.errors(include_url=False)[:MOST_EXPLAINED]:
            faults += _faults(form, tree, detail)
        # Each needs a place and a suggestion; what is beyond is only counted, at the last one's place.
        more = error.error_count() - MOST_EXPLAINED
        faults += faults[-1:] * more
    return None


def _faults(
    form: TypeAdapter[Any], tree: Tree, detail: ErrorDetails
) -> Iterator[Fault]:
    kind, loc, value = detail["type"], detail["loc"], detail["input"]
    if kind == "too_short" and value:
        return  # a consequence of items that are reported themselves
    at_key = kind in ("missing", "extra_forbidden") or loc[-1:] == ("[key]",)
    loc = loc[:-1] if kind == "missing" or loc[-1:] == ("[key]",) else loc
    rule, message = _explained(form, detail)
    if kind not in ("missing", "extra_forbidden") and not at_key and _is_named(loc):
        message = f"{_name(loc)}: {message}"
    yield Fault(rule, *tree.place(loc, key=at_key), message)


def _is_named(loc: Loc) -> bool:
    return any(isinstance(step, str) for step in loc)


def _name(loc: Loc) -> str:
    """`authors[2].given`, counted from 0 as in the file's lists."""
    name = ""
    for step in loc:
        name += f"[{step}]" if isinstance(step, int) else f".{step}"
    return printable(name.removeprefix("."))


def _explained(form: TypeAdapter[Any], detail: ErrorDetails) -> tuple[str, str]:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "missing":
        return "SK201", f"`{_name(detail['loc'])}` is missing; add it"
    if kind == "extra_forbidden":
        return "SK202", _unknown(form, detail["loc"])
    if kind in _EMPTY:
        return "SK204", f"empty {_EMPTY[kind]}; fill it, or delete the key"
    if kind == "literal_error":
        words = re.findall(r"'([^']+)'", context["expected"])
        hint = did_you_mean(str(value), {word: word for word in words})
        return "SK205", f"{shown(value)} is not one of {', '.join(words)}{hint}"
    if kind == "string_pattern_mismatch":
        wanted = FORMS.get(context["pattern"], "another form")
        return "SK206", f"{shown(value)} has the wrong form; write {wanted}"
    if kind == "too_long":
        return "SK207", f"too many; the most is {context['max_length']}"
    if kind in _RANGES:
        bound, text = _RANGES[kind]
        return "SK207", f"{shown(value)} is too {text} {context[bound]}"
    if kind in _OWN:
        return _OWN[kind], detail["msg"]
    if context.get("class_name") == "Author":
        kind = "author"
    return "SK203", _wrong_kind(kind, value, detail["loc"])


def _wrong_kind(kind: str, value: object, loc: Loc) -> str:
    wanted = _KINDS.get(kind, "another kind of value")
    if value is None:
        return f"needs {wanted}; fill it, or delete the {'key' if loc else 'file'}"
    if kind == "string_type" and isinstance(value, int):
        return f"{value} needs quotes: '{value}'"
    if kind == "int_type" and isinstance(value, str) and value.isdecimal():
        return f"{shown(value)} is a number here; write {shown(value)[1:-1].lstrip('0') or 0} without quotes"
    if kind == "tuple_type" and isinstance(value, str):
        item = f"; write [{value[:40]}]" if value.isprintable() else ""
        return f"{shown(value)} must be a list{item}"
    return f"{shown(value)} is not {wanted}"


def _unknown(form: TypeAdapter[Any], loc: Loc) -> str:
    model = _model_at(form._type, loc[:-1])
    fields = list(model.model_fields) if model else []
    hint = did_you_mean(str(loc[-1]), {name: name for name in fields})
    choice = hint or f"; the fields here are {', '.join(fields)}"
    return f"unknown field {shown(loc[-1])}{choice}"


def _model_at(form: Any, loc: Loc) -> type[BaseModel] | None:
    """The model whose fields may stand at `loc`."""
    model = _model_in(form)
    for step in loc:
        if isinstance(step, str) and model and step in model.model_fields:
            model = _model_in(model.model_fields[step].annotation)
    return model


def _model_in(form: Any) -> type[BaseModel] | None:
    if isinstance(form, type) and issubclass(form, BaseModel):
        return form
    inner = (_model_in(part) for part in get_args(form))
    return next((model for model in inner if model), None)
