"""Problems as text, JSON or GitHub annotations; pure, and nothing heavy is imported here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence

from surveykit.errors import Problem, Severity, plural
from surveykit.text.printable import printable


def _counted(problems: Sequence[Problem]) -> str:
    count = Counter(problem.severity for problem in problems)
    numbers = [(count[severity], str(severity)) for severity in Severity]
    return ", ".join(plural(n, noun) if n else f"no {noun}s" for n, noun in numbers)


def as_text(problems: Sequence[Problem]) -> str:
    """A line for each, and how many there are."""
    return "\n".join([*map(_line, problems), _counted(problems), ""])


def _line(problem: Problem) -> str:
    place = f"{printable(problem.path)}:{problem.line}:{problem.column}"
    mark = "" if problem.severity is Severity.ERROR else "warning: "
    return f"{place}: {problem.rule} {mark}{printable(problem.message)}"


def _json(problems: Sequence[Problem]) -> str:
    count = Counter(problem.severity for problem in problems)
    data = {
        "errors": count[Severity.ERROR],
        "warnings": count[Severity.WARNING],
        "problems": [
            {
                "path": printable(p.path),
                "line": p.line,
                "column": p.column,
                "rule": p.rule,
                "severity": str(p.severity),
                "message": printable(p.message),
            }
            for p in problems
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _github(problems: Sequence[Problem]) -> str:
    lines = []
    for p in problems:
        file, rule = _property(p.path), _property(p.rule)
        place = f"file={file},line={p.line},col={p.column},title={rule}"
        lines.append(f"::{p.severity} {place}::{_data(p.message)}\n")
    return "".join(lines)


def _data(text: str) -> str:
    """A message that cannot end its line and start a command of its own."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return printable(text)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


WRITERS: dict[str, Callable[[Sequence[Problem]], str]] = {
    "text": as_text,
    "json": _json,
    "github": _github,
}
"""Format -> what writes problems in it, with a final newline."""
