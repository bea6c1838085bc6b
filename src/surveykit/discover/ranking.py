"""Candidates in the order in which a person should look at them, each with the reason in one line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surveykit.discover.candidate import Candidate
from surveykit.discover.views import PaperWords, Sides, neighbors, title_words
from surveykit.models import Paper
from surveykit.vocabulary import Taxonomy

NAMED = 2
"""Entries, and words of each side, that a reason names."""


@dataclass(frozen=True)
class Ranked:
    """A candidate with its place."""

    candidate: Candidate
    score: float
    """From 0 to 1; only its order means something, over all weeks of one run."""
    near: tuple[tuple[str, float], ...]
    """The nearest entries with their likeness from 0 to 1, best first."""
    sides: tuple[tuple[str, ...], ...]
    """Words of the taxonomy that title and abstract have, by side."""

    @property
    def reason(self) -> str:
        """What speaks for it: `like holt2023finding (0.31); boletes, gills + forest, vision`."""
        like = ", ".join(f"{id_} ({score:.2f})" for id_, score in self.near[:NAMED])
        words = " + ".join(", ".join(side[: 2 * NAMED]) for side in self.sides)
        parts = [f"like {like}" if like else "", words]
        return "; ".join(filter(None, parts)) or "nothing in common"


def rank(
    candidates: Sequence[Candidate],
    papers: Sequence[Paper],
    taxonomy: Taxonomy,
    abstracts: Mapping[str, str] | None = None,
) -> list[Ranked]:
    """Candidates, best first: by the geometric mean of their places in the three views.

    `abstracts` are those of entries, by id, for the neighbors; without one an entry's summary stands for it. The words of
    both sides are weighed by summaries alone, which say what a paper is about.
    """
    if not candidates:
        return []
    candidates = sorted(candidates, key=lambda one: one.id)
    known = abstracts or {}
    short = [PaperWords.of(p.title.en, p.tldr.en if p.tldr else "") for p in papers]
    long = [
        PaperWords.of(p.title.en, known[p.id]) if p.id in known else words
        for p, words in zip(papers, short, strict=True)
    ]
    words = [PaperWords.of(c.record.title, c.record.abstract or "") for c in candidates]
    near, nearer = neighbors(long, words)
    found = list(Sides(taxonomy, short, words).found())
    views = (
        nearer,
        list(map(Sides.worth, found)),
        title_words(short, words),
    )
    places = list(zip(*map(_places, views), strict=True))
    last = math.log(len(words) + 1)
    ranked = [
        Ranked(
            candidate,
            1 - sum(map(math.log, places[i])) / len(views) / last,
            tuple((papers[one.place].id, one.likeness) for one in near[i]),
            tuple(
                tuple(sorted(some, key=lambda w: (-some[w], w))) for some in found[i]
            ),
        )
        for i, candidate in enumerate(candidates)
    ]
    return sorted(ranked, key=lambda one: (-one.score, one.candidate.id))


def _places(values: Sequence[float]) -> list[float]:
    """The place of each value, the highest 1; equal values share the mean of theirs, so no order of input matters."""
    order = sorted(range(len(values)), key=lambda i: -values[i])
    places = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for i in order[start:end]:
            places[i] = (start + 1 + end) / 2
        start = end
    return places
