"""The types of single values in the catalog: texts, addresses, ids, days; and what each looks like, in words."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from surveykit.net.hosts import fault

# Characters that change what a reader sees without being seen: bidirectional controls, zero-width
# characters and fillers, the byte order mark, the replacement character, signs for private use.
INVISIBLE = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff9-\uffff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_UNSAFE = re.compile(r"[^!-~]|[\"<>^`{|}]")
_ENCODE = "percent-encode characters that are not allowed in an address"
_OTHER_SPACE = re.compile(r"[^\S ]")  # no-break, thin, ideographic …

TODO, TODO_TERM, TODO_URL = "TODO", "todo", "https://example.org/todo"
"""Marks of what a person still has to give, as text, as term or venue, and as address."""


def is_mark(value: object) -> bool:
    """Whether a value stands for one that a person still has to give."""
    return value in (TODO, TODO_TERM, TODO_URL) or (
        isinstance(value, str) and value.startswith(f"{TODO}:")
    )


def plain(text: str) -> str:
    """The text, where it is shown as it stands. Raises PydanticCustomError for one that hides something."""
    spaced = "  " in text or text != text.strip()
    if not spaced and text.isascii() and text.isprintable():
        return text  # as nearly all texts: nothing of what follows can be in it
    if found := INVISIBLE.search(text):
        raise PydanticCustomError(
            "invisible_character",
            "invisible or control character U+{code}; delete it",
            {"code": f"{ord(found[0]):04X}"},
        )
    if found := _OTHER_SPACE.search(text):
        raise PydanticCustomError(
            "other_space",
            "space U+{code} in {value}; write a plain space",
            {"code": f"{ord(found[0]):04X}", "value": repr(text)},
        )
    if spaced:
        raise PydanticCustomError(
            "stray_space", "stray space in {value}; remove it", {"value": repr(text)}
        )
    if not unicodedata.is_normalized("NFC", text):
        raise PydanticCustomError(
            "not_normalized",
            "{value} holds decomposed accents; write it in Unicode form NFC",
            {"value": repr(text)},
        )
    return text


def _url(text: str) -> str:
    found = fault(text)
    words = found.words if found else _ENCODE * bool(_UNSAFE.search(text))
    if words:
        shown = repr(text if len(text) <= 120 else f"{text[:120]}…")
        raise PydanticCustomError(
            "bad_url", "bad address {value}: {fault}", {"value": shown, "fault": words}
        )
    return text


def _source(text: str) -> str:
    """The text, when the addresses in it are such that may be followed."""
    for word in text.split():
        if word.lower().startswith(("http://", "https://")):
            _url(word.rstrip(".,;"))
    return text


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError(
        "bad_day",
        "{value} is not a day; write it as '2026-11-20'",
        {"value": repr(value)},
    )


def _orcid(text: str) -> str:
    digits = text.replace("-", "")
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    if digits[-1] != ("X" if check == 10 else str(check)):
        raise PydanticCustomError(
            "orcid_checksum",
            "ORCID {value} has a wrong check digit; copy it again",
            {"value": repr(text)},
        )
    return text


PlainText = Annotated[str, StringConstraints(min_length=1), AfterValidator(plain)]
Url = Annotated[
    PlainText,
    AfterValidator(_url),
    WithJsonSchema({"type": "string", "pattern": "^https?://[!-~]+$"}),
]
Source = Annotated[PlainText, AfterValidator(_source)]
SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Slug = Annotated[str, StringConstraints(pattern=SLUG)]
# A method is a Python package, whose name cannot hold a hyphen.
MethodId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
PaperId = Annotated[str, StringConstraints(pattern=r"^[a-z]+[0-9]{4}[a-z0-9]+$")]
ArxivId = Annotated[
    str,
    StringConstraints(
        pattern=r"^([0-9]{2}(0[1-9]|1[0-2])\.[0-9]{4,5}|[a-z-]+(\.[A-Z]{2})?/[0-9]{7})$"
    ),
]
ArxivClass = Annotated[
    str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*(\.[A-Za-z]+(-[a-z]+)*)?$")
]
# With `<` and `>`, which stand in the DOIs that were made of SICI codes.
Doi = Annotated[str, StringConstraints(pattern=r"^10\.[0-9]{4,9}/[!#-\[\]_a-z]+$")]
OpenReviewId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{6,40}$")]
AclId = Annotated[
    str,
    StringConstraints(
        pattern=r"^([0-9]{4}\.[a-z0-9]+-[a-z0-9]+\.[0-9]+|[A-Z][0-9]{2}-[0-9]{4})$"
    ),
]
Orcid = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]$"),
    AfterValidator(_orcid),
]
Pages = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z]?[0-9:.]+(-[A-Za-z]?[0-9:.]+)?$")
]
PictureFile = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*\.(svg|png|webp)$")
]
# Shown between backticks.
Command = Annotated[PlainText, StringConstraints(pattern=r"^[^`]+$")]
Unit = Annotated[str, StringConstraints(pattern=r"^.{0,12}$"), AfterValidator(plain)]
Volume = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,12}$")]
# Strict: pydantic would read '012' as 12 and a number as seconds since 1970.
Year = Annotated[int, Field(strict=True, ge=1950, le=2100)]
Month = Annotated[int, Field(strict=True, ge=1, le=12)]
Day = Annotated[date, BeforeValidator(_day)]


def _pattern(form: Any) -> str:
    return next(
        str(part.pattern)
        for part in form.__metadata__
        if isinstance(part, StringConstraints) and part.pattern
    )


FORMS = {
    _pattern(Slug): "lower-case letters, digits and single hyphens",
    _pattern(MethodId): "lower-case letters, digits and single underscores",
    _pattern(PaperId): "ASCII name, year and word, like `holt2023finding`",
    _pattern(ArxivId): "arXiv id without address and version, like `'2303.15180'`",
    _pattern(ArxivClass): "primary class at arXiv, like `cs.CV`",
    _pattern(Doi): "DOI without `https://doi.org/`, like `10.1145/3503161.3547801`",
    _pattern(OpenReviewId): "OpenReview forum id, like `iC4UHbQ01Mp`",
    _pattern(AclId): "ACL Anthology id, like `2020.acl-main.249`",
    _pattern(Orcid): "four groups of four digits, like `0000-0002-1825-0097`",
    _pattern(Pages): "first and last page, like `12-25`, or an article number",
    _pattern(PictureFile): "a file beside the card: `results.svg`, `triggers.png`",
    _pattern(Command): "a command without backticks; `$(…)` does the same",
    _pattern(Unit): "at most 12 characters, like `%`",
    _pattern(Volume): "at most 12 letters, digits, dots and hyphens",
}
"""Pattern of a type -> what to write, in words."""


def is_id(text: str) -> bool:
    """Whether a text has the form of an entry's id."""
    return re.fullmatch(_pattern(PaperId), text) is not None
