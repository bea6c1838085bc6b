"""What is new: read from the entries alone, so that every build of the same catalog tells the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from surveykit.catalog import Catalog
from surveykit.models import Bilingual, Paper
from surveykit.vocabulary import Declined

KINDS = ("retracted", "published", "corrected", "added", "link_repaired", "verified")
"""In the order of their weight for a reader."""


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
    declined: Sequence[Declined]
    """Papers that were looked at and stay out."""


def days(
    catalog: Catalog, since: date = date.min, until: date = date.max
) -> list[NewsDay]:
    """The days, both ends included, on which something happened, newest first."""
    held: dict[date, dict[str, list[News]]] = defaultdict(lambda: defaultdict(list))
    for paper in catalog.papers:
        for one in _of(paper):
            held[one.date][one.kind].append(one)
    declined: dict[date, list[Declined]] = defaultdict(list)
    for paper_out in catalog.declined:
        declined[paper_out.date].append(paper_out)
    return [
        NewsDay(
            day,
            [
                NewsGroup(kind, f"{kind}-{day}", held[day][kind])
                for kind in KINDS
                if kind in held[day]
            ],
            declined[day],
        )
        for day in sorted({*held, *declined}, reverse=True)
        if since <= day <= until
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
