"""The table of all papers with its filters; complete without a script up to STATIC papers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from surveykit.models import Paper
from surveykit.render.pages import counts
from surveykit.render.pages.page import Page, Press

STATIC = 1000
"""Up to this many papers the table holds them all; above, the newest NEWEST, and a file of rows the rest."""
NEWEST = 200
OLDER = "papers/older.js"
"""Rows that the page itself does not hold, as a script, since pages opened as files may load no data."""
SHOWN_AUTHORS = 3
OPEN = ("role", "stage", "modality")
"""Axes whose filters are unfolded at first, after that of the topics and in front of the others."""


@dataclass(frozen=True)
class Option:
    """One box of a filter."""

    value: str
    label: str
    n: int
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
    boxes: str
    """Numbers of the boxes that it belongs to, in the order of the page; its year and its venue come last: `0,17,…`."""


def explorer_page(press: Press) -> Page:
    """The page with all papers."""
    catalog, w = press.catalog, press.words
    shown, older = split(catalog.papers)
    return press.page(
        "papers/index.md",
        "papers.html",
        title=w.papers.title,
        description=w.papers.description,
        facets=facets(press),
        groups=lines(press, shown),
        shown=len(shown),
        older=lines(press, older),
        older_file=OLDER,
        script="explorer.js",
        inline=press.scripts("papers.html"),
    )


def split(papers: Sequence[Paper]) -> tuple[Sequence[Paper], Sequence[Paper]]:
    """Papers in the page itself, and papers that a script fetches."""
    if len(papers) <= STATIC:
        return papers, ()
    return papers[:NEWEST], papers[NEWEST:]


def older_rows(press: Press) -> str:
    """The rows of papers that are not in the page; empty where all are."""
    _, older = split(press.catalog.papers)
    rows = [
        press.fragment("row.html", line=line, root="../").strip().replace("\n", "")
        for _, group in lines(press, older)
        for line in group
    ]
    return f"sk.take('older',{json.dumps(rows, ensure_ascii=False)})\n" if rows else ""


def facets(press: Press) -> list[Facet]:
    """Filters in the order of the page: the axes, then what is available, years, venues."""
    catalog, w = press.catalog, press.words
    order = dict.fromkeys((catalog.topic_axis.id, *OPEN, *catalog.axes))
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
        Option(v, catalog.venues[v].name, len(ps)) for v, ps in catalog.by_venue.items()
    ]
    return [*made, Facet("venue", w.papers.venue, venues)]


def _axis_facet(press: Press, axis: str) -> Facet:
    catalog = press.catalog
    options = [
        Option(
            term.id,
            press.text(term.label),
            len(catalog.having(axis, term.id)),
            depth=len(catalog.ancestry(axis, term.id)),
        )
        for term in catalog.axes[axis].terms
        if catalog.having(axis, term.id)
    ]
    return Facet(
        axis,
        press.text(catalog.axes[axis].label),
        options,
        axis in (catalog.topic_axis.id, *OPEN),
    )


def lines(press: Press, papers: Iterable[Paper]) -> list[tuple[int, list[Line]]]:
    """Rows grouped by year."""
    values = ((f.id, option.value) for f in facets(press) for option in f.options)
    number = {value: str(n) for n, value in enumerate(values)}

    def line(paper: Paper) -> Line:
        return Line(paper, ",".join(number[v] for v in _values(press, paper)))

    return [
        (year, [line(paper) for paper in group])
        for year, group in groupby(papers, key=lambda p: p.year)
    ]


def _values(press: Press, paper: Paper) -> Iterator[tuple[str, str]]:
    """(facet, value) of each box that a paper belongs to."""
    for axis in press.catalog.axes:
        for term in counts.closure(press.catalog, paper, axis):
            yield axis, term
    for thing in _has(paper):
        yield "has", thing
    yield "year", str(paper.year)
    yield "venue", paper.venue


def _has(paper: Paper) -> list[str]:
    things = {
        "code": paper.links.code,
        "run": paper.implementations,
        "tldr": paper.tldr,
    }
    return [thing for thing, there in things.items() if there]
