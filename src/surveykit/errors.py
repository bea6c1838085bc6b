"""What can go wrong: problems found in data are values, exceptions mean "cannot go on".

SurveyError                     the command line catches exactly this
├── CatalogError                the data is wrong; `.problems` says where
├── UnknownPaperError           no such entry; `.suggestions` are near ids
└── MachineError                the machine or the network failed
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a problem is: an error stops every build, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Problem:
    """One fault in one place of the catalog."""

    path: str
    """File, relative to the repository root, with `/` separators."""
    line: int
    """1-based line; 1 where the whole file is meant."""
    column: int
    """1-based column, counted in characters."""
    rule: str
    """Rule id, `SKnnn`; `surveykit explain SKnnn` tells more."""
    message: str
    """What is wrong, the value, and what to do, in one line."""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.rule} {self.message}"


class SurveyError(Exception):
    """Root of all errors that surveykit raises on purpose."""


class CatalogError(SurveyError):
    """The catalog holds errors; nothing can be rendered from it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(f"{count} problem{'s' * (count != 1)} in the catalog")


class UnknownPaperError(SurveyError):
    """No entry has this id."""

    def __init__(self, paper_id: str, suggestions: Sequence[str] = ()) -> None:
        self.paper_id = paper_id
        self.suggestions = tuple(suggestions)
        hint = f"; did you mean {', '.join(self.suggestions)}?" if suggestions else ""
        super().__init__(f"no paper with the id {paper_id!r}{hint}")


class MachineError(SurveyError):
    """A file cannot be read or written, or a needed program is missing."""
