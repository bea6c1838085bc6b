"""Rules about identifiers that their own makers could not have given out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from surveykit import clock, identifier
from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.rules.rule import Finding, Rule, at

_FIRST, _NEW_STYLE, _FIVE_DIGITS = 1991_07, 2007_04, 2015_01
"""Months, as numbers, in which arXiv began, and changed the form of its ids."""


def _month(arxiv: str) -> int:
    """Month of an arXiv id as a number: 202303; those of the old form may be of the last century."""
    digits = arxiv.rpartition("/")[2][:4]
    century = 1900 if "/" in arxiv and digits >= "9000" else 2000
    return (century + int(digits[:2])) * 100 + int(digits[2:])


def _impossible(arxiv: str, this_month: int) -> str:
    """Why arXiv cannot have given out an id; empty where it can."""
    month, number = _month(arxiv), re.split(r"[./]", arxiv)[-1]
    if not 1 <= month % 100 <= 12:
        return f"there is no month {month % 100:02}"
    if "/" in arxiv:
        if identifier.arxiv_id(arxiv) != arxiv:
            return "arXiv has no such archive; delete the class of the subject, too"
        if not _FIRST <= month < _NEW_STYLE:
            return "ids with `/` were given out from July 1991 to March 2007"
        return "" if int(number[4:]) else "numbers begin at 001"
    if month < _NEW_STYLE:
        return "ids with `.` begin in April 2007"
    digits = 5 if month >= _FIVE_DIGITS else 4
    if len(number) != digits:
        return f"ids of {month // 100}-{month % 100:02} have {digits} digits behind the dot"
    if not int(number):
        return "numbers begin at 1"
    return "it is of a month that has not come yet" if month > this_month else ""


def _this_month() -> int:
    day = clock.latest_day()
    return day.year * 100 + day.month


def impossible_arxiv(catalog: Catalog) -> Iterator[Finding]:
    """ArXiv ids that arXiv cannot have given out."""
    this_month = _this_month()
    for paper in catalog.papers:
        arxiv = paper.identifiers.arxiv
        if arxiv and (why := _impossible(arxiv, this_month)):
            message = f"{arxiv!r} is not an arXiv id: {why}; copy it again"
            yield at(catalog, paper, ("identifiers", "arxiv"), message)


def late_arxiv(catalog: Catalog) -> Iterator[Finding]:
    """ArXiv ids from after the entry was added and last compared."""
    for paper in catalog.papers:
        arxiv = paper.identifiers.arxiv
        if arxiv and _last_seen(paper) < _month(arxiv) <= _this_month():
            message = f"arXiv {arxiv!r} is younger than the entry and its verification; correct the id, or verify again"
            yield at(catalog, paper, ("identifiers", "arxiv"), message)


def _last_seen(paper: Paper) -> int:
    days = [paper.added, *([paper.verified.date] if paper.verified else [])]
    return max(day.year * 100 + day.month for day in days)


def doi_tail(catalog: Catalog) -> Iterator[Finding]:
    """DOIs with the punctuation of the sentence from which they were copied."""
    for paper in catalog.papers:
        doi = paper.identifiers.doi or ""
        if doi and (bare := identifier.doi(doi)) != doi:
            hint = f"; write {bare!r}" if bare else ""
            message = f"DOI {doi!r} ends with punctuation of the text around it{hint}"
            yield at(catalog, paper, ("identifiers", "doi"), message)


RULES = (
    Rule(
        "SK347",
        "an arXiv id is one that arXiv can have given out",
        "The first four digits are year and month. Behind a dot stand four digits from April 2007 and five from January 2015; before that ids began with an archive, `cs/0112017`.",
        "identifiers: {arxiv: '2313.15180'}",
        "identifiers: {arxiv: '2303.15180'}",
        impossible_arxiv,
    ),
    Rule(
        "SK348",
        "a DOI does not end with punctuation",
        "A full stop, a comma or a bracket behind a DOI belongs to the sentence or the list from which it was copied.",
        "identifiers: {doi: '10.1145/3503161.3547801).'}",
        "identifiers: {doi: 10.1145/3503161.3547801}",
        doi_tail,
    ),
    Rule(
        "SK414",
        "an arXiv id is not younger than the entry",
        "The preprint of a paper was there when the entry was added or last compared; an id of a later month is more often another paper's.",
        "identifiers: {arxiv: '2612.15180'}\nadded: 2026-11-20",
        "identifiers: {arxiv: '2303.15180'}\nadded: 2026-11-20",
        late_arxiv,
    ),
)
