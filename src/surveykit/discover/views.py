"""Three ways to see how near a candidate is to a catalog; each needs nothing but counting words.

`Neighbors`: its likeness to the nearest entries (cosine of TF-IDF vectors; Salton & Buckley 1988). `Sides`: how many words of
the taxonomy it has on each of two sides. `TitleWords`: how much likelier its title's words are in titles of entries
than in those of the other candidates (weights of evidence, as in naive Bayes).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from surveykit.text.stems import stem, telling
from surveykit.vocabulary import Axis, Taxonomy

NEAREST = 5
"""Entries whose likeness counts."""
TITLE_TIMES = 2
"""How often a title's word counts, beside one of the abstract."""
FREQUENT = 0.5
"""Share of all texts in which a word says nothing any more."""
FEW = 10
"""Texts of which a share says nothing."""
PRIOR = 10.0
"""Titles that are thought to have been seen before any was: what is rare proves little."""
AT_ONCE = 512
"""Candidates that are compared at once, for the sake of memory."""
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

    @property
    def counts(self) -> Counter[str]:
        """How often each single word stands there."""
        return Counter(self.text + self.title * TITLE_TIMES)


@dataclass(frozen=True)
class Near:
    """An entry near a candidate."""

    place: int
    """Of the entry, from 0."""
    likeness: float
    """From 0 to 1."""


class Neighbors:
    """Likeness of texts to entries."""

    def __init__(
        self, entries: Sequence[PaperWords], others: Sequence[PaperWords]
    ) -> None:
        within: Counter[str] = Counter()
        for words in (*entries, *others):
            within.update({*words.title, *words.text})
        texts = len(entries) + len(others)
        most = FREQUENT * texts if texts >= FEW else texts
        known = {w for words in entries for w in (*words.title, *words.text)}
        self._rarity = {
            word: math.log((1 + texts) / (1 + count)) + 1
            for word, count in within.items()
            if count <= most
        }
        columns = sorted(known & self._rarity.keys())
        self._column = {word: number for number, word in enumerate(columns)}
        self._entries = self._matrix(entries).T.copy()

    def nearest(self, others: Sequence[PaperWords]) -> Iterator[list[Near]]:
        """For each text the nearest entries, best first."""
        for start in range(0, len(others), AT_ONCE):
            some = self._matrix(others[start : start + AT_ONCE]) @ self._entries
            best = np.argsort(-some, axis=1, kind="stable")[:, :NEAREST]
            for row, places in zip(some, best.tolist(), strict=True):
                yield [Near(i, float(row[i])) for i in places if row[i] > 0]

    def _matrix(self, texts: Sequence[PaperWords]) -> NDArray[np.float32]:
        """Rows of length 1, or less by the words that no entry has."""
        rows = np.zeros((len(texts), len(self._column)), np.float32)
        for row, words in zip(rows, texts, strict=True):
            weights = {
                word: (1 + math.log(count)) * self._rarity[word]
                for word, count in words.counts.items()
                if word in self._rarity
            }
            length = math.sqrt(sum(w * w for w in weights.values())) or 1.0
            shared = [
                (self._column[w], x) for w, x in weights.items() if w in self._column
            ]
            if shared:
                columns, values = zip(*shared, strict=True)
                row[list(columns)] = np.array(values) / length
        return rows


class Sides:
    """The words of the taxonomy, on two sides: what is done, and to what.

    Axes that the taxonomy ties together, as it shows groups of one under terms of another, are one side; the others are the
    second one. A word counts if entries have it more often than the candidates do.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        entries: Sequence[PaperWords],
        others: Sequence[PaperWords],
    ) -> None:
        tied = _tied(taxonomy.axes)
        self._home: dict[Name, int] = {}
        self._said: dict[Name, str] = {}
        for axis in sorted(taxonomy.axes, key=lambda axis: len(axis.terms)):
            for said in _called(axis):
                for name in _names(telling(said)):
                    self._home.setdefault(name, tied[axis.id])
                for word in re.findall(r"[a-z0-9]+", said.lower()):
                    self._said.setdefault((stem(word),), word)
        ours = [self._hits(words) for words in entries]
        self._theirs = [self._hits(words) for words in others]
        self._here, there = (
            Counter(name for hits in some for name in hits)
            for some in (ours, self._theirs)
        )
        self._kept = {
            name
            for name in self._home
            if (self._here[name] + 0.5) * (len(others) + 1)
            > (there[name] + 0.5) * (len(entries) + 1)
        }

    def found(self) -> Iterator[list[dict[str, int]]]:
        """For each of the others: word of the taxonomy -> 2 if it stands in the title, else 1; by side, if that has any."""
        for hits in self._theirs:
            sides: dict[int, dict[str, int]] = defaultdict(dict)
            for name in sorted(hits.keys() & self._kept):
                written = " ".join(self._said.get((word,), word) for word in name)
                sides[self._home[name]][written] = hits[name]
            yield [sides[number] for number in sorted(sides)]

    def telling_words(self, most: int) -> tuple[tuple[str, ...], ...]:
        """For each side the single words that most entries have, as the taxonomy writes them."""
        sides: dict[int, list[str]] = defaultdict(list)
        for name, count in self._here.most_common():
            if len(name) == 1 and count > 1 and len(self._said[name]) > 2:
                sides[self._home[name]].append(self._said[name])
        return tuple(tuple(sides[number][:most]) for number in sorted(sides))

    @staticmethod
    def worth(found: Sequence[dict[str, int]]) -> float:
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


def _called(axis: Axis) -> Iterable[str]:
    for term in axis.terms:
        yield from (term.label.en, term.id.replace("-", " "), *term.aliases.en)


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


class TitleWords:
    """What the words of a title say for and against it, in natural logarithms of odds."""

    def __init__(
        self, entries: Sequence[PaperWords], others: Sequence[PaperWords]
    ) -> None:
        ours = Counter(word for words in entries for word in _names(words.title))
        theirs = Counter(word for words in others for word in _names(words.title))
        whole = len(entries) + len(others)
        self._weights = {}
        for word in ours.keys() | {w for w, count in theirs.items() if count > 2}:
            prior = PRIOR * (ours[word] + theirs[word] + 1) / whole
            here = (ours[word] + prior) / (len(entries) + PRIOR)
            there = (theirs[word] + prior) / (len(others) + PRIOR)
            self._weights[word] = math.log(here / there)

    def worth(self, words: PaperWords) -> float:
        """Sum over the title's words, tamed by their number, as neighbors say the same twice."""
        told = [self._weights.get(word, 0.0) for word in _names(words.title)]
        return sum(told) / math.sqrt(len(told) or 1)
