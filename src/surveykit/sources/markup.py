"""Titles and abstracts as services send them, with HTML, MathML, JATS or TeX -> plain text."""

from __future__ import annotations

import html
import re

from surveykit.imports.detex import detex
from surveykit.record import tidy

# What says the same a second time: the TeX source beside the formula, notes for programs.
_TWICE = re.compile(
    r"<((?:\w+:)?(?:tex-math|annotation(?:-xml)?|script|style))\b[^<>]*>.*?</\1\s*>",
    re.IGNORECASE | re.DOTALL,
)
_MATH = re.compile(r"<((?:\w+:)?math)\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(
    r"</?(?:\w+:)?(?:p|br|title|sec|li|list|div)\b[^<>]*>", re.IGNORECASE
)
# A tag and no comparison: `n < 3` stays.
_TAG = re.compile(r"</?[A-Za-z][\w:.-]*(?:\s[^<>]*)?/?>")
_TEX = re.compile(r"\\[A-Za-z'`\"^~=.]|\$[^$]+\$|\{[^{}]*\}")


def plain(text: str) -> str:
    """One line of plain text, in Unicode form NFC; formulas become their letters."""
    for _ in range(2):  # some services escape what was escaped already
        text = html.unescape(text)
        if "<" in text:
            text = _TWICE.sub("", text)
            text = _MATH.sub(lambda math: re.sub(r">\s+|\s+<", _tight, math[0]), text)
            text = _TAG.sub("", _BREAK.sub(" ", text))
    return detex(text) if _TEX.search(text) else tidy(text)


def title(text: str) -> str:
    """A title as plain text, without the final full stop that some services add."""
    found = plain(text)
    keeps = found.endswith(("..", "etc.")) or not found.endswith(".")
    return found if keeps else found[:-1].rstrip()


def _tight(space: re.Match[str]) -> str:
    return space[0].strip()
