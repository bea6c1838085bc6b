"""What can go wrong: problems found in data are values, exceptions mean "cannot go on".

SurveyError                     the command line catches exactly this
├── CatalogError                the data is wrong; `.problems` says where
├── UnknownPaperError           no such entry; `.suggestions` are near ids
├── IssueError                  an issue that cannot become a change; the message says why, for its author
├── IdentifierError             a text that names no paper in a form that is understood
├── FetchError                  the outside did not give what was asked for; `.service` says who
│   ├── NotFoundError           it knows no such paper
│   └── ServiceError            it is down, busy or not understood; `.retry_seconds` says when to come back
│       └── OddAnswerError      it answered with something else, which may be right when asked again
└── MachineError                the machine or the network failed
    └── GitError                git is there and refused
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

Loc = tuple[str | int, ...]
"""The way from the top of a file to a value, keys and 0-based places in lists: `("authors", 0, "family")`."""


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
        super().__init__(f"{plural(len(problems), 'problem')} in the catalog")


class UnknownPaperError(SurveyError):
    """No entry has this id."""

    def __init__(self, paper_id: str, suggestions: Sequence[str] = ()) -> None:
        self.suggestions = tuple(suggestions)
        hint = f"; did you mean {', '.join(self.suggestions)}?" if suggestions else ""
        super().__init__(f"no paper with the id {paper_id!r}{hint}")


class IssueError(SurveyError):
    """The issue cannot become a change; the message says why, for its author."""


class IdentifierError(SurveyError):
    """A text is no identifier that is understood."""

    def __init__(self, text: str, why: str = "") -> None:
        fault = f" ({why})" if why else ""
        super().__init__(
            f"{text[:120]!r} names no paper{fault}; give an arXiv id, a DOI, an ACL Anthology id, "
            "an OpenReview id, or the address of the paper or of its GitHub repository"
        )


class FetchError(SurveyError):
    """The outside did not give what was asked for."""

    def __init__(self, service: str, message: str) -> None:
        self.service = service
        super().__init__(f"{service}: {message}")


class NotFoundError(FetchError):
    """The service answers, and knows no such paper."""


class ServiceError(FetchError):
    """The service does not answer, or not in a way that is understood."""

    def __init__(
        self, service: str, message: str, retry_seconds: float | None = None
    ) -> None:
        self.retry_seconds = retry_seconds
        """Seconds after which it asked to be tried again; None where it did not say."""
        when = "" if retry_seconds is None else f"; try again in {wait(retry_seconds)}"
        super().__init__(service, message + when)


class OddAnswerError(ServiceError):
    """The answer is none: a web page, or nothing where there must be something. It may be right when asked again."""


def plural(number: int, noun: str) -> str:
    """So many of a noun that is given for one, for a reader: `1 entry`, `2 entries`, `0 errors`."""
    if number != 1:
        noun = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun}"


def wait(seconds: float) -> str:
    """A time to wait, for a reader: `40 s`, `5 min`, `2 h`."""
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"


class MachineError(SurveyError):
    """A file cannot be read or written, or a needed program is missing."""


class GitError(MachineError):
    """Git is there and refused, for instance a revision that there is none of."""
