"""Names of authors as files write them -> `Author`s."""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic import ValidationError

from surveykit.models import Author
from surveykit.record import tidy

_HAN = re.compile(r"[\u3400-\u9fff·]{2,}")
_SUFFIX = re.compile(r"(?:Jr|Sr)\.?|I{2,3}|IV", re.IGNORECASE)
_GROUP = re.compile(
    r"\b(team|group|consortium|collaboration|university|institute|lab|labs|inc|foundation|community|project|AI)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=20_000)  # people write more than one paper
def author(text: str, *, group: bool = False) -> Author | None:
    """An author written `Given Family`, `Family, Given` or `Family, Jr., Given`; None for what is no name."""
    name = tidy(text).strip(" ,;")
    if not re.search(r"[^\W\d_]", name):
        return None
    try:
        if _HAN.fullmatch(name):
            return Author(literal=name, han=name)
        if group:
            return Author(literal=name)
        return _with_comma(name) if "," in name else _in_order(name)
    except ValidationError:
        return None


def _with_comma(name: str) -> Author:
    parts = [part.strip() for part in name.split(",")]
    particle, family = _particle(parts[0])
    given = parts[-1] or None
    suffix = parts[1] if len(parts) > 2 else None
    if len(parts) == 2 and _SUFFIX.fullmatch(parts[1]):
        given, suffix = None, parts[1]
    return Author(given=given, particle=particle, family=family, suffix=suffix)


def _in_order(name: str) -> Author:
    words = name.split()
    if len(words) == 1 or _GROUP.search(name):
        return Author(literal=name) if _GROUP.search(name) else Author(family=name)
    suffix = words.pop() if len(words) > 2 and _SUFFIX.fullmatch(words[-1]) else None
    at = next(
        (i for i, word in enumerate(words[1:-1], start=1) if word[0].islower()),
        len(words) - 1,
    )
    particle, family = _particle(" ".join(words[at:]))
    return Author(
        given=" ".join(words[:at]), particle=particle, family=family, suffix=suffix
    )


def _particle(last: str) -> tuple[str | None, str]:
    """`van der Maaten` -> `van der`, `Maaten`; a name all in lower case is one family name."""
    words = last.split()
    at = next((i for i, word in enumerate(words) if not word[0].islower()), 0)
    return " ".join(words[:at]) or None, " ".join(words[at:])
