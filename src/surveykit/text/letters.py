"""Text as it is compared, and as the models take it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from surveykit.scalars import INVISIBLE

_STROKED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})
"""Letters that Unicode does not take apart."""
_GAPS = re.compile("[\\s_‐‑‒–−-]+")
_SIGNS = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """Text as it is compared: compatibility forms, no accents, no case."""
    if text.isascii():
        return text.casefold()  # has neither; most titles end here
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_STROKED)
    return "".join(c for c in plain if not unicodedata.combining(c))


@lru_cache(maxsize=100_000)  # the same few thousand names and words come again
def letters(text: str) -> str:
    """Folded text without anything but letters and digits: `S&P` is `sp`."""
    return _SIGNS.sub("", fold(text))


def closed(text: str) -> str:
    """A name as it is compared: folded, without blanks and hyphens. `Gen AF` is `gen-af`, `BAGM` is not `BAGM+`."""
    return _GAPS.sub("", fold(text))


def tidy(text: str) -> str:
    """Text as the models take it: one line, single spaces, nothing invisible, Unicode form NFC."""
    text = INVISIBLE.sub(lambda c: " " if c[0] in "\t\n\r\u2028\u2029" else "", text)
    return " ".join(unicodedata.normalize("NFC", text).split())
