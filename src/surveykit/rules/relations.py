"""Rules about links inside the catalog: relations between papers, papers and methods."""

from __future__ import annotations

from collections.abc import Iterator

from surveykit.catalog import Catalog
from surveykit.rules.rule import Finding, Rule, at
from surveykit.text.did_you_mean import did_you_mean

MOST_HINTS = 200
"""Unknown ids for which a known one is looked for."""


def _card_path(card_id: str) -> str:
    return f"reference_impls/{card_id}/card.yaml"


def unknown_target(catalog: Catalog) -> Iterator[Finding]:
    """Relations to entries that do not exist."""
    known = {id_: id_ for id_ in catalog.paths}
    hints: dict[str, str] = {}
    for paper in catalog.papers:
        for index, relation in enumerate(paper.relations):
            if relation.to not in known:
                if relation.to not in hints and len(hints) < MOST_HINTS:
                    hints[relation.to] = did_you_mean(relation.to, known)
                hint = hints.get(relation.to)
                message = f"no entry {relation.to!r}{hint or '; add it first'}"
                yield at(catalog, paper, ("relations", index, "to"), message)


def own_target(catalog: Catalog) -> Iterator[Finding]:
    """Relations of a paper to itself."""
    for paper in catalog.papers:
        for index, relation in enumerate(paper.relations):
            if relation.to == paper.id:
                message = f"{paper.id!r} is this entry itself; name the other paper"
                yield at(catalog, paper, ("relations", index, "to"), message)


def repeated_relation(catalog: Catalog) -> Iterator[Finding]:
    """Relations of one type to one paper that stand twice."""
    for paper in catalog.papers:
        seen = set()
        for index, relation in enumerate(paper.relations):
            pair = (relation.type, relation.to)
            if pair in seen:
                message = (
                    f"`{relation.type}` {relation.to!r} stands here twice; delete one"
                )
                yield at(catalog, paper, ("relations", index), message)
            seen.add(pair)


def extends_cycle(catalog: Catalog) -> Iterator[Finding]:
    """Papers that extend each other in a circle."""
    extends = {
        paper.id: [r.to for r in paper.relations if r.type == "extends"]
        for paper in catalog.papers
    }
    for circle in _circles(extends):
        paper = catalog.by_id[circle[-1]]
        ends = [(relation.type, relation.to) for relation in paper.relations]
        loc = ("relations", ends.index(("extends", circle[0])), "to")
        way = " → ".join([*circle, circle[0]])
        message = f"a circle of `extends`: {way}; turn one around"
        yield at(catalog, paper, loc, message)


def _circles(extends: dict[str, list[str]]) -> Iterator[list[str]]:
    """Circles of two or more, one for each link that closes one; each link is followed once."""
    done: set[str] = set()
    for start in extends:
        way: dict[str, None] = {}
        todo = [iter([start])]
        while todo:
            node = next(todo[-1], None)
            if node is None:
                todo.pop()
                done |= {way.popitem()[0]} if way else set()
            elif node in way:
                circle = [*way][[*way].index(node) :]
                if len(circle) > 1:
                    yield circle
            elif node not in done:
                way[node] = None
                todo.append(iter(extends.get(node, ())))


def unknown_method(catalog: Catalog) -> Iterator[Finding]:
    """Implementations that are no method, or whose card does not name the entry."""
    known = {id_: id_ for id_ in catalog.cards}
    for paper in catalog.papers:
        for index, method in enumerate(paper.implementations):
            loc = ("implementations", index)
            if method not in known:
                hint = did_you_mean(method, known)
                message = f"no method {method!r}: {_card_path(method)} is missing{hint}"
                yield at(catalog, paper, loc, message)
            elif paper.id not in catalog.cards[method].papers:
                message = f"{_card_path(method)} does not name {paper.id!r} under `papers`; add it there"
                yield at(catalog, paper, loc, message)


def unknown_paper(catalog: Catalog) -> Iterator[Finding]:
    """Cards whose papers are no entries, or entries that do not name the method."""
    known = {id_: id_ for id_ in catalog.paths}
    for card in catalog.cards.values():
        for index, paper_id in enumerate(card.papers):
            loc = ("papers", index)
            paper = catalog.by_id.get(paper_id)
            if paper_id not in known:
                hint = did_you_mean(paper_id, known)
                message = f"no entry {paper_id!r}{hint or '; add it first'}"
                yield Finding(_card_path(card.id), loc, message)
            elif paper and card.id not in paper.implementations:
                message = f"{catalog.paths[paper_id]} does not name {card.id!r} under `implementations`; add it there"
                yield Finding(_card_path(card.id), loc, message)


def unknown_technique(catalog: Catalog) -> Iterator[Finding]:
    """Cards whose techniques are no terms of that axis, or are groups of terms."""
    axis = catalog.axes.get("technique")
    terms = axis.terms if axis else ()
    groups = {term.parent for term in terms}
    known = {t.id: t.id for t in terms if t.id not in groups}
    for card in catalog.cards.values():
        for index, technique in enumerate(card.techniques):
            if technique not in known:
                hint = (
                    did_you_mean(technique, known)
                    or "; catalog/taxonomy.yaml lists them"
                )
                message = f"no technique {technique!r}{hint}"
                yield Finding(_card_path(card.id), ("techniques", index), message)


RULES = (
    Rule(
        "SK330",
        "a relation leads to an entry",
        "Both ends of a relation are papers of the catalog; add the other paper first.",
        "relations:\n  - type: detects\n    to: lind2022oysternt",
        "relations:\n  - type: detects\n    to: lind2022oysternet",
        unknown_target,
    ),
    Rule(
        "SK331",
        "a paper has no relation to itself",
        "The target was probably copied from the entry's own id.",
        "id: holt2023finding\nrelations:\n  - {type: extends, to: holt2023finding}",
        "id: holt2023finding\nrelations:\n  - {type: extends, to: wang2019neural}",
        own_target,
    ),
    Rule(
        "SK332",
        "a relation is said once",
        "The same type and the same target twice would show the link twice.",
        "- {type: detects, to: lind2022oysternet}\n- {type: detects, to: lind2022oysternet}",
        "- {type: detects, to: lind2022oysternet}",
        repeated_relation,
    ),
    Rule(
        "SK333",
        "papers do not extend each other in a circle",
        "A paper extends an earlier one; one of the relations points the wrong way.",
        "# a.yaml\n- {type: extends, to: b}\n# b.yaml\n- {type: extends, to: a}",
        "# b.yaml\n- {type: extends, to: a}",
        extends_cycle,
    ),
    Rule(
        "SK334",
        "an implementation is a method that names the entry",
        "`implementations` lists folders of reference_impls/; the card there lists the entry under `papers`, so that each leads to the other.",
        "implementations: [siev]",
        "implementations: [sieve]",
        unknown_method,
        "cards",
    ),
    Rule(
        "SK335",
        "a card's papers are entries that name the method",
        "`papers` of card.yaml and `implementations` of the entries say the same.",
        "# reference_impls/sieve/card.yaml\npapers: [holt2023findin]",
        "# reference_impls/sieve/card.yaml\npapers: [holt2023finding]",
        unknown_paper,
    ),
    Rule(
        "SK336",
        "a card's techniques are terms of the taxonomy",
        "`techniques` of card.yaml decides to which papers the method is offered as the closest one that runs; groups of techniques are too wide for that.",
        "# reference_impls/sieve/card.yaml\ntechniques: [drying-slwly]",
        "# reference_impls/sieve/card.yaml\ntechniques: [drying-slowly]",
        unknown_technique,
        "taxonomy",
    ),
)
