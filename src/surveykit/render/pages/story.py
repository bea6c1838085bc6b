"""What came of an attack: who answered it, who answered the answers, and what was measured of it here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surveykit.catalog import ANSWERS, Catalog
from surveykit.measured import Arena, Contender
from surveykit.models import Paper, Relation
from surveykit.render.pages.matrix import Duel, MatrixLine, matrix_path, tables

TOLD = (*ANSWERS, "attacks", "extends")
"""Relation types that carry a story on."""
STEPS = 2
"""How far it is told: answers, and what answers them."""


@dataclass(frozen=True)
class Deed:
    """What a paper does to an earlier one of the story."""

    relation: Relation
    target: Paper


@dataclass(frozen=True)
class Chapter:
    """One paper of the story; the attack itself has no deeds."""

    paper: Paper
    deeds: Sequence[Deed]


@dataclass(frozen=True)
class StoryYear:
    """The papers of one year, on both sides."""

    year: int
    attacks: Sequence[Chapter]
    answers: Sequence[Chapter]


@dataclass(frozen=True)
class Trial:
    """An attack of the arena under one metric, against every defense that it met."""

    line: MatrixLine
    duels: Sequence[tuple[Contender, Duel]]


@dataclass(frozen=True)
class Start:
    """A line to run, and what it is."""

    name: str
    command: str
    href: str
    """Below the root of the site."""


@dataclass(frozen=True)
class Story:
    """All of it."""

    years: Sequence[StoryYear]
    answers: int
    arenas: Mapping[str, Arena]
    """Those that it stands in, by name."""
    trials: Sequence[Trial]
    """Of the first of them."""
    commands: Sequence[Start]


def story(catalog: Catalog, paper: Paper, arena_name: str, lang: str) -> Story | None:
    """The story of an attack that some paper answers; None for all others."""
    if catalog.side(paper) != "above":
        return None
    deeds = _deeds(catalog, paper)
    answers = [id_ for id_, done in deeds.items() if _answers(done, paper)]
    if not answers:
        return None
    met = {name: trials(arena, paper) for name, arena in catalog.arenas.items()}
    met = {name: found for name, found in met.items() if found}
    return Story(
        _years(catalog, paper, deeds),
        len(answers),
        {name: catalog.arenas[name] for name in met},
        next(iter(met.values()), []),
        _commands(catalog, paper, answers, arena_name, list(met), lang),
    )


def _answers(deeds: Sequence[Deed], attack: Paper) -> bool:
    return any(d.target == attack and d.relation.type in ANSWERS for d in deeds)


def _deeds(catalog: Catalog, paper: Paper) -> dict[str, list[Deed]]:
    """Id of each later paper of the story -> what it does; breadth first, so that each is reached by its shortest way."""
    deeds: dict[str, list[Deed]] = defaultdict(list)
    edge = [paper]
    for _ in range(STEPS):
        met: dict[str, Paper] = {}
        known = set(deeds)
        for target in edge:
            for link in catalog.links(target):
                told = link.inverse and link.relation.type in TOLD
                if told and link.other.id != paper.id:
                    deeds[link.other.id].append(Deed(link.relation, target))
                    if link.other.id not in known:
                        met[link.other.id] = link.other
        edge = list(met.values())
    return dict(deeds)


def _years(
    catalog: Catalog, paper: Paper, deeds: dict[str, list[Deed]]
) -> list[StoryYear]:
    chapters = [Chapter(paper, ())]
    chapters += [Chapter(catalog.by_id[id_], done) for id_, done in deeds.items()]
    held: dict[int, list[Chapter]] = defaultdict(list)
    for chapter in chapters:
        held[chapter.paper.year].append(chapter)
    made = []
    for year, group in sorted(held.items()):
        group.sort(key=lambda c: (bool(c.deeds), c.paper.month or 13, c.paper.id))
        sides = [catalog.side(c.paper) == "above" for c in group]
        made.append(
            StoryYear(
                year,
                [c for c, attack in zip(group, sides, strict=True) if attack],
                [c for c, attack in zip(group, sides, strict=True) if not attack],
            )
        )
    return made


def trials(arena: Arena, paper: Paper) -> list[Trial]:
    """What the arena measured of the attacks of a paper, metric by metric."""
    return [
        Trial(line, met)
        for table in tables(arena)
        for line in table.lines
        if line.attack.paper == paper.id
        and (met := [(c, d) for c, d in zip(table.columns, line.duels, strict=True) if d])
    ]  # fmt: skip


def _commands(
    catalog: Catalog,
    paper: Paper,
    answers: Sequence[str],
    arena_name: str,
    arenas: Sequence[str],
    lang: str,
) -> list[Start]:
    """The attack, the arenas where both meet, then the answers."""

    def cards(of: Paper) -> list[Start]:
        return [
            Start(card.name_in(lang), card.command, f"methods/{card.id}/")
            for card in catalog.methods(of)
        ]

    made = cards(paper)
    for name in arenas:
        arena = catalog.arenas[name]
        colon = "：" if lang == "zh" else ": "
        called = f"{arena_name}{colon}{arena.title.in_(lang)}" if arena.title else arena_name  # fmt: skip
        made.append(Start(called, arena.command, matrix_path(name)))
    for id_ in answers:
        made += cards(catalog.by_id[id_])
    return list(dict.fromkeys(made))
