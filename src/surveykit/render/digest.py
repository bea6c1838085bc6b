"""What is new in a stretch of days, as one Markdown text for a mail or a post."""

from __future__ import annotations

import calendar
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from surveykit.catalog import Catalog
from surveykit.kit import Lang
from surveykit.models import Paper
from surveykit.news import KINDS, News, NewsDay, days
from surveykit.text.markdown import address, escape
from surveykit.words import words

MOST = 10
"""Papers that are named for one topic, or for one kind of change; the others are counted."""
TOLD = ("published", "retracted", "corrected")
"""Kinds of news that have a section of their own, beside new papers."""


def digest(catalog: Catalog, lang: Lang, since: date, until: date) -> str:
    """The text, its days both included. Its words come from the catalog alone and are shown as words."""
    found = days(catalog, since, until)
    return "\n".join(_digest(catalog, lang, since, until, found)).rstrip() + "\n"


def _digest(
    catalog: Catalog, lang: Lang, since: date, until: date, found: Sequence[NewsDay]
) -> Iterator[str]:
    w = words(lang, catalog)
    news: dict[str, list[News]] = defaultdict(list)
    for day in found:
        for group in day.groups:
            news[group.kind] += group.items
    name = escape(catalog.survey.short_title.in_(lang))
    yield f"# {w.digest.title.format(survey=name, period=period(lang, since, until))}\n"
    total = f"{len(catalog.papers):,}"
    if counts := counted(lang, found):
        yield w.digest.lead.format(counts=counts, n=total) + "\n"
    else:
        yield w.digest.nothing.format(n=total) + "\n"
    if news["added"]:
        yield f"## {w.digest.added}\n"
        yield from _by_topic(catalog, lang, [one.paper for one in news["added"]])
    for kind in TOLD:
        if news[kind]:
            yield f"## {getattr(w.digest, kind)}\n"
            for one in news[kind][:MOST]:
                notes = " ".join(escape(note.in_(lang)) for note in one.notes)
                yield _item(catalog, lang, one.paper, notes)
            yield _more(catalog, lang, len(news[kind]))
    yield "---\n"
    site = _site(catalog, lang)
    yield w.digest.foot.format(
        day=catalog.updated,
        site=f"<{address(site)}>",
        feed=f"<{address(site)}feeds/all.atom>",
    )


def counted(lang: Lang, found: Sequence[NewsDay]) -> str:
    """`3 added, 1 published`; empty where nothing happened."""
    w = words(lang)
    n = Counter(g.kind for day in found for g in day.groups for _ in g.items)
    told = [getattr(w.news, kind).format(n=f"{n[kind]:,}") for kind in KINDS if n[kind]]
    if out := sum(len(day.declined) for day in found):
        told.append(w.news.declined.format(n=out))
    return ("、" if lang == "zh" else ", ").join(told)


def period(lang: Lang, since: date, until: date) -> str:
    """`November 2026` for a whole month, else its two days."""
    w = words(lang)
    if since.day == 1 and until == month_of(since)[1]:
        month = str(since.month) if lang == "zh" else calendar.month_name[since.month]
        return str(w.digest.month.format(year=since.year, month=month))
    return str(w.digest.range.format(since=since, until=until))


def month_of(day: date) -> tuple[date, date]:
    """First and last day of a month."""
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return first, following - timedelta(days=1)


def _by_topic(catalog: Catalog, lang: Lang, papers: Sequence[Paper]) -> Iterator[str]:
    groups: dict[str, list[Paper]] = defaultdict(list)
    for paper in papers:
        groups[catalog.topic(paper)].append(paper)
    order = [t.id for t in catalog.topic_axis.terms if t.id in groups]
    for topic in order:
        label = escape(catalog.term(catalog.topic_axis.id, topic).label.in_(lang))
        count = len(groups[topic])
        yield (
            f"### {label}（{count}）\n" if lang == "zh" else f"### {label} ({count})\n"
        )
        for paper in sorted(groups[topic], key=_first)[:MOST]:
            told = escape(paper.tldr.in_(lang)) if paper.tldr else ""
            yield _item(catalog, lang, paper, told)
        yield _more(catalog, lang, count)


def _first(paper: Paper) -> tuple[Any, ...]:
    """The newest first, those with a summary before others."""
    return (paper.tldr is None, -paper.year, -(paper.month or 0), paper.id)


def _item(catalog: Catalog, lang: Lang, paper: Paper, told: str) -> str:
    site = catalog.survey.site
    href = f"{_site(catalog, lang)}papers/{paper.id}/" if site else paper.links.paper
    title, original = escape(paper.title.in_(lang)), escape(paper.title.en)
    last = escape(paper.authors[0].last)
    where = f"{escape(catalog.venue(paper).name)} {paper.year}"
    if lang == "zh":
        names = f"{last} 等" if len(paper.authors) > 1 else last
        return f"- [{title}]({address(href)})（{original}），{names}，{where}。{told}"
    names = f"{last} et al." if len(paper.authors) > 1 else last
    return f"- [{title}]({address(href)}). {names}, {where}. {told}".rstrip()


def _more(catalog: Catalog, lang: Lang, count: int) -> str:
    """A line for those that are not named, and the end of the list."""
    if count <= MOST:
        return ""
    w = words(lang, catalog)
    where = f"[{w.digest.whole}]({address(_site(catalog, lang))}new/)"
    return f"- {w.digest.more.format(n=count - MOST, where=where)}\n"


def _site(catalog: Catalog, lang: Lang) -> str:
    site = catalog.survey.site or catalog.survey.repository
    return site + ("zh/" if lang == "zh" and catalog.survey.site else "")
