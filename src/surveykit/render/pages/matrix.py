"""The matrix: which attacks are answered by which defenses, as the papers say and as it was measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surveykit.catalog import ANSWERS, Catalog
from surveykit.measured import Arena, Cell, Contender
from surveykit.models import Bilingual, Paper, Relation
from surveykit.render import intervals
from surveykit.render.pages.methods import number, places
from surveykit.render.pages.page import Page, Press
from surveykit.vocabulary import Term


@dataclass(frozen=True)
class Pair:
    """One attack and one defense, and what one does to the other."""

    attack: Paper
    defense: Paper
    relation: Relation

    @property
    def answered(self) -> bool:
        """Whether the defense holds; else the attack defeats it."""
        return self.relation.type in ANSWERS

    @property
    def anchor(self) -> str:
        """Its id on the page."""
        return f"{self.attack.id}-{self.relation.type}-{self.defense.id}"


@dataclass(frozen=True)
class TechniqueRow:
    """Attacks of one technique against the defense techniques."""

    technique: Term
    papers: Sequence[Paper]
    met: int
    """How many of them stand in a pair."""
    cells: Sequence[Sequence[Pair]]


@dataclass(frozen=True)
class Against:
    """All pairs of one attack."""

    attack: Paper
    pairs: Sequence[Pair]


@dataclass(frozen=True)
class Duel:
    """A figure of the arena as it is printed."""

    cell: Cell
    text: str
    holds_best: bool
    """Whether no other defense has a better mean against this attack."""
    harms_most: bool
    """Whether no other attack leaves this defense a worse mean."""

    @property
    def lost(self) -> float | None:
        """How far a percentage is from the best that the defender could have, 0 to 1."""
        if self.share is None:
            return None
        return 1 - self.share if self.cell.better == "higher" else self.share

    @property
    def interval(self) -> intervals.Interval | None:
        """Where the true figure lies with 95 % confidence; None where too little is known."""
        cell = self.cell
        return intervals.of_figure(cell.value, cell.sd, cell.n, cell.unit)

    @property
    def span(self) -> str:
        """The interval as it is printed; empty where there is none or the runs do not differ."""
        if self.interval is None or self.interval[0] == self.interval[1]:
            return ""
        digits = 1 if self.cell.unit == "%" else 3
        return "[" + ", ".join(f"{end:.{digits}f}" for end in self.interval) + "]"

    @property
    def share(self) -> float | None:
        """A percentage as a share, which a bar can show."""
        return self.cell.value / 100 if self.cell.unit == "%" else None


@dataclass(frozen=True)
class MatrixLine:
    """A row of a table of the arena: one attack under one metric."""

    attack: Contender
    metric: Bilingual
    better: str
    duels: Sequence[Duel | None]
    """One for each column."""


@dataclass(frozen=True)
class Table:
    """One metric of several attacks, or several metrics of one attack."""

    by_attack: bool
    """Whether its rows are attacks; else they are metrics."""
    columns: Sequence[Contender]
    """Those that have a figure in it."""
    runs: int | None
    """How many runs stand behind every figure, if it is the same number."""
    lines: Sequence[MatrixLine]


def pairs(catalog: Catalog) -> list[Pair]:
    """Every typed relation between an attack and a defense."""
    made = []
    for paper in catalog.papers:
        for relation in paper.relations:
            other = catalog.by_id[relation.to]
            if relation.type in ANSWERS:
                made.append(Pair(other, paper, relation))
            elif relation.type == "attacks":
                made.append(Pair(paper, other, relation))
    return sorted(made, key=lambda p: (p.attack.year, p.attack.id, p.defense.year))


def matrix_page(press: Press) -> Page:
    """The page."""
    catalog, w = press.catalog, press.words
    found = pairs(catalog)
    columns = _techniques(catalog, [pair.defense for pair in found])
    rows = _rows(catalog, found, columns)
    return press.page(
        "matrix.md",
        "matrix.html",
        title=w.matrix.title,
        description=w.matrix.lead,
        kinds={kind.id: kind for kind in catalog.taxonomy.relations},
        pairs=found,
        columns=columns,
        rows=rows,
        bare=_bare(catalog, rows),
        topics=_by_topic(catalog, found),
        others=_named(catalog),
        **_measured(press, catalog.arena),
    )


def matrix_path(name: str) -> str:
    """Address below the root of the page that shows an arena."""
    return f"matrix/{name}{'/' * bool(name)}"


def arena_pages(press: Press) -> Iterator[Page]:
    """A page for each arena beside the first."""
    for name, arena in _named(press.catalog).items():
        yield press.page(
            f"{matrix_path(name).rstrip('/')}.md",
            "arena.html",
            title=arena.title.in_(press.lang) if arena.title else name,
            description=arena.lead.in_(press.lang) if arena.lead else "",
            others={k: v for k, v in _named(press.catalog).items() if k != name},
            **_measured(press, arena),
        )


def _named(catalog: Catalog) -> dict[str, Arena]:
    return {name: arena for name, arena in catalog.arenas.items() if name}


def _measured(press: Press, arena: Arena | None) -> dict[str, Any]:
    """What a page needs that shows an arena."""
    return {
        "arena": arena,
        "tables": tables(arena) if arena else [],
        "notes": notes([arena] if arena else [], press.words.arena_notes),
    }


def _first(catalog: Catalog, paper: Paper) -> str:
    return next(iter(paper.terms.get(catalog.group_axis.id, ())), "")


def _techniques(catalog: Catalog, papers: Sequence[Paper]) -> list[Term]:
    used = {_first(catalog, paper) for paper in papers}
    return [term for term in catalog.group_axis.terms if term.id in used]


def _rows(
    catalog: Catalog, found: Sequence[Pair], columns: Sequence[Term]
) -> list[TechniqueRow]:
    cells: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in found:
        cells[_first(catalog, pair.attack), _first(catalog, pair.defense)].append(pair)
    attacks = {pair.attack.id: pair.attack for pair in found}
    rows = []
    for term in _techniques(catalog, list(attacks.values())):
        held = [
            p
            for p in catalog.having(catalog.group_axis.id, term.id)
            if catalog.side(p) == "above" or p.id in attacks
        ]
        met = sum(p.id in attacks for p in held)
        line = [cells[term.id, column.id] for column in columns]
        rows.append(TechniqueRow(term, held, met, line))
    return rows


def _bare(catalog: Catalog, rows: Sequence[TechniqueRow]) -> list[tuple[Term, int]]:
    """Techniques of attacks of which no pair is recorded, most papers first."""
    told = {row.technique.id for row in rows}
    parents = {term.parent for term in catalog.group_axis.terms}
    bare = []
    for term in catalog.group_axis.terms:
        papers = catalog.having(catalog.group_axis.id, term.id)
        count = sum(catalog.side(paper) == "above" for paper in papers)
        if term.id not in told | parents and count:
            bare.append((term, count))
    return sorted(bare, key=lambda pair: -pair[1])


def _by_topic(
    catalog: Catalog, found: Sequence[Pair]
) -> list[tuple[str, list[Against]]]:
    """Topic -> attacks with their pairs, in the order of the taxonomy."""
    held: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for pair in found:
        held[catalog.topic(pair.attack)][pair.attack.id].append(pair)
    return [
        (
            term.id,
            [Against(group[0].attack, group) for group in held[term.id].values()],
        )
        for term in catalog.topic_axis.terms
        if term.id in held
    ]


def tables(arena: Arena) -> list[Table]:
    """A table for each metric taken of several attacks; the other metrics side by side, a table for each attack."""
    whole: list[Table] = []
    alone: dict[str, list[Cell]] = defaultdict(list)
    for held in by_metric(arena.cells):
        attacks = {cell.row for cell in held}
        if len(attacks) > 1:
            whole.append(_table(arena, held, by_attack=True))
        else:
            alone[attacks.pop()] += held
    return whole + [_table(arena, held, by_attack=False) for held in alone.values()]


def notes(arenas: Iterable[Arena], known: Mapping[str, str]) -> list[str]:
    """The words of arenas that need an explanation, as far as they stand in them: keys of `w.arena_notes`."""
    told: set[str] = set()
    for arena in arenas:
        told |= {cell.metric.en for cell in arena.cells}
        told |= {one.label.en for one in (*arena.rows, *arena.columns)}
    return [word for word in known if any(word in text for text in told)]


def by_metric(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells of each metric, in the order of the file."""
    held: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        held[cell.metric.en].append(cell)
    return list(held.values())


def _table(arena: Arena, cells: Sequence[Cell], *, by_attack: bool) -> Table:
    columns = [c for c in arena.columns if c.id in {cell.column for cell in cells}]
    lines = [
        MatrixLine(
            row,
            figures[0].metric,
            figures[0].better,
            [printed.get((row.id, column.id)) for column in columns],
        )
        for row in arena.rows
        for figures in by_metric(cells)
        for printed in [duels(figures)]
        if any(cell.row == row.id for cell in figures)
    ]
    runs = {cell.n for cell in cells}
    return Table(by_attack, columns, runs.pop() if len(runs) == 1 else None, lines)


def duels(cells: Sequence[Cell]) -> dict[tuple[str, str], Duel]:
    """The figures of one metric, with equally many decimals."""
    decimals = max(places(n) for c in cells for n in (c.value, c.sd) if n is not None)
    sign = 1 if cells[0].better == "higher" else -1
    by_row: dict[str, list[float]] = defaultdict(list)
    by_column: dict[str, list[float]] = defaultdict(list)
    for c in cells:
        by_row[c.row].append(sign * c.value)
        by_column[c.column].append(sign * c.value)
    return {
        (c.row, c.column): Duel(
            c,
            number(c.value, c.unit, c.sd, decimals),
            holds_best=sign * c.value == max(by_row[c.row]) > min(by_row[c.row]),
            harms_most=sign * c.value
            == min(by_column[c.column])
            < max(by_column[c.column]),
        )
        for c in cells
    }
