"""Which links are treated in another way, why, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from surveykit.errors import Problem, Severity
from surveykit.links.state import Reason, Result, State

FILE = "catalog/link_policy.yaml"


@dataclass(frozen=True)
class PolicyRule:
    """One exception; `policy_file.WrittenRule` says what each field means."""

    prefix: str
    treat: Literal["skip", "unverifiable"]
    reason: str
    until: date


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
