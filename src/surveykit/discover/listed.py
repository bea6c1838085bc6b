"""Candidates out of a file: one JSON object a line, BibTeX, or a list of papers in Markdown; no service is asked."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from surveykit.discover.candidate import Candidate, came_out, identifiers
from surveykit.errors import MachineError
from surveykit.identifier import identify_quietly
from surveykit.imports.run import READERS, guessed_form, text_of
from surveykit.record import Record
from surveykit.text.dates import when
from surveykit.text.letters import tidy
from surveykit.text.plain import title

KEPT = ".cache/discovered.jsonl"
"""What `surveykit discover` showed last, in the form that is read here."""
MAX_BYTES = 256 * 1024 * 1024
JSON_LINES = (".jsonl", ".jsonl.gz", ".ndjson")
_KINDS = ("arxiv", "doi", "acl", "openreview")


@dataclass
class Listing:
    """What a file holds; grows while it is read."""

    candidates: list[Candidate] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Lines that could not be read, each with its number and why."""


def read(path: Path) -> Listing:
    """The papers of a file, by the format that its name or its beginning tells. Raises MachineError."""
    raw = _content(path)
    listing = Listing()
    if path.name.lower().endswith(JSON_LINES):
        for number, line in enumerate(raw.split(b"\n"), 1):
            if line.strip():
                _take(listing, path.name, number, line)
        return listing
    text, _ = text_of(raw)
    reading = READERS[guessed_form(path.name, text)](text, path.name)
    for found in reading.found:
        year, month = came_out(identifiers(found.record), found.record.year)
        if year > date.max.year - 1:
            listing.faults.append(f"{path.name}:{found.line}: no year; left out")
            continue
        named = next((v for _, v in identifiers(found.record) if v), found.name)
        month = found.record.month or month
        listing.candidates.append(Candidate(named, date(year, month, 1), found.record))
    return listing


def _take(listing: Listing, name: str, number: int, line: bytes) -> None:
    try:
        listing.candidates.append(from_json(line, f"{name}#L{number}"))
    except ValueError as error:
        listing.faults.append(f"{name}:{number}: {error}; left out")


def from_json(line: bytes, source: str) -> Candidate:
    """A candidate out of an object with `id`, `date`, `title` and, where it is known, `abstract`. Raises ValueError."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None
    if not isinstance(told, Mapping):
        raise ValueError("no JSON object")
    id_, said = (tidy(str(told.get(key) or "")) for key in ("id", "title"))
    if not id_ or not said:
        raise ValueError("no id" if said else "no title")
    return Candidate(id_, _day(told.get("date")), _record(told, id_, said, source))


def _day(told: Any) -> date:
    text = str(told or "")
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        said = when(date=text)
        if said.year is None:
            raise ValueError(f"no date in {text[:40]!r}") from None
        return date(said.year, said.month or 12, 1)


def _record(told: Mapping[str, Any], id_: str, said: str, source: str) -> Record:
    fields: dict[str, Any] = {
        "title": title(said),
        "abstract": tidy(str(told.get("abstract") or "")) or None,
        "source": source,
        **dict(_identifiers(told, id_)),
    }
    try:
        return Record.model_validate(fields)
    except ValidationError as error:
        wrong = {str(detail["loc"][0]) for detail in error.errors(include_url=False)}
        if "title" in wrong:
            raise ValueError("its title cannot be read") from None
        return Record.model_validate(
            {k: v for k, v in fields.items() if k not in wrong}
        )


def _identifiers(told: Mapping[str, Any], id_: str) -> Iterator[tuple[str, str]]:
    named = {kind: str(told[kind]) for kind in _KINDS if told.get(kind)}
    for text in (id_, *(f"{kind}:{value}" for kind, value in named.items())):
        found = identify_quietly(text)
        if found and found.kind in _KINDS:
            yield found.kind, found.value


def _content(path: Path) -> bytes:
    try:
        with (gzip.open if path.name.endswith(".gz") else open)(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        said = getattr(error, "strerror", None) or error
        raise MachineError(f"{path}: {said}") from None
    if len(raw) > MAX_BYTES:
        raise MachineError(f"{path}: larger than {MAX_BYTES // 1024**2} MiB")
    return bytes(raw)
