"""Where preprints have appeared since: what services know of a paper, gathered into publications with their evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from surveykit.addresses import doi_page
from surveykit.catalog import Catalog
from surveykit.models import Bilingual, Event, Paper
from surveykit.record import Record
from surveykit.sources.found import Found
from surveykit.text.letters import letters
from surveykit.venue_names import Track, VenueNames
from surveykit.weighing import same_work

_KINDS = ("conference", "journal")
_SERVERS = re.compile(
    r"(?i)\b(?:arxiv|authorea|biorxiv|corr|hal|medrxiv|preprints?(?:\.org)?|research ?square|ssrn|techrxiv|zenodo)\b"
)
"""Preprint servers that call themselves journals in their records."""
_COMING = re.compile(r"(?i)\b(?:accept(?:ed|ance)|appear(?:s|ed)?|published|camera[- ]ready|to be presented)\b")  # fmt: skip
_NOT_YET = re.compile(r"(?i)\b(?:submitted|submission|under review|rejected)\b")
_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
_RANK = {"doi": 0, "acl": 1, "dblp": 2, "openreview": 3}
"""Whose word counts first: the registrar's, the publisher's, a bibliography's."""
_TRACKS = ("main", "findings", "workshop")


@dataclass(frozen=True)
class Evidence:
    """One record that says so."""

    source: str
    """`doi:10.1145/…`, `dblp:conf/cvpr/…`, `openreview:…`."""
    says: str
    """Venue and year in the source's words."""
    agrees: str
    """What it has in common with the entry: `title, 4 of 4 authors`."""
    exact: bool
    """Whether title and all authors are the entry's."""


@dataclass(frozen=True)
class Publication:
    """A place where a preprint has appeared."""

    venue: str | None
    """Id in the registry; None where the registry does not know it."""
    track: Track
    records: tuple[Record, ...]
    """Who says so, the most authoritative first."""
    evidence: tuple[Evidence, ...]

    @property
    def sure(self) -> bool:
        """Whether it may be taken over once somebody asks for it: the venue is known and all say the same paper."""
        exact = all(one.exact for one in self.evidence)
        return self.venue is not None and exact and len(self._years) == 1

    @property
    def said(self) -> str:
        """Venue in the words of the best source."""
        return next((r.venue_text for r in self.records if r.venue_text), "")

    @property
    def year(self) -> int | None:
        """Year of the proceedings or the issue."""
        return next(iter(self._years), None)

    @property
    def _years(self) -> tuple[int, ...]:
        """Years that the names of the proceedings tell, else those of the records: a volume may be printed a year later."""
        said = [y for r in self.records for y in _YEAR.findall(r.venue_text or "")]
        years = map(int, said) if said else (r.year for r in self.records if r.year)
        return tuple(dict.fromkeys(years))

    @property
    def identifiers(self) -> dict[str, str]:
        """DOI, Anthology id and OpenReview id."""
        found = {name: self.first(name) for name in ("doi", "acl", "openreview")}
        return {name: value for name, value in found.items() if value}

    @property
    def url(self) -> str | None:
        """Page of the published version."""
        known = self.identifiers
        if "doi" in known:
            return doi_page(known["doi"])
        if "acl" in known:
            return f"https://aclanthology.org/{known['acl']}/"
        if "openreview" in known:
            return f"https://openreview.net/forum?id={known['openreview']}"
        return next((r.paper_url for r in self.records if r.paper_url), None)

    def first(self, name: str) -> Any:
        """The value of a field in the best record that has it."""
        return next((v for r in self.records if (v := getattr(r, name))), None)

    def named(self, catalog: Catalog) -> str:
        """`CVPR 2025`, `EMNLP 2024 (findings)`; the source's words where the registry does not know the venue."""
        name = catalog.venues[self.venue].name if self.venue else self.said
        year = f" {self.year}" if self.year and str(self.year) not in name else ""
        return f"{name}{year}" + (f" ({self.track})" if self.track != "main" else "")


def publications(
    catalog: Catalog, names: VenueNames, paper: Paper, found: Iterable[Found]
) -> tuple[Publication, ...]:
    """Publications of a preprint, the likeliest first; what was withdrawn is none."""
    kept = [one.record for one in found if not one.alarms]
    titles = [r.title for r in kept if r.kind == "preprint" and _own(paper, r)]
    forms = [paper, *(_titled(paper, title) for title in titles)]
    groups: list[tuple[str | None, Track, list[Record]]] = []
    for record in kept:
        if not record.venue_text or not any(same_work(f, record) for f in forms):
            continue
        where = names.find(record.venue_text)
        chapter = record.kind == "other" and _scheme(record) == "doi" and where
        if record.kind not in _KINDS and not chapter:
            continue  # Springer registers papers of conferences as chapters of books
        venue = where.venue if where else None
        if _SERVERS.search(record.venue_text) or (
            venue and catalog.venues[venue].kind == "preprint"
        ):
            continue
        track: Track = where.track if where else "main"
        _join(groups, venue, track, record)
    made = [_made(forms, *group) for group in groups]
    return tuple(sorted(made, key=_likely))


def remarks(found: Iterable[Found]) -> tuple[str, ...]:
    """What authors remark of a coming publication, `arXiv:2401.00001 says: Accepted at …`: for a person, and no evidence."""
    notes = (note for one in found for note in one.notes)
    told = (note for note in notes if note.startswith("arXiv:") and " says: " in note)
    kept = (n for n in told if _COMING.search(n) and not _NOT_YET.search(n))
    return tuple(dict.fromkeys(kept))


def taken_over(
    catalog: Catalog, paper: Paper, one: Publication, today: date
) -> dict[str, Any]:
    """Keys of the entry, in plain data, that make it the entry of the publication; None takes a key away.

    The id stays, because addresses and citations hold it. Only for a publication that is `sure`.
    """
    old = paper.model_dump(mode="json", exclude_none=True)
    venue = catalog.venues[one.venue or ""]
    details = ("volume", "number", "pages") if venue.kind == "journal" else ("pages",)
    told = {name: one.first(name) for name in details}
    verified = paper.verified
    by = [*(e.source for e in one.evidence), *(verified.by if verified else ())]
    languages = catalog.kit.languages
    doubt = (
        {"doubt": verified.doubt.written(languages)}
        if verified and verified.doubt
        else {}
    )
    links = {**old["links"], "paper": one.url or paper.links.paper}
    if preprint := paper.identifiers.arxiv:  # other servers have no address by rule
        links.setdefault("pdf", f"https://arxiv.org/pdf/{preprint}")
    place = one.named(catalog)
    note = Bilingual(en=f"Published: {place}.", zh=f"已正式发表：{place}。")
    events = (*paper.history, Event(kind="published", date=today, note=note))
    known = paper.identifiers.model_dump(exclude_none=True)
    changed: dict[str, Any] = {
        "venue": venue.id,
        "track": None if one.track == "main" else one.track,
        "year": one.year,
        **{name: value for name, value in told.items() if value},
        "identifiers": {**one.identifiers, **known},
        "links": links,
        "history": [
            {
                "kind": event.kind,
                "date": event.date.isoformat(),
                "note": event.note.written(languages),
            }
            for event in events
        ],
        "verified": {
            "date": today.isoformat(),
            "by": list(dict.fromkeys(by)),
            **doubt,
        },
    }
    return {k: v for k, v in changed.items() if v is not None or k in old}


def _own(paper: Paper, record: Record) -> bool:
    """Whether a record is the entry's own preprint, by its number."""
    return bool(record.arxiv) and record.arxiv == paper.identifiers.arxiv


def _titled(paper: Paper, title: str) -> Paper:
    """The paper under the title that its preprint has today."""
    new = paper.title.model_copy(update={"en": title})
    return paper.model_copy(update={"title": new})


def _join(
    groups: list[tuple[str | None, Track, list[Record]]],
    venue: str | None,
    track: Track,
    record: Record,
) -> None:
    """Put a record to those of the same publication: one DOI, or one venue and track."""
    for at, (other, part, records) in enumerate(groups):
        same_doi = record.doi and record.doi.casefold() in _dois(records)
        known = venue is not None and (venue, track) == (other, part)
        if same_doi or known or (venue is None and _alike(record, records)):
            records.append(record)
            if other is None and venue is not None:
                groups[at] = (venue, track, records)
            return
    groups.append((venue, track, [record]))


def _dois(records: Sequence[Record]) -> set[str]:
    return {record.doi.casefold() for record in records if record.doi}


def _alike(record: Record, records: Sequence[Record]) -> bool:
    return letters(record.venue_text or "") in {
        letters(other.venue_text or "") for other in records
    }


def _made(
    forms: Sequence[Paper], venue: str | None, track: Track, records: list[Record]
) -> Publication:
    unique = {record.source.casefold(): record for record in records}
    best = sorted(unique.values(), key=lambda r: _RANK.get(_scheme(r), 9))
    return Publication(venue, track, tuple(best), tuple(_evidence(forms, best)))


def _evidence(forms: Sequence[Paper], records: Iterable[Record]) -> Iterator[Evidence]:
    paper, titles = forms[0], {letters(form.title.en) for form in forms}
    lasts = [letters(a.family or a.last) for a in paper.authors]
    for record in records:
        theirs = {letters(a.family or a.last) for a in record.authors}
        shared = sum(last in theirs for last in lasts)
        same = letters(record.title) in titles
        said = f"{record.venue_text} {record.year or ''}".strip()
        told = "title" if same else "a similar title"
        yield Evidence(
            record.source,
            said,
            f"{told}, {shared} of {len(lasts)} authors",
            same and shared == len(lasts) == len(record.authors),
        )


def _scheme(record: Record) -> str:
    return record.source.partition(":")[0].lower()


def _likely(one: Publication) -> tuple[bool, int, int, str]:
    return (
        one.venue is None,
        _TRACKS.index(one.track),
        -len(one.evidence),
        one.said,
    )
