"""The home page: the map of threats and stages, the years, the newest papers, the gaps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from markupsafe import Markup

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.news import days
from surveykit.render.pages import charts, counts
from surveykit.render.pages.methods import headline
from surveykit.render.pages.page import Page, Press, query
from surveykit.vocabulary import Term

COLUMNS = 16
"""Marks in one row of a cell of the map."""
NEWEST = 6
NEWS = 3
GAPS = 5
Tally = Counter[tuple[int, str, str]]
"""(year, side, threat) -> number of papers."""


@dataclass(frozen=True)
class MapCell:
    """One threat at one stage."""

    stage: Term
    n: Counter[str]
    total: int
    heat: float
    """Share of the fullest cell, as its square root, 0 to 1."""
    svg: Markup


@dataclass(frozen=True)
class ThreatRow:
    """One threat of the map."""

    threat: Term
    narrower: tuple[Term, ...]
    n: Counter[str]
    up: int
    down: int
    cells: list[MapCell]


def threat_map(catalog: Catalog) -> list[ThreatRow]:
    """Top threats against top stages; each cell holds what its link into the explorer finds."""
    cells = counts.cross(catalog, catalog.papers, "threat", "stage")
    threats, stages = (catalog.children(axis, None) for axis in ("threat", "stage"))
    fullest = max(
        (len(cells.get((t.id, s.id), ())) for t in threats for s in stages), default=0
    )
    return [_row(catalog, threat, stages, cells, max(1, fullest)) for threat in threats]


def _row(
    catalog: Catalog,
    threat: Term,
    stages: tuple[Term, ...],
    cells: dict[tuple[str, str], list[Paper]],
    fullest: int,
) -> ThreatRow:
    held = {stage.id: cells.get((threat.id, stage.id), []) for stage in stages}
    n = {id_: counts.sides(catalog, papers) for id_, papers in held.items()}
    up = max(charts.rows(c["attack"], COLUMNS) for c in n.values())
    down = max(charts.rows(c["defense"] + c["study"], COLUMNS) for c in n.values())
    narrower = catalog.children("threat", threat.id)
    made = []
    for stage in stages:
        papers = held[stage.id]
        marks = counts.dots(catalog, papers, threat.id)
        svg = charts.units(marks, COLUMNS, up, down, colored=bool(narrower))
        heat = round((len(papers) / fullest) ** 0.5, 3)
        made.append(MapCell(stage, n[stage.id], len(papers), heat, svg))
    total = counts.sides(catalog, catalog.having("threat", threat.id))
    return ThreatRow(threat, narrower, total, up, down, made)


def _years(
    press: Press,
) -> tuple[list[charts.YearBar], list[int], Tally]:
    catalog, threats = press.catalog, counts.main_threats(press.catalog)
    held = catalog.years or {catalog.survey.year: ()}
    span = list(range(min(held), max(held) + 1))
    n: Tally = Counter(
        (p.year, catalog.side(p), catalog.threat(p)) for p in catalog.papers
    )
    columns = []
    for year in span:
        attacks, defenses = (
            [(t, n[year, side, t]) for t in threats if n[year, side, t]]
            for side in ("attack", "defense")
        )
        spoken = press.words.home.time_year.format(
            year=year,
            attack=sum(c for _, c in attacks),
            defense=sum(c for _, c in defenses),
        )
        href = f"./papers/{query(year=str(year))}"
        columns.append(charts.YearBar(year, attacks, defenses, href, spoken))
    return columns, span, n


def newest(catalog: Catalog) -> list[Paper]:
    """The papers published last."""

    def age(paper: Paper) -> tuple[int, int, str]:
        return (paper.year, paper.month or 0, paper.identifiers.arxiv or "")

    return sorted(catalog.papers, key=age, reverse=True)[:NEWEST]


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
        rows=threat_map(catalog),
        stages=catalog.children("stage", None),
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
        threats=counts.main_threats(catalog),
        newest=newest(catalog),
        news=[day for day in days(catalog) if day.groups][:NEWS],
        gaps=counts.gaps(
            catalog, [t.id for t in counts.leaves(catalog, "threat")], "stage"
        )[:GAPS],
        cards=list(catalog.cards.values()),
        headline={i: headline(results) for i, results in catalog.results.items()},
    )
