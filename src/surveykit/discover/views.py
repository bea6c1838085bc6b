"""Three ways to see how near a candidate is to a catalog; each is made of counted words and nothing else.

`neighbors`: its likeness to the nearest entries (cosine of TF-IDF vectors; Salton & Buckley 1988), as a multiple of its likeness
to other candidates. `Sides`: how many words of the taxonomy it has on each of two sides. `title_words`: what the words of its
title say for and against it (logistic regression of the entries' titles against those of the other candidates).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from surveykit.discover.weights import likeness, log_odds, table
from surveykit.text.stems import telling
from surveykit.vocabulary import Axis, Taxonomy

NEAREST = 5
"""Entries whose likeness counts."""
TITLE_TIMES = 2
"""How often a title's word counts, beside one of the abstract."""
PEERS = 1000
"""Most candidates that others are compared with; comparing all with all would take the time of the whole ranking."""
NEAR_PEERS = 20
"""One peer of so many counts: the nearest ones."""
STRANGER = 0.01
"""Likeness that any peer has, lest a candidate without one gain everything."""
Name = tuple[str, ...]
"""A word, or two neighbors."""


@dataclass(frozen=True)
class PaperWords:
    """The telling words of one paper, as stems in order."""

    title: tuple[str, ...]
    text: tuple[str, ...]
    """Of the abstract or the summary."""

    @staticmethod
    def of(title: str, text: str) -> PaperWords:
        """The words of a title and a text."""
        return PaperWords(tuple(telling(title)), tuple(telling(text)))


@dataclass(frozen=True)
class Near:
    """An entry near a candidate."""

    place: int
    """Of the entry, from 0."""
    likeness: float
    """From 0 to 1."""


def neighbors(
    entries: Sequence[PaperWords], others: Sequence[PaperWords]
) -> tuple[list[list[Near]], list[float]]:
    """For each of the others the nearest entries, best first, and how much nearer they are than its nearest peers.

    What is like everything, as it is written in words that all papers use, is near nothing. Peers are others, each so-manieth of
    them where there are more than `PEERS`.
    """
    every = table([((w.title, TITLE_TIMES), (w.text, 1)) for w in (*entries, *others)])
    ours = every.part(0, len(entries))
    theirs = every.part(len(entries), every.height)
    found = []
    for row in likeness(theirs, ours):
        best = np.argsort(-row, kind="stable")[:NEAREST]
        found.append([Near(int(i), float(row[i])) for i in best if row[i] > 0])
    step = math.ceil(len(others) / PEERS) or 1
    nearer = []
    for number, row in enumerate(likeness(theirs, theirs.each(step))):
        if number % step == 0:
            row[number // step] = 0  # itself
        many = math.ceil(len(row) / NEAR_PEERS)
        usual = float(np.partition(row, -many)[-many:].mean()) + STRANGER
        nearer.append(sum(one.likeness for one in found[number]) / usual)
    return found, nearer


def title_words(
    entries: Sequence[PaperWords], others: Sequence[PaperWords]
) -> list[float]:
    """For each of the others what the words of its title say, in natural logarithms of odds; only their order means something."""
    if not entries or not others:
        return [0.0] * len(others)
    titles = table([((w.title, 1),) for w in (*entries, *others)], frequent=1.0)
    signs = np.array([1.0] * len(entries) + [-1.0] * len(others))
    return [float(odds) for odds in log_odds(titles, signs)[len(entries) :]]


class Sides:
    """The words of the taxonomy, on two sides: what is done, and to what.

    Axes that the taxonomy ties together, as it shows groups of one under terms of another, are one side; the others are the
    second one. A word counts by how much more often entries have it, or any name of its term, than the candidates have.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        entries: Sequence[PaperWords],
        others: Sequence[PaperWords],
    ) -> None:
        tied = _tied(taxonomy.axes)
        self._home: dict[Name, int] = {}
        self._said: dict[str, str] = {}
        self._whole: dict[Name, str] = {}
        self._entries = len(entries)
        named: dict[Name, set[tuple[str, str]]] = defaultdict(set)
        for axis in sorted(taxonomy.axes, key=lambda axis: len(axis.terms)):
            for term, said in _called(axis):
                whole = tuple(telling(said))
                for name in _names(whole):
                    self._home.setdefault(name, tied[axis.id])
                named[whole].add((axis.id, term))
                self._whole.setdefault(whole, said.lower())
                for written in re.findall(r"\w+", said.lower()):
                    for word in telling(written):
                        self._said.setdefault(word, written)
        ours = [self._hits(words) for words in entries]
        self._theirs = [self._hits(words) for words in others]
        self._here, there = (
            Counter(name for hits in some for name in hits)
            for some in (ours, self._theirs)
        )
        terms_here, terms_there = (
            Counter(t for hits in some for t in {t for n in hits for t in named[n]})
            for some in (ours, self._theirs)
        )

        def odds(inside: int, outside: int) -> float:
            share = (inside + 0.5) / (len(entries) + 1)
            return math.log(share / ((outside + 0.5) / (len(others) + 1)))

        self._weight = {}
        for name in self._home:
            terms = (odds(terms_here[t], terms_there[t]) for t in named[name])
            best = max((odds(self._here[name], there[name]), *terms))
            self._weight[name] = min(1.0, best)

    def found(self) -> Iterator[list[dict[str, float]]]:
        """For each of the others: word of the taxonomy -> its weight, twice in the title; by side, if that has any."""
        for hits in self._theirs:
            sides: dict[int, dict[str, float]] = defaultdict(dict)
            for name in sorted(hits):
                if self._weight[name] > 0:
                    written = " ".join(self._said.get(word, word) for word in name)
                    worth = hits[name] * self._weight[name]
                    sides[self._home[name]][written] = worth
            yield [sides[number] for number in sorted(sides)]

    def asked(self, most: int) -> tuple[tuple[str, ...], ...]:
        """For each side the names of terms that most entries have, as the taxonomy writes them; what every third has is too wide."""
        sides: dict[int, list[str]] = defaultdict(list)
        for name, count in self._here.most_common():
            if name in self._whole and 1 < count <= self._entries / 3:
                sides[self._home[name]].append(self._whole[name])
        return tuple(tuple(sides[number][:most]) for number in sorted(sides))

    @staticmethod
    def worth(found: Sequence[dict[str, float]]) -> float:
        """How many words stand on the weaker side; all of them break ties."""
        counts = [sum(side.values()) for side in found]
        whole = sum(counts)
        return whole - max(counts, default=0) + whole / 100

    def _hits(self, words: PaperWords) -> dict[Name, int]:
        text = self._home.keys() & _names(words.text)
        title = self._home.keys() & _names(words.title)
        return dict.fromkeys(text, 1) | dict.fromkeys(title, 2)


def _names(words: Sequence[str]) -> set[Name]:
    """Single words, and pairs of neighbors."""
    return {*zip(words, strict=True), *pairwise(words)}


def _called(axis: Axis) -> Iterator[tuple[str, str]]:
    """Id of each term with each of its names."""
    for term in axis.terms:
        for said in (term.label.en, term.id.replace("-", " "), *term.aliases.en):
            yield term.id, said


def _tied(axes: Sequence[Axis]) -> dict[str, int]:
    """Axis -> number of its side: the largest group of axes that are tied together is 0, all others 1.

    Where no two axes are tied, each is a side of its own.
    """
    home = {term.id: axis.id for axis in axes for term in axis.terms}
    group = {axis.id: {axis.id} for axis in axes}
    for axis in axes:
        others = {other for term in axis.terms for other in term.applies_to}
        others |= {home[role] for role in axis.only_for_roles if role in home}
        for other in others & group.keys():
            whole = group[axis.id] | group[other]
            group |= dict.fromkeys(whole, whole)
    largest = max(group.values(), key=len, default=set())
    if len(largest) < 2:
        return {axis.id: number for number, axis in enumerate(axes)}
    return {axis.id: int(axis.id not in largest) for axis in axes}
