"""The home page: the map of topics and stages, the years, the newest papers, the gaps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from markupsafe import Markup

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.news import days
from surveykit.render.pages import charts, counts, lifecycle
from surveykit.render.pages.methods import headline
from surveykit.render.pages.page import Page, Press, query
from surveykit.vocabulary import Card, Term

COLUMNS = 16
"""Marks in one row of a cell of the map."""
NEWEST = 6
NEWS = 3
GAPS = 5
Tally = Counter[tuple[int, str, str]]
"""(year, side, topic) -> number of papers."""


@dataclass(frozen=True)
class MapCell:
    """One topic at one stage."""

    stage: Term
    n: Counter[str]
    total: int
    heat: float
    """Share of the fullest cell, as its square root, 0 to 1."""
    svg: Markup


@dataclass(frozen=True)
class TopicRow:
    """One topic of the map."""

    topic: Term
    narrower: tuple[Term, ...]
    n: Counter[str]
    up: int
    down: int
    cells: list[MapCell]


def topic_map(catalog: Catalog) -> list[TopicRow]:
    """Top topics against top stages; each cell holds what its link into the explorer finds."""
    topic = catalog.topic_axis.id
    if "stage" not in catalog.axes:
        return []
    cells = counts.cross(catalog, catalog.papers, topic, "stage")
    topics, stages = (catalog.children(axis, None) for axis in (topic, "stage"))
    fullest = max(
        (len(cells.get((t.id, s.id), ())) for t in topics for s in stages), default=0
    )
    return [_row(catalog, topic, stages, cells, max(1, fullest)) for topic in topics]


def _row(
    catalog: Catalog,
    topic: Term,
    stages: tuple[Term, ...],
    cells: dict[tuple[str, str], list[Paper]],
    fullest: int,
) -> TopicRow:
    held = {stage.id: cells.get((topic.id, stage.id), []) for stage in stages}
    n = {id_: counts.sides(catalog, papers) for id_, papers in held.items()}
    up = max(charts.rows(c["above"], COLUMNS) for c in n.values())
    down = max(charts.rows(c["below"] + c["beside"], COLUMNS) for c in n.values())
    narrower = catalog.children(catalog.topic_axis.id, topic.id)
    made = []
    for stage in stages:
        papers = held[stage.id]
        marks = counts.dots(catalog, papers, topic.id)
        svg = charts.units(marks, COLUMNS, up, down, colored=bool(narrower))
        heat = round((len(papers) / fullest) ** 0.5, 3)
        made.append(MapCell(stage, n[stage.id], len(papers), heat, svg))
    total = counts.sides(catalog, catalog.having(catalog.topic_axis.id, topic.id))
    return TopicRow(topic, narrower, total, up, down, made)


def _years(
    press: Press,
) -> tuple[list[charts.YearBar], list[int], Tally]:
    catalog, topics = press.catalog, counts.main_topics(press.catalog)
    held = catalog.years or {catalog.survey.year: ()}
    span = list(range(min(held), max(held) + 1))
    n: Tally = Counter(
        (p.year, catalog.side(p), catalog.topic(p)) for p in catalog.papers
    )
    columns = []
    for year in span:
        attacks, defenses = (
            [(t, n[year, side, t]) for t in topics if n[year, side, t]]
            for side in ("above", "below")
        )
        spoken = press.words.home.time_year.format(
            year=year,
            above=sum(c for _, c in attacks),
            below=sum(c for _, c in defenses),
        )
        href = f"./papers/{query(year=str(year))}"
        columns.append(charts.YearBar(year, attacks, defenses, href, spoken))
    return columns, span, n


def newest(catalog: Catalog) -> list[Paper]:
    """The papers published last."""

    def age(paper: Paper) -> tuple[int, int, str]:
        return (paper.year, paper.month or 0, paper.identifiers.arxiv or "")

    return sorted(catalog.papers, key=age, reverse=True)[:NEWEST]


def _featured(catalog: Catalog) -> list[Card]:
    """Of each topic the method that most papers lead to, with or without a program of their own."""
    lead = Counter(id_ for paper in catalog.papers for id_ in paper.implementations)
    lead.update({id_: len(papers) for id_, papers in catalog.offered.items()})
    first: dict[str, Card] = {}
    for card in sorted(catalog.cards.values(), key=lambda c: -lead[c.id]):
        first.setdefault(catalog.topic(catalog.by_id[card.papers[0]]), card)
    return [first[t.id] for t in catalog.topic_axis.terms if t.id in first]


def home_page(press: Press) -> Page:
    """The first page."""
    catalog = press.catalog
    columns, span, n = _years(press)
    tagline = press.text(catalog.survey.tagline)
    return press.page(
        "index.md",
        "home.html",
        title=press.words.nav.home,
        description=tagline,
        rows=topic_map(catalog),
        stages=catalog.children("stage", None) if "stage" in catalog.axes else (),
        lifecycle=lifecycle.told(catalog),
        figures=counts.sides(catalog, catalog.papers),
        with_code=sum(bool(p.links.code) for p in catalog.papers),
        with_run=sum(bool(p.implementations) for p in catalog.papers),
        time=charts.timeline(
            columns,
            press.words.home.time.format(from_year=span[0], to_year=span[-1]),
            press.words.home.time_text,
        ),
        years=span,
        n=n,
        topics=counts.main_topics(catalog),
        newest=newest(catalog),
        news=[day for day in days(catalog) if day.groups][:NEWS],
        gaps=counts.gaps(
            catalog,
            [t.id for t in counts.leaves(catalog, catalog.topic_axis.id)],
            "stage",
        )[:GAPS],
        cards=_featured(catalog),
        headline={i: headline(results) for i, results in catalog.results.items()},
    )
