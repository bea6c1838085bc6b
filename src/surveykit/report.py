"""Problems as text, JSON, GitHub annotations or SARIF; pure, nothing is printed here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

from surveykit.errors import Problem, Severity, plural
from surveykit.rules import BY_ID, RULES, Rule
from surveykit.text.printable import printable

Format = Literal["text", "json", "github", "sarif"]

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(problems: Sequence[Problem], form: Format = "text") -> str:
    """Problems in one of the formats, with a final newline."""
    writers = {"text": _text, "json": _json, "github": _github, "sarif": _sarif}
    return writers[form](problems)


def explain(rule: Rule) -> str:
    """What `surveykit explain` says about a rule."""
    return (
        f"{rule.id} ({rule.severity}): {rule.title}\n\n{rule.why}\n\n"
        f"Wrong:\n{_indented(rule.wrong)}\n\nRight:\n{_indented(rule.right)}\n"
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _counted(problems: Sequence[Problem]) -> str:
    count = Counter(problem.severity for problem in problems)
    numbers = [(count[severity], str(severity)) for severity in Severity]
    return ", ".join(plural(n, noun) if n else f"no {noun}s" for n, noun in numbers)


def _text(problems: Sequence[Problem]) -> str:
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


def _sarif(problems: Sequence[Problem]) -> str:
    used = {problem.rule for problem in problems}
    driver = {
        "name": "surveykit",
        "rules": [_sarif_rule(rule) for rule in RULES if rule.id in used],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(problem) for problem in problems],
    }
    data = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": explain(rule)},
        "defaultConfiguration": {"level": str(rule.severity)},
    }


def _sarif_result(problem: Problem) -> dict[str, Any]:
    region = {"startLine": problem.line, "startColumn": problem.column}
    location = {
        "artifactLocation": {"uri": quote(problem.path, errors="surrogateescape")},
        "region": region,
    }
    return {
        "ruleId": problem.rule,
        "level": str(BY_ID[problem.rule].severity),
        "message": {"text": printable(problem.message)},
        "locations": [{"physicalLocation": location}],
    }
