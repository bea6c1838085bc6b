"""`catalog/link_policy.yaml`: which links are treated in another way, why, and until when."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, TypeAdapter
from pydantic_core import PydanticCustomError

from surveykit.errors import Problem, Severity
from surveykit.fields import validated
from surveykit.links.state import Reason, Result, State
from surveykit.models import Model
from surveykit.scalars import Day, PlainText, Url
from surveykit.yaml_tree import read

FILE = "catalog/link_policy.yaml"


def _with_path(url: str) -> str:
    if not urlsplit(url).path:
        raise PydanticCustomError(
            "bad_url",
            "prefix {value} ends inside the host name; end it with `/`",
            {"value": repr(url)},
        )
    return url


class PolicyRule(Model):
    """One exception."""

    prefix: Annotated[Url, AfterValidator(_with_path)]
    """Beginning of the addresses meant, with scheme, host and at least `/`."""
    treat: Literal["skip", "unverifiable"]
    """`skip` sends nothing; `unverifiable` asks, and counts a failure as unverifiable."""
    reason: PlainText
    """What was seen, and by whom or where."""
    until: Day
    """Last day on which the rule holds; then somebody looks again."""


_RULES = TypeAdapter(tuple[PolicyRule, ...])


@dataclass(frozen=True)
class Policy:
    """The rules, the longest prefix first, and where each stands."""

    rules: tuple[PolicyRule, ...] = ()
    lines: tuple[int, ...] = ()

    def rule(self, url: str) -> PolicyRule | None:
        """The rule with the longest prefix of `url`."""
        fitting = [rule for rule in self.rules if url.startswith(rule.prefix)]
        return max(fitting, key=lambda rule: len(rule.prefix), default=None)

    def skipped(self, url: str) -> Result | None:
        """Result without a request, where a rule says so."""
        rule = self.rule(url)
        if rule is None or rule.treat != "skip":
            return None
        return Result(url, State.SKIPPED, Reason.BY_POLICY, rule.reason)

    def expired(self, today: date) -> list[Problem]:
        """An error for each rule that no longer holds."""
        return [
            _problem(
                line,
                f"the rule for {rule.prefix} ended on {rule.until}; look again, then move `until` or delete it",
            )
            for rule, line in zip(self.rules, self.lines, strict=True)
            if rule.until < today
        ]

    def unused(self, urls: Iterable[str]) -> list[Problem]:
        """A warning for each rule that fits none of the addresses."""
        used = {rule for url in urls if (rule := self.rule(url))}
        return [
            _problem(
                line,
                f"no link begins with {rule.prefix}, or a longer prefix covers all; delete the rule",
                Severity.WARNING,
            )
            for rule, line in zip(self.rules, self.lines, strict=True)
            if rule not in used
        ]


def _problem(line: int, message: str, severity: Severity = Severity.ERROR) -> Problem:
    return Problem(FILE, line, 3, "link-policy", message, severity)


def read_policy(root: Path) -> tuple[Policy, list[Problem]]:
    """The policy of a repository and what is wrong with it; without a file it is empty."""
    if not os.path.lexists(root / FILE):
        return Policy(), []
    tree = read(root / FILE, root=root)
    faults = list(tree.faults)
    rules = validated(_RULES, tree, faults) if not faults and tree.data else ()
    problems = [Problem(FILE, f.line, f.column, f.rule, f.message) for f in faults]
    if problems:
        return Policy(), problems
    lines = tuple(tree.place((index,))[0] for index in range(len(rules)))
    return Policy(rules, lines), []
