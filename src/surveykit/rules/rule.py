"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from surveykit.catalog import Catalog
from surveykit.errors import Loc, Severity
from surveykit.models import Paper

TAXONOMY = "catalog/taxonomy.yaml"
VENUES = "catalog/venues.yaml"


@dataclass(frozen=True)
class Finding:
    """What a rule has found: a file, the way to the value in it, and one line of text."""

    path: str
    loc: Loc
    message: str
    key: bool = False
    """Whether the key is meant rather than its value."""


Check = Callable[[Catalog], Iterable[Finding]]


@dataclass(frozen=True)
class Rule:
    """One thing that can be wrong, and the text of `surveykit explain`."""

    id: str
    """`SKnnn`."""
    title: str
    """What the rule asks for, in a few words."""
    why: str
    """Why it matters and what to do."""
    wrong: str
    """Example that breaks it."""
    right: str
    """The same, mended."""
    check: Check | None = None
    """Finds the breaks in a catalog; None where reading a single file does."""
    needs: str = ""
    """`taxonomy`, `venues` or `cards`: not asked while that is broken itself."""

    @property
    def severity(self) -> Severity:
        """SK4xx are warnings, the others errors."""
        return Severity.WARNING if self.id.startswith("SK4") else Severity.ERROR


def at(
    catalog: Catalog, paper: Paper, loc: Loc, message: str, *, key: bool = False
) -> Finding:
    """Finding in the file of one entry."""
    return Finding(catalog.paths[paper.id], loc, message, key)
