"""Problems as text, JSON, GitHub annotations or SARIF; pure, nothing is printed here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

from surveykit.errors import Problem
from surveykit.listing import WRITERS
from surveykit.rules import BY_ID, RULES, Rule
from surveykit.text.printable import printable

Format = Literal["text", "json", "github", "sarif"]

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(problems: Sequence[Problem], form: Format = "text") -> str:
    """Problems in one of the formats, with a final newline."""
    return _sarif(problems) if form == "sarif" else WRITERS[form](problems)


def explain(rule: Rule) -> str:
    """What `surveykit explain` says about a rule."""
    return (
        f"{rule.id} ({rule.severity}): {rule.title}\n\n{rule.why}\n\n"
        f"Wrong:\n{_indented(rule.wrong)}\n\nRight:\n{_indented(rule.right)}\n"
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


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
