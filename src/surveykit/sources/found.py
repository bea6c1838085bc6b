"""What a service gave: a record of a paper, and what a reader must be told beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from surveykit.duplicates import SAME, Index
from surveykit.errors import ServiceError
from surveykit.record import Record
from surveykit.sources.services import Service
from surveykit.text import retraction
from surveykit.text.dates import MONTHS
from surveykit.text.letters import tidy
from surveykit.text.names import People, person, together
from surveykit.text.plain import markup, title, with_hyphens

_YEAR = re.compile(
    r"(?<![0-9])((?:19|20)[0-9]{2})(?:[-/.年]([0-9]{1,2})(?![0-9])|([0-9]{2})[0-9]{2}(?![0-9]))?"
)
_WORDS = ("title", "abstract", "venue_text", "publisher", "source")


@dataclass(frozen=True)
class Found:
    """A record and its circumstances."""

    record: Record
    alarms: tuple[str, ...] = ()
    """What forbids to list the paper as it stands: withdrawn, retracted, under concern."""
    notes: tuple[str, ...] = ()
    """What helps a person: a remark of the authors, a correction."""
    corrected_by: tuple[str, ...] = ()
    """Notices by which the publisher has corrected it since: `doi:10.1145/…`."""

    def __post_init__(self) -> None:
        """Raise an alarm for a title or an abstract that says so; the title loses its mark, to be compared."""
        said, alarms = self.record.title, list(self.alarms)
        if retraction.in_title(said):
            alarms.append(f"{self.record.source} calls itself {said!r}")
            bare = self.record.model_copy(update={"title": retraction.unmarked(said)})
            object.__setattr__(self, "record", bare)
        abstract = self.record.abstract or ""
        if not alarms and retraction.in_abstract(abstract):
            alarms.append(f"{self.record.source} is withdrawn: {abstract[:200]}")
        object.__setattr__(self, "alarms", tuple(alarms))


def found(
    service: Service,
    people: People,
    date: object,
    *,
    alarms: Iterable[str] = (),
    notes: Iterable[str] = (),
    corrected_by: Iterable[str] = (),
    **fields: Any,
) -> Found:
    """What a service sent of a paper. Raises ServiceError where not even a title is left.

    Texts lose their markup; a value that the format cannot hold is left out; what is doubtful about people is a note.
    """
    year, month = year_month(date)
    fields |= {"authors": people.authors, "year": year, "month": month}
    clean = {k: _cleaned(k, v) for k, v in fields.items() if v}
    made: Record | None = None
    while clean.get("title") and not made:
        try:
            made = Record.model_validate({k: v for k, v in clean.items() if v})
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                clean.pop(str(detail["loc"][0]), None)
    if not made:
        raise ServiceError(service.name, f"gave no title for {fields.get('source')}")
    doubts = (f"{made.source}: authors: {doubt}" for doubt in people.doubts)
    return Found(made, tuple(alarms), (*notes, *doubts), tuple(corrected_by))


def _cleaned(name: str, value: Any) -> Any:
    if name == "title":
        return title(str(value))
    if name == "abstract":
        return re.sub(r"^(?:Abstract|Summary)[:.]? (?=[A-Z])", "", markup(str(value)))
    if name in _WORDS and isinstance(value, str):
        return markup(value)
    return tidy(value) if isinstance(value, str) else value


def each(told: object, parts: str, group: str | None) -> People:
    """Authors as a service lists them: `parts` of their names, or `name`; groups have that and this `nameType`."""
    found = []
    for one in map(mapping, listed(told)):
        name, names = text(one, "name"), (text(one, part) for part in parts.split())
        is_group = bool(name) and one.get("nameType") == group
        found.append(person(*names, name=name, group=is_group))
    return together(found)


def text(told: Mapping[str, Any], name: str) -> str:
    """A value of a JSON object as text."""
    return str(told.get(name) or "")


def same_paper(one: Record, other: Record) -> bool:
    """Whether two records describe one paper: title, authors and year agree, as for duplicates."""
    index = Index()
    index.add("one", one)
    return any(match.score >= SAME for match in index.candidates(other))


def pages(first: object, last: object = "") -> str:
    """`12-25` from the forms that services use: an en dash, two hyphens, two fields, an article number."""
    return with_hyphens(f"{first or ''}-{last or ''}".strip("-")).strip("-")


def year_month(parts: object) -> tuple[int | None, int | None]:
    """Year and month of `[2023, 6, 17]`, `2023-06`, `17 June 2023`, `06/17/2023`; no month for `05/06/2023`."""
    if isinstance(parts, str):
        parts = _dated(parts)
    numbers = parts if isinstance(parts, list) else []
    try:
        year, month, *_ = (*map(int, numbers[:2]), 0, 0)
    except (OverflowError, TypeError, ValueError):
        return None, None
    if not 1950 <= year <= 2100:
        return None, None
    return year, month if 1 <= month <= 12 else None


def _dated(text: str) -> list[int]:
    year = _YEAR.search(text)
    if not year:
        return []
    words = re.findall(r"[a-z]{3,9}", text.lower())
    named = {MONTHS[word] for word in words if word in MONTHS}
    first = re.match(r"\s*([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]", text)
    either = {int(n) for n in first.groups() if int(n) <= 12} if first else set()
    months = [int(n) for n in year.groups()[1:] if n] or [*named] or [*either]
    return [int(year[1]), *(months if len(months) == 1 else ())]


def mapping(value: object) -> Mapping[str, Any]:
    """A JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """A JSON array; one thing alone becomes a list of one, nothing an empty list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
