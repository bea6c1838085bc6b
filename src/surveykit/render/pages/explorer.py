"""The table of all papers with its filters; complete without a script up to STATIC papers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from surveykit.models import Paper
from surveykit.render.pages import counts
from surveykit.render.pages.page import Page, Press

STATIC = 1000
"""Up to this many papers the table holds them all; above, the newest NEWEST, and the file of the search the rest."""
NEWEST = 200
FIND = "papers/find.json"
"""What the search box knows beside the rows that can be seen; fetched when somebody searches."""
SHOWN_AUTHORS = 3
OPEN = ("threat", "role", "stage", "modality")
"""Axes whose filters are unfolded at first, in front of the others."""


@dataclass(frozen=True)
class Option:
    """One box of a filter."""

    value: str
    label: str
    n: int
    words: str = ""
    """Other words that find it in the search box."""
    depth: int = 1


@dataclass(frozen=True)
class Facet:
    """One filter; boxes of one filter are joined by OR, filters by AND."""

    id: str
    label: str
    options: list[Option]
    open: bool = False


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    paper: Paper
    values: str
    """Values of all facets, in their order: `a,b|c|…`."""


def explorer_page(press: Press) -> Page:
    """The page with all papers."""
    catalog, w = press.catalog, press.words
    shown, older = split(catalog.papers)
    return press.page(
        "papers/index.md",
        "papers.html",
        title=w.papers.title,
        description=w.papers.description,
        search=w.papers.description,
        facets=(filters := facets(press)),
        columns=[facet.id for facet in filters],
        groups=lines(press, shown),
        shown=len(shown),
        older_years=sorted({p.year for p in older}, reverse=True),
        find_file=FIND.removeprefix("papers/"),
        script="explorer.js",
    )


def split(papers: Sequence[Paper]) -> tuple[Sequence[Paper], Sequence[Paper]]:
    """Papers in the page itself, and papers that a script fetches."""
    if len(papers) <= STATIC:
        return papers, ()
    return papers[:NEWEST], papers[NEWEST:]


def find_json(press: Press) -> str:
    """Words that find a paper without being seen, in the order of the catalog; words of terms; rows of older papers.

    `papers`: a text for each; `terms`: facet=value -> words; `older`: [values, row] of what is not in the page.
    """
    _, older = split(press.catalog.papers)
    rows = [line for _, lines_ in lines(press, older) for line in lines_]
    found = {
        "papers": [_words(press, paper) for paper in press.catalog.papers],
        "terms": {
            f"{facet.id}={option.value}": option.words
            for facet in facets(press)
            for option in facet.options
            if option.words
        },
        "older": [
            [line.values, press.fragment("row.html", line=line, root="../").strip()]
            for line in rows
        ],
    }
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def facets(press: Press) -> list[Facet]:
    """Filters in the order of the page: the axes, then what is available, years, venues."""
    catalog, w = press.catalog, press.words
    order = [*OPEN, *(axis for axis in catalog.axes if axis not in OPEN)]
    made = [_axis_facet(press, axis) for axis in order if axis in catalog.axes]
    has = Counter(thing for paper in catalog.papers for thing in _has(paper))
    labels = {
        "code": w.papers.has_code,
        "run": w.papers.has_run,
        "tldr": w.papers.has_tldr,
    }
    made.append(
        Facet(
            "has",
            w.papers.has,
            [Option(key, label, has[key]) for key, label in labels.items() if has[key]],
        )
    )
    years = [Option(str(y), str(y), len(ps)) for y, ps in catalog.years.items()]
    made.append(Facet("year", w.papers.year, years))
    venues = [
        Option(v, catalog.venues[v].name, len(ps), " ".join(catalog.venues[v].aliases))
        for v, ps in catalog.by_venue.items()
    ]
    return [*made, Facet("venue", w.papers.venue, venues)]


def _axis_facet(press: Press, axis: str) -> Facet:
    catalog = press.catalog
    options = [
        Option(
            term.id,
            press.text(term.label),
            len(catalog.having(axis, term.id)),
            press.search_words(term),
            len(catalog.ancestry(axis, term.id)),
        )
        for term in catalog.axes[axis].terms
        if catalog.having(axis, term.id)
    ]
    return Facet(axis, press.text(catalog.axes[axis].label), options, axis in OPEN)


def lines(press: Press, papers: Iterable[Paper]) -> list[tuple[int, list[Line]]]:
    """Rows grouped by year."""
    catalog = press.catalog
    axes = [*OPEN, *(axis for axis in catalog.axes if axis not in OPEN)]
    axes = [axis for axis in axes if axis in catalog.axes]
    return [
        (year, [_line(press, paper, axes) for paper in group])
        for year, group in groupby(papers, key=lambda p: p.year)
    ]


def _line(press: Press, paper: Paper, axes: Sequence[str]) -> Line:
    values = [",".join(counts.closure(press.catalog, paper, axis)) for axis in axes]
    values += [",".join(_has(paper)), str(paper.year), paper.venue]
    return Line(paper, "|".join(values))


def _words(press: Press, paper: Paper) -> str:
    ids = paper.identifiers
    hidden = [
        press.catalog.venue(paper).full.en,
        *(a.name for a in paper.authors[SHOWN_AUTHORS:]),
        *(a.han for a in paper.authors if a.han),
        *(i for i in (ids.arxiv, ids.doi, ids.acl, ids.openreview) if i),
    ]
    if press.lang == "en":
        hidden.append(paper.title.zh)
    return " ".join(hidden)


def _has(paper: Paper) -> list[str]:
    things = {
        "code": paper.links.code,
        "run": paper.implementations,
        "tldr": paper.tldr,
    }
    return [thing for thing, there in things.items() if there]
