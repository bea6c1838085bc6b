"""Texts as vectors of their words and pairs of neighbors, weighed by how rare these are (TF-IDF), of length 1."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.signedinteger]
Floats = NDArray[np.floating]
Part = tuple[Sequence[str], int]
"""Words in order, and how often each counts; pairs of them count once."""
FREQUENT = 0.5
"""Share of all texts in which a word says nothing any more."""
FEW = 10
"""Texts of which a share says nothing."""
AT_ONCE = 128
"""Texts that are counted or compared at once, for the sake of memory."""


@dataclass(frozen=True)
class Weights:
    """What is not 0 of a table with a row for each text and a column for each word or pair; sorted by row."""

    rows: Ints
    columns: Ints
    values: Floats
    height: int
    width: int

    def part(self, first: int, last: int) -> Weights:
        """The rows from `first` to before `last`, numbered anew."""
        start, end = np.searchsorted(self.rows, (first, last))
        rows = self.rows[start:end] - first
        own = self.columns[start:end], self.values[start:end]
        return Weights(rows, *own, last - first, self.width)

    def each(self, step: int) -> Weights:
        """The first row and every `step`-th after it, numbered anew."""
        kept = self.rows % step == 0
        own = self.columns[kept], self.values[kept]
        height = -(-self.height // step)
        return Weights(self.rows[kept] // step, *own, height, self.width)

    def times(self, vector: Floats) -> Floats:
        """The product with a column."""
        return np.bincount(self.rows, self.values * vector[self.columns], self.height).astype(float)  # fmt: skip

    def back(self, vector: Floats) -> Floats:
        """The product of a row with it."""
        return np.bincount(self.columns, self.values * vector[self.rows], self.width).astype(float)  # fmt: skip


def table(texts: Sequence[Sequence[Part]], *, frequent: float = FREQUENT) -> Weights:
    """One row of length 1 for each text. What stands in one text alone, or in more than `frequent` of them, is left out."""
    ids: dict[str, int] = {}
    numbered = [
        [(np.array([ids.setdefault(w, len(ids)) for w in words], np.int64), times) for words, times in parts]
        for parts in texts
    ]  # fmt: skip
    size = len(ids) + 1
    chunks = [
        _counted(numbered[first : first + AT_ONCE], first, size)
        for first in range(0, len(numbered), AT_ONCE)
    ]
    if not chunks:
        return Weights(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), 0, 0)
    codes = np.concatenate([some for _, some, _ in chunks])
    _, columns, within = np.unique(codes, return_inverse=True, return_counts=True)
    del codes
    limit = frequent * len(texts) if len(texts) >= FEW else len(texts)
    kept = (within >= 2) & (within <= limit)
    told = kept[columns]
    numbers = (kept.cumsum() - 1)[columns[told]]
    rows = np.concatenate([some for some, _, _ in chunks])[told]
    counts = np.concatenate([some for _, _, some in chunks])[told]
    columns = columns[told]
    rarity = np.log((1 + len(texts)) / (1 + within)) + 1
    values = (1 + np.log(counts)) * rarity[columns]
    length = np.sqrt(np.bincount(rows, values * values, len(texts)))
    return Weights(rows, numbers, values / length[rows], len(texts), int(kept.sum()))  # fmt: skip


def _counted(
    texts: Sequence[Sequence[tuple[Ints, int]]], first: int, size: int
) -> tuple[Ints, Ints, Floats]:
    """Row, code and count of each word, and of each pair of neighbors, which counts once wherever it stands."""
    rows, codes, counts = [], [], []
    for row, parts in enumerate(texts, first):
        singles = np.concatenate([words for words, _ in parts])
        often = np.concatenate([np.full(len(words), times) for words, times in parts])
        pairs = np.concatenate([w[:-1] * size + w[1:] + size for w, _ in parts])
        code, inverse = np.unique(np.append(singles, pairs), return_inverse=True)
        count = np.append(often, np.ones(len(pairs)))
        rows.append(np.full(len(code), row, np.int32))
        codes.append(code)
        counts.append(np.bincount(inverse, count, len(code)).astype(np.float32))
    return np.concatenate(rows), np.concatenate(codes), np.concatenate(counts)


def likeness(texts: Weights, others: Weights) -> Iterator[Floats]:
    """For each text its likeness to every one of the others, from 0 to 1."""
    order = np.argsort(others.columns, kind="stable")
    columns, places, weights = (
        some[order] for some in (others.columns, others.rows, others.values)
    )
    starts = np.searchsorted(columns, np.arange(texts.width))
    sizes = np.searchsorted(columns, np.arange(texts.width), side="right") - starts
    for first in range(0, texts.height, AT_ONCE):
        some = texts.part(first, min(first + AT_ONCE, texts.height))
        many = sizes[some.columns]
        ends = np.cumsum(many)
        whole = int(ends[-1]) if len(ends) else 0
        at = np.arange(whole) + np.repeat(starts[some.columns] - ends + many, many)
        cell = np.repeat(some.rows, many) * others.height + places[at]
        product = np.repeat(some.values, many) * weights[at]
        size = some.height * others.height
        cells = np.bincount(cell, product, size).astype(np.float64)
        yield from cells.reshape(some.height, others.height)


def log_odds(of: Weights, signs: Floats, steps: int = 200) -> Floats:
    """Log odds of each row's sign by logistic regression with ridge penalty 1/2 |w|^2; both signs weigh the same.

    Minimized by accelerated gradient steps (Nesterov 1983), whose length the largest curvature gives.
    """
    share = np.where(signs > 0, (signs > 0).sum(), (signs < 0).sum())
    weight = of.height / (2 * share)

    def spread(vector: Floats) -> Floats:
        """The product of the table, with a last column of ones, with a column."""
        made: Floats = of.times(vector[:-1]) + vector[-1]
        return made

    def gathered(vector: Floats) -> Floats:
        return np.append(of.back(vector), vector.sum())

    direction: Floats = np.ones(of.width + 1)
    for _ in range(20):
        direction = gathered(weight * spread(direction / np.linalg.norm(direction)))
    curve = 1 + 0.3 * float(np.linalg.norm(direction))  # a quarter, and some to be safe
    momentum = (math.sqrt(curve) - 1) / (math.sqrt(curve) + 1)
    here: Floats = np.zeros(of.width + 1)
    ahead: Floats = here
    for _ in range(steps):
        margin = np.minimum(signs * spread(ahead), 500.0)
        slope = ahead - gathered(weight * signs / (1 + np.exp(margin)))
        before, here = here, ahead - slope / curve
        ahead = here + momentum * (here - before)
    return spread(here)
