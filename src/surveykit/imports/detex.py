"""LaTeX in a field of a BibTeX file -> plain text."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from pylatexenc.latex2text import LatexNodes2Text
from pylatexenc.latexwalker import get_default_latex_context_db
from pylatexenc.macrospec import LatexContextDb

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
        plain = _decoder().latex_to_text(safe, latex_context=_macros())
    plain = plain.replace("``", "“").replace("''", "”")
    return tidy(re.sub(r"[{}]", "", plain))


@cache
def _macros() -> LatexContextDb:
    """What LaTeX's commands take; made once, because pylatexenc would make it anew for each text."""
    return get_default_latex_context_db()


@cache
def _decoder() -> LatexNodes2Text:
    return LatexNodes2Text(
        math_mode="text", keep_comments=True, strict_latex_spaces=True
    )
