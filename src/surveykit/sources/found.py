"""What a service gave: a record of a paper, and what a reader must be told beside it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from surveykit import retraction
from surveykit.duplicates import SAME, Index
from surveykit.errors import ServiceError
from surveykit.names import People
from surveykit.plain import markup, title
from surveykit.record import Record, tidy
from surveykit.sources.services import Service

_MONTHS = "january february march april may june july august september october november december"
_WORDS = ("title", "abstract", "venue_text", "publisher", "source")


@dataclass(frozen=True)
class Found:
    """A record and its circumstances."""

    record: Record
    alarms: tuple[str, ...] = ()
    """What forbids to list the paper as it stands: withdrawn, retracted, under concern."""
    notes: tuple[str, ...] = ()
    """What helps a person: a remark of the authors, a correction."""

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


def record(service: Service, seconds: float, **fields: Any) -> Record:
    """A record from what a service sent at a Unix time. Raises ServiceError where not even a title is left.

    Texts lose their markup; a value that the format cannot hold is left out.
    """
    clean = {k: _cleaned(k, v) for k, v in fields.items() if v not in (None, "", ())}
    day = datetime.datetime.fromtimestamp(seconds, datetime.UTC).date()
    clean |= {"retrieved": day}
    for _ in range(len(clean)):
        try:
            return Record.model_validate({k: v for k, v in clean.items() if v})
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                clean.pop(str(detail["loc"][0]), None)
            if not clean.get("title"):
                break
    raise ServiceError(service.name, f"gave no title for {fields.get('source')}")


def _cleaned(name: str, value: Any) -> Any:
    if name == "title":
        return title(str(value))
    if name == "abstract":
        return re.sub(r"^(?:Abstract|Summary)[:.]? (?=[A-Z])", "", markup(str(value)))
    if name in _WORDS and isinstance(value, str):
        return markup(value)
    return tidy(value) if isinstance(value, str) else value


def doubts(people: People, source: str) -> tuple[str, ...]:
    """Notes for a person on what is doubtful about the authors."""
    return tuple(f"{source}: authors: {doubt}" for doubt in people.doubts)


def same_paper(one: Record, other: Record) -> bool:
    """Whether two records describe one paper: title, authors and year agree, as for duplicates."""
    index = Index()
    index.add("one", one)
    return any(match.score >= SAME for match in index.candidates(other))


def pages(first: object, last: object = "") -> str | None:
    """`12-25` from the forms that services use: an en dash, two hyphens, two fields, an article number."""
    text = re.sub(
        r"(?<!\s)\s*(?:-|–|—|--)\s*", "-", f"{first or ''}-{last or ''}".strip("-")
    )
    return text.strip("-") or None


def year_month(parts: object) -> tuple[int | None, int | None]:
    """Year and month of `[2023, 6, 17]`, `2023-06`, `17 June 2023`, `06/17/2023`; no month for `05/06/2023`."""
    if isinstance(parts, str):
        parts = _dated(parts)
    numbers = parts if isinstance(parts, list) else []
    try:
        values = [int(number) for number in numbers[:2]]
    except (TypeError, ValueError):
        return None, None
    year = values[0] if values and 1950 <= values[0] <= 2100 else None
    month = values[1] if year and len(values) > 1 and 1 <= values[1] <= 12 else None
    return year, month


def _dated(text: str) -> list[int]:
    year = re.search(
        r"(?<![0-9])((?:19|20)[0-9]{2})(?:[-/.年]([0-9]{1,2})(?![0-9])|([0-9]{2})[0-9]{2}(?![0-9]))?",
        text,
    )
    if not year:
        return []
    words = re.findall(r"[a-z]{3,9}", text.lower())
    named = {
        n
        for n, name in enumerate(_MONTHS.split(), 1)
        if any(map(name.startswith, words))
    }
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
