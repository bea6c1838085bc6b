"""Where a paper appeared, in a source's words -> venue of the registry and track."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from rapidfuzz import fuzz, process

from surveykit.models import Venue
from surveykit.query import fold

Track = Literal["main", "findings", "workshop"]

LIKENESS = 90
"""Of two long names, 0 to 100, from which one is taken for a misspelling of the other."""
SHORT_LIKENESS = 85
LONG = 16
"""Letters from which a name is long; below `LEAST` it must be spelled right."""
LEAST = 6
_PREPRINT = re.compile(r"\s*(?:corr\b|arxiv\b|abs/[0-9])", re.I)

_WORKSHOP = re.compile(r"\bworkshops?\b|\b(?:CVPR|ICCV|ECCV|WACV|SP|EuroSP)W\b", re.I)
_FINDINGS = re.compile(r"\bfindings\b", re.I)
_NOT_ACCEPTED = re.compile(
    r"\b(?:submitted|submission|under review|rejected|withdrawn)\b", re.I
)
_BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
# Words that tell one year's volume from another's, and how a paper was presented.
_NOISE = re.compile(
    r"\b(?:proceedings|proc|annual|the|of|in|on|and|for|conf|poster|oral|spotlight|highlight|talk|main|track|"
    r"accepted|by|at|to|as|conference paper|volume|vol|part|lncs|long papers|short papers|"
    r"lecture notes in computer science|computer vision(?= eccv)|"
    r"(?:19|20)[0-9]{2}|[0-9]+(?:st|nd|rd|th)?|'[0-9]{2}|"
    r"(?:twenty|thirty|forty|fifty|sixty)? ?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|"
    r"twentieth|thirtieth|fortieth|fiftieth|[ivx]{2,5})\b"
)


@dataclass(frozen=True)
class Appearance:
    """Where a paper appeared."""

    venue: str
    """Id in the registry."""
    track: Track = "main"
    guessed: bool = False
    """Whether the name was taken for a misspelling or an abbreviation."""


class VenueNames:
    """Every way in which the registry's venues are called."""

    def __init__(self, venues: Mapping[str, Venue]) -> None:
        self._venues = venues
        self._known: dict[str, Appearance | None] = {}

    def find(self, text: str) -> Appearance | None:
        """The venue that a text means; None where the registry has none, or the text speaks of a submission."""
        if text not in self._known:
            self._known[text] = self._find(text)
        return self._known[text]

    def _find(self, text: str) -> Appearance | None:
        if _NOT_ACCEPTED.search(text):
            return None
        if _PREPRINT.match(text):
            return Appearance("arxiv") if "arxiv" in self._venues else None
        track: Track = "main"
        if _WORKSHOP.search(text):
            track = "workshop"
        elif _FINDINGS.search(text):
            track = "findings"
        for form in _forms(text):
            if venue := self._names.get(form):
                return self._appeared(venue, track)
        guess = self._abbreviated(text) or self._misspelled(text)
        return self._appeared(guess, track, guessed=True) if guess else None

    def _appeared(
        self, venue: str, track: Track, *, guessed: bool = False
    ) -> Appearance:
        known = self._venues[venue]
        if (track == "findings" and not known.findings) or (
            track == "workshop" and known.kind != "conference"
        ):
            track = "main"
        return Appearance(venue, track, guessed)

    @cached_property
    def _names(self) -> dict[str, str]:
        """Reduced name -> venue; where two venues share one, nobody gets it."""
        owners: dict[str, set[str]] = {}
        for venue in self._venues.values():
            for name in _called(venue):
                for form in _forms(name):
                    owners.setdefault(form, set()).add(venue.id)
        names = {form: ids.pop() for form, ids in owners.items() if len(ids) == 1}
        # A short name is its owner's, whatever a longer one shrinks to.
        for venue in self._venues.values():
            names |= {_reduced(venue.name): venue.id, _reduced(venue.id): venue.id}
        return names

    def _misspelled(self, text: str) -> str | None:
        form = _reduced(_BRACKETS.sub(" ", text))
        if len(form) < LEAST:
            return None
        cutoff = LIKENESS if len(form) >= LONG else SHORT_LIKENESS
        best = process.extractOne(
            form, self._names.keys(), scorer=fuzz.token_sort_ratio, score_cutoff=cutoff
        )
        return self._names[best[0]] if best else None

    def _abbreviated(self, text: str) -> str | None:
        """`IEEE Trans. Inf. Forensics Secur.`: each word begins a word of the full name, in order."""
        if "." not in text:
            return None
        words = _reduced(text).split()
        fits = {
            venue.id
            for venue in self._venues.values()
            if len(words) > 1 and _abbreviates(words, _reduced(venue.full.en).split())
        }
        return fits.pop() if len(fits) == 1 else None


def _called(venue: Venue) -> Iterator[str]:
    yield from (venue.name, venue.full.en, venue.full.zh, *venue.aliases)
    yield from (name for name in (venue.book, venue.findings, venue.workshops) if name)


def _forms(text: str) -> Iterable[str]:
    """Ways to read a text, the likeliest first: whole, without brackets, and what stands in brackets or behind a colon."""
    inside = [part for pair in _BRACKETS.findall(text) for part in pair if part]
    bare = _BRACKETS.sub(" ", text)
    parts = [text, bare, *inside, *re.split(r"[,;:/–—]|\s-\s", bare)]
    forms = dict.fromkeys(_reduced(part) for part in parts)
    return [form for form in forms if form]


def _reduced(text: str) -> str:
    """Text without years, ordinals, tracks and words that every proceedings has."""
    text = _WORKSHOP.sub(
        lambda found: found[0].rstrip("Ww") if found[0][-1] in "Ww" else " ", text
    )
    text = _FINDINGS.sub(" ", text)
    plain = re.sub(r"[^\w&']+", " ", fold(text).replace("&amp;", "&"))
    return " ".join(_NOISE.sub(" ", plain).split())


def _abbreviates(words: list[str], full: list[str]) -> bool:
    at = 0
    for word in words:
        while at < len(full) and not full[at].startswith(word):
            at += 1
        if at == len(full):
            return False
        at += 1
    return at == len(full) or len(words) >= len(full) - 1
