"""Rules about measured results: they name what the catalog knows."""

from __future__ import annotations

from collections.abc import Iterator

from surveykit.catalog import Catalog
from surveykit.measured import Arena, Contender, arena_path
from surveykit.rules.rule import Finding, Rule
from surveykit.text.did_you_mean import did_you_mean

MOST_METRICS = 50
MOST_HINTS = 50
"""Wrong names for which a right one is looked for."""


def unknown_in_arena(catalog: Catalog) -> Iterator[Finding]:
    """Cells without a row or a column, contenders without an entry or a method."""
    for name, arena in catalog.arenas.items():
        path = arena_path(name)
        yield from _metrics(arena, path)
        yield from _cells(arena, path)
        yield from _missing(arena, path)
        if name and not (arena.title and arena.lead):
            message = "an arena beside the first needs `title` and `lead`: it has a page of its own"
            yield Finding(path, (), message)
        for part in ("rows", "columns"):
            for index, contender in enumerate(getattr(arena, part)):
                yield from _contender(catalog, path, contender, (part, index))


def _metrics(arena: Arena, path: str) -> Iterator[Finding]:
    metrics = {cell.metric.en for cell in arena.cells}
    if len(metrics) > MOST_METRICS:
        message = f"{len(metrics)} metrics, more than {MOST_METRICS}; each makes a table of its own"
        yield Finding(path, ("cells",), message)


def _cells(arena: Arena, path: str) -> Iterator[Finding]:
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
                yield Finding(path, ("cells", index, part), message)
        pair = (cell.metric.en, cell.row, cell.column)
        if pair in seen:
            message = f"{cell.metric.en!r} of {cell.row!r} against {cell.column!r} stands twice"
            yield Finding(path, ("cells", index), message)
        seen.add(pair)


def _missing(arena: Arena, path: str) -> Iterator[Finding]:
    for part, known in (("rows", arena.rows), ("columns", arena.columns)):
        ids = {one.id: one.id for one in known}
        for index, reason in enumerate(arena.missing):
            for id_ in set(getattr(reason, part)) - set(ids):
                message = f"{id_!r} is not a {part[:-1]} of the arena"
                yield Finding(path, ("missing", index, part), message)


def _contender(
    catalog: Catalog, path: str, contender: Contender, loc: tuple[str, int]
) -> Iterator[Finding]:
    papers, cards = dict.fromkeys(catalog.paths), dict.fromkeys(catalog.cards)
    for key, value, known in (
        ("paper", contender.paper, papers),
        ("card", contender.card, cards),
    ):
        if value and value not in known:
            hint = did_you_mean(value, {id_: id_ for id_ in known})
            message = f"no {'entry' if key == 'paper' else 'method'} {value!r}{hint}"
            yield Finding(path, (*loc, key), message)


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
