"""Where a paper appeared, in a source's words -> venue of the registry and track, or nothing.

A text means a venue where every part of it is accounted for: a name of the registry, word for word or abbreviated by
the rules of ISO 4, and beside it only years, ordinals, places, pages and the like. Anything else is at most a guess.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

from rapidfuzz import fuzz, process

from surveykit.venue_words import (
    SOCIETIES,
    Words,
    bare,
    dotted,
    harmless,
    parted,
    stands_for,
    words_of,
)
from surveykit.vocabulary import Venue

Track = Literal["main", "findings", "workshop"]

LONGEST = 600
"""Characters; a longer text names more than a venue."""
PARTS = 24
TELLING = 4
"""Words of a name from which it stands for its venue without the societies that hold it."""
LIKENESS = 85
"""Of two names, 0 to 100, from which one may be a misspelling of the other."""
LEAST = 6
"""Letters of a name that may be misspelled."""

_NOT_ACCEPTED = re.compile(
    r"\b(?:submitted|submission|under review|rejected|withdrawn)\b", re.I
)
_PREPRINT = re.compile(r"\s*(?:corr\b|arxiv\b|abs/[0-9])", re.I)
_ARXIV = "corr arxiv abs preprint preprints print prints eprint eprints cornell university math stat eess 预印本"
_OF_PREPRINTS = frozenset(_ARXIV.split())
_BRACKETS = re.compile(r"[(\[（【]([^()\[\]（）【】]*)[)\]）】]")
_SEPARATOR = re.compile(r"[,;:/|–—·•，；：、]|\s-+\s|(?<=[0-9])\.\s")
# `Computer Vision – ECCV 2022`: the subject before the short name, as Springer's volumes have it.
_SUBJECT = re.compile(r"\s*([^,;:/|()\[\]–—]{3,80}?)\s(?:[–—]|-+)\s")
_BESIDE = re.compile(
    r"[,;:|@–—·•()\[\]]|\s-+\s|\b(?:at|with|of|in)\b|\bco-?located\b", re.I
)
# With its subject, which may well be called like a conference.
_WORKSHOP = re.compile(
    r"\bworkshops?\b(?:\s+(?:on|for)\b(?:(?!\s(?:at|with)\s)[^,;:()\[\]@])*)?", re.I
)
_FINDINGS = re.compile(
    r"\bfindings\b(?: of (?:the )?acl(?=:))?|\b(?:the )?association for computational linguistics\b",
    re.I,
)
_PROCEEDINGS = re.compile(r"\bproc(?:eedings\b|\.)", re.I)


@dataclass(frozen=True)
class Appearance:
    """Where a paper appeared."""

    venue: str
    """Id in the registry."""
    track: Track = "main"


@dataclass(frozen=True)
class _Name:
    """One way to call a venue."""

    venue: str
    words: tuple[str, ...]
    societies: frozenset[str]
    track: Track


class VenueNames:
    """Every way in which the registry's venues are called."""

    def __init__(self, venues: Mapping[str, Venue]) -> None:
        self._venues = venues
        self._known: dict[str, Appearance | None] = {}

    def find(self, text: str) -> Appearance | None:
        """The venue that a text names.

        None where the registry lacks it, where the text could mean another one, or speaks of a submission.
        """
        if text not in self._known:
            plain = text.replace("&amp;", "&")
            self._known[text] = self._find(plain) if len(text) <= LONGEST else None
        return self._known[text]

    def guess(self, text: str) -> str | None:
        """Id of a venue that a text may mean: one whose short name is in it, or a name that is spelled alike."""
        said = words_of(text[:LONGEST])
        for word in said:
            if len(word) > 2 and (venue := self._short.get(word)):
                return venue
        form = " ".join(parted(said)[0])
        if len(form) < LEAST:
            return None
        best = process.extractOne(
            form,
            self._spelled.keys(),
            scorer=fuzz.token_sort_ratio,
            score_cutoff=LIKENESS,
        )
        return self._spelled[best[0]] if best else None

    def _find(self, text: str) -> Appearance | None:
        if _NOT_ACCEPTED.search(text):
            return None
        if _PREPRINT.match(text):
            return Appearance("arxiv") if self._is_preprint(text) else None
        found = self._read(text)
        if not found and _FINDINGS.search(text):
            return self._findings(text)
        if not found and ("@" in text or _WORKSHOP.search(text)):
            return self._host(text)
        return found

    def _read(self, text: str) -> Appearance | None:
        """The one venue that the whole text names."""
        if (whole := self._named(dotted(text))) and self._fits(text, whole.venue):
            return Appearance(whole.venue, whole.track)
        found: set[Appearance] = set()
        subject = _SUBJECT.match(text)
        if (
            subject
            and not self._named(dotted(subject[1]))
            and harmless(subject[1], False)
        ):
            text = text[subject.end() :]
        pieces = [(_BRACKETS.sub(" ; ", text), False)]
        pieces += [(inside, True) for inside in _BRACKETS.findall(text)]
        for piece, bracketed in pieces:
            parts = [part for part in _SEPARATOR.split(piece) if part.strip()]
            if len(parts) > PARTS or not self._take(parts, bracketed, found):
                return None
        venues = {one.venue for one in found}
        if len(venues) != 1 or not self._fits(text, next(iter(venues))):
            return None
        # `… Workshops (CVPR 2024)`: the more special track is meant.
        return max(found, key=lambda one: one.track != "main")

    def _take(
        self, parts: Sequence[str], bracketed: bool, found: set[Appearance]
    ) -> bool:
        """Add the venues that the parts name, longest names first; whether nothing of another kind is left."""
        said, at = [dotted(part) for part in parts], 0
        while at < len(parts):
            for end in range(len(parts), at, -1):
                if name := self._named(list(chain(*said[at:end]))):
                    found.add(Appearance(name.venue, name.track))
                    at = end
                    break
            else:
                first = not found and not bracketed  # places stand behind names
                if not harmless(parts[at], bracketed or first):
                    return False
                at += 1
        return True

    def _fits(self, text: str, venue: str) -> bool:
        """Whether a text that speaks of proceedings means a venue that has some."""
        known = self._venues[venue]
        return (
            known.kind != "journal"
            or not _PROCEEDINGS.search(text)
            or "Proceedings" in known.full.en
        )

    def _named(self, said: Words) -> _Name | None:
        """The name that some words are."""
        words = bare(said)
        short = self._short.get("".join(words[:-1]))
        if short and words[-1] in ("conference", "conf"):
            return _Name(short, (), frozenset(), "main")
        rest, societies = parted(words)
        names = self._names.get("".join(rest), ())
        if not names and any(stop for _, stop in said):
            names = list(self._abbreviated(said))
        return self._one(names, societies)

    def _one(self, names: Iterable[_Name], societies: frozenset[str]) -> _Name | None:
        """The name that is meant where a text has these societies beside it; None where two venues share it."""
        fits = [
            name
            for name in names
            if societies <= self._societies[name.venue]
            and (societies or not name.societies or len(name.words) >= TELLING)
        ]
        return fits[0] if len({name.venue for name in fits}) == 1 else None

    def _abbreviated(self, words: Words) -> Iterator[_Name]:
        """`IEEE Trans. Inf. Forensics Secur.`: each word is one of the full name, or begins it and ends with a stop."""
        rest = [pair for pair in words if pair[0] not in SOCIETIES]
        for name in self._long.get(len(rest), ()):
            if all(map(stands_for, rest, name.words)):
                yield name

    def _findings(self, text: str) -> Appearance | None:
        where = self._read(_FINDINGS.sub(" ", text))
        if where is None or not self._venues[where.venue].findings:
            return None
        return Appearance(where.venue, "findings")

    def _host(self, text: str) -> Appearance | None:
        """The conference beside which a workshop took place, where the text names one."""
        parts = _BESIDE.split(_WORKSHOP.sub(" ; ", text))
        named = [name for part in parts if part and (name := self._named(dotted(part)))]
        venues = {name.venue for name in named}
        if len(venues) != 1 or self._venues[named[0].venue].kind != "conference":
            return None
        return Appearance(named[0].venue, "workshop")

    def _is_preprint(self, text: str) -> bool:
        """Whether a text names arXiv and nothing else."""
        return "arxiv" in self._venues and all(
            word in _OF_PREPRINTS or len(word) < 3 or word[0].isdecimal()
            for word in words_of(text)
        )

    @cached_property
    def _all(self) -> tuple[_Name, ...]:
        return tuple(
            _Name(venue.id, *parted(words), track)
            for venue in self._venues.values()
            for name, track in _called(venue)
            if (words := words_of(name))
        )

    @cached_property
    def _names(self) -> dict[str, list[_Name]]:
        """Letters of a name without societies -> the names that have them."""
        names: dict[str, list[_Name]] = defaultdict(list)
        for name in self._all:
            names["".join(name.words)].append(name)
        return names

    @cached_property
    def _long(self) -> dict[int, list[_Name]]:
        """Number of words -> names of two words and more."""
        names: dict[int, list[_Name]] = defaultdict(list)
        for name in self._all:
            if len(name.words) > 1:
                names[len(name.words)].append(name)
        return names

    @cached_property
    def _societies(self) -> dict[str, frozenset[str]]:
        """Venue -> the societies that any of its names tells."""
        told: dict[str, frozenset[str]] = defaultdict(frozenset)
        for name in self._all:
            told[name.venue] |= name.societies
        return told

    @cached_property
    def _short(self) -> dict[str, str]:
        """Short name, a single word -> venue."""
        return {
            name.words[0]: name.venue
            for name in self._all
            if len(name.words) == 1 and not name.societies and name.track == "main"
        }

    @cached_property
    def _spelled(self) -> dict[str, str]:
        """Name as it is compared for misspellings -> venue."""
        return {" ".join(name.words): name.venue for name in self._all}


def _called(venue: Venue) -> Iterator[tuple[str, Track]]:
    """The names of a venue, each with the track that it means."""
    conference = venue.kind == "conference"
    names = (venue.id, venue.name, venue.full.en, venue.full.zh, *venue.aliases)
    for name in (*names, *((venue.book,) if venue.book else ())):
        workshop = conference and "workshop" in name.lower()
        yield name, "workshop" if workshop else "main"
        if conference and (len(name) > 2 or name == "SP") and " " not in name:
            yield f"{name}W", "workshop"
    if venue.findings:
        yield venue.findings, "findings"
    if venue.workshops:
        yield venue.workshops, "workshop"
