"""Records of one paper -> an entry in which everything is filled in but what a person must judge.

What is left is marked so that nobody can overlook it: `TODO` in texts, `todo` among terms. `surveykit validate` refuses
an entry with such a mark (SK352), so a draft cannot pass for a finished entry.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import chain, count
from typing import Any

from pydantic import TypeAdapter, ValidationError

from surveykit.addresses import doi_page
from surveykit.canon import entry_text
from surveykit.catalog import Catalog
from surveykit.errors import Loc
from surveykit.models import Author, Paper
from surveykit.record import Record
from surveykit.rules.rule import VENUES
from surveykit.rules.unfinished import marks
from surveykit.rules.venues import other_track
from surveykit.scalars import TODO, TODO_TERM, TODO_URL, Url
from surveykit.suggest import Clues, Suggester, Suggestion, short_name
from surveykit.text.letters import fold
from surveykit.venue_names import Appearance, VenueNames

_PASSED_OVER = (
    "a an the on in of for to are is from by with at towards toward your cant"
)
INSIGNIFICANT = frozenset(_PASSED_OVER.split())
"""Words that an id passes over; `Do`, `You` and `When` count."""
_REGISTRARS = ("doi:", "acl:", "openreview:")
_IDENTIFIERS = ("arxiv", "doi", "openreview", "acl")
_URL = TypeAdapter(Url)


@dataclass(frozen=True)
class Draft:
    """A new entry that waits for its author."""

    data: dict[str, Any]
    """The entry, in the order of the format."""
    suggestions: dict[str, tuple[Suggestion, ...]]
    """Axis -> terms that may hold, with reasons; they stand in the entry behind the mark."""
    todo: tuple[str, ...]
    """Fields left to the author: `title.zh`, `terms.role`."""
    notes: tuple[str, ...]
    """What a person should look at: a venue that is not known, sources that disagree."""
    venue_said: str = ""
    """What the sources call a venue that is left to the author, and what they may mean by it."""

    @property
    def id(self) -> str:
        """Id of the entry."""
        return str(self.data["id"])

    @property
    def path(self) -> str:
        """Where the entry belongs, relative to the repository."""
        return f"catalog/papers/{self.data['year']}/{self.id}.yaml"

    @cached_property
    def text(self) -> str:
        """The file: canonical, with the reason behind each suggested term."""
        told: dict[Loc, str] = {
            ("terms", axis): self._reasons(axis)
            for axis, ids in self.data.get("terms", {}).items()
            if ids[:1] == [TODO_TERM]
        }
        if self.data["venue"] == TODO_TERM:
            told["venue",] = self.venue_said
        return entry_text(self.data, {loc: text for loc, text in told.items() if text})

    def _reasons(self, axis: str) -> str:
        return " | ".join(
            f"{s.term}: {s.reason}" for s in self.suggestions.get(axis, ())
        )

    def decided(self, data: dict[str, Any]) -> Draft:
        """The same draft after a person has decided something."""
        return replace(self, data=data, todo=_todo(data))

    @property
    def paper(self) -> Paper:
        """The entry as a model, marks included."""
        languages = tuple(self.data["title"])
        return Paper.model_validate(self.data, context={"languages": languages})


class Drafter:
    """Makes entries for one catalog."""

    def __init__(self, catalog: Catalog, today: date) -> None:
        self._catalog = catalog
        self._today = today
        self._venues = VenueNames(catalog.venues)
        self._suggester = Suggester(catalog)

    def draft(self, records: Sequence[Record], taken: Container[str] = ()) -> Draft:
        """Entry of the paper that all `records` describe, with an id that neither the catalog nor `taken` has.

        The record of the published version decides where there is one; the others fill its gaps.
        """
        ranked = sorted(records, key=self._rank)
        notes = list(_disagreements(ranked))
        title = _title(ranked)
        authors = _authors(ranked)
        where, said = self._where(ranked)
        if said:
            notes.append(f"{said}; choose an id of {VENUES}, or add the venue there")
        year = _year(ranked, self._today, notes)
        two = "zh" in self._catalog.kit.languages
        suggestions = self._suggester.suggest(Clues(title, *_texts(ranked)))
        data: dict[str, Any] = {
            "id": self._id(authors, year, title, taken),
            "title": {"en": title} | ({"zh": TODO} if two else {}),
            "aka": [TODO, name] if (name := short_name(title)) else None,
            "authors": [author.written for author in authors] or [{"literal": TODO}],
            "venue": where.venue,
            "track": where.track if where.track != "main" else None,
            "year": year,
            **self._volume(ranked, where.venue),
            "identifiers": _identifiers(ranked),
            "arxiv_class": _first(ranked, "arxiv_class"),
            "links": _links(ranked),
            "terms": self._terms(suggestions),
            "added": self._today.isoformat(),
        }
        if not any(record.year for record in records):
            unknown = {"en": f"{TODO}: the year is not known"}
            data["notes"] = unknown | ({"zh": TODO} if two else {})
        data = {name: value for name, value in data.items() if value}
        return Draft(data, suggestions, _todo(data), tuple(notes), said)

    def _rank(self, record: Record) -> tuple[bool, bool, bool, bool]:
        """Least for the record to trust most: a venue of the registry, an official id, the registrar itself, a year."""
        where = self._named(record)
        published = where is not None and where.venue != "arxiv"
        official = bool(record.doi or record.acl or record.openreview)
        preprint = record.kind == "preprint"
        registrar = record.source.startswith(_REGISTRARS)
        return (
            not published,
            preprint or not official,
            not registrar,
            record.year is None,
        )

    def _named(self, record: Record) -> Appearance | None:
        """The venue that a record names; a paper of proceedings appeared in no magazine of the same name."""
        where = self._venues.find(record.venue_text) if record.venue_text else None
        if where and record.kind == "conference":
            venue = self._catalog.venues[where.venue]
            if venue.kind == "journal" and "Proceedings" not in venue.full.en:
                return None
        return where

    def _where(self, ranked: Sequence[Record]) -> tuple[Appearance, str]:
        """Where the paper appeared; where nobody names a venue of the registry, the mark and what they say instead."""
        for record in ranked:
            where = self._named(record)
            if where and (where.venue != "arxiv" or _first(ranked, "arxiv")):
                return _with_track(where, ranked), ""
        told = [r.venue_text for r in ranked if r.venue_text]
        published = any(r.kind in ("conference", "journal") for r in ranked)
        preprint = _first(ranked, "arxiv") and "arxiv" in self._catalog.venues
        if not told and not published and preprint:
            return Appearance("arxiv"), ""
        if not told:
            return Appearance(TODO_TERM), "no source names a venue"
        guess = self._venues.guess(told[0])
        hint = f"; perhaps {guess}" if guess else ""
        return Appearance(TODO_TERM), f"“{told[0]}” is not registered{hint}"

    def _volume(self, ranked: Sequence[Record], venue: str) -> dict[str, Any]:
        known = self._catalog.venues.get(venue)
        journal = known is None or known.kind == "journal"
        published = [r for r in ranked if r.kind != "preprint"]
        found = {
            n: _first(published, n) for n in ("month", "volume", "number", "pages")
        }
        serial = found["volume"] and found["number"]  # proceedings like AAAI's
        left = (
            () if journal else ("month",) if serial else ("month", "volume", "number")
        )
        return {name: value for name, value in found.items() if name not in left}

    def _terms(
        self, suggestions: dict[str, tuple[Suggestion, ...]]
    ) -> dict[str, list[str]]:
        """Every axis that has to be answered or has a suggestion: the mark first, then what may hold."""
        return {
            axis.id: [TODO_TERM, *(s.term for s in suggestions.get(axis.id, ()))]
            for axis in self._catalog.taxonomy.axes
            if axis.id in suggestions or (axis.min_terms and not axis.only_for_roles)
        }

    def _id(
        self, authors: Sequence[Author], year: int, title: str, taken: Container[str]
    ) -> str:
        first = paper_id(authors[0] if authors else None, year, title)
        suffixes = chain(("",), "bcdefghijklmnopqrstuvwxy", (f"z{n}" for n in count()))
        free = (first + suffix for suffix in suffixes)
        return next(i for i in free if i not in self._catalog.by_id and i not in taken)


def paper_id(first: Author | None, year: int, title: str) -> str:
    """Family name, year and first significant word, in ASCII letters and digits."""
    family = re.sub("[^a-z]", "", fold(first.last)) if first else ""
    words = (
        re.sub("[^a-z0-9]", "", word)
        for word in re.split(r"[\s/—–]+", re.sub("['’`]", "", fold(title)))
    )
    word = next((w for w in words if w and w not in INSIGNIFICANT), "") or "untitled"
    return f"{family or 'anonymous'}{year}{word[:40]}"


def _todo(data: dict[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_named(loc) for loc in marks(data)))


def _named(loc: Loc) -> str:
    """`title.zh`; for a list the list itself, unless its items have fields."""
    steps = loc[:-1] if isinstance(loc[-1], int) else loc
    return ".".join(str(step) for step in steps)


def _first(records: Sequence[Record], name: str) -> Any:
    return next((v for r in records if (v := getattr(r, name)) is not None), None)


def _title(ranked: Sequence[Record]) -> str:
    """The first title that is not in capitals throughout."""
    titles = [record.title for record in ranked]
    return next((title for title in titles if not title.isupper()), titles[0])


def _authors(ranked: Sequence[Record]) -> tuple[Author, ...]:
    """The most trusted list, unless another of the same people gives names where it has initials."""
    lists = [record.authors for record in ranked if record.authors]
    if not lists:
        return ()
    for other in lists[1:]:
        same = [fold(a.last) for a in lists[0]] == [fold(a.last) for a in other]
        if same and _initials(lists[0]) and not _initials(other):
            return other
    return lists[0]


def _initials(authors: Sequence[Author]) -> bool:
    given = [author.given or "" for author in authors]
    return any(re.fullmatch(r"(?:\w\.[\s-]?)+|\w", name) for name in given)


def _year(ranked: Sequence[Record], today: date, notes: list[str]) -> int:
    year: int | None = _first(ranked, "year")
    if year is None:
        arxiv: str | None = _first(ranked, "arxiv")
        if arxiv and re.match(r"[0-9]{4}\.", arxiv):
            return 2000 + int(arxiv[:2])
        notes.append("no source names a year")
        return today.year
    return year


def _texts(ranked: Sequence[Record]) -> tuple[str, str]:
    abstract = next((r.abstract for r in ranked if r.abstract), "")
    return abstract, " ".join(dict.fromkeys(h for r in ranked for h in r.headings))


def _identifiers(ranked: Sequence[Record]) -> dict[str, str]:
    found = {name: _first(ranked, name) for name in _IDENTIFIERS}
    return {name: value for name, value in found.items() if value}


def _links(ranked: Sequence[Record]) -> dict[str, str]:
    """Published page before preprint; the PDF that is free to read."""
    arxiv, doi, openreview, acl = (
        _first(ranked, name) for name in ("arxiv", "doi", "openreview", "acl")
    )
    pages = (
        f"https://aclanthology.org/{acl}/" if acl else None,
        next(
            (r.paper_url for r in ranked if r.paper_url and r.kind != "preprint"), None
        ),
        doi_page(doi) if doi else None,
        f"https://openreview.net/forum?id={openreview}" if openreview else None,
        f"https://arxiv.org/abs/{arxiv}" if arxiv else None,
        _first(ranked, "paper_url"),
        _first(ranked, "pdf_url"),
        TODO_URL,
    )
    pdfs = (
        f"https://aclanthology.org/{acl}.pdf" if acl else None,
        f"https://arxiv.org/pdf/{arxiv}" if arxiv else None,
        f"https://openreview.net/pdf?id={openreview}" if openreview else None,
        _first(ranked, "pdf_url"),
    )
    links = {
        "paper": next(url for url in pages if url and _is_url(url)),
        "pdf": next((url for url in pdfs if url and _is_url(url)), None),
        "code": _first(ranked, "code_url"),
    }
    return {name: url for name, url in links.items() if url}


def _is_url(text: str) -> bool:
    try:
        _URL.validate_python(text)
    except ValidationError:
        return False
    return True


def _with_track(where: Appearance, ranked: Sequence[Record]) -> Appearance:
    """The track that DOI or address betray, where the name does not."""
    signs = (v for r in ranked for v in (r.doi, r.acl, r.paper_url, r.pdf_url) if v)
    track = next((track for text in signs if (track := other_track(text))), None)
    named = where.track != "main" or where.venue == "arxiv"
    return where if named or track is None else Appearance(where.venue, track)


def _disagreements(ranked: Sequence[Record]) -> Iterator[str]:
    first = ranked[0]
    for other in ranked[1:]:
        if fold(other.title) != fold(first.title):
            yield f"{other.source} has the title {other.title!r}"
        if first.authors and other.authors and len(first.authors) != len(other.authors):
            yield (
                f"{first.source} has {len(first.authors)} authors, "
                f"{other.source} {len(other.authors)}"
            )
