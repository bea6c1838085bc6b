"""Rules about measured results: they name what the catalog knows."""

from __future__ import annotations

from collections.abc import Iterator

from surveykit.catalog import Catalog
from surveykit.measured import Arena, Contender
from surveykit.rules.rule import Finding, Rule, did_you_mean

ARENA = "reference_impls/arena.json"
MOST_METRICS = 50
MOST_HINTS = 50
"""Wrong names for which a right one is looked for."""


def unknown_in_arena(catalog: Catalog) -> Iterator[Finding]:
    """Cells without a row or a column, contenders without an entry or a method."""
    if (arena := catalog.arena) is None:
        return
    yield from _metrics(arena)
    yield from _cells(arena)
    yield from _missing(arena)
    for part in ("rows", "columns"):
        for index, contender in enumerate(getattr(arena, part)):
            yield from _contender(catalog, contender, (part, index))


def _metrics(arena: Arena) -> Iterator[Finding]:
    metrics = {cell.metric.en for cell in arena.cells}
    if len(metrics) > MOST_METRICS:
        message = f"{len(metrics)} metrics, more than {MOST_METRICS}; each makes a table of its own"
        yield Finding(ARENA, ("cells",), message)


def _cells(arena: Arena) -> Iterator[Finding]:
    known = {"row": arena.rows, "column": arena.columns}
    ids = {part: {c.id: c.id for c in held} for part, held in known.items()}
    unknown: set[tuple[str, str]] = set()
    seen = set()
    for index, cell in enumerate(arena.cells):
        for part in ("row", "column"):
            value = getattr(cell, part)
            if value not in ids[part] and (part, value) not in unknown:
                unknown.add((part, value))  # said once, at its first cell
                near = len(unknown) <= MOST_HINTS
                hint = did_you_mean(value, ids[part]) if near else ""
                message = f"{value!r} is not a {part} of the arena{hint}"
                yield Finding(ARENA, ("cells", index, part), message)
        pair = (cell.metric.en, cell.row, cell.column)
        if pair in seen:
            message = f"{cell.metric.en!r} of {cell.row!r} against {cell.column!r} stands twice"
            yield Finding(ARENA, ("cells", index), message)
        seen.add(pair)


def _missing(arena: Arena) -> Iterator[Finding]:
    for part, known in (("rows", arena.rows), ("columns", arena.columns)):
        ids = {one.id: one.id for one in known}
        for index, reason in enumerate(arena.missing):
            for id_ in set(getattr(reason, part)) - set(ids):
                message = f"{id_!r} is not a {part[:-1]} of the arena"
                yield Finding(ARENA, ("missing", index, part), message)


def _contender(
    catalog: Catalog, contender: Contender, loc: tuple[str, int]
) -> Iterator[Finding]:
    papers, cards = dict.fromkeys(catalog.paths), dict.fromkeys(catalog.cards)
    for key, value, known in (
        ("paper", contender.paper, papers),
        ("card", contender.card, cards),
    ):
        if value and value not in known:
            hint = did_you_mean(value, {id_: id_ for id_ in known})
            message = f"no {'entry' if key == 'paper' else 'method'} {value!r}{hint}"
            yield Finding(ARENA, (*loc, key), message)


RULES = (
    Rule(
        "SK360",
        "the arena names its own rows and columns, and what the catalog knows",
        "A cell belongs to one row and one column and stands once, in one of at most 50 metrics; reasons name rows and columns, too; papers are entries, cards are methods.",
        '{"row": "oysternt", "column": "sieve"}',
        '{"row": "oysternet", "column": "sieve"}',
        unknown_in_arena,
        "cards",
    ),
)
