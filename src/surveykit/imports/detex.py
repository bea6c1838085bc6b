"""LaTeX in a field of a BibTeX file -> plain text."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from pylatexenc.latex2text import LatexNodes2Text

from surveykit.record import tidy

_PLAIN = re.compile(r"[^\\$^_%]*")


@lru_cache(maxsize=20_000)  # journals, authors and series come again and again
def detex(text: str) -> str:
    """Accents and signs as letters, braces and commands gone; texts without commands only lose their braces."""
    if _PLAIN.fullmatch(text):
        plain = text.replace("~", " ").replace("---", "—").replace("--", "–")
    else:
        # A lone percent sign would begin a comment and take the rest of the line.
        safe = re.sub(r"(?<!\\)%", r"\\%", re.sub(r"\\relax\s*", "", text))
        plain = _decoder().latex_to_text(safe)
    plain = plain.replace("``", "“").replace("''", "”")
    return tidy(re.sub(r"[{}]", "", plain))


@cache
def _decoder() -> LatexNodes2Text:
    return LatexNodes2Text(
        math_mode="text", keep_comments=True, strict_latex_spaces=True
    )
