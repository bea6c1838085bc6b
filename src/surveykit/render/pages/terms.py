"""A page for each axis, each term, and the taxonomy as a whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

from surveykit.catalog import ANSWERS, Catalog
from surveykit.models import Claim, Paper
from surveykit.render.pages import counts
from surveykit.render.pages.page import Page, Press
from surveykit.render.pages.written import Written, about, all_cited, compared
from surveykit.vocabulary import Axis, Card, Term

COMPARED = ("knowledge", "scope", "stage", "modality")
"""Axes in which the papers of a technique are compared."""


@dataclass(frozen=True)
class TermGroup:
    """Papers of one technique inside a term."""

    technique: Term
    side: str
    papers: Sequence[Paper]
    years: list[list[Paper]]


@dataclass(frozen=True)
class Bar:
    """One line of the count by stage or by topic."""

    term: Term
    n: Counter[str]


def taxonomy_pages(press: Press) -> Iterator[Page]:
    """The taxonomy, its axes and its terms."""
    catalog, w = press.catalog, press.words
    yield press.page(
        "terms/index.md",
        "axes.html",
        title=w.term.axes,
        description=w.term.axes_lead,
        wide={
            axis.id: {term.parent for term in axis.terms if term.parent}
            for axis in catalog.taxonomy.axes
        },
    )
    for axis in catalog.taxonomy.axes:
        yield _axis_page(press, axis)
        for term in axis.terms:
            yield _term_page(press, axis, term)


def _axis_page(press: Press, axis: Axis) -> Page:
    catalog = press.catalog
    return press.page(
        f"terms/{axis.id}/index.md",
        "axis.html",
        title=_axis_title(press, axis),
        description=press.text(axis.question),
        axis=axis,
        n={
            term.id: counts.sides(catalog, catalog.having(axis.id, term.id))
            for term in axis.terms
        },
    )


def axis_title(catalog: Catalog, axis: str, w: SimpleNamespace, lang: str) -> str:
    """What the page of an axis is called: `axes` of the survey's words, else the axis's label."""
    return str(w.axes.get(axis) or catalog.axes[axis].label.in_(lang))


def _axis_title(press: Press, axis: Axis) -> str:
    return axis_title(press.catalog, axis.id, press.words, press.lang)


def _term_page(press: Press, axis: Axis, term: Term) -> Page:
    catalog = press.catalog
    papers = catalog.having(axis.id, term.id)
    years = _span(papers)
    groups = _groups(press, axis, term, papers, years)
    against = _against(press, axis)
    group = catalog.group_axis.id
    texts = about(press, axis.id, term.id, "../../../")
    return press.page(
        f"terms/{axis.id}/{term.id}.md",
        "term.html",
        title=press.text(term.label),
        description=press.text(term.definition),
        axis=axis,
        term=term,
        wider=[
            catalog.term(axis.id, i) for i in catalog.ancestry(axis.id, term.id)[1:]
        ],
        narrower=catalog.children(axis.id, term.id),
        papers=papers,
        n=counts.sides(catalog, papers),
        against=against,
        bars=_bars(press, papers, against),
        years=years,
        groups=groups,
        gaps=_gaps(press, axis, term),
        methods=_methods(press, axis, term),
        unanswered=unanswered(press, papers)
        if axis.id == group and catalog.duels
        else [],
        texts=texts,
        compared=compared(press, papers) if axis.id == group else [],
        claimed=_claimed(papers) if axis.id == group else [],
        axes=[a for a in COMPARED if a in catalog.axes],
        contents=_contents(press, texts, len(groups)),
        cited=all_cited(texts),
        script="reading.js" if texts else "",
    )


def _against(press: Press, axis: Axis) -> str:
    """The axis over which the papers of a term are counted; none where there is no other one."""
    catalog = press.catalog
    axes = ("stage", catalog.topic_axis.id, catalog.group_axis.id)
    return next((a for a in axes if a in catalog.axes and a != axis.id), "")


def _claimed(papers: Sequence[Paper]) -> list[tuple[Paper, Claim]]:
    """Every claim with its paper, in the order of the catalog."""
    return [(paper, claim) for paper in papers for claim in paper.claims]


def _contents(
    press: Press, texts: Sequence[Written], groups: int
) -> list[tuple[str, str]]:
    """What stands on the page: the texts with their sections, then what is counted and listed."""
    w = press.words.term
    lines = []
    for text in texts:
        lines.append((text.head.title, f"#{text.id}-h"))
        lines += [(s.text, f"#{s.anchor}") for s in text.sections]
    listed = w.list if groups == 1 else w.lists
    return [
        *lines,
        (w.split, "#split-h"),
        (w.matrix, "#matrix-h"),
        (listed, "#lists-h"),
    ]


def unanswered(press: Press, papers: Sequence[Paper]) -> list[Paper]:
    """Attacks that no defense or detector of the catalog is known to answer."""
    catalog = press.catalog
    return [
        paper
        for paper in papers
        if catalog.side(paper) == "above"
        and not any(
            link.inverse and link.relation.type in ANSWERS
            for link in catalog.links(paper)
        )
    ]


def _methods(press: Press, axis: Axis, term: Term) -> list[Card]:
    """Methods that run here: those that serve a technique, or whose main paper carries the term."""
    catalog = press.catalog

    def carried(card: Card) -> tuple[str, ...]:
        if axis.id == catalog.group_axis.id:
            return card.techniques
        return catalog.by_id[card.papers[0]].terms.get(axis.id, ())

    return [
        card
        for card in catalog.cards.values()
        if any(term.id in catalog.ancestry(axis.id, value) for value in carried(card))
    ]


def _span(papers: Sequence[Paper]) -> list[int]:
    years = {paper.year for paper in papers}
    return list(range(min(years), max(years) + 1)) if years else []


def _bars(press: Press, papers: Sequence[Paper], axis: str) -> list[Bar]:
    catalog = press.catalog
    held: dict[str, list[Paper]] = defaultdict(list)
    for paper in papers if axis else ():
        for term in counts.closure(catalog, paper, axis):
            held[term].append(paper)
    return [
        Bar(term, counts.sides(catalog, held[term.id]))
        for term in (catalog.children(axis, None) if axis else ())
        if held[term.id]
    ]


def _groups(
    press: Press, axis: Axis, term: Term, papers: Sequence[Paper], years: list[int]
) -> list[TermGroup]:
    """Papers by technique, each once: under the first of its techniques that belongs here."""
    catalog = press.catalog
    held: dict[str, list[Paper]] = defaultdict(list)
    for paper in papers:
        held[_technique(press, paper, axis, term)].append(paper)
    order = [t for t in catalog.group_axis.terms if held[t.id]]
    groups = [_group(press, t, held[t.id], years) for t in order]
    own = {t.id for t in order if _applies(press, t, axis, term)}
    return sorted(
        groups,
        key=lambda g: (counts.SIDES.index(g.side), g.technique.id not in own),
    )


def _applies(press: Press, technique: Term, axis: Axis, term: Term) -> bool:
    """Whether the taxonomy shows a technique under a term; those come first."""
    catalog = press.catalog
    group = catalog.group_axis.id
    top = catalog.ancestry(group, technique.id)[-1]
    wanted = catalog.term(group, top).applies_to.get(axis.id, ())
    return any(
        term.id in catalog.ancestry(axis.id, value)
        or value in catalog.ancestry(axis.id, term.id)
        for value in wanted
    )


def _technique(press: Press, paper: Paper, axis: Axis, term: Term) -> str:
    group = press.catalog.group_axis.id
    carried = paper.terms.get(group) or ("",)
    if axis.id != group:
        return carried[0]
    up = press.catalog.ancestry
    return next(t for t in carried if term.id in up(group, t))


def _group(
    press: Press, technique: Term, papers: Sequence[Paper], years: list[int]
) -> TermGroup:
    by_year: dict[int, list[Paper]] = defaultdict(list)
    for paper in papers:
        by_year[paper.year].append(paper)
    n = counts.sides(press.catalog, papers)
    side = max(counts.SIDES, key=lambda s: n[s])
    return TermGroup(technique, side, papers, [by_year[year] for year in years])


def _gaps(press: Press, axis: Axis, term: Term) -> list[counts.Gap]:
    topic = press.catalog.topic_axis.id
    if not press.catalog.duels:
        return []
    if axis.id in ("stage", "modality"):
        topics = [t.id for t in counts.leaves(press.catalog, topic)]
        return counts.gaps(press.catalog, topics, axis.id, [term.id])
    if axis.id != topic:
        return []
    found = (counts.gaps(press.catalog, [term.id], a) for a in ("stage", "modality"))
    return [gap for gaps in found for gap in gaps]
