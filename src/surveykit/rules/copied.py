"""Rules about what comes along when facts are copied: several names in one, markup, marks of publishers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from surveykit.catalog import Catalog
from surveykit.errors import Loc
from surveykit.models import Author, Paper
from surveykit.rules.rule import VENUES, Finding, Rule, at
from surveykit.text.retraction import in_title
from surveykit.venue_names import VenueNames
from surveykit.vocabulary import Venue

_JOINED = re.compile(
    r"[;；、，]|&|(?<=\s)(?:and|und|et(?!\.?\s*al\b))\s", re.IGNORECASE
)
_NOBODY = re.compile(
    r"(?:(?:and|&)\s+)?(?:others?|co-?authors?|unknown|n/?a|null|none)|et\.?|等|…|\.{3}",
    re.IGNORECASE,
)
_AND_OTHERS = re.compile(
    r"\bet\.?\s*al\b\W*$|\band others\W*$|(?<=[\u4e00-\u9fff])\s*等$", re.I
)
_TAG = (
    "script|img|svg|iframe|div|h[1-6]|hr|style|object|embed|form|button|table|t[dhr]|[uo]l|li|pre|del|ins|details|video|audio|center|"
    "a|b|i|u|p|em|tt|br|sub|sup|inf|span|font|code|math|small|strong|italic|bold|sc|scp"
    "|m[a-z]{1,7}|(?:mml|jats):[a-z-]+"
)
_MARKUP = re.compile(
    rf"</?(?:{_TAG})(?:\s[^<>]*)?/?>"
    r"|&(?:[a-z]{2,8}|#[0-9]{2,6}|#x[0-9a-f]{2,5});"
    r"|\\(?:[a-z]+|[^\sa-z0-9])"
    r"|\{[^{}]*\}"
    r"|\$[^$\s](?:[^$]*[^$\s])?\$",
    re.IGNORECASE,
)
_BRACKET_AT_END = re.compile(r"[(\[（【]([^()\[\]（）【】]{2,100})[)\]）】]$")
_TAIL = re.compile(r"[,.:;|–—-]\s+([^,.:;|–—]{2,100})$")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}\b|['’][0-9]{2}\b")


def retracted(catalog: Catalog) -> Iterator[Finding]:
    """Titles that say that the paper no longer stands."""
    for paper in catalog.papers:
        for lang in ("en", "zh"):
            if mark := in_title(paper.title.in_(lang)):
                message = f"title says {mark!r}; look the paper up, and do not list what was retracted or withdrawn"
                yield at(catalog, paper, ("title", lang), message)


def _people(catalog: Catalog) -> Iterator[tuple[Paper, Loc, Author]]:
    for paper in catalog.papers:
        for index, author in enumerate(paper.authors):
            yield paper, ("authors", index), author


def several_in_one(catalog: Catalog) -> Iterator[Finding]:
    """Authors that are several people."""
    for paper, loc, author in _people(catalog):
        if _several(author):
            message = f"author {author.name!r} is several names; give each its own item"
            yield at(catalog, paper, loc, message)


def _several(author: Author) -> bool:
    if author.literal:  # the name of a group may well hold `and`
        return ";" in author.literal or "；" in author.literal
    halves = [half.split() for half in author.name.split(",")]
    commas = len(halves) > 2 or (len(halves) == 2 and min(map(len, halves)) > 1)
    han = bool(re.search(r"[、，；,;]", author.han or ""))
    return commas or han or bool(_JOINED.search(author.name))


def turned_name(catalog: Catalog) -> Iterator[Finding]:
    """Names with a comma in them."""
    for paper, loc, author in _people(catalog):
        told = [author.given, author.particle, author.family]
        if any("," in part for part in told if part) and not _several(author):
            family, _, given = author.name.partition(",")
            right = f"{given.strip()} {family}".strip()
            message = f"author {author.name!r} has a comma; write {right!r}, or the parts of the name"
            yield at(catalog, paper, loc, message)


def nobody(catalog: Catalog) -> Iterator[Finding]:
    """Authors that are neither a person nor a group."""
    for paper, loc, author in _people(catalog):
        name = author.name
        if _NOBODY.fullmatch(name) or _AND_OTHERS.search(name):
            message = f"author {name!r} stands for people left out; name all authors"
            yield at(catalog, paper, loc, message)
        elif "@" in name or "://" in name or not re.search(r"[^\W\d_]", name):
            message = f"author {name!r} is not a name; write the name, or delete it"
            yield at(catalog, paper, loc, message)


def _texts(paper: Paper) -> Iterator[tuple[Loc, str]]:
    """Titles, summaries and names of an entry."""
    for lang in ("en", "zh"):
        yield ("title", lang), paper.title.in_(lang)
        if paper.tldr:
            yield ("tldr", lang), paper.tldr.zh if lang == "zh" else paper.tldr.en
    if paper.workshop:
        yield ("workshop",), paper.workshop
    for index, author in enumerate(paper.authors):
        yield ("authors", index), f"{author.name} {author.han or ''}"


def _called(venue: Venue) -> Iterator[tuple[Loc, str]]:
    for field in ("name", "book", "findings", "workshops", "publisher"):
        if text := getattr(venue, field):
            yield (field,), text
    yield ("full", "en"), venue.full.en
    yield ("full", "zh"), venue.full.zh
    for index, alias in enumerate(venue.aliases):
        yield ("aliases", index), alias


def markup(catalog: Catalog) -> Iterator[Finding]:
    """HTML and LaTeX in titles, summaries and names."""
    for paper in catalog.papers:
        for loc, text in _texts(paper):
            if found := _MARKUP.search(text):
                yield at(catalog, paper, loc, _plainly(found[0]))
    for index, venue in enumerate(catalog.venues.values()):
        for loc, text in _called(venue):
            if found := _MARKUP.search(text):
                yield Finding(VENUES, (index, *loc), _plainly(found[0]))


def _plainly(found: str) -> str:
    return f"{found[:40]!r} is markup; write the sign or the letters it stands for"


def arxiv_doi(catalog: Catalog) -> Iterator[Finding]:
    """DOIs that arXiv gave out."""
    for paper in catalog.papers:
        doi = paper.identifiers.doi or ""
        prefix, _, number = doi.lower().partition("/arxiv.")
        if prefix == "10.48550":
            known = paper.identifiers.arxiv
            hint = "delete it" if known else f"write `arxiv: '{number}'` instead"
            message = f"DOI {doi!r} is arXiv's name of the preprint; {hint}"
            yield at(catalog, paper, ("identifiers", "doi"), message)


def venue_in_title(catalog: Catalog) -> Iterator[Finding]:
    """Titles that end with the name of a venue."""
    names = VenueNames(catalog.venues)
    for paper in catalog.papers:
        text = paper.title.en
        bracket, tail = _BRACKET_AT_END.search(text), _TAIL.search(text)
        said = bracket or (tail if tail and _YEAR.search(tail[1]) else None)
        if said and names.find(said[1]):
            message = f"title ends with a venue, {said[1]!r}; delete it, `venue` and `year` say it"
            yield at(catalog, paper, ("title", "en"), message)


RULES = (
    Rule(
        "SK346",
        "a DOI is that of the published version",
        "DOIs that begin with 10.48550/arXiv. are arXiv's own names of its preprints; `arxiv` says the same, and `doi` is for the publisher's.",
        "identifiers:\n  doi: 10.48550/arXiv.2303.15180",
        "identifiers:\n  arxiv: '2303.15180'",
        arxiv_doi,
    ),
    Rule(
        "SK353",
        "a title does not say that the paper was retracted",
        "Publishers and servers mark the titles of papers that no longer stand: retracted, withdrawn, under an expression of concern. Look the paper up; what was retracted is not listed. If the mark is wrong, write the title as printed.",
        "title: {en: 'RETRACTED: Growing Mushrooms'}",
        "title: {en: Growing Mushrooms}",
        retracted,
    ),
    Rule(
        "SK354",
        "an author is one person or one group",
        "A line of names was copied as one; citations and the pages of authors would take it for one person. Give each name its own item.",
        "authors: [Shiwei Feng and Guanhong Tao]",
        "authors: [Shiwei Feng, Guanhong Tao]",
        several_in_one,
    ),
    Rule(
        "SK355",
        "a name is written `Given Family`",
        "`Family, Given` as a plain text makes the given name the family name. Turn it round, or write the parts, `suffix` among them.",
        "authors: ['Feng, Shiwei']",
        "authors: [Shiwei Feng]",
        turned_name,
    ),
    Rule(
        "SK356",
        "an author has a name",
        "`et al.` and `others` stand for people who are left out; addresses and numbers are nobody's name. Name all authors, in printed order.",
        "authors: [Shiwei Feng, {literal: et al.}]",
        "authors: [Shiwei Feng, Guanhong Tao]",
        nobody,
    ),
    Rule(
        "SK357",
        "titles, summaries and names hold no markup",
        "HTML and LaTeX would be shown as they stand: `&amp;`, `<i>`, braces, `$\\ell_2$`. Write the letters and signs themselves.",
        "title: {en: '{B}ackdoors &amp; $\\ell_\\infty$ Noise'}",
        "title: {en: Boletes & ℓ∞ Noise}",
        markup,
    ),
    Rule(
        "SK412",
        "a title does not end with its venue",
        "Lists write the venue behind the title; it is a fact of its own and would be printed twice.",
        "title: {en: Growing Mushrooms (CVPR 2023)}",
        "title: {en: Growing Mushrooms}\nvenue: cvpr\nyear: 2023",
        venue_in_title,
        "venues",
    ),
)
