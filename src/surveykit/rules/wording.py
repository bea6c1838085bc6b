"""Rules about text: titles and names as printed, Chinese that reads as Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

from surveykit.catalog import Catalog
from surveykit.errors import Loc
from surveykit.models import Author, Paper
from surveykit.rules.rule import Finding, Rule, at
from surveykit.scalars import is_mark

TLDR_WORDS = 60
TLDR_HAN = 120

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
_HALF_WIDTH = re.compile(_HAN.pattern + r"(?:[,;:?!]|\.(?![0-9A-Za-z]))")


def final_stop(catalog: Catalog) -> Iterator[Finding]:
    """Titles that end with a full stop."""
    for paper in catalog.papers:
        for lang in ("en", "zh"):
            text = paper.title.in_(lang)
            if text.endswith((".", "。")) and not text.endswith(("..", "etc.")):
                message = f"title ends with {text[-1]!r}; delete it"
                yield at(catalog, paper, ("title", lang), message)


def digit_in_author(catalog: Catalog) -> Iterator[Finding]:
    """Persons with a digit in the name, mostly a footnote mark."""
    for paper in catalog.papers:
        for index, author in enumerate(paper.authors):
            if not author.literal and re.search(r"[0-9]", author.name):
                message = (
                    f"author {author.name!r} has a digit; delete the footnote mark"
                )
                yield at(catalog, paper, ("authors", index), message)


def shouted_title(catalog: Catalog) -> Iterator[Finding]:
    """Titles in capital letters."""
    for paper in catalog.papers:
        text = paper.title.en
        if text == text.upper() and len(re.findall(r"[A-Z]{2,}", text)) >= 3:
            message = (
                "title in capitals; write it in title case, as the paper's page does"
            )
            yield at(catalog, paper, ("title", "en"), message)


def _shouted(author: Author) -> bool:
    words = [w for w in (author.given, author.family) if w]
    return len(words) == 2 and all(len(w) > 2 and w.isupper() for w in words)


def shouted_author(catalog: Catalog) -> Iterator[Finding]:
    """Authors in capital letters."""
    for paper in catalog.papers:
        for index, author in enumerate(paper.authors):
            if _shouted(author):
                message = (
                    f"author {author.name!r} in capitals; write {author.name.title()!r}"
                )
                yield at(catalog, paper, ("authors", index), message)


def repeated_author(catalog: Catalog) -> Iterator[Finding]:
    """Authors that stand twice in one entry."""
    for paper in catalog.papers:
        seen = set()
        for index, author in enumerate(paper.authors):
            who = (author.name, author.orcid, author.han)
            if who in seen:
                message = f"author {author.name!r} stands here twice; delete one, or tell two people apart by `orcid` or `han`"
                yield at(catalog, paper, ("authors", index), message)
            seen.add(who)


def long_summary(catalog: Catalog) -> Iterator[Finding]:
    """Summaries that are longer than one sentence should be."""
    for paper in catalog.papers:
        if not paper.tldr:
            continue
        if (words := len(paper.tldr.en.split())) > TLDR_WORDS:
            message = f"summary of {words} words; {TLDR_WORDS} are enough"
            yield at(catalog, paper, ("tldr", "en"), message)
        if (signs := len(_HAN.findall(paper.tldr.zh))) > TLDR_HAN:
            message = f"summary of {signs} Chinese characters; {TLDR_HAN} are enough"
            yield at(catalog, paper, ("tldr", "zh"), message)


def _chinese(paper: Paper) -> Iterator[tuple[Loc, str]]:
    """Every Chinese text of an entry."""
    yield ("title", "zh"), paper.title.zh
    if paper.tldr:
        yield ("tldr", "zh"), paper.tldr.zh
    if paper.notes:
        yield ("notes", "zh"), paper.notes.zh
    if paper.verified and paper.verified.doubt:
        yield ("verified", "doubt", "zh"), paper.verified.doubt.zh
    for index, relation in enumerate(paper.relations):
        yield ("relations", index, "why", "zh"), relation.why.zh
    for index, correction in enumerate(paper.corrections):
        yield ("corrections", index, "zh"), correction.zh
    for index, event in enumerate(paper.history):
        yield ("history", index, "note", "zh"), event.note.zh


def not_chinese(catalog: Catalog) -> Iterator[Finding]:
    """Chinese texts without a Chinese character."""
    for paper in catalog.papers:
        for loc, text in _chinese(paper):
            if not _HAN.search(text) and not is_mark(text):
                yield at(
                    catalog, paper, loc, "no Chinese character in it; translate it"
                )


def half_width(catalog: Catalog) -> Iterator[Finding]:
    """Half-width punctuation after a Chinese character."""
    for paper in catalog.papers:
        for loc, text in _chinese(paper):
            if found := _HALF_WIDTH.search(text):
                message = f"half-width punctuation in {found[0]!r}; use ，。；：？！"
                yield at(catalog, paper, loc, message)


RULES = (
    Rule(
        "SK350",
        "a title has no final full stop",
        "Citation styles add it; a stop of our own would be printed twice.",
        "title: {en: Growing Mushrooms.}",
        "title: {en: Growing Mushrooms}",
        final_stop,
    ),
    Rule(
        "SK351",
        "a person's name has no digit",
        "Digits are footnote marks that came along when the name was copied.",
        "authors: [Jianing Qiu2]",
        "authors: [Jianing Qiu]",
        digit_in_author,
    ),
    Rule(
        "SK406",
        "a title is not written in capitals",
        "Capitals come from the layout of the PDF; acronyms could no longer be told from words.",
        "title: {en: GROWING MUSHROOMS IN ALL WEATHER TODAY}",
        "title: {en: Growing Mushrooms in All Weather Today}",
        shouted_title,
    ),
    Rule(
        "SK407",
        "a name is not written in capitals",
        "Capitals come from the layout of the PDF.",
        "authors: [RICARDO RODRÍGUEZ]",
        "authors: [Ricardo Rodríguez]",
        shouted_author,
    ),
    Rule(
        "SK408",
        "an author stands once in an entry",
        "Mostly a copying error. Two people of one name are told apart by `orcid` or `han`.",
        "authors: [Wei Li, Anna Example, Wei Li]",
        "authors: [Wei Li, Anna Example]",
        repeated_author,
    ),
    Rule(
        "SK409",
        "a summary is one sentence",
        f"At most {TLDR_WORDS} English words and {TLDR_HAN} Chinese characters; what else is worth saying belongs into `notes`.",
        "tldr: {en: three long sentences …}",
        "tldr: {en: one sentence}",
        long_summary,
    ),
    Rule(
        "SK410",
        "Chinese texts are Chinese",
        "A text under `zh` without a Chinese character was left untranslated.",
        "title: {en: Growing Mushrooms, zh: Growing Mushrooms}",
        "title: {en: Growing Mushrooms, zh: 种植蘑菇}",
        not_chinese,
    ),
    Rule(
        "SK411",
        "Chinese texts use full-width punctuation",
        "After a Chinese character stands ，。；：？！ and not their half-width twins.",
        "zh: 种植蘑菇: 一项研究",
        "zh: 种植蘑菇：一项研究",
        half_width,
    ),
)
