"""`surveykit explain`: what the rules check and how to obey."""

from __future__ import annotations

import click

from surveykit import report
from surveykit.cli.tables import table
from surveykit.cli.terminal import (
    FINE,
    as_json,
    example,
    known,
    say,
    say_json,
)
from surveykit.rules import BY_ID, RULES, Rule


@click.command(epilog=example("surveykit explain SK201"))
@click.argument("rule", required=False)
@as_json
def explain(rule: str | None, as_json: bool) -> int:
    """Explain what a RULE checks and how to comply.

    Without a RULE, all rules are listed.
    """
    wanted = [BY_ID[known(rule.upper(), BY_ID, "rule")]] if rule else RULES
    if as_json:
        say_json([_plain(one) for one in wanted])
    elif rule:
        say(report.explain(wanted[0]), end="")
    else:
        rows = [(one.id, str(one.severity), one.title) for one in wanted]
        table(("rule", "severity", "title"), rows)
    return FINE


def _plain(rule: Rule) -> dict[str, str]:
    names = ("id", "severity", "title", "why", "wrong", "right")
    return {name: str(getattr(rule, name)) for name in names}
