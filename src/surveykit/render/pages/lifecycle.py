"""The life of a model as a pipeline: what strikes at each stage, and what answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from markupsafe import Markup

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
    total: int
    n: Counter[str]
    """Threat -> number of papers; wider threats count those of narrower ones."""
    by_threat: list[tuple[str, int]]
    svg: Markup
    newest: list[Paper]


@dataclass(frozen=True)
class Step:
    """One stage that has no narrower one."""

    stage: Term
    parent: Term | None
    attack: Half
    defense: Half


def lifecycle_page(press: Press) -> Page:
    """All stages from left to right."""
    catalog, w = press.catalog, press.words
    return press.page(
        "lifecycle.md",
        "lifecycle.html",
        title=w.life.title,
        description=w.life.lead,
        threats=counts.main_threats(catalog),
        steps=[_step(press, stage) for stage in counts.leaves(catalog, "stage")],
    )


def _step(press: Press, stage: Term) -> Step:
    catalog = press.catalog
    parent = catalog.term("stage", stage.parent) if stage.parent else None
    papers = catalog.having("stage", stage.id)
    attack, defense = (
        _half(press, stage, side, [p for p in papers if catalog.side(p) == side])
        for side in ("attack", "defense")
    )
    return Step(stage, parent, attack, defense)


def _half(press: Press, stage: Term, side: str, papers: list[Paper]) -> Half:
    catalog = press.catalog
    order = {threat: i for i, threat in enumerate(counts.main_threats(catalog))}
    n = Counter(t for p in papers for t in counts.closure(catalog, p, "threat"))
    shares = [(t.id, n[t.id]) for t in counts.leaves(catalog, "threat") if n[t.id]]
    colon, comma = ("：", "，") if press.lang == "zh" else (": ", ", ")
    told = comma.join(f"{press.label(t, 'threat')} {k}" for t, k in shares)
    title = f"{press.text(stage.label)}{colon}{len(papers)} {getattr(press.words.side, side)}{colon}{told}"
    stacked = sorted(papers, key=lambda p: (order[catalog.threat(p)], p.year, p.id))
    return Half(
        side,
        len(papers),
        n,
        shares,
        charts.stack(
            counts.dots(catalog, stacked), COLUMNS, title, upwards=side == "attack"
        ),
        papers[:NEWEST],
    )
