"""Rules about what an entry rests on: sources that can be found, days that have come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from surveykit import clock
from surveykit.catalog import Catalog
from surveykit.errors import Loc
from surveykit.identifier import identify_quietly
from surveykit.models import Paper
from surveykit.rules.rule import Finding, Rule, at
from surveykit.scalars import is_mark

_NAMED = re.compile(r"(arxiv|doi|acl|openreview) ?: ?(\S*).*", re.IGNORECASE)
_SERVICES = frozenset("acl arxiv crossref datacite dblp openalex openreview".split())
_NO_SOURCE = frozenset(
    "a an the my our own of on in by from to and is it was this that i we us me you he she they myself self someone somebody "
    "friend colleague author authors paper papers source sources here there none no nothing nil null na unknown unclear tbd todo "
    "fixme later soon various several misc many internet web www net online website page google bing baidu search chatgpt gpt "
    "claude gemini llm ai memory knowledge common known read checked seen trust sure see above below same ditto test foo bar "
    "互联网 网络 网上 网页 百度 谷歌 搜索 我 自己 本人 作者 论文 未知 不详 无 没有 待补 待定 同上".split()
)
"""Words that lead nowhere, and those between them."""


def _sources(paper: Paper) -> Iterator[tuple[Loc, str]]:
    if paper.tldr:
        yield ("tldr", "source"), paper.tldr.source
    for index, relation in enumerate(paper.relations):
        yield ("relations", index, "source"), relation.source
    for index, claim in enumerate(paper.claims):
        yield ("claims", index, "source"), claim.source
    for index, source in enumerate(paper.verified.by if paper.verified else ()):
        yield ("verified", "by", index), source


def no_source(catalog: Catalog) -> Iterator[Finding]:
    """Sources that lead nowhere."""
    for paper in catalog.papers:
        for loc, text in _sources(paper):
            if _leads_nowhere(text):
                message = f"{text!r} is not a source; name what was read: an id, an address, a repository, a service"
                yield at(catalog, paper, loc, message)


@lru_cache(maxsize=10_000)  # most sources stand several times in an entry
def _leads_nowhere(text: str) -> bool:
    if is_mark(text):
        return False  # SK352 says so
    if named := _NAMED.fullmatch(text):
        known = identify_quietly(f"{named[1]}:{named[2].rstrip(',;')}")
        return known is None
    words = re.findall(r"[^\W_]+", text.casefold())
    if len(words) == 1 and text.isalpha() and text.isascii():
        return len(text) < 2 or (text.islower() and text not in _SERVICES)
    return all(word in _NO_SOURCE for word in words)


def future_day(catalog: Catalog) -> Iterator[Finding]:
    """Days that have not come yet."""
    last = clock.latest_day()
    for paper in catalog.papers:
        days: list[tuple[Loc, date]] = [(("added",), paper.added)]
        if paper.verified:
            days.append((("verified", "date"), paper.verified.date))
        for loc, day in days:
            if day > last:
                message = f"{day} has not come yet; write the day on which it was done"
                yield at(catalog, paper, loc, message)


RULES = (
    Rule(
        "SK361",
        "a source can be found",
        "Whoever doubts a fact must be able to read what it was taken from: `arXiv:…`, `doi:…`, an address, `owner/repository:file`, the name of a service, or words that say which list or page it was.",
        "verified: {date: 2026-11-20, by: [the internet, me]}",
        "verified: {date: 2026-11-20, by: ['arXiv:2303.15180', DBLP]}",
        no_source,
    ),
    Rule(
        "SK362",
        "days have come",
        "`added` and `verified.date` say when something was done; a day that has not come anywhere on earth is a typing error.",
        "added: 2062-11-20",
        "added: 2026-11-20",
        future_day,
    ),
)
