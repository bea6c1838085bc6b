"""The whole catalog as one immutable object that answers questions."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

from surveykit.coverage import ListCoverage
from surveykit.documents import Documents
from surveykit.errors import UnknownPaperError
from surveykit.health import Health
from surveykit.kit import Kit
from surveykit.measured import Arena, Contender, Results
from surveykit.models import Bilingual, Paper, Relation
from surveykit.texts import ABOUT_TERMS, GlossaryTerm, Text
from surveykit.vocabulary import Axis, Card, Declined, Survey, Taxonomy, Term, Venue

Side = Literal["above", "below", "beside"]
"""Where a paper stands in the charts: with the first top term of the axis `role`, with the second, or with neither."""
_PLACES: tuple[Side, ...] = ("above", "below")
ANSWERS = ("detects", "defends-against")
"""Relation types that lead from an answer to what it answers."""
_NO_AXIS = Axis(
    id="topic",
    label=Bilingual(en="Topic", zh="主题"),
    question=Bilingual(en="What is it about?", zh="它关于什么？"),
    terms=(),
)


@dataclass(frozen=True)
class Related:
    """A relation seen from one of its two ends."""

    relation: Relation
    other: Paper
    """The paper at the far end."""
    inverse: bool
    """Whether the far end is the one that carries the relation."""


@dataclass(frozen=True)
class Closest:
    """The method nearest to a paper that has none of its own; not the paper's program."""

    card: Card
    technique: str | None
    """The technique that both have; None when they only share topic, role and modality."""


@dataclass(frozen=True)
class Catalog:
    """Everything that is known, in memory. Papers are newest first, then by title."""

    survey: Survey
    taxonomy: Taxonomy
    venues: Mapping[str, Venue]
    papers: tuple[Paper, ...]
    cards: Mapping[str, Card] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    """Entry id -> file, relative to the repository root."""
    results: Mapping[str, Results] = field(default_factory=dict)
    """Method id -> what was measured with it; methods without figures are absent."""
    arenas: Mapping[str, Arena] = field(default_factory=dict)
    """Papers of one side measured against those of the other, by name; that of `arena.json` comes first and has none."""
    texts: Mapping[str, Mapping[str, Text]] = field(default_factory=dict)
    """Id of a text -> language -> text."""
    glossary: tuple[GlossaryTerm, ...] = ()
    """Words with their meaning, in the order of the file."""
    declined: tuple[Declined, ...] = ()
    """Papers that were looked at and stay out."""
    health: Health | None = None
    """What became of the papers, where that was looked for."""
    coverage: ListCoverage = field(default_factory=ListCoverage)
    """Other lists that the catalog was compared with."""
    kit: Kit = field(default_factory=Kit)
    """How the kit speaks of the survey."""
    documents: Documents = field(default_factory=dict)
    """How to use the survey and its program; none where the repository holds none."""

    @staticmethod
    def ordered(papers: Iterable[Paper]) -> tuple[Paper, ...]:
        """Papers in the order in which a catalog keeps them."""
        return tuple(
            sorted(papers, key=lambda p: (-p.year, p.title.en.casefold(), p.id))
        )

    @cached_property
    def updated(self) -> date:
        """The latest day on which an entry was added, verified or changed, or a paper declined: the date of all outputs."""
        days = [p.added for p in self.papers]
        days += [p.verified.date for p in self.papers if p.verified]
        days += [event.date for p in self.papers for event in p.history]
        days += [one.date for one in self.declined]
        return max(days, default=date(self.survey.year, 1, 1))

    @cached_property
    def by_id(self) -> Mapping[str, Paper]:
        """Entry id -> paper."""
        return {paper.id: paper for paper in self.papers}

    @cached_property
    def written(self) -> tuple[str, ...]:
        """Each paper as JSON, in the order of `papers`: what does not stand there stands nowhere in its entry."""
        return tuple(p.model_dump_json(exclude_unset=True) for p in self.papers)

    @cached_property
    def axes(self) -> Mapping[str, Axis]:
        """Axis id -> axis, in the order of the taxonomy."""
        return {axis.id: axis for axis in self.taxonomy.axes}

    @cached_property
    def terms(self) -> Mapping[tuple[str, str], Term]:
        """(axis id, term id) -> term."""
        return {(a.id, t.id): t for a in self.taxonomy.axes for t in a.terms}

    def get(self, paper_id: str) -> Paper:
        """Paper with this id. Raises UnknownPaperError with near ids."""
        try:
            return self.by_id[paper_id]
        except KeyError:
            near = difflib.get_close_matches(paper_id, self.by_id, n=3, cutoff=0.6)
            raise UnknownPaperError(paper_id, near) from None

    def term(self, axis: str, term: str) -> Term:
        """Term of an axis; KeyError when there is none."""
        return self.terms[axis, term]

    def children(self, axis: str, term: str | None) -> tuple[Term, ...]:
        """Terms directly below a term, or the top terms for None."""
        return tuple(t for t in self.axes[axis].terms if t.parent == term)

    def ancestry(self, axis: str, term: str) -> tuple[str, ...]:
        """Ids from the term itself up to its top term."""
        chain = [term]
        while parent := self.terms[axis, chain[-1]].parent:
            chain.append(parent)
        return tuple(chain)

    @cached_property
    def _members(self) -> Mapping[tuple[str, str], tuple[Paper, ...]]:
        members: dict[tuple[str, str], list[Paper]] = defaultdict(list)
        for paper in self.papers:
            for axis, terms in paper.terms.items():
                wide = {up for term in terms for up in self.ancestry(axis, term)}
                for term in wide:
                    members[axis, term].append(paper)
        return {key: tuple(papers) for key, papers in members.items()}

    def having(self, axis: str, term: str) -> tuple[Paper, ...]:
        """Papers that carry a term or one of its narrower terms."""
        return self._members.get((axis, term), ())

    @cached_property
    def topic_axis(self) -> Axis:
        """The axis that gives chapters and colors: the first one besides `role`."""
        return next((a for a in self.taxonomy.axes if a.id != "role"), _NO_AXIS)

    @cached_property
    def group_axis(self) -> Axis:
        """The axis by which papers of one term are grouped: `technique` where there is one, else that of the topics."""
        return self.axes.get("technique", self.topic_axis)

    def axis_of(self, kind: str) -> str | None:
        """The axis of the term that a text of this kind is about; None for texts about none."""
        axes = (self.topic_axis.id, self.topic_axis.id, self.group_axis.id)
        return dict(zip(ABOUT_TERMS, axes, strict=True)).get(kind)

    @cached_property
    def poles(self) -> tuple[Term, ...]:
        """The terms of the axis `role` above and below the line of the charts: its first two top terms; none without the axis."""
        return self.children("role", None)[:2] if "role" in self.axes else ()

    @cached_property
    def sides(self) -> tuple[Side, ...]:
        """The sides that papers of this survey can stand on, in the order in which they are shown."""
        roles = len(self.poles)
        return (*_PLACES[: max(1, roles)], *(("beside",) if roles else ()))

    @cached_property
    def duels(self) -> bool:
        """Whether papers of this survey answer others: the taxonomy has a relation that says so."""
        return any(kind.id in ANSWERS for kind in self.taxonomy.relations)

    def side(self, paper: Paper) -> Side:
        """Where a paper stands in the charts; above the line where there are no roles."""
        return self._sides[paper.terms["role"][0]] if self.poles else "above"

    @cached_property
    def _sides(self) -> Mapping[str, Side]:
        tops = dict(zip((term.id for term in self.poles), _PLACES, strict=False))
        roles = [term.id for term in self.axes["role"].terms]
        return {r: tops.get(self.ancestry("role", r)[-1], "beside") for r in roles}

    def side_name(self, paper: Paper) -> str:
        """The side as other programs are told it: a role, or `study` for those that stand with neither."""
        place = dict(zip(_PLACES, (term.id for term in self.poles), strict=False))
        return place.get(self.side(paper), "study")

    def topic(self, paper: Paper) -> str:
        """The main topic of a paper."""
        return paper.terms[self.topic_axis.id][0]

    @cached_property
    def colors(self) -> Mapping[str, int]:
        """Topic -> number of its color, 1 to 5 in turn; 6 for those that have narrower ones."""
        wide = {term.parent for term in self.topic_axis.terms}
        leaves = [t.id for t in self.topic_axis.terms if t.id not in wide]
        numbers = {id_: 1 + place % 5 for place, id_ in enumerate(leaves)}
        return {t.id: numbers.get(t.id, 6) for t in self.topic_axis.terms}

    def venue(self, paper: Paper) -> Venue:
        """Venue of a paper."""
        return self.venues[paper.venue]

    @cached_property
    def years(self) -> Mapping[int, tuple[Paper, ...]]:
        """Year -> papers, newest year first."""
        groups: dict[int, list[Paper]] = defaultdict(list)
        for paper in self.papers:
            groups[paper.year].append(paper)
        return {year: tuple(papers) for year, papers in groups.items()}

    @cached_property
    def by_venue(self) -> Mapping[str, tuple[Paper, ...]]:
        """Venue id -> papers, most papers first."""
        groups: dict[str, list[Paper]] = defaultdict(list)
        for paper in self.papers:
            groups[paper.venue].append(paper)
        order = sorted(groups, key=lambda v: (-len(groups[v]), v))
        return {venue: tuple(groups[venue]) for venue in order}

    @cached_property
    def _links(self) -> Mapping[str, tuple[Related, ...]]:
        links: dict[str, list[Related]] = defaultdict(list)
        for paper in self.papers:
            for relation in paper.relations:
                other = self.by_id[relation.to]
                links[paper.id].append(Related(relation, other, inverse=False))
                links[other.id].append(Related(relation, paper, inverse=True))
        return {key: tuple(value) for key, value in links.items()}

    def links(self, paper: Paper) -> tuple[Related, ...]:
        """Typed relations of a paper in both directions."""
        return self._links.get(paper.id, ())

    @cached_property
    def _by_author(self) -> Mapping[str, tuple[Paper, ...]]:
        groups: dict[str, list[Paper]] = defaultdict(list)
        for paper in self.papers:
            for author in paper.authors:
                groups[author.name].append(paper)
        return {name: tuple(papers) for name, papers in groups.items()}

    def related(self, paper: Paper, most: int = 5) -> tuple[Paper, ...]:
        """Papers that share technique (3 points), an author (2), stage or topic (1 each).

        Candidates share a technique or an author, so the cost does not grow with the catalog's square
        as long as techniques do not; at most 200 newest candidates of each are weighed.
        """
        score: Counter[str] = Counter()
        for group in paper.terms.get(self.group_axis.id, ()):
            for other in self.having(self.group_axis.id, group)[:200]:
                score[other.id] += 3
        for author in paper.authors:
            for other in self._by_author[author.name]:
                score[other.id] += 2
        del score[paper.id]
        for other_id in score:
            other = self.by_id[other_id]
            for axis in ("stage", self.topic_axis.id):
                score[other_id] += bool(
                    set(paper.terms.get(axis, ())) & set(other.terms.get(axis, ()))
                )
        ranked = sorted(
            score, key=lambda i: (-score[i], abs(self.by_id[i].year - paper.year), i)
        )
        return tuple(self.by_id[i] for i in ranked[:most])

    def methods(self, paper: Paper) -> tuple[Card, ...]:
        """Runnable methods of a paper."""
        return tuple(self.cards[i] for i in paper.implementations)

    @property
    def arena(self) -> Arena | None:
        """The one of `arena.json`."""
        return self.arenas.get("")

    def topic_of(self, contenders: Iterable[Contender]) -> str | None:
        """The topic of most of those that come from a paper or a method; None for controls alone."""
        papers = [c.paper or self.cards[c.card or ""].papers[0] for c in contenders if c.paper or c.card in self.cards]  # fmt: skip
        found = [self.topic(self.by_id[id_]) for id_ in papers]
        return max(found, key=found.count) if found else None

    @cached_property
    def arenas_by_topic(self) -> Mapping[str | None, tuple[str, Arena]]:
        """Topic of most attacks -> name and arena."""
        named = list(self.arenas.items())[::-1]  # the first of a topic wins
        return {self.topic_of(one.rows): (name, one) for name, one in named}

    def closest_runnable(self, paper: Paper) -> Closest | None:
        """The method to try for a paper that has none: by technique, else by topic and role.

        None for a paper with a method of its own, and where no method fits.
        """
        if paper.implementations:
            return None
        ranked = [(self._nearness(paper, card), card) for card in self.cards.values()]
        near = [(score, card) for score, card in ranked if score]
        if not near:
            return None
        _, card = min(near, key=lambda pair: ([-part for part in pair[0]], pair[1].id))
        shared = (
            t for t in paper.terms.get(self.group_axis.id, ()) if t in card.techniques
        )
        return Closest(card, next(shared, None))

    @cached_property
    def offered(self) -> Mapping[str, tuple[Paper, ...]]:
        """Method id -> papers without a program of their own, to which it comes closest."""
        held: dict[str, list[Paper]] = defaultdict(list)
        for paper in self.papers:
            if closest := self.closest_runnable(paper):
                held[closest.card.id].append(paper)
        return {id_: tuple(papers) for id_, papers in held.items()}

    def _nearness(self, paper: Paper, card: Card) -> tuple[int, ...]:
        """How near a method is, the weightiest part first; empty when it does not fit."""
        main = self.by_id[card.papers[0]]
        place = {
            t: -i for i, t in enumerate(paper.terms.get(self.group_axis.id, ()), 1)
        }
        technique = max((place[t] for t in card.techniques if t in place), default=-9)
        topic = self.topic(paper) == self.topic(main)
        role = paper.terms.get("role", ())[:1] == main.terms.get("role", ())[:1]
        modality = bool(
            set(paper.terms.get("modality", ())) & set(main.terms.get("modality", ()))
        )
        if technique == -9 and not (topic and role and modality):
            return ()
        return (technique, topic, role, modality)
