"""`surveykit verify --published`: where preprints have appeared, and what their entries would say then."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from surveykit import files, outputs
from surveykit.catalog import Catalog
from surveykit.cli.progress import counted
from surveykit.cli.services import Asking, client
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    MACHINE,
    note,
    openable,
    say,
    say_json,
)
from surveykit.edit import with_key
from surveykit.errors import MachineError, plural
from surveykit.load import PAPERS
from surveykit.models import Paper
from surveykit.published import Publication, publications, remarks, taken_over
from surveykit.text.printable import printable
from surveykit.venue_names import VenueNames
from surveykit.verifying import Sought, Verdict, Verifier, is_preprint
from surveykit.yaml_tree import parse, read


@dataclass(frozen=True)
class Preprint:
    """One preprint and what became of it."""

    paper: Paper
    path: str
    places: tuple[Publication, ...]
    """Where it has appeared, the likeliest first."""
    failures: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    """What the authors say of it at arXiv, where nobody else does."""
    written: str = ""
    """File of the entry after the publication was taken over."""
    kept: str = ""
    """Why it was not."""


async def verdicts_of(
    home: Path, catalog: Catalog, how: Asking, papers: Sequence[Paper], sought: Sought
) -> tuple[Verdict, ...]:
    """Verdicts on entries, with a line on how far the run is."""
    async with client(home, catalog, how) as asker:
        with counted(len(papers), "entries") as step:
            verifier = Verifier(asker, catalog, search=sought, seen=lambda _: step())
            verdicts = await verifier.verify(papers)
        for text in dict.fromkeys(asker.notes):
            note(text)
    return verdicts


def preprints(
    home: Path,
    catalog: Catalog,
    papers: Sequence[Paper],
    how: Asking,
    *,
    fix: bool,
    as_json: bool,
) -> int:
    """Look for the publications of preprints; tell of them, or take them over. Gives the exit code."""
    asked = [paper for paper in papers if is_preprint(catalog, paper)]
    verdicts = asyncio.run(verdicts_of(home, catalog, how, asked, Sought.PUBLISHED))
    names = VenueNames(catalog.venues)
    found = [_preprint(catalog, names, verdict) for verdict in verdicts]
    if fix:
        today = datetime.now(UTC).date()
        found = [_taken_over(home, catalog, one, today) for one in found]
    if as_json:
        say_json([_row(catalog, one) for one in found])
    else:
        _tell(home, catalog, found)
    for text in dict.fromkeys(fault for one in found for fault in one.failures):
        note(printable(text))
    if any(one.places and not one.written for one in found):
        return FOUND
    return MACHINE if any(one.failures for one in found) else FINE


def _preprint(catalog: Catalog, names: VenueNames, verdict: Verdict) -> Preprint:
    paper = catalog.get(verdict.id)
    places = publications(catalog, names, paper, verdict.found)
    said = () if places else remarks(verdict.found)
    return Preprint(paper, catalog.paths[paper.id], places, verdict.failures, said)


def _taken_over(home: Path, catalog: Catalog, one: Preprint, today: date) -> Preprint:
    """The preprint after its entry was written, or with the reason why not."""
    sure = [place for place in one.places if place.sure]
    if len(sure) != 1 or one.places[0] is not sure[0]:
        why = "no publication that is certain" if not sure else "more than one"
        return replace(one, kept=f"{one.path} stays: {why}")
    text: str | None = read(home / one.path, root=home).text
    changes = taken_over(catalog, one.paper, sure[0], today)
    for key, value in changes.items():
        text = with_key(text, key, value) if text is not None else None
    if text is None:
        return replace(one, kept=f"{one.path} stays: comments or its form do not let it be changed safely")  # fmt: skip
    there = f"{PAPERS}/{changes['year']}/{one.paper.id}.yaml"
    _move(home, one.path, there, text)
    return replace(one, written=there)


def _move(home: Path, here: str, there: str, text: str) -> None:
    """Write an entry, in the folder of its year, and delete the old file: a run that is killed in between can be repeated.

    Raises MachineError.
    """
    moved = here != there
    if moved and os.path.lexists(home / there) and not _left(home, there, text):
        raise MachineError(f"{there} exists already; nothing is written")
    outputs.write(home, {there: text})
    if moved:
        folder, _, name = here.rpartition("/")
        try:
            with files.folder(home, folder) as old:
                old.unlink(name)
        except OSError as error:
            raise MachineError(f"{here}: {error.strerror}; delete it") from None


def _left(home: Path, there: str, text: str) -> bool:
    """Whether a file is what a killed run has written, but for its days."""
    one, other = read(home / there, root=home).data, parse(text).data
    return isinstance(one, dict) and _undated(one) == _undated(other)


def _undated(entry: dict[str, Any]) -> dict[str, Any]:
    verified, history = entry.get("verified"), entry.get("history")
    return {
        **entry,
        "verified": verified and {**verified, "date": ""},
        "history": history and [*history[:-1], {**history[-1], "date": ""}],
    }


def _tell(home: Path, catalog: Catalog, found: Sequence[Preprint]) -> None:
    for one in found:
        for place in one.places:
            for line in _lines(home, catalog, one, place):
                say(printable(line))
        for remark in one.remarks:
            where = openable(home, one.path)
            say(printable(f"{where}: only the authors say so: {remark}"))
        if one.kept and one.places:
            note(one.kept)
    say(_summary(found))


def _summary(found: Sequence[Preprint]) -> str:
    """Counts on one line; of a preprint about which a service was silent it is not said that nobody knows it."""
    there = sum(bool(one.places) for one in found)
    silent = sum(bool(one.failures) and not one.places for one in found)
    told = [f"{there} published", f"{len(found) - there - silent} not found elsewhere"]
    told += [f"{silent} not known, as services were silent"] if silent else []
    return f"{plural(len(found), 'preprint')}: {', '.join(told)}"


def _lines(
    home: Path, catalog: Catalog, one: Preprint, place: Publication
) -> list[str]:
    path = one.written or one.path
    line, column = read(home / path, root=home).place(("venue",))
    where = openable(home, path)
    lines = [f"{where}:{line}:{column}: published {place.named(catalog)}"]
    lines += [f"    {e.source} says {e.says} ({e.agrees})" for e in place.evidence]
    change = ", ".join(f"{k}: {v}" for k, v in _facts(place).items())
    lines.append(f"    {change}")
    if one.written:
        lines.append(f"    written to {where}")
    elif place.sure:
        command = f"surveykit verify --published --fix {one.paper.id}"
        lines.append(f"    take it over: {command}")
    else:
        lines.append("    look at it by hand: venue, title or authors are not certain")
    return lines


def _facts(place: Publication) -> Mapping[str, Any]:
    """What the entry would say, without what nobody tells."""
    told = {name: place.first(name) for name in ("volume", "number", "pages")}
    facts = {
        "venue": place.venue or place.said,
        "track": place.track if place.track != "main" else None,
        "year": place.year,
        **told,
        **place.identifiers,
        "paper": place.url,
    }
    return {name: value for name, value in facts.items() if value}


def _row(catalog: Catalog, one: Preprint) -> dict[str, Any]:
    places = [
        {
            "name": place.named(catalog),
            "sure": place.sure,
            "facts": _facts(place),
            "evidence": [
                {"source": e.source, "says": e.says, "agrees": e.agrees}
                for e in place.evidence
            ],
        }
        for place in one.places
    ]
    return {
        "id": one.paper.id,
        "path": one.written or one.path,
        "publications": places,
        "remarks": list(one.remarks),
        "written": bool(one.written),
        "kept": one.kept,
        "failures": list(one.failures),
    }
