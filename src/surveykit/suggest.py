"""Terms that a new paper may carry, each with the reason: words of its title and the nearest entries."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.text.stems import stems, telling
from surveykit.vocabulary import Axis, Term

NEIGHBORS = 12
"""Entries asked for their terms."""
NAMED = 2
"""Of these, how many a reason names."""
TITLE_WEIGHT, HEADING_WEIGHT, ABSTRACT_WEIGHT = 0.7, 0.7, 0.25
"""What a term's own name is worth where it stands; neighbors together are worth 1."""
LEAST_SCORE = 0.25
OPTIONAL_SCORE = 0.6
SECOND_SHARE = 0.6
"""Score that a further term of an axis needs, as a share of the best one's."""


@dataclass(frozen=True)
class Suggestion:
    """A term that may hold."""

    axis: str
    term: str
    score: float
    """Only its order means something."""
    reason: str
    """What speaks for it: `“boletes” in the title; as holt2023finding`."""


@dataclass(frozen=True)
class Clues:
    """What is known of a paper that has no terms yet."""

    title: str
    abstract: str = ""
    headings: str = ""


NamedPlace = tuple[str, float, str]
"""Stems of a text between spaces, what a name found there is worth, and how the place is called."""


class Suggester:
    """Compares a text with the taxonomy's names and with the entries of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def suggest(self, clues: Clues) -> dict[str, tuple[Suggestion, ...]]:
        """For each axis the terms that may hold, best first; an axis without any is left out."""
        near = self.nearest(clues)
        found: dict[str, tuple[Suggestion, ...]] = {}
        for axis in self._catalog.taxonomy.axes:
            if axis.only_for_roles and not self._applies(axis, found):
                continue
            if chosen := self._on(axis, clues, near):
                found[axis.id] = chosen
        return found

    def nearest(self, clues: Clues) -> tuple[tuple[Paper, float], ...]:
        """Entries that share the rarest words, best first, with a likeness from 0 to 1."""
        counts = Counter(
            telling(f"{clues.title} {clues.title} {clues.headings} {clues.abstract}")
        )
        weights = {
            word: (1 + math.log(count)) * self._rarity[word]
            for word, count in counts.items()
            if word in self._rarity
        }
        length = math.sqrt(sum(w * w for w in weights.values())) or 1.0
        likeness: dict[int, float] = defaultdict(float)
        for word, weight in weights.items():
            for index, other in self._postings[word]:
                likeness[index] += weight / length * other
        best = sorted(likeness.items(), key=lambda pair: (-pair[1], pair[0]))
        return tuple(
            (self._catalog.papers[index], score) for index, score in best[:NEIGHBORS]
        )

    def _on(
        self, axis: Axis, clues: Clues, near: tuple[tuple[Paper, float], ...]
    ) -> tuple[Suggestion, ...]:
        scores: dict[str, float] = defaultdict(float)
        like: dict[str, list[str]] = defaultdict(list)
        whole = sum(score for _, score in near) or 1.0
        for paper, score in near:
            for term in paper.terms.get(axis.id, ()):
                if (axis.id, term) in self._catalog.terms:  # drafts have marks, too
                    scores[term] += score / whole
                    like[term].append(paper.id)
        named = dict(self._named(axis, _places(clues)))
        for term, (worth, _) in named.items():
            scores[term] += worth
        best = sorted(scores, key=lambda term: (-scores[term], term))[: axis.max_terms]
        if not best:
            return ()
        # On an axis that may stay empty a weak suggestion is worse than none.
        first = LEAST_SCORE if axis.min_terms else OPTIONAL_SCORE
        further = max(first, SECOND_SHARE * scores[best[0]])
        return tuple(
            Suggestion(
                axis.id,
                term,
                round(scores[term], 3),
                "; ".join(_reasons(named.get(term, (0.0, ""))[1], like[term])),
            )
            for place, term in enumerate(best)
            if scores[term] >= (further if place else first)
        )

    def _named(
        self, axis: Axis, places: tuple[NamedPlace, ...]
    ) -> Iterator[tuple[str, tuple[float, str]]]:
        """Terms whose name, or another word for it, stands in a text."""
        for term, names in self._phrases[axis.id]:
            for where, worth, place in places:
                if hit := next((said for form, said in names if form in where), None):
                    yield term, (worth, f"“{hit}” in {place}")
                    break

    def _applies(self, axis: Axis, found: dict[str, tuple[Suggestion, ...]]) -> bool:
        roles = {
            wide
            for one in found.get("role", ())[:1]
            for wide in self._catalog.ancestry("role", one.term)
        }
        return bool(roles & set(axis.only_for_roles))

    @cached_property
    def _phrases(self) -> dict[str, list[tuple[str, list[tuple[str, str]]]]]:
        """Axis -> assignable terms -> their names, as stems between spaces and as written."""
        phrases = {}
        for axis in self._catalog.taxonomy.axes:
            inner = {term.parent for term in axis.terms} if axis.leaves_only else set()
            phrases[axis.id] = [
                (
                    term.id,
                    [(f" {' '.join(stems(name))} ", name) for name in _called(term)],
                )
                for term in axis.terms
                if term.id not in inner
            ]
        return phrases

    @cached_property
    def _bags(self) -> list[Counter[str]]:
        return [Counter(telling(_known(paper))) for paper in self._catalog.papers]

    @cached_property
    def _rarity(self) -> dict[str, float]:
        within = Counter(word for bag in self._bags for word in bag)
        most = len(self._bags)
        return {word: math.log(1 + most / count) for word, count in within.items()}

    @cached_property
    def _postings(self) -> dict[str, list[tuple[int, float]]]:
        postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for index, bag in enumerate(self._bags):
            weights = {w: (1 + math.log(n)) * self._rarity[w] for w, n in bag.items()}
            length = math.sqrt(sum(w * w for w in weights.values())) or 1.0
            for word, weight in weights.items():
                postings[word].append((index, weight / length))
        return postings


@lru_cache(maxsize=1)  # each axis asks for the same text
def _places(clues: Clues) -> tuple[NamedPlace, ...]:
    """Where names of terms are looked for; texts that are not known are left out."""
    places = (
        (clues.title, TITLE_WEIGHT, "the title"),
        (clues.headings, HEADING_WEIGHT, "its heading"),
        (clues.abstract, ABSTRACT_WEIGHT, "the abstract"),
    )
    return tuple(
        (f" {' '.join(stems(said))} ", worth, place)
        for said, worth, place in places
        if said
    )


def _known(paper: Paper) -> str:
    summary = paper.tldr.en if paper.tldr else ""
    return f"{paper.title.en} {paper.title.en} {summary}"


def _called(term: Term) -> Iterator[str]:
    yield term.label.en
    yield term.id.replace("-", " ")
    yield from term.aliases.en


def _reasons(named: str, like: list[str]) -> Iterator[str]:
    if named:
        yield named
    if like:
        yield f"as {', '.join(like[:NAMED])}"


def short_name(title: str) -> str | None:
    """The name that a title of the form `Name: what it does` begins with; None without one.

    A name is one or two words of which one has a capital, a digit or a sign where a plain word has none: `OysterNet`, `TeCoA`,
    `LAS-AT`, `X-Transfer Attacks`; `Patch is Enough: …` has none.
    """
    head, colon, _ = title.partition(": ")
    words = head.split()
    named = any(re.search(r"\w[A-Z0-9]|\w-?[A-Z]|[0-9+$^]", word) for word in words)
    return head if colon and len(words) <= 2 and named else None
