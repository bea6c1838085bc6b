"""What stands around a title in a list and is none of it: dates, venues and remarks in brackets, signs."""

from __future__ import annotations

import re

from surveykit.imports.segments import is_tag, is_venue, year_in
from surveykit.text.letters import tidy

_PART = r"(?i)vol|part|version|v[0-9]|(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)[a-z]*\b|[0-9]|spring|fall|summer|winter"
"""Beginnings of what belongs to a title although it stands in brackets with a year."""
_BEFORE = r"(?!\[Re\])[\[(【]([^\[\]【】()]{1,80}(?:\([^()]{1,20}\))?)[\])】]\s*(?=\S)"
_BEHIND = re.compile(r"\s*[\[(【]([^\[\]()【】]{1,80})[\])】]\W*$")
_MEETING = (
    r"\b(?:Conference|Findings|Journal|Proceedings|Symposium|Transactions|Workshops?)\b"
)
"""Words of names of venues too long for a tag."""
_SIGNS = " .|,;:：*_~`-–—•【】"
PREFIX = r"^\s*(?:[Pp]aper|[Tt]itle|论文|标题|题目)\s*[:：]\s*"
"""What some lists write before each title."""


def untagged(text: str) -> tuple[str, str]:
    """A title without what stands in brackets before or behind it and is a date, a venue or a remark; and that."""
    tags = []
    date = r"^[0-9]{4}[./-][0-9]{1,2}(?:[./-][0-9]{1,2})?\s*[:：]"
    text = re.sub(date, "", tidy(text))
    text = re.sub(r"^(?:\s|:[+\w-]+:|[^\w\s\"“‘'(\[【<$`*]|&nbsp;)+", "", text)
    whole = re.match(r"\[([^\[\]]{12,})\][^\w]*(?::\w+:?|\w+)?\W*$", text)
    if whole and not is_tag(whole[1]):
        text = whole[1]
    while found := re.match(_BEFORE, text):
        tag, square = found[1], found[0][0] != "("
        if found[0].endswith(")") and not year_in(tag):  # `(Un)seen`
            break
        remark = found[0][-1] == " " and tag == tag.lower()
        short = len(tag.split()) <= 3 or year_in(tag)
        if not (is_tag(tag) or (square and short) or (not square and remark)):
            break
        tags.append(tag)
        text = text[found.end() :]
    while found := _BEHIND.search(text, max(len(text) - 200, 0)):
        tag = found[1]
        told = is_tag(tag) or re.search(_MEETING, tag)
        if not told or not is_venue(tag) or re.match(_PART, tag):
            break
        tags.append(tag)
        text = text[: found.start()]
    return cleared(text), " | ".join(tags)


def cleared(text: str) -> str:
    """A title without the signs of lists around it."""
    plain = tidy(text).strip(_SIGNS)
    enclosed = plain[:1] == "[" and plain[-1:] == "]"
    if enclosed or plain.count("[") != plain.count("]"):
        plain = plain.strip(_SIGNS + "[]")
    plain = re.sub(PREFIX, "", plain.rstrip(" (（"), count=1)
    if plain[:1] in '"“' and plain[-1:] in '"”' and len(plain) > 2:
        plain = plain[1:-1].strip(" .,")
    return plain
