"""Titles and names of a list: what is torn or in capitals."""

from __future__ import annotations

import re

from surveykit.references.reading import Reading
from surveykit.text.letters import tidy

_TORN = re.compile(r"\b([A-Z]) ([a-z]{3,})\b")
_SUFFIX = re.compile(
    r"(?<!\s)\s+(?:\|\s*)?(?:[A-Z][A-Za-z&]+ Proceedings|Proceedings of .+|\(?[A-Z]{3,8} ?(?:19|20)[0-9]{2}\)?)$"
)
_SMALL = "a an and as at by for from in of on or the to via vs with".split()


def mended_title(title: str, line: int, reading: Reading) -> tuple[str, str]:
    """The title as it should be, each change reported, and the venue that stood at its end."""
    title, venue = tidy(title).removesuffix("."), ""
    if suffix := _SUFFIX.search(title):
        venue = suffix[0].strip()
        said = f"{title!r} ends with the venue's name; {venue!r} is left out"
        reading.note(line, "title-suffix", said)
        title, venue = title[: suffix.start()], venue.strip(" |()")
    # Single capitals stand before words; `A` and `I` alone prove nothing.
    if any(found[1] not in "AI" for found in _TORN.finditer(title)):
        right = _TORN.sub(_join, title)
        reading.note(line, "stray-space", f"{title!r} was read as {right!r}")
        title = right
    if title.isupper() and sum(map(str.isalpha, title)) > 12:
        words = enumerate(title.split(" "))
        right = " ".join(_lowered(word, first=not place) for place, word in words)
        said = f"{title!r} is in capitals; written as {right!r}, check the names in it"
        reading.note(line, "capitals", said)
        title = right
    return title, venue


def _join(found: re.Match[str]) -> str:
    # `A ttack` is torn, `A study` is not: hardly a word begins with two consonants of one kind.
    torn = found[1] != "A" or re.match(r"([^aeiou])\1", found[2])
    return found[1] + found[2] if torn else found[0]


def _lowered(word: str, *, first: bool) -> str:
    """Title case; what stands in brackets and short words with figures stay in capitals."""
    if word.startswith("(") or re.search("[0-9]", word):
        return word
    if not first and word.lower() in _SMALL:
        return word.lower()
    return "-".join(map(str.capitalize, word.split("-")))


def check_names(text: str, line: int, reading: Reading) -> None:
    """Report names with footnote marks, in capitals, or with a small letter at the family name."""
    for name in re.split(r"(?<!\s)(?:\s*[,;，、]\s*|\s+and\s+|\s*&\s*)", text):
        right = re.sub(r"(?<![\d*†‡§¶∗])[\d*†‡§¶∗]+$", "", name).strip()
        words = right.split()
        if right != name and right:
            said = f"{name!r} ends with a mark; read as {right!r}"
            reading.note(line, "author", said)
        if len(words) > 1 and right.isupper() and len(right) > 6:
            said = f"the author {right!r} is in capitals; check how the name is written"
            reading.note(line, "capitals", said)
        elif len(words) > 1 and words[-1][0].islower() and words[0] != "et":
            said = f"the family name in {right!r} begins with a small letter; check it"
            reading.note(line, "author", said)
