"""A catalog beside other lists: what it has of them, has declined, and lacks; `catalog/coverage.json` keeps the counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from surveykit.models import Model
from surveykit.scalars import Day, PlainText, Url

Papers = Annotated[int, Field(strict=True, ge=0)]


class ListedCounts(Model):
    """One list beside the catalog, on one day."""

    name: PlainText
    """How readers know the list: `group/awesome-list`."""
    url: Url | None = None
    """Where it is."""
    date: Day
    """Day of the comparison."""
    papers: Papers
    """Papers of the list, each once."""
    have: Papers
    """Those that are in the catalog."""
    declined: Papers
    """Those that were looked at and stay out."""
    missing: Papers
    """Those that nobody has looked at."""

    @property
    def recall(self) -> float | None:
        """Share of the papers that were not declined which the catalog has; None where none is left."""
        wanted = self.have + self.missing
        return self.have / wanted if wanted else None


class ListCoverage(Model):
    """`catalog/coverage.json`: the lists that the catalog was last compared with."""

    lists: tuple[ListedCounts, ...] = ()
    """By name."""

    def with_lists(self, new: Iterable[ListedCounts]) -> ListCoverage:
        """The same with newer counts in place of older ones of the same name."""
        each = {one.name: one for one in (*self.lists, *new)}
        return ListCoverage(lists=tuple(each[name] for name in sorted(each)))
