"""Pages of names: a list of all authors, and a page for each name with two papers or more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from surveykit.models import Paper
from surveykit.render.pages.charts import Dot
from surveykit.render.pages.page import Page, Press
from surveykit.render.people import Byline

_PITCH, _YEAR, _RADIUS = 13, 34, 4.6
"""Height of a mark, width of a year and size of a mark in the picture of the years, in SVG units."""


@dataclass(frozen=True)
class Initial:
    """The names under one letter."""

    letter: str
    id: str
    """Anchor of the section."""
    several: list[Byline]
    """Those with a page."""
    once: list[str]
    """The other names, which stand on one paper."""


def author_pages(press: Press) -> Iterator[Page]:
    """The list, and a page for each name that has one."""
    w, people = press.words, press.people
    several = [person for person in people.values() if person.path]
    yield press.page(
        "authors/index.md",
        "authors.html",
        title=w.author.heading,
        description=w.author.about,
        lead=w.author.lead.format(n=f"{len(people):,}", m=len(several)),
        groups=list(_by_initial(people)),
    )
    for person in several:
        yield press.page(
            f"authors/{person.slug}.md",
            "author.html",
            title=person.name,
            description=w.author.description.format(
                name=person.name, n=len(person.papers)
            ),
            who=person,
            years=[(y, list(ps)) for y, ps in groupby(person.papers, lambda p: p.year)],
            topics=_topics(press, person.papers),
            career=_career(press, person.papers),
            others=_co_authors(people, person),
        )


def _by_initial(people: Mapping[str, Byline]) -> Iterator[Initial]:
    for letter, group in groupby(people.values(), lambda person: person.initial):
        here = list(group)
        yield Initial(
            letter,
            "other" if letter == "#" else letter.lower(),
            [person for person in here if person.path],
            [" ".join((p.name, *p.han)) for p in here if not p.path],
        )


def _topics(press: Press, papers: Sequence[Paper]) -> list[tuple[str, int]]:
    """Main topics with the number of papers, most first."""
    times = Counter(press.catalog.topic(paper) for paper in papers)
    return sorted(times.items(), key=lambda pair: (-pair[1], pair[0]))


def _co_authors(
    people: Mapping[str, Byline], person: Byline
) -> list[tuple[Byline, int]]:
    """Who wrote with them, with the number of papers, most first."""
    times = Counter(
        name
        for paper in person.papers
        for name in {author.name for author in paper.authors}
        if name != person.name
    )
    ranked = sorted(times, key=lambda name: (-times[name], people[name].sort, name))
    return [(people[name], times[name]) for name in ranked]


def _career(press: Press, papers: Sequence[Paper]) -> Markup:
    """One mark a paper above the year of its publication; empty where all are of one year."""
    catalog = press.catalog
    first, last = papers[-1].year, papers[0].year
    if first == last:
        return Markup("")
    stacks: dict[int, int] = Counter(paper.year for paper in papers)
    ground = max(stacks.values()) * _PITCH
    width, height = (last - first + 1) * _YEAR, ground + 18
    out, place = [], Counter[int]()
    for paper in reversed(papers):
        dot = Dot(paper, catalog.side(paper), catalog.topic(paper))
        x = (paper.year - first + 0.5) * _YEAR
        y = ground - (place[paper.year] + 0.5) * _PITCH
        place[paper.year] += 1
        out.append(dot.draw(x, y, _RADIUS, colored=True))
    for year in range(first, last + 1):
        x = (year - first + 0.5) * _YEAR
        out.append(f'<text x="{x:g}" y="{ground + 14}">{year}</text>')
    return Markup(
        f'<svg class="sk-career" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true" '
        f'focusable="false"><line x1="0" x2="{width}" y1="{ground + 1}" y2="{ground + 1}"/>{"".join(out)}</svg>'
    )
