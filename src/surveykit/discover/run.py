"""From candidates to what a person is shown: what is known is left out, the rest is ranked and cut into weeks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from surveykit.catalog import Catalog
from surveykit.discover.candidate import (
    Candidate,
    came_out,
    known_before,
    names,
    unlike,
)
from surveykit.discover.ranking import Ranked, rank


@dataclass(frozen=True)
class Week:
    """The candidates of one week, best first."""

    name: str
    """Year and number by ISO 8601: `2026-W48`."""
    ranked: tuple[Ranked, ...]


@dataclass(frozen=True)
class Discovery:
    """What became of the candidates."""

    weeks: tuple[Week, ...]
    """The newest week first."""
    known: int
    """Candidates that the catalog has, has declined, or that stand there twice."""


def as_of(catalog: Catalog, day: date) -> Catalog:
    """The catalog as if it ended before a day; papers that were declined and came out later are not known either."""
    declined = (
        one
        for one in catalog.declined
        if came_out(one.identifiers, None) < (day.year, day.month)
    )
    papers = known_before(catalog.papers, day)
    return replace(catalog, papers=papers, declined=tuple(declined))


def known_names(catalog: Catalog) -> set[str]:
    """Names of the papers that the catalog has or has declined."""
    have = {name for p in catalog.papers for name in names(p.title.en, p.identifiers)}
    out = {n for d in catalog.declined for n in names(d.title, d.identifiers)}
    return have | out


def discover(
    candidates: Iterable[Candidate],
    catalog: Catalog,
    abstracts: Mapping[str, str] | None = None,
) -> Discovery:
    """Rank the candidates that are not known yet, week by week. `abstracts` are those of entries, by id."""
    every = list(candidates)
    new = unlike(every, known_names(catalog))
    ranked = rank(new, catalog.papers, catalog.taxonomy, abstracts)
    return Discovery(_weeks(ranked), len(every) - len(new))


def _weeks(ranked: Sequence[Ranked]) -> tuple[Week, ...]:
    weeks: dict[str, list[Ranked]] = defaultdict(list)
    for one in ranked:
        weeks[week_of(one.candidate.day)].append(one)
    return tuple(Week(name, tuple(weeks[name])) for name in sorted(weeks, reverse=True))


def week_of(day: date) -> str:
    """Year and number of a day's week by ISO 8601."""
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02d}"
