"""Pages that list papers: by year and by venue."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from surveykit.render.pages import counts
from surveykit.render.pages.page import Page, Press


def year_pages(press: Press) -> Iterator[Page]:
    """All years, and a page for each."""
    catalog, w = press.catalog, press.words
    yield press.page(
        "years/index.md",
        "years.html",
        title=w.year.heading,
        description=w.year.lead,
        n={y: counts.sides(catalog, papers) for y, papers in catalog.years.items()},
    )
    for year, papers in catalog.years.items():
        yield press.page(
            f"years/{year}.md",
            "year.html",
            title=w.year.title.format(year=year),
            description=w.year.description.format(year=year, n=len(papers)),
            year=year,
            papers=papers,
            n=counts.sides(catalog, papers),
            groups=_by_topic(press, year),
        )


def _by_topic(press: Press, year: int) -> list[tuple[str, list[object]]]:
    catalog = press.catalog
    order = {topic: i for i, topic in enumerate(counts.main_topics(catalog))}
    papers = sorted(catalog.years[year], key=lambda p: order[catalog.topic(p)])
    return [(t, list(group)) for t, group in groupby(papers, key=catalog.topic)]


def venue_pages(press: Press) -> Iterator[Page]:
    """All venues with papers, and a page for each."""
    catalog, w = press.catalog, press.words
    kinds = ("conference", "journal", "preprint")
    yield press.page(
        "venues/index.md",
        "venues.html",
        title=w.venue.heading,
        description=w.venue.lead,
        kinds=[
            (kind, [v for v in catalog.by_venue if catalog.venues[v].kind == kind])
            for kind in kinds
        ],
    )
    for id_, papers in catalog.by_venue.items():
        venue = catalog.venues[id_]
        yield press.page(
            f"venues/{id_}.md",
            "venue.html",
            title=venue.name,
            description=w.venue.description.format(venue=venue.name, n=len(papers)),
            venue=venue,
            papers=papers,
            n=counts.sides(catalog, papers),
            years=[(y, list(ps)) for y, ps in groupby(papers, key=lambda p: p.year)],
        )
