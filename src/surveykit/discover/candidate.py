"""A paper that may belong to the survey, as a service or a file gives it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from surveykit.models import Identifiers, Paper
from surveykit.record import Record
from surveykit.text.letters import letters

_NEW_STYLE = re.compile(r"([0-9]{2})(0[1-9]|1[0-2])\.")
_OLD_STYLE = re.compile(r".*/([0-9]{2})(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Candidate:
    """One paper and the day on which it came out."""

    id: str
    """Its name where it was found: an arXiv id, a DOI, a key of a file."""
    day: date
    record: Record

    @property
    def names(self) -> frozenset[str]:
        """What no other paper shares: the letters of the title, and each identifier with its kind."""
        return names(self.record.title, identifiers(self.record))

    @property
    def command(self) -> str:
        """Argument of `surveykit add` and `surveykit decline`; empty where nothing names the paper."""
        for scheme, value in identifiers(self.record):
            if value:
                return value if scheme == "arxiv" else f"{scheme}:{value}"
        return self.record.paper_url or ""


def identifiers(record: Record) -> Identifiers:
    """The identifiers of a record, as an entry has them."""
    return Identifiers.model_construct(
        **{name: getattr(record, name) for name in Identifiers.model_fields}
    )


def names(title: str, known: Identifiers) -> frozenset[str]:
    """What two works do not share: the letters of the title, and each identifier with its kind."""
    ids = (f"{scheme}:{value.casefold()}" for scheme, value in known if value)
    return frozenset((letters(title), *ids))


def month_of(arxiv: str) -> tuple[int, int] | None:
    """Year and month that an arXiv id of either style begins with."""
    found = _NEW_STYLE.match(arxiv) or _OLD_STYLE.match(arxiv)
    if not found:
        return None
    year = int(found[1])
    return (year + (1900 if year > 90 else 2000)), int(found[2])


def known_before(papers: Iterable[Paper], day: date) -> tuple[Paper, ...]:
    """The papers that had certainly come out before a day: by the month of the arXiv id, else by the year alone."""
    return tuple(
        paper
        for paper in papers
        if came_out(paper.identifiers, paper.year) < (day.year, day.month)
    )


def came_out(known: Identifiers, year: int | None) -> tuple[int, int]:
    """Year and month in which a paper came out, the last of its year where only that is known."""
    told = month_of(known.arxiv) if known.arxiv else None
    return told or (year or 9999, 12)


def unlike(candidates: Iterable[Candidate], known: Iterable[str]) -> list[Candidate]:
    """The candidates, each once, that share no name with what is known; the earliest of several stays."""
    taken, kept = set(known), []
    for one in sorted(candidates, key=lambda c: (c.day, c.id)):
        if taken.isdisjoint(one.names):
            kept.append(one)
        taken |= one.names
    return kept
