"""What is new: read from the entries alone, so that every build of the same catalog tells the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from surveykit.catalog import Catalog
from surveykit.models import Bilingual, Paper
from surveykit.render.pages.page import Page, Press

KINDS = ("retracted", "published", "corrected", "added", "link_repaired", "verified")
"""In the order of their weight for a reader; words of `w.news`."""
MOST = 12
"""Papers that are named for one kind of news of one day; the rest are counted."""


@dataclass(frozen=True)
class News:
    """What happened to one paper on one day."""

    date: date
    kind: str
    paper: Paper
    notes: Sequence[Bilingual]
    """What changed, where the entry says so."""


@dataclass(frozen=True)
class NewsGroup:
    """All news of one kind of one day."""

    kind: str
    anchor: str
    items: Sequence[News]


@dataclass(frozen=True)
class NewsDay:
    """All news of one day."""

    date: date
    groups: Sequence[NewsGroup]


def news_page(press: Press) -> Page:
    """The page."""
    w = press.words
    return press.page(
        "new.md",
        "new.html",
        title=w.news.title,
        description=w.news.lead,
        days=days(press.catalog),
        most=MOST,
    )


def days(catalog: Catalog) -> list[NewsDay]:
    """The days on which something happened, newest first."""
    held: dict[date, dict[str, list[News]]] = defaultdict(lambda: defaultdict(list))
    for paper in catalog.papers:
        for one in _of(paper):
            held[one.date][one.kind].append(one)
    return [
        NewsDay(
            day,
            [
                NewsGroup(kind, f"{kind}-{day}", held[day][kind])
                for kind in KINDS
                if kind in held[day]
            ],
        )
        for day in sorted(held, reverse=True)
    ]


def _of(paper: Paper) -> list[News]:
    """The news of one paper. A comparison on the day on which the entry came is none.

    `corrections` say what older lists had wrong, without a day; what was corrected here stands in `history`.
    """
    held: dict[tuple[date, str], list[Bilingual]] = {(paper.added, "added"): []}
    if paper.verified and paper.verified.date > paper.added:
        held[paper.verified.date, "verified"] = []
    for event in paper.history:
        key = event.date, event.kind.replace("-", "_")
        held.setdefault(key, []).append(event.note)
    return [News(day, kind, paper, notes) for (day, kind), notes in held.items()]
