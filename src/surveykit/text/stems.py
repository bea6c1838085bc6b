"""English words as they are compared: folded, without the endings that titles vary."""

from __future__ import annotations

import re
from functools import lru_cache

from surveykit.text.letters import fold

_FILLERS = """
    a an the of in on for to from by with at and or is are be as via we our this that it its can against towards toward
    using based which not have has these their new propose proposed method paper model models
"""
COMMON = frozenset(_FILLERS.split())
"""Words that say nothing of a paper's subject."""
_WORD = re.compile(r"[a-z0-9]+")


def stems(text: str) -> tuple[str, ...]:
    """Every word of a text, in order, as its stem."""
    return tuple(map(stem, _WORD.findall(fold(text).replace("'", ""))))


def telling(text: str) -> list[str]:
    """The stems of a text without common words and single letters."""
    return [word for word in stems(text) if word not in COMMON and len(word) > 1]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """A word without the endings that titles vary: `mushrooms`, `growing`, `dried`."""
    for ending in ("ings", "ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word.removesuffix(ending)
            break
    return word.rstrip("e") if len(word) > 4 else word
