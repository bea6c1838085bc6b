"""Picks papers out of a catalog by term, year and venue, and counts them; `lookup` finds them by words."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.text.letters import letters
from surveykit.vocabulary import Axis, Term


@dataclass(frozen=True)
class Filter:
    """What papers must have; an empty field asks for nothing."""

    terms: tuple[tuple[str, str], ...] = ()
    """(axis id, term id) pairs; all must hold, narrower terms count."""
    years: range | None = None
    """Years of publication."""
    venue: str | None = None
    """Venue id."""
    with_code: bool = False
    """Whether the authors' program must be linked."""


@dataclass(frozen=True)
class Statistics:
    """Counts over a catalog; every paper is counted once in each, under its first term."""

    papers: int
    by_year: Mapping[int, int]
    by_topic: Mapping[str, int]
    by_role: Mapping[str, int]
    by_venue: Mapping[str, int]
    with_code: int
    with_summary: int
    relations: int
    runnable: int


@dataclass(frozen=True)
class Runnable:
    """How many papers of a technique lead to something that runs."""

    technique: str
    """Id, or `all` for every technique of which a method could run."""
    papers: int
    """Papers whose main technique it is: the first of which a method could run, else the first."""
    own: int
    """Those with a method of their own."""
    same: int
    """Those with a method of one of their techniques instead."""
    other: int
    """Those with a method of the same topic, role and modality instead."""

    @property
    def nothing(self) -> int:
        """Those for which nothing fits yet."""
        return self.papers - self.own - self.same - self.other

    @property
    def share(self) -> float:
        """Papers with a method of their own or of one of their techniques, in percent; 100 where there are no papers."""
        return 100 * (self.own + self.same) / self.papers if self.papers else 100.0


def runnable(catalog: Catalog) -> tuple[Runnable, ...]:
    """What runs, for each technique in the order of the taxonomy, every paper counted once; last all that could run."""
    terms = catalog.group_axis.terms
    groups: dict[str, list[Paper]] = {term.id: [] for term in terms}
    could = [term.id for term in terms if term.runs]
    for paper in catalog.papers:
        if techniques := paper.terms.get(catalog.group_axis.id):
            main = next((t for t in techniques if t in could), techniques[0])
            groups[main].append(paper)
    lines = [_runnable(catalog, *group) for group in groups.items() if group[1]]
    return (
        *lines,
        _runnable(catalog, "all", [p for name in could for p in groups[name]]),
    )


def _runnable(catalog: Catalog, name: str, papers: list[Paper]) -> Runnable:
    closest = [c for p in papers if (c := catalog.closest_runnable(p))]
    return Runnable(
        name,
        papers=len(papers),
        own=sum(bool(p.implementations) for p in papers),
        same=sum(c.technique is not None for c in closest),
        other=sum(c.technique is None for c in closest),
    )


def select(catalog: Catalog, wanted: Filter) -> tuple[Paper, ...]:
    """Papers that have everything asked for, in the order of the catalog."""
    members = [{p.id for p in catalog.having(*pair)} for pair in wanted.terms]
    return tuple(
        paper
        for paper in catalog.papers
        if all(paper.id in ids for ids in members)
        and (wanted.years is None or paper.year in wanted.years)
        and wanted.venue in (None, paper.venue)
        and (paper.links.code is not None or not wanted.with_code)
    )


def terms_called(axis: Axis, text: str) -> tuple[str, ...]:
    """Ids of the terms of an axis that a text names: by id or label in either language, else by another word for it."""
    wanted = _said(text)
    own = {t.id: (t.id, t.label.en, t.label.zh) for t in axis.terms}
    others = {t.id: (*t.aliases.en, *t.aliases.zh) for t in axis.terms}
    for names in (own, others):
        if found := [id_ for id_, said in names.items() if wanted in map(_said, said)]:
            return tuple(found)
    return ()


def terms_near(axis: Axis, text: str, most: int = 3) -> tuple[str, ...]:
    """Ids of terms that a text may mean: those whose names hold it, else those that are spelled alike."""
    wanted = _said(text)
    names = {_said(n): t.id for t in reversed(axis.terms) for n in _called(t)}
    found = [id_ for said, id_ in reversed(names.items()) if wanted and wanted in said]
    if not found:
        found = [names[n] for n in difflib.get_close_matches(wanted, names, n=most)]
    return tuple(dict.fromkeys(found))[:most]


def _called(term: Term) -> tuple[str, ...]:
    labels = (term.id, term.label.en, term.label.zh)
    return (*labels, *term.aliases.en, *term.aliases.zh)


def _said(text: str) -> str:
    """A name as it is compared: `Benchmark & analysis` is `benchmark-and-analysis`."""
    return letters(text.replace("&", " and "))


def statistics(catalog: Catalog) -> Statistics:
    """Counts of a catalog, in the order of its axes and years."""
    papers = catalog.papers
    return Statistics(
        papers=len(papers),
        by_year={year: len(group) for year, group in catalog.years.items()},
        by_topic=_first_terms(catalog, catalog.topic_axis.id),
        by_role=_first_terms(catalog, "role"),
        by_venue={venue: len(group) for venue, group in catalog.by_venue.items()},
        with_code=sum(p.links.code is not None for p in papers),
        with_summary=sum(p.tldr is not None for p in papers),
        relations=sum(len(p.relations) for p in papers),
        runnable=sum(bool(p.implementations) for p in papers),
    )


def _first_terms(catalog: Catalog, axis: str) -> dict[str, int]:
    if axis not in catalog.axes:
        return {}
    counts = Counter(p.terms[axis][0] for p in catalog.papers if p.terms.get(axis))
    return {t.id: counts[t.id] for t in catalog.axes[axis].terms if counts[t.id]}
