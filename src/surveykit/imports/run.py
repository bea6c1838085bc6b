"""A file of references -> drafts of new entries, and a report of everything that a person should see."""

from __future__ import annotations

import gc
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from surveykit.catalog import Catalog
from surveykit.draft import Draft, Drafter
from surveykit.errors import MachineError, plural
from surveykit.imports import markdown, outline
from surveykit.imports.mojibake import decoded, repaired
from surveykit.imports.review import review
from surveykit.references import bibtex, csl, ris, sheet
from surveykit.references.reading import Anomaly, ReadEntry, Reading

FileFormat = Literal["bibtex", "csl", "ris", "csv", "markdown"]

MAX_BYTES = 64 * 1024 * 1024
MAX_ENTRY = 256 * 1024
"""Bytes of an entry; `validate` refuses what is larger."""
READERS: dict[FileFormat, Callable[[str, str], Reading]] = {
    "bibtex": bibtex.read, "csl": csl.read, "ris": ris.read, "csv": sheet.read, "markdown": markdown.read
}  # fmt: skip
_SUFFIXES: dict[str, FileFormat] = {
    ".bib": "bibtex", ".bibtex": "bibtex", ".json": "csl", ".ris": "ris", ".csv": "csv", ".tsv": "csv", ".md": "markdown", ".markdown": "markdown"
}  # fmt: skip
_SIGNS: dict[FileFormat, str] = {
    "csl": r"\A\s*[\[{]\s*[{\"\]]",
    "ris": r"(?m)^TY  ?-",
    "bibtex": r"\A\s*(%.*\n\s*)*@\w+\s*[{(]",
    "markdown": "",
}
"""How a text of each format looks."""


@dataclass(frozen=True)
class Imported:
    """What an import gives."""

    form: FileFormat
    """Format of the file."""
    papers: int
    """Papers that the file holds."""
    drafts: tuple[tuple[ReadEntry, Draft], ...]
    """Papers that are new, and their entries."""
    known: tuple[tuple[ReadEntry, str], ...]
    """Papers that are not imported, and the id or line of the one that they repeat."""
    anomalies: tuple[Anomaly, ...]
    """By line."""

    @property
    def texts(self) -> dict[str, str]:
        """Path -> text of every new entry."""
        return {draft.path: draft.text for _, draft in self.drafts}


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cycle collector, which takes a third of the time of a large file and finds nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@_uncollected()
def import_file(
    path: Path,
    catalog: Catalog,
    today: date,
    *,
    form: FileFormat | None = None,
    taken: Iterable[str] = (),
) -> Imported:
    """Read a file and draft an entry for each paper that the catalog does not have. Raises MachineError.

    No entry gets an id that is among `taken`.
    """
    text, anomalies = text_of(_content(path))
    told = form or _SUFFIXES.get(path.suffix.lower())
    form = told or guessed_form(path.name, text)
    reading = READERS[form](text, path.name)
    reading.anomalies += anomalies
    if not (told or reading.found):
        said = (
            f"read as {form}, as the file's name tells no format; --from names another"
        )
        reading.note(1, "lost", said)
    if form == "markdown":
        outline.missing_files(text, path.parent, reading)
    reviewed = review(reading, catalog)
    drafter, drafts = Drafter(catalog, today), []
    names = set(taken)
    for found in reviewed.new:
        draft = drafter.draft([found.record], names)
        if (size := len(draft.text.encode())) > MAX_ENTRY:
            said = f"{found.name[:100]}: an entry of {size} bytes, more than {MAX_ENTRY}; not imported"
            reading.note(found.line, "cut", said)
            continue
        names.add(draft.id)
        drafts.append((found, draft))
    _note_places(drafts, reading)
    noted = tuple(sorted(set(reading.anomalies)))
    return Imported(form, len(reading.found), tuple(drafts), reviewed.known, noted)


def _note_places(drafts: list[tuple[ReadEntry, Draft]], reading: Reading) -> None:
    """Note what the file tells of papers for which an entry of their venue has no place."""
    names = Counter(
        name
        for found, draft in drafts
        for name in ("month", "volume", "number", "pages")
        if getattr(found.record, name) is not None and name not in draft.data
    )
    if names:
        told = ", ".join(f"{name} of {plural(n, 'paper')}" for name, n in names.items())
        said = f"entries of conferences and preprints have no place for: {told}"
        reading.note(1, "not-kept", said)


def read_file(path: Path) -> Reading:
    """The papers of a file, in the format that its name or its beginning tells. Raises MachineError."""
    text, anomalies = text_of(_content(path))
    reading = READERS[guessed_form(path.name, text)](text, path.name)
    reading.anomalies += anomalies
    return reading


def guessed_form(name: str, text: str) -> FileFormat:
    """Format by the name's ending, else by how the text begins."""
    suffix = Path(name).suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    return next(form for form, sign in _SIGNS.items() if re.search(sign, text))


def text_of(raw: bytes) -> tuple[str, list[Anomaly]]:
    """Text of a file with what its character set has spoiled set right, and what was done to it."""
    anomalies = []
    text, charset = decoded(raw)
    if charset != "utf-8-sig":
        said = f"the file is not UTF-8; read as {charset}"
        anomalies.append(Anomaly(1, "mojibake", said))
    text, spoiled, count = repaired(text)
    if count:
        pieces = plural(count, "piece")
        said = f"{pieces} of UTF-8 had been read as {spoiled}; set right"
        anomalies.append(Anomaly(1, "mojibake", said))
    return text.replace("\r\n", "\n").replace("\r", "\n"), anomalies


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise MachineError(f"{path}: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise MachineError(f"{path}: larger than {MAX_BYTES // 1024**2} MiB")
    return raw
