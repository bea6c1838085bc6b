"""Rules about letters: what a wrong encoding left, letters of another script, the language of a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from surveykit.catalog import Catalog
from surveykit.errors import Loc
from surveykit.models import Paper
from surveykit.rules.rule import TAXONOMY, VENUES, Finding, Rule, at

_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_WIDE = re.compile(r"[\u3040-\u312f\u3400-\u4dbf\u4e00-\u9fff]{3,}")
_EAST_ASIAN = re.compile(
    r"[\u3001-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff60\U00020000-\U0003ffff]"
)
_ODD = re.compile(
    r"[^\0-\x7f\u2000-\u206f\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]"
)
"""What is neither ASCII nor Chinese nor punctuation: a wrong encoding leaves it, and each look-alike is one."""
_SUSPECT = re.compile(f"{_ODD.pattern}|{_WIDE.pattern}")
_COPIES = ("FULLWIDTH LATIN", "LATIN SMALL LIGATURE F", "MATHEMATICAL ")
"""How Unicode calls letters that are Latin ones in another dress; `ℓ` and `ℝ` are symbols of their own."""


def _strings(
    data: Any, sign: re.Pattern[str], loc: Loc = ()
) -> Iterator[tuple[Loc, str]]:
    if isinstance(data, str):
        if sign.search(data):
            yield loc, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _strings(value, sign, (*loc, key))
    elif isinstance(data, list | tuple):
        for index, item in enumerate(data):
            yield from _strings(item, sign, (*loc, index))


def _texts(
    catalog: Catalog, sign: re.Pattern[str], may: Callable[[str], object]
) -> Iterator[tuple[str, Loc, str]]:
    """Every text with such a sign, of every file that people write; `may` says of a whole file whether to look."""
    others: dict[str, Any] = {
        **{f"reference_impls/{id_}/card.yaml": c for id_, c in catalog.cards.items()},
        "catalog/survey.yaml": catalog.survey,
        TAXONOMY: catalog.taxonomy,
    }
    places: list[tuple[str, Loc, Any, str]] = [
        (catalog.paths[paper.id], (), paper, written)
        for paper, written in zip(catalog.papers, catalog.written, strict=True)
    ]
    rest: list[tuple[str, Loc, Any]] = [(p, (), model) for p, model in others.items()]
    rest += [(VENUES, (i,), v) for i, v in enumerate(catalog.venues.values())]
    places += [(*one, one[2].model_dump_json(exclude_unset=True)) for one in rest]
    for path, place, model, written in places:
        if may(written):  # a walk takes longer
            for loc, text in _strings(model.model_dump(exclude_unset=True), sign):
                yield path, (*place, *loc), text


def garbled(catalog: Catalog) -> Iterator[Finding]:
    """Texts that were read in a wrong encoding."""
    from ftfy import fix_encoding  # takes longer to load than most catalogs to check

    for path, loc, text in _texts(catalog, _SUSPECT, _may_be_garbled):
        right = fix_encoding(text) if _ODD.search(text) else text
        if right != text or any(map(_is_utf8_as_gbk, _WIDE.findall(text))):
            hint = f"write {right!r}" if right != text else "copy it again"
            message = f"{text!r} was read in a wrong encoding; {hint}"
            yield Finding(path, loc, message)
    for paper in catalog.papers:
        for index, author in enumerate(paper.authors):
            if not author.literal and "?" in author.name:
                message = f"author {author.name!r} has `?` where a letter was lost; write the letter"
                yield at(catalog, paper, ("authors", index), message)


def _may_be_garbled(text: str) -> bool:
    return bool(_ODD.search(text)) or any(map(_is_utf8_as_gbk, _WIDE.findall(text)))


def _is_utf8_as_gbk(run: str) -> bool:
    """Whether Chinese letters are the bytes of others: each three of them are two in UTF-8."""
    try:
        right = run[: len(run) // 3 * 3].encode("gb18030").decode()
    except UnicodeError:
        return False
    return _HAN.fullmatch(right) is not None


def look_alikes(catalog: Catalog) -> Iterator[Finding]:
    """Letters of another script in Latin words."""
    for path, loc, text in _texts(catalog, _ODD, _ODD.search):
        if found := _stranger(text):
            letter, word = found
            name = unicodedata.name(letter, "letter").lower()
            message = f"{letter!r} in {word!r} is U+{ord(letter):04X}, {name}; write the Latin letter"
            yield Finding(path, loc, message)


def _stranger(text: str) -> tuple[str, str] | None:
    """The first letter that only looks Latin, with its word."""
    for word in _WORD.findall(text):
        if word.isascii():
            continue
        latin = any(unicodedata.name(c, "").startswith("LATIN ") for c in word)
        cased = [c for c in word if c.isupper() or c.islower()]
        alike = [c for c in cased if not c.isascii() and _alike(c)]
        # A whole word of look-alikes is one word of Latin letters; a Greek letter alone is a symbol.
        whole = len(alike) == len(cased) and not any(map(_greek, alike))
        for letter in alike if latin or whole else ():
            if not _is_symbol(letter, word):
                return letter, word
    return None


@lru_cache(4096)
def _alike(letter: str) -> bool:
    """Whether a letter can be taken for one of ASCII and is none."""
    from confusable_homoglyphs.confusables import is_confusable

    name = unicodedata.name(letter, "")
    if name.startswith(_COPIES):
        return True
    if name.startswith("LATIN ") or unicodedata.normalize("NFKC", letter).isascii():
        return False
    known = is_confusable(letter, preferred_aliases=["latin"]) or [{"homoglyphs": ()}]
    return any(
        twin["c"].isascii() and twin["c"].isalpha() for twin in known[0]["homoglyphs"]
    )


def _greek(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("GREEK ")


def _is_symbol(letter: str, word: str) -> bool:
    """Whether a small Greek letter stands for itself, as in `αNLI` and `Lipschitz γ`."""
    bare = word.strip("αβγδεζηθικλμνξοπρστυφχψω")
    return _greek(letter) and letter.islower() and letter not in bare and not bare[:1].islower()  # fmt: skip


def _english(paper: Paper) -> Iterator[tuple[Loc, str]]:
    """Every English text of an entry that is not quoted from somewhere else."""
    yield ("title", "en"), paper.title.en
    yield from ((("aka", index), name) for index, name in enumerate(paper.aka))
    if paper.tldr:
        yield ("tldr", "en"), paper.tldr.en
    if paper.notes:
        yield ("notes", "en"), paper.notes.en
    for index, relation in enumerate(paper.relations):
        yield ("relations", index, "why", "en"), relation.why.en


def not_english(catalog: Catalog) -> Iterator[Finding]:
    """English texts with Chinese letters or punctuation."""
    for paper in catalog.papers:
        for loc, text in _english(paper):
            if found := _EAST_ASIAN.search(text):
                message = f"{found[0]!r} in an English text; write it in English, with half-width punctuation"
                yield at(catalog, paper, loc, message)


RULES = (
    Rule(
        "SK358",
        "texts are read in the right encoding",
        "UTF-8 that was read as Latin-1, Windows-1252 or GBK shows two strange letters for one, and what an encoding lacks becomes `?`. Write the text as it is printed.",
        "authors: [JosÃ© Álvarez, Łuk?sz Example]",
        "authors: [José Álvarez, Łukasz Example]",
        garbled,
    ),
    Rule(
        "SK359",
        "a Latin word has Latin letters only",
        "Cyrillic, Greek, full-width and mathematical letters and ligatures look like Latin ones and are not found by a search. Greek letters that stand for themselves are right: β-VAE, αNLI.",
        "title: {en: Growing Mushrooms in the R\\u0430in}",
        "title: {en: Growing Mushrooms in the Rain}",
        look_alikes,
    ),
    Rule(
        "SK413",
        "English texts are English",
        "A Chinese text or full-width punctuation under `en` was mostly meant for `zh`.",
        "title: {en: 种植蘑菇, zh: 种植蘑菇}",
        "title: {en: Growing Mushrooms, zh: 种植蘑菇}",
        not_english,
    ),
)
