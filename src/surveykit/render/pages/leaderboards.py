"""Leaderboards: for each topic and metric, how every defense stands against the attack that harms it most."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surveykit.catalog import Catalog
from surveykit.measured import Arena, Cell, Contender
from surveykit.models import Bilingual
from surveykit.render import intervals
from surveykit.render.pages.matrix import Duel, by_metric, duels, notes
from surveykit.render.pages.page import Page, Press
from surveykit.render.table import MARK, safe

PATH = "leaderboards"


@dataclass(frozen=True)
class Standing:
    """One defense of a board."""

    rank: int | None
    """1 + the number of defenses that are better with 95 % confidence; None without an interval or a rival, or with a
    warning: who may promise too much is not compared."""
    defense: Contender
    attack: Contender
    """The attack that harms it most, of those it met."""
    duel: Duel
    met: int
    """How many attacks of the board it met."""


@dataclass(frozen=True)
class Board:
    """One metric, the best standing first."""

    id: str
    topic: str
    arena: Bilingual | None
    """Title of the arena, if it is not the first."""
    metric: Bilingual
    better: str
    standings: Sequence[Standing]
    attacks: int
    """How many attacks there were to choose the worst from."""


def leaderboards_page(press: Press) -> Page:
    """The page."""
    catalog, w = press.catalog, press.words
    found = boards(catalog)
    return press.page(
        f"{PATH}.md",
        "leaderboards.html",
        title=w.boards.title,
        description=w.boards.lead,
        topics=_by_topic(catalog, found),
        arenas=list(catalog.arenas.values()),
        notes=notes(catalog.arenas.values(), w.arena_notes),
    )


def leaderboard_files(catalog: Catalog) -> dict[str, str]:
    """The boards for programs and for spreadsheets."""
    if not catalog.duels:
        return {}
    found = boards(catalog)
    return {
        f"{PATH}.json": json.dumps(_plain(catalog, found), ensure_ascii=False, indent=1)
        + "\n",
        f"{PATH}.csv": _table(catalog, found),
    }


def boards(catalog: Catalog) -> list[Board]:
    """A board for each metric under which some attack met some defense."""
    metrics = (
        (arena, cells)
        for arena in catalog.arenas.values()
        for cells in by_metric(arena.cells)
    )
    made = (
        _board(catalog, arena, n, cells) for n, (arena, cells) in enumerate(metrics, 1)
    )
    return [board for board in made if board]


def _board(
    catalog: Catalog, arena: Arena, number: int, cells: Sequence[Cell]
) -> Board | None:
    rows = {row.id: row for row in arena.rows}
    topic = catalog.topic_of(rows[cell.row] for cell in cells)
    if topic is None:
        return None
    sign = 1 if cells[0].better == "higher" else -1
    printed = duels(cells)
    worst = []
    for column in arena.columns:
        met = [c for c in cells if c.column == column.id]
        if met:
            cell = min(met, key=lambda c: sign * c.value)
            duel = printed[cell.row, cell.column]
            worst.append((column, rows[cell.row], duel, len(met)))
    ends = [None if column.warning else duel.interval for column, _, duel, _ in worst]
    standings = [
        Standing(rank, *one) for rank, one in zip(ranks(ends, sign), worst, strict=True)
    ]
    standings.sort(key=lambda s: (-sign * s.duel.cell.value, s.defense.id))
    return Board(
        f"board-{number}",
        topic,
        arena.title,
        cells[0].metric,
        cells[0].better,
        standings,
        len({cell.row for cell in cells}),
    )


def ranks(ends: Sequence[intervals.Interval | None], sign: int) -> list[int | None]:
    """The rank of each interval; those that overlap share one, and there is none without an interval.

    `sign` is 1 where much is good and -1 where little is.
    """
    known = [one for one in ends if one]

    def better(one: intervals.Interval, other: intervals.Interval) -> bool:
        return intervals.apart(one, other) and sign * (one[0] - other[0]) > 0

    return [
        1 + sum(better(one, own) for one in known) if own and len(known) > 1 else None
        for own in ends
    ]


def _by_topic(
    catalog: Catalog, found: Sequence[Board]
) -> list[tuple[str, list[Board]]]:
    held = [
        (term.id, [board for board in found if board.topic == term.id])
        for term in catalog.topic_axis.terms
    ]
    return [(topic, group) for topic, group in held if group]


def _plain(catalog: Catalog, found: Sequence[Board]) -> dict[str, Any]:
    about = [
        {
            "date": arena.generated_at,
            "command": arena.command,
            "seeds": arena.seeds,
            "hardware": arena.hardware,
            "versions": dict(arena.versions),
        }
        for arena in catalog.arenas.values()
    ]
    return {
        "rank": "1 + number of defenses whose 95 % interval lies wholly on the better side; overlapping ones share a rank; none with a warning",
        "measured": about,
        "boards": [
            {
                catalog.topic_axis.id: board.topic,
                **({"arena": board.arena.model_dump()} if board.arena else {}),
                "metric": board.metric.model_dump(),
                "better": board.better,
                "attacks": board.attacks,
                "standings": [_standing(one) for one in board.standings],
            }
            for board in found
        ],
    }


def _standing(one: Standing) -> dict[str, Any]:
    cell = one.duel.cell
    low, high = one.duel.interval or (None, None)
    values = {
        "rank": one.rank,
        "defense": one.defense.model_dump(exclude_none=True),
        "attack": one.attack.model_dump(exclude_none=True),
        "met": one.met,
        "value": cell.value,
        "sd": cell.sd,
        "n": cell.n,
        "unit": cell.unit,
        "low": None if low is None else round(low, 4),
        "high": None if high is None else round(high, 4),
    }
    return {key: value for key, value in values.items() if value is not None}


_COLUMNS = ("metric", "better", "rank", "defense", "attack", "value", "sd", "n", "unit", "low", "high")  # fmt: skip


def _table(catalog: Catalog, found: Sequence[Board]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    topic = catalog.topic_axis.id
    columns = (topic, *_COLUMNS)
    writer.writerow(columns)
    for board in found:
        for one in board.standings:
            row = {
                **_standing(one),
                topic: board.topic,
                "metric": safe(board.metric.en),
                "better": board.better,
                "defense": safe(one.defense.label.en),
                "attack": safe(one.attack.label.en),
            }
            writer.writerow([row.get(name, "") for name in columns])
    return MARK + file.getvalue()
