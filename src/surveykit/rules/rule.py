"""What a rule is, what it finds, and how a wrong word gets a suggestion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

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


def did_you_mean(
    word: str, names: Mapping[str, str], least: int = 60, *, misspelled: bool = False
) -> str:
    """`; did you mean …?` with the id behind the nearest name, or an empty string.

    `names` leads from every known way to say a thing to its id; `least` is the likeness, 0 to 100, of a name that counts.
    With `misspelled`, one letter in five may be wrong: `model-cleaning` is like `model-scanning`, and another word.
    """
    exact = names.get(word) or names.get(word.casefold())
    if exact is None:
        lower = {name.casefold(): id_ for name, id_ in names.items()}
        best = process.extractOne(
            word.casefold(), lower.keys(), scorer=fuzz.ratio, score_cutoff=least
        )
        near = best and (
            not misspelled
            or OSA.distance(word.casefold(), best[0]) <= max(1, len(word) // 5)
        )
        exact = lower[best[0]] if best and near else None
    return f"; did you mean `{exact}`?" if exact else ""
