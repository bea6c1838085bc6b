"""What `surveykit list` does when papers are asked for and not its help."""

from __future__ import annotations

from pathlib import Path

import click

from surveykit.catalog import Catalog
from surveykit.cli.catalog import open_catalog
from surveykit.cli.papers import print_papers
from surveykit.cli.terminal import known
from surveykit.query import Filter, select, terms_called, terms_near
from surveykit.venue_names import VenueNames


def print_selected(
    root: Path | None,
    *,
    terms: tuple[str, ...],
    years: str | None,
    venue: str | None,
    with_code: bool,
    as_json: bool,
) -> int:
    """Print the papers with all given terms; gives back the exit code. Raises click.UsageError for what is not known."""
    catalog = open_catalog(root)
    wanted = Filter(
        terms=tuple(_term(catalog, term) for term in terms),
        years=_years(years) if years else None,
        venue=_venue(catalog, venue) if venue else None,
        with_code=with_code,
    )
    return print_papers(catalog, select(catalog, wanted), as_json)


def _term(catalog: Catalog, text: str) -> tuple[str, str]:
    """Axis and term; a term may be given by its label, too."""
    axis, equals, said = text.partition("=")
    homes = [
        f"{a.id}={term}"
        for a in catalog.taxonomy.axes
        for term in terms_called(a, said or text)
    ]
    hint = f"; did you mean {' or '.join(homes)}?" if homes else ""
    if not equals:
        raise click.UsageError(f"{text!r} is not of the form axis=term{hint}")
    known(axis, catalog.axes, "axis")
    mine = [term for term in homes if term.startswith(f"{axis}=")]
    if len(mine) == 1:
        return axis, mine[0].removeprefix(f"{axis}=")
    near = terms_near(catalog.axes[axis], said)
    if near and not hint:
        hint = f"; did you mean {', '.join(near)}?"
    if hint:
        raise click.UsageError(f"no {axis} term {said!r}{hint}")
    return axis, known(said, (t.id for t in catalog.axes[axis].terms), f"{axis} term")


def _venue(catalog: Catalog, text: str) -> str:
    """Id of a venue, which may be given by any of its names."""
    found = VenueNames(catalog.venues).find(text)
    if found:
        return found.venue
    return known(text, catalog.venues, "venue")


def _years(text: str) -> range:
    first, dash, last = text.partition("-")
    years = first, last if dash else first
    if not all(year.isascii() and year.isdigit() and len(year) == 4 for year in years):
        raise click.UsageError(f"--year {text!r} is neither YEAR nor YEAR-YEAR")
    if years[0] > years[1]:
        raise click.UsageError(f"--year {text!r} ends before it begins")
    return range(int(years[0]), int(years[1]) + 1)
