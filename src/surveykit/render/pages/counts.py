"""Counting papers by side and by crossed terms; one pass over the papers each time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.render.pages.charts import Dot
from surveykit.vocabulary import Term

SIDES = ("above", "below", "beside")


def sides(catalog: Catalog, papers: Iterable[Paper]) -> Counter[str]:
    """Side -> number of papers."""
    return Counter(catalog.side(paper) for paper in papers)


def closure(catalog: Catalog, paper: Paper, axis: str) -> tuple[str, ...]:
    """Terms of a paper on an axis together with all wider ones, each once."""
    found = (
        up for term in paper.terms.get(axis, ()) for up in catalog.ancestry(axis, term)
    )
    return tuple(dict.fromkeys(found))


def cross(
    catalog: Catalog, papers: Iterable[Paper], first: str, second: str
) -> dict[tuple[str, str], list[Paper]]:
    """(term of the first axis, term of the second axis) -> papers under both, wider terms included."""
    cells: dict[tuple[str, str], list[Paper]] = defaultdict(list)
    for paper in papers:
        seconds = closure(catalog, paper, second)
        for one in closure(catalog, paper, first):
            for two in seconds:
                cells[one, two].append(paper)
    return dict(cells)


def dots(catalog: Catalog, papers: Iterable[Paper], within: str = "") -> list[Dot]:
    """Papers as marks; inside a wide topic each takes the color of its own narrower one."""
    return [Dot(p, catalog.side(p), _color(catalog, p, within)) for p in papers]


def _color(catalog: Catalog, paper: Paper, within: str) -> str:
    for topic in paper.terms[catalog.topic_axis.id]:
        if within in catalog.ancestry(catalog.topic_axis.id, topic):
            return topic
    return catalog.topic(paper)


def main_topics(catalog: Catalog) -> list[str]:
    """Topics that are the main one of some paper, in the order of the taxonomy, wide ones last."""
    used = {catalog.topic(paper) for paper in catalog.papers}
    order = [term.id for term in catalog.topic_axis.terms if term.id in used]
    return sorted(
        order, key=lambda id_: bool(catalog.children(catalog.topic_axis.id, id_))
    )


def leaves(catalog: Catalog, axis: str) -> list[Term]:
    """Terms of an axis without narrower ones."""
    parents = {term.parent for term in catalog.axes[axis].terms}
    return [term for term in catalog.axes[axis].terms if term.id not in parents]


@dataclass(frozen=True)
class Gap:
    """A place where attacks have hardly any answer."""

    topic: str
    axis: str
    term: str
    attacks: int
    defenses: int

    @property
    def kind(self) -> str:
        """How it is told: `none` or `few` defenses."""
        return "few" if self.defenses else "none"


def is_gap(attacks: int, defenses: int) -> bool:
    """Two attacks or more, and at most one defense for four of them."""
    return attacks >= 2 and defenses <= attacks // 4


def gaps(
    catalog: Catalog, topics: Sequence[str], axis: str, terms: Sequence[str] = ()
) -> list[Gap]:
    """Gaps of some topics over terms of another axis, all top terms by default; the widest first."""
    if axis not in catalog.axes or not catalog.duels:
        return []
    cells = cross(catalog, catalog.papers, catalog.topic_axis.id, axis)
    found = []
    for topic in topics:
        for term in terms or [top.id for top in catalog.children(axis, None)]:
            n = sides(catalog, cells.get((topic, term), ()))
            if is_gap(n["above"], n["below"]):
                found.append(Gap(topic, axis, term, n["above"], n["below"]))
    return sorted(found, key=lambda g: (g.defenses > 0, g.defenses - g.attacks))
