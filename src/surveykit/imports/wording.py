"""Titles, names and affiliations of a list: what is torn, misspelled or in capitals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from rapidfuzz import fuzz

from surveykit.imports.reading import Reading
from surveykit.record import tidy

_TORN = re.compile(r"\b([A-Z]) ([a-z]{3,})\b")
_WORDS_ALONE = re.compile(r"\b[AI] (?=[a-z])")
_SUFFIX = re.compile(
    r"\s+(?:\|\s*)?(?:[A-Z][A-Za-z&]+ Proceedings|Proceedings of .+|\(?[A-Z]{3,8} ?(?:19|20)[0-9]{2}\)?)$"
)
_INSTITUTIONS = (
    "university",
    "institute",
    "laboratory",
    "college",
    "academy",
    "department",
)
_SMALL = frozenset(
    [
        "a",
        "an",
        "and",
        "as",
        "at",
        "by",
        "for",
        "from",
        "in",
        "of",
        "on",
        "or",
        "the",
        "to",
        "via",
        "vs",
        "with",
    ]
)


def plain(text: str) -> str:
    """Text without Markdown's signs of emphasis, escapes and images."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\\([\\`*_{}\[\]()#+.!<>~|-])", r"\1", text)
    text = re.sub(r"(\*\*|__|`|~~)", "", text)
    return tidy(re.sub(r"(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)", "", text))


def mended_title(title: str, line: int, reading: Reading) -> tuple[str, str]:
    """The title as it should be, each change reported, and the venue that stood at its end."""
    title, venue = tidy(title).removesuffix("."), ""
    if suffix := _SUFFIX.search(title):
        said = (
            f"{title!r} ends with the venue's name; {suffix[0].strip()!r} is left out"
        )
        reading.note(line, "title-suffix", said)
        title, venue = title[: suffix.start()], suffix[0].strip(" |()")
    if _is_torn(title):
        right = _TORN.sub(_join, title)
        reading.note(line, "stray-space", f"{title!r} was read as {right!r}")
        title = right
    letters = [c for c in title if c.isalpha()]
    if len(letters) > 12 and title.isupper():
        right = _lowered(title)
        reading.note(
            line,
            "capitals",
            f"{title!r} is in capitals; written as {right!r}, check the names in it",
        )
        title = right
    return title, venue


def _is_torn(title: str) -> bool:
    """Whether single capitals stand before words; `A` and `I` alone prove nothing."""
    return any(found[1] not in "AI" for found in _TORN.finditer(title))


def _join(found: re.Match[str]) -> str:
    # `A ttack` is torn, `A study` is not: hardly a word begins with two consonants of one kind.
    if found[1] == "A" and not re.match(r"([^aeiou])\1", found[2]):
        return found[0]
    return found[1] + found[2]


def _lowered(title: str) -> str:
    """Title case; what stands in brackets and short words with figures stay in capitals."""
    words = []
    for place, word in enumerate(title.split(" ")):
        if word.startswith("(") or re.search("[0-9]", word):
            words.append(word)
        elif place and word.lower() in _SMALL:
            words.append(word.lower())
        else:
            words.append("-".join(part.capitalize() for part in word.split("-")))
    return " ".join(words)


def check_names(text: str, line: int, reading: Reading) -> None:
    """Report names with footnote marks, in capitals, or with a small letter at the family name."""
    for name in re.split(r"\s*[,;，、]\s*|\s+and\s+|\s*&\s*", plain(text)):
        right = re.sub(r"[\d*†‡§¶∗]+$", "", name).strip()
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


def check_affiliations(details: list[tuple[int, str]], reading: Reading) -> None:
    """Report affiliations that say nothing or are misspelled; they are not kept in any case."""
    for line, text in details:
        if text.strip().lower() in ("none", "n/a", "-", "null", "unknown"):
            reading.note(line, "affiliation", f"the affiliation is {text.strip()!r}")
        for word in re.findall(r"[A-Za-z]{7,}", text):
            near = max(_INSTITUTIONS, key=lambda right: fuzz.ratio(word.lower(), right))
            likeness = fuzz.ratio(word.lower(), near)
            if 84 <= likeness < 100 and not word.lower().startswith(near[:-1]):
                reading.note(
                    line,
                    "affiliation",
                    f"{word!r} is misspelled; probably {near.capitalize()!r}",
                )
        if re.search(r",\s*,|,\s*$", text):
            reading.note(
                line, "affiliation", f"an affiliation is empty in {text[:60]!r}"
            )


def check_style(items: Sequence[tuple[int, str, bool]], reading: Reading) -> None:
    """Report the few titles (line, title, whether it is bold) that are written unlike the many."""
    usual = (
        Counter(is_bold for *_, is_bold in items).most_common(1)[0][0]
        if items
        else False
    )
    odd = [(line, text) for line, text, is_bold in items if is_bold != usual]
    if len(odd) <= len(items) // 4:
        for line, text in odd:
            how = "not bold as the others are" if usual else "bold, the others are not"
            reading.note(line, "style", f"{text[:50]!r} is {how}")


def check_separators(lists: list[tuple[int, str]], reading: Reading) -> None:
    """Report that names are separated by `,` here and by `, ` there."""
    mixed = [
        line
        for line, text in lists
        if re.search(r",\S", text) and re.search(r",\s", text)
    ]
    if mixed:
        said = f"authors are separated by ',' and ', ' alike: lines {', '.join(map(str, mixed))}; both are read"
        reading.note(mixed[0], "separators", said)
