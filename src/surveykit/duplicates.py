"""Whether a paper is in the catalog already, by identifiers, title, authors and year.

Two works are compared only if they share an identifier, a title (with or without its subtitle),
or an author's family name together with a long word of the title; so one against 10,000 costs
a few hundred comparisons. A title alone proves nothing: there are several "Deep Learning".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import fuzz

from surveykit.catalog import Catalog
from surveykit.models import Author, Paper
from surveykit.record import Record
from surveykit.text.letters import letters

SAME = 0.8
"""Score from which two works are called the same paper; below it a person should look."""
CONFLICT = 0.5
"""Score of two works that share an identifier and nothing else: one of them has it wrong."""
_SCHEMES = {
    "doi": "DOI",
    "arxiv": "arXiv id",
    "acl": "ACL Anthology id",
    "openreview": "OpenReview id",
}
_SURE = frozenset({*_SCHEMES, "title"})
"""Blocks in which every two works are compared."""
_LONG = 2
"""Words of a title, the longest ones, under which a work is filed."""
_SHORT = 3
"""Letters of the words that are too short to tell of a title."""
_NEAR_YEARS = 3
"""Years between a preprint and its publication."""
_NUMERAL = re.compile(r"[0-9]+|i{1,3}|iv|vi{0,3}|ix|x|one|two|three|four|first|second")
_PART = re.compile(rf"(?:part\s+)?(?:{_NUMERAL.pattern})", re.IGNORECASE)
_SUBTITLE = re.compile(r"(?<!\s)(?:\s*[:?!]\s+|\s+[-–—]+\s+)")


@dataclass(frozen=True)
class Match:
    """An entry that may be the same paper."""

    id: str
    """Id of the entry."""
    score: float
    """How certain, 0 to 1; from `SAME` on it is the same paper."""
    reason: str
    """What both have in common."""


@dataclass(frozen=True)
class Work:
    """What is compared of a record or an entry; made once where it is compared often."""

    title: str
    authors: tuple[Author, ...]
    year: int | None
    identifiers: Mapping[str, str]

    @staticmethod
    def of(work: Record | Paper) -> Work:
        """What is compared of one."""
        names = work if isinstance(work, Record) else work.identifiers
        found = {scheme: getattr(names, scheme) for scheme in _SCHEMES}
        known = {scheme: v.casefold() for scheme, v in found.items() if v}
        title = work.title if isinstance(work.title, str) else work.title.en
        return Work(title, work.authors, work.year, known)

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(w for w in map(letters, re.split(r"[\s/–—-]+", self.title)) if w)

    @cached_property
    def key(self) -> str:
        return letters(self.title)

    @cached_property
    def parts(self) -> frozenset[str]:
        """The title before its first mark and behind it; empty where no subtitle follows a mark."""
        pieces = _SUBTITLE.split(self.title, maxsplit=1)
        if _PART.fullmatch(pieces[-1]):
            return frozenset()  # `…? Part 2` has no subtitle, it is another paper
        keys = {letters(piece) for piece in pieces} if len(pieces) == 2 else set()
        return frozenset(key for key in keys if key)

    @cached_property
    def numerals(self) -> tuple[str, ...]:
        """Numbers in the title, which tell the parts of a series apart."""
        return tuple(sorted(w for w in self.words if _NUMERAL.fullmatch(w)))

    @cached_property
    def names(self) -> Mapping[str, frozenset[str]]:
        """Folded family name -> folded given names, `""` where there is none."""
        names: dict[str, set[str]] = defaultdict(set)
        for author in self.authors:
            given = (author.given or "").replace("-", " ").split(" ")[0]
            names[letters(author.last)].add(letters(given))
        return {last: frozenset(given) for last, given in names.items() if last}

    @cached_property
    def blocks(self) -> tuple[tuple[str, str], ...]:
        """Keys under which works that may be the same meet."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[tuple[str, str]]:
        yield from self.identifiers.items()
        for key in {self.key, *self.parts}:
            yield "title", key
        head = _SUBTITLE.split(self.title, maxsplit=1)[0]
        heads = {w for w in map(letters, re.split(r"[\s/–—-]+", head)) if w}
        long = sorted({*_longest(self.words), *_longest(heads)})
        lasts = list(self.names)
        for last in {*lasts[:20], *lasts[-1:]}:  # a list of thousands needs no more
            for word in long:
                yield last, word


class Index:
    """Works by what they share; grows while a file is imported."""

    def __init__(self, papers: Iterable[Paper] = ()) -> None:
        self._works: dict[str, Work] = {}
        self._blocks: dict[tuple[str, str], list[str]] = defaultdict(list)
        for paper in papers:
            self.add(paper.id, paper)

    def add(self, id_: str, work: Record | Paper | Work) -> None:
        """Let later questions find this work under an id."""
        known = work if isinstance(work, Work) else Work.of(work)
        self._works[id_] = known
        for block in known.blocks:
            self._blocks[block].append(id_)

    def candidates(self, work: Record | Paper | Work) -> list[Match]:
        """Entries that may be the same paper, the likeliest first."""
        asked = work if isinstance(work, Work) else Work.of(work)
        sure: set[str] = set()
        hits: Counter[str] = Counter()
        for block in asked.blocks:
            together = self._blocks.get(block, ())
            if block[0] in _SURE:
                sure.update(together)
            else:
                hits.update(together)
        # The same paper shares several words and authors; two meetings are chance, where there are more.
        least = 3 if len(asked.names) > 1 and len(asked.words) > 3 else 1
        sure.update(id_ for id_, count in hits.items() if count >= least)
        if isinstance(work, Paper):
            sure.discard(work.id)
        found = (_match(id_, asked, self._works[id_]) for id_ in sure)
        return sorted(filter(None, found), key=lambda m: (-m.score, m.id))


def candidates(work: Record | Paper, catalog: Catalog) -> list[Match]:
    """Entries of a catalog that may be the same paper, the likeliest first."""
    return Index(catalog.papers).candidates(work)


def _longest(words: Iterable[str]) -> list[str]:
    return sorted(set(words), key=lambda w: (-len(w), w))[:_LONG]


def _match(id_: str, a: Work, b: Work) -> Match | None:
    found = _by_title(a, b)
    if a.identifiers.items() & b.identifiers.items():
        return _by_identifier(id_, a, b, like=found is not None)
    shared = _shared_authors(a, b) if found else 0.0
    if found is None or (a.names and b.names and shared < 0.3):
        return None
    score, reason = found
    if a.year and b.year and abs(a.year - b.year) > _NEAR_YEARS:
        return None
    if shared:
        reason += ", authors in common"
        score *= 1 if shared >= 0.5 else 0.9
    elif len(b.words) < 4:
        return None  # names of neither side and a short title
    else:
        score *= 0.95
    if other := _different(a, b):
        return Match(id_, 0.6 * score, f"{reason}, but another {other}")
    return Match(id_, score, reason)


def _by_identifier(id_: str, a: Work, b: Work, *, like: bool) -> Match:
    scheme, value = next(iter(a.identifiers.items() & b.identifiers.items()))
    named = _SCHEMES[scheme]
    if like or _shared_authors(a, b) >= 0.5 or fuzz.ratio(a.key, b.key) >= 75:
        return Match(id_, 1.0, f"same {named}")
    if not (a.names and b.names) and _retold(a, b):
        return Match(id_, 0.9, f"same {named}, a title of the same words")
    return Match(id_, CONFLICT, f"same {named} {value} for another title; one is wrong")


def _by_title(a: Work, b: Work) -> tuple[float, str] | None:
    if a.key == b.key:
        return 1.0, "same title"
    if (b.key in a.parts and not b.parts) or (a.key in b.parts and not a.parts):
        return 0.9, "same title but for a subtitle"
    if (
        fuzz.ratio(a.key, b.key, score_cutoff=80)
        and a.numerals == b.numerals
        and _near(a, b)
    ):
        return 0.9, "nearly the same title"
    return None


def _near(a: Work, b: Work) -> bool:
    """Whether only misprints and few added words tell the titles apart."""
    if fuzz.ratio(a.key, b.key) >= 97:
        return True
    ours, theirs = (list(w.words) for w in (a, b))
    for word in a.words:
        if word in theirs:
            theirs.remove(word)
            ours.remove(word)
    for word in tuple(ours):
        twin = next((w for w in theirs if fuzz.ratio(w, word) >= 70), None)
        if twin:
            theirs.remove(twin)
            ours.remove(word)
    return not (ours and theirs) or "".join(ours) == "".join(theirs)


def _retold(a: Work, b: Work) -> bool:
    """Whether two titles say the same in another order: a preprint's, and that of its published version."""
    ours, theirs = (
        [word for word in work.words if len(word) > _SHORT] for work in (a, b)
    )
    shared = sum(any(_akin(word, twin) for twin in theirs) for word in ours)
    return shared >= 4 and shared >= min(len(ours), len(theirs)) / 2


def _akin(a: str, b: str) -> bool:
    """Whether two words are forms of one: `failures` and `failure`."""
    return fuzz.ratio(a, b) >= 80


def _shared_authors(a: Work, b: Work) -> float:
    """Share of the shorter list of authors that the other one has too, 0 to 1."""
    few, many = sorted((a.names, b.names), key=len)
    if not few:
        return 0.0
    same = sum(_compatible(given, many.get(last)) for last, given in few.items())
    return same / len(few)


def _compatible(ours: frozenset[str], theirs: frozenset[str] | None) -> bool:
    """Whether given names may be those of one person: `R` and `Ricardo` may."""
    return theirs is not None and any(
        x.startswith(y) or y.startswith(x) for x in ours for y in theirs
    )


def _different(a: Work, b: Work) -> str | None:
    """Name of an identifier of which each has its own."""
    for scheme, named in _SCHEMES.items():
        ours, theirs = a.identifiers.get(scheme), b.identifiers.get(scheme)
        if ours and theirs and ours != theirs:
            return named
    return None
