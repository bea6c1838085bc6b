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
from surveykit.measured import Arena, Results
from surveykit.models import Paper, Relation
from surveykit.texts import GlossaryTerm, Text
from surveykit.vocabulary import Axis, Card, Declined, Survey, Taxonomy, Term, Venue

Side = Literal["attack", "defense", "study"]


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
    """The technique that both have; None when they only share threat, role and modality."""


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
    arena: Arena | None = None
    """Attacks measured against defenses, where that was run."""
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

    def side(self, paper: Paper) -> Side:
        """Whether a paper attacks, defends (also: detects, tests) or studies."""
        top = self.ancestry("role", paper.terms["role"][0])[-1]
        return top if top in ("attack", "defense") else "study"  # type: ignore[return-value]  # narrowed by the test

    def threat(self, paper: Paper) -> str:
        """The main threat of a paper."""
        return paper.terms["threat"][0]

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
        """Papers that share technique (3 points), an author (2), stage or threat (1 each).

        Candidates share a technique or an author, so the cost does not grow with the catalog's square
        as long as techniques do not; at most 200 newest candidates of each are weighed.
        """
        score: Counter[str] = Counter()
        for technique in paper.terms.get("technique", ()):
            for other in self.having("technique", technique)[:200]:
                score[other.id] += 3
        for author in paper.authors:
            for other in self._by_author[author.name]:
                score[other.id] += 2
        del score[paper.id]
        for other_id in score:
            other = self.by_id[other_id]
            for axis in ("stage", "threat"):
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

    def closest_runnable(self, paper: Paper) -> Closest | None:
        """The method to try for a paper that has none: by technique, else by threat and role.

        None for a paper with a method of its own, and where no method fits.
        """
        if paper.implementations:
            return None
        ranked = [(self._nearness(paper, card), card) for card in self.cards.values()]
        near = [(score, card) for score, card in ranked if score]
        if not near:
            return None
        _, card = min(near, key=lambda pair: ([-part for part in pair[0]], pair[1].id))
        shared = (t for t in paper.terms.get("technique", ()) if t in card.techniques)
        return Closest(card, next(shared, None))

    def _nearness(self, paper: Paper, card: Card) -> tuple[int, ...]:
        """How near a method is, the weightiest part first; empty when it does not fit."""
        main = self.by_id[card.papers[0]]
        place = {t: -i for i, t in enumerate(paper.terms.get("technique", ()), 1)}
        technique = max((place[t] for t in card.techniques if t in place), default=-9)
        threat = self.threat(paper) == self.threat(main)
        role = paper.terms["role"][0] == main.terms["role"][0]
        modality = bool(
            set(paper.terms.get("modality", ())) & set(main.terms.get("modality", ()))
        )
        if technique == -9 and not (threat and role and modality):
            return ()
        return (technique, threat, role, modality)
