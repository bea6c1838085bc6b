"""What only shows when papers are compared: with each other, with their addresses, with the catalog."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from surveykit.catalog import Catalog
from surveykit.duplicates import CONFLICT, SAME, Index, Work
from surveykit.models import Paper
from surveykit.record import Record
from surveykit.references.reading import ReadEntry, Reading
from surveykit.rules.venues import other_track
from surveykit.text.letters import letters
from surveykit.text.retraction import in_title
from surveykit.venue_names import VenueNames

_HOSTING = frozenset({"github.com", "gitlab.com", "bitbucket.org", "gitee.com"})
_SAYS_NOTHING = frozenset(
    "code demo for implementation main official paper project pytorch release source the torch".split()
)


@dataclass(frozen=True)
class Reviewed:
    """Papers of a file, sorted by whether they are new."""

    new: tuple[ReadEntry, ...]
    known: tuple[tuple[ReadEntry, str], ...]
    """Papers that are in the catalog, or twice in the file, and the id or line of the other."""


def review(reading: Reading, catalog: Catalog) -> Reviewed:
    """Compare all papers of a file; what looks wrong is added to the anomalies."""
    found = [_checked(one, reading) for one in reading.found]
    names = VenueNames(catalog.venues)
    _check_venues(found, names, catalog, reading)
    _check_authors(found, reading)
    new, known = [], []
    index, inner = Index(catalog.papers), Index()
    for one in found:
        work = Work.of(one.record)
        other = _twin(one, work, index, inner, reading)
        if other is None:
            new.append(one)
        else:
            known.append((one, other))
            if other in catalog.by_id:
                _compare(one, catalog.get(other), names, reading)
        inner.add(f"line {one.line}", work)
    return Reviewed(tuple(new), tuple(known))


def _twin(
    one: ReadEntry, work: Work, index: Index, inner: Index, reading: Reading
) -> str | None:
    """Id of the entry, or line of the file, that is the same paper."""
    matches = index.candidates(work) + inner.candidates(work)
    if any(match.score == CONFLICT for match in matches):
        # Its identifier is another paper's: what it is itself must show without.
        bare = replace(work, identifiers={})
        matches += index.candidates(bare) + inner.candidates(bare)
    twin = next((match for match in matches if match.score >= SAME), None)
    for match in matches:
        if match.score == CONFLICT or (twin is None and match.score < SAME):
            kind = "shared-identifier" if match.score == CONFLICT else "check"
            reading.note(one.line, kind, f"{one.name!r} and {match.id}: {match.reason}")
    if twin is None:
        return None
    said = f"{one.name!r} is {twin.id}: {twin.reason}; not imported again"
    reading.note(one.line, "duplicate", said)
    return twin.id


def _checked(one: ReadEntry, reading: Reading) -> ReadEntry:
    """The paper with what its own facts show to be wrong set right, or reported."""
    record, name = one.record, repr(one.name)
    if mark := in_title(record.title):
        said = f"{name}: the title says {mark!r}; look up what became of the paper before it is listed"
        reading.note(one.line, "retracted", said)
    _check_code(one, record.code_url or "", reading)
    new = re.match(r"([0-9]{2})[0-9]{2}\.", record.arxiv or "")
    first, year = 2000 + int(new[1]) if new else 0, record.year or 0
    if first and year and record.kind == "preprint" and first != year:
        said = (
            f"{name}: arXiv:{record.arxiv} is of {first}, not {year}; {first} is taken"
        )
        reading.note(one.line, "year", said)
        return replace(one, record=record.model_copy(update={"year": first}))
    if 0 < year < first - 1:
        said = f"{name}: appeared in {year}, but arXiv:{record.arxiv} is of {first}"
        reading.note(one.line, "year", said)
    return one


def _check_code(one: ReadEntry, url: str, reading: Reading) -> None:
    parts = urlsplit(url)
    if (parts.hostname or "").removeprefix("www.") not in _HOSTING:
        return
    steps = [step for step in parts.path.split("/") if step]
    if len(steps) < 2:
        said = f"{one.name!r}: {url} is an account, not a repository"
        reading.note(one.line, "no-repository", said)
    elif one.record.authors and not _related(steps[0], steps[1], one.record):
        said = f"{one.name!r}: neither title nor authors meet the name of {url}; is it the authors' program?"
        reading.note(one.line, "code-elsewhere", said)


def _related(owner: str, name: str, record: Record) -> bool:
    """Whether a repository's name tells of the paper: its words, its initials, its authors."""
    words = [w for w in map(letters, re.split(r"[\s/:–—-]+", record.title)) if w]
    pieces = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+", f"{name} {owner}")
    told = {p.lower() for p in pieces if len(p) > 2} - _SAYS_NOTHING
    long = [w for w in words if len(w) > 2]
    if any(w.startswith(p) or p.startswith(w) for p in told for w in long):
        return True
    initials = iter(word[0] for word in words)
    short, account = letters(name), letters(owner)
    if len(short) > 1 and all(letter in initials for letter in short):
        return True
    if short in "".join(words):
        return True
    lasts = [last for a in record.authors if len(last := letters(a.last)) > 1]
    inside = any(len(last) > 3 and last in account for last in lasts)
    return inside or account.startswith(tuple(lasts)) or account.endswith(tuple(lasts))


def _check_authors(found: list[ReadEntry], reading: Reading) -> None:
    if without := [one.line for one in found if not one.record.authors]:
        lines = ", ".join(map(str, without[:10])) + " …" * (len(without) > 10)
        said = f"{len(without)} of {len(found)} papers have no authors (lines {lines}); the entries ask for them"
        reading.note(without[0], "no-authors", said)


def _check_venues(
    found: list[ReadEntry], names: VenueNames, catalog: Catalog, reading: Reading
) -> None:
    aliases: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in found:
        text = one.record.venue_text or ""
        if where := names.find(text) if text else None:
            called = catalog.venues[where.venue].name
            if not re.search(rf"(?i)(?<!\w){re.escape(called)}(?!\w)", text):
                short = re.sub(r"(?<!\s)\s*\b(19|20)[0-9]{2}\b", "", text).strip()
                aliases[short, called].append(one.line)
            _check_track(one, where.track, reading)
        elif text:
            guess = names.guess(text)
            hint = f"; perhaps {guess}" if guess else ""
            said = f"{one.name!r}: {text!r} is not in catalog/venues.yaml{hint}"
            reading.note(one.line, "venue", said)
        elif not one.record.arxiv:
            reading.note(one.line, "venue", f"{one.name!r}: no venue is named")
    for (short, called), lines in aliases.items():
        said = f"{short!r} is read as {called} ({'lines' if lines[1:] else 'line'} {', '.join(map(str, lines))})"
        reading.note(lines[0], "venue", said)


def _check_track(one: ReadEntry, track: str, reading: Reading) -> None:
    record = one.record
    for sign in (record.acl, record.doi, record.paper_url, record.pdf_url):
        if sign and track == "main" and (other := other_track(sign)):
            said = f"{one.name!r}: {record.venue_text!r} says nothing of it, but {sign} is a {other} paper"
            reading.note(one.line, "track", said)
            return


def _compare(one: ReadEntry, paper: Paper, names: VenueNames, reading: Reading) -> None:
    """Report facts of the file that the entry has otherwise."""
    for name, theirs, ours in _facts(one.record, paper, names):
        if theirs and ours and theirs != ours:
            said = f"{paper.id} has the {name} {ours!r}, the file {theirs!r}"
            reading.note(one.line, "differs", said)


def _facts(
    record: Record, paper: Paper, names: VenueNames
) -> Iterator[tuple[str, object, object]]:
    where = names.find(record.venue_text) if record.venue_text else None
    known = paper.identifiers
    if letters(record.title) != letters(paper.title.en):
        yield "title", record.title, paper.title.en
    yield "year", record.year, paper.year
    yield "venue", where and where.venue, paper.venue
    if where and where.venue == paper.venue:
        yield "track", where.track, paper.track
    yield "arXiv id", record.arxiv, known.arxiv
    yield "DOI", (record.doi or "").lower(), (known.doi or "").lower()
    yield "code link", _address(record.code_url), _address(paper.links.code)


def _address(url: str | None) -> str:
    return (url or "").rstrip("/").removesuffix(".git").lower()
