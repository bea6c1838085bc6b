"""An entry and a record of the same identifier: is it one paper, and in what do they differ?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz

from surveykit.duplicates import SAME, Index
from surveykit.models import Author, Paper
from surveykit.record import Record
from surveykit.text.letters import letters
from surveykit.venue_names import VenueNames

LIKE = 60
"""Likeness of two titles, 0 to 100, from which a preprint and its published version may be one paper."""
NEAR_YEARS = 1
"""Years by which an issue and its first appearance online, or a conference and its proceedings, may differ."""


@dataclass(frozen=True)
class Contradiction:
    """A fact on which the entry and a source do not agree."""

    field: str
    """`title.en`, `authors`, `identifiers.arxiv`; `state` for a withdrawal."""
    ours: str
    theirs: str
    source: str
    minor: bool = False
    """Whether it is told, and is no fault."""

    def __str__(self) -> str:
        return (
            f"{self.field}: ours {self.ours!r}, theirs {self.theirs!r} ({self.source})"
        )


def differences(
    paper: Paper, record: Record, venues: VenueNames
) -> Iterator[Contradiction]:
    """What the record says otherwise; a record of another paper is one difference, of the identifier."""
    if not same_work(paper, record) and not _retitled(paper, record):
        scheme = record.source.partition(":")[0].lower()
        ours = getattr(paper.identifiers, scheme, None) or "none"
        told = f"{record.title!r} by {_names(record.authors)}"
        yield Contradiction(f"identifiers.{scheme}", ours, told, record.source)
        return
    # What a preprint says of a published paper is history.
    old = record.kind == "preprint" and paper.venue != "arxiv"
    yield from _title(paper, record, old)
    yield from _authors(paper, record, old)
    if not old:
        yield from _year(paper, record)
        yield from _venue(paper, record, venues)
        yield from _pages(paper, record)


def same_work(paper: Paper, record: Record) -> bool:
    """Whether title, authors and year are those of one paper; identifiers alone prove nothing here."""
    bare = record.model_copy(
        update={"doi": None, "arxiv": None, "acl": None, "openreview": None}
    )
    index = Index()
    index.add(paper.id, paper)
    return any(match.score >= SAME for match in index.candidates(bare))


def _retitled(paper: Paper, record: Record) -> bool:
    """Whether the same people wrote something of a similar title: papers change theirs on the way."""
    ours, theirs = _lasts(paper.authors), _lasts(record.authors)
    few = min(len(ours), len(theirs))
    shared = few and len(set(ours) & set(theirs)) / few
    likeness = fuzz.token_set_ratio(paper.title.en.casefold(), record.title.casefold())
    return bool(shared >= 0.5 and likeness >= LIKE)


def _title(paper: Paper, record: Record, old: bool) -> Iterator[Contradiction]:
    ours, theirs = paper.title.en, record.title
    if letters(ours) != letters(theirs):
        # A service that leaves the subtitle out is no judge of it.
        cut = letters(ours).startswith(letters(theirs)) and ":" in ours
        yield Contradiction("title.en", ours, theirs, record.source, minor=old or cut)


def _authors(paper: Paper, record: Record, old: bool) -> Iterator[Contradiction]:
    ours, theirs = paper.authors, record.authors
    same = len(ours) == len(theirs) and all(map(_same_person, ours, theirs))
    if theirs and not same:
        told = (_names(ours), _names(theirs))
        yield Contradiction("authors", *told, record.source, minor=old)


def _same_person(a: Author, b: Author) -> bool:
    """Whether two names at one place are one person's: some services swap the parts, or give initials."""
    if letters(a.family or a.last) == letters(b.family or b.last):
        return True
    return sorted(map(letters, a.name.split())) == sorted(map(letters, b.name.split()))


def _year(paper: Paper, record: Record) -> Iterator[Contradiction]:
    if record.year and record.year != paper.year:
        strict = paper.venue == "arxiv" and record.kind == "preprint"
        near = abs(record.year - paper.year) <= NEAR_YEARS and not strict
        yield Contradiction(
            "year", str(paper.year), str(record.year), record.source, minor=near
        )


def _venue(paper: Paper, record: Record, venues: VenueNames) -> Iterator[Contradiction]:
    if paper.venue == "arxiv" or not record.venue_text:
        return  # a published version of a preprint is something missing, not something wrong
    where = venues.find(record.venue_text)
    if where is None or where.venue == "arxiv":
        return
    if where.venue != paper.venue:
        yield Contradiction(
            "venue", paper.venue, f"{where.venue}: {record.venue_text}", record.source
        )
    elif where.track != paper.track:
        yield Contradiction(
            "track", paper.track, f"{where.track}: {record.venue_text}", record.source
        )


def _pages(paper: Paper, record: Record) -> Iterator[Contradiction]:
    if paper.pages and record.pages and paper.pages != record.pages:
        short = paper.pages.split("-")[0] == record.pages.split("-")[0]
        yield Contradiction(
            "pages", paper.pages, record.pages, record.source, minor=short
        )


def _lasts(authors: tuple[Author, ...]) -> list[str]:
    return [letters(author.family or author.last) for author in authors]


def _names(authors: tuple[Author, ...]) -> str:
    """Names for a message: all of a few, the first of many."""
    names = [author.name for author in authors]
    shown = ", ".join(names[:12])
    return f"{shown} … ({len(names)})" if len(names) > 12 else shown or "nobody"
