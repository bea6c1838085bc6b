"""What services give of papers that came out in some days: the question, the answer, and pages that cannot be trusted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from surveykit.errors import OddAnswerError
from surveykit.record import Record
from surveykit.sources.client import ATTEMPTS, Client

MOST_PAGES = 40
"""Of one question; what lies beyond is said to be left out."""


@dataclass(frozen=True)
class Recent:
    """A paper and the day on which it came out, as far as the service tells."""

    day: date
    record: Record


@dataclass(frozen=True)
class Wanted:
    """Which papers are asked for."""

    first: date
    last: date
    """The last day, itself among them."""
    categories: tuple[str, ...] = ()
    """Classes of arXiv."""
    words: tuple[tuple[str, ...], ...] = ()
    """Groups of words; a paper must have one of each, for services that are searched by words."""
    volumes: tuple[str, ...] = ()
    """Names of volumes of the ACL Anthology without the year, `acl-long`."""

    @property
    def days(self) -> Iterator[date]:
        """Each day, the first one first."""
        for number in range((self.last - self.first).days + 1):
            yield self.first + timedelta(number)

    @property
    def years(self) -> range:
        """The years that the days lie in."""
        return range(self.first.year, self.last.year + 1)

    def holds(self, day: date) -> bool:
        """Whether a day is among those asked for."""
        return self.first <= day <= self.last


@dataclass(frozen=True)
class PageOfPapers:
    """One page of an answer."""

    papers: tuple[Recent, ...]
    given: int
    """Items on the page, whatever could be made of them."""
    total: int
    """Items on all pages, as the service counts them."""


async def paged(
    client: Client, name: str, size: int, ask: Callable[[int], Awaitable[PageOfPapers]]
) -> AsyncIterator[Recent]:
    """The papers of all pages; `ask` gives the page that begins with an item, from 0. Raises ServiceError.

    A page that is no answer is asked for again, a few times. What the service counts and does not give is noted.
    """
    start = given = 0
    total = 1
    for _ in range(MOST_PAGES):
        page = await _patiently(client, lambda at=start: ask(at))  # type: ignore[misc]  # bound at once
        total, given = page.total, given + page.given
        for paper in page.papers:
            yield paper
        start += size
        if start >= total:
            break
    if given < total:
        client.notes.append(f"{name} counts {total} papers and gave {given}")


async def _patiently(
    client: Client, ask: Callable[[], Awaitable[PageOfPapers]]
) -> PageOfPapers:
    for attempt in range(1, ATTEMPTS):
        try:
            return await ask()
        except OddAnswerError:
            await client.sleep(2.0**attempt)
    return await ask()
