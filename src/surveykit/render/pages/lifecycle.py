"""The life of a model as a pipeline: what strikes at each stage, and what answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from markupsafe import Markup

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.render.pages import charts, counts
from surveykit.render.pages.page import Page, Press
from surveykit.vocabulary import Term

COLUMNS = 14
NEWEST = 3


@dataclass(frozen=True)
class Half:
    """Attacks or defenses of one stage."""

    side: str
    role: str
    """The role of this side, by which the paper table finds its papers."""
    total: int
    n: Counter[str]
    """Topic -> number of papers; wider topics count those of narrower ones."""
    by_topic: list[tuple[str, int]]
    svg: Markup
    newest: list[Paper]


@dataclass(frozen=True)
class Step:
    """One stage that has no narrower one."""

    stage: Term
    parent: Term | None
    above: Half
    below: Half


def told(catalog: Catalog) -> bool:
    """Whether the survey has stages, and two sides to show at each."""
    return "stage" in catalog.axes and len(catalog.poles) == 2


def lifecycle_page(press: Press) -> Page:
    """All stages from left to right."""
    catalog, w = press.catalog, press.words
    return press.page(
        "lifecycle.md",
        "lifecycle.html",
        title=w.life.title,
        description=w.life.lead,
        topics=counts.main_topics(catalog),
        steps=[_step(press, stage) for stage in counts.leaves(catalog, "stage")],
    )


def _step(press: Press, stage: Term) -> Step:
    catalog = press.catalog
    parent = catalog.term("stage", stage.parent) if stage.parent else None
    papers = catalog.having("stage", stage.id)
    above, below = (
        _half(press, stage, side, [p for p in papers if catalog.side(p) == side])
        for side in ("above", "below")
    )
    return Step(stage, parent, above, below)


def _half(press: Press, stage: Term, side: str, papers: list[Paper]) -> Half:
    catalog = press.catalog
    order = {topic: i for i, topic in enumerate(counts.main_topics(catalog))}
    n = Counter(
        t for p in papers for t in counts.closure(catalog, p, catalog.topic_axis.id)
    )
    shares = [
        (t.id, n[t.id])
        for t in counts.leaves(catalog, catalog.topic_axis.id)
        if n[t.id]
    ]
    colon, comma = ("：", "，") if press.lang == "zh" else (": ", ", ")
    told = comma.join(f"{press.label(t, catalog.topic_axis.id)} {k}" for t, k in shares)
    title = f"{press.text(stage.label)}{colon}{len(papers)} {getattr(press.words.side, side)}{colon}{told}"
    stacked = sorted(papers, key=lambda p: (order[catalog.topic(p)], p.year, p.id))
    return Half(
        side,
        catalog.poles[side == "below"].id,
        len(papers),
        n,
        shares,
        charts.stack(
            counts.dots(catalog, stacked), COLUMNS, title, upwards=side == "above"
        ),
        papers[:NEWEST],
    )
