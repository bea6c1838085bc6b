"""What can be wrong with a catalog: every rule with its explanation, and the search for breaks."""

from __future__ import annotations

from collections.abc import Iterator, Set

from surveykit.catalog import Catalog
from surveykit.rules import (
    aka,
    arena,
    border,
    claims,
    copied,
    declined,
    evidence,
    identifiers,
    identity,
    letters,
    places,
    relations,
    taxonomy,
    texts,
    unfinished,
    venues,
    wording,
)
from surveykit.rules.rule import Finding, Rule

__all__ = ["BY_ID", "RULES", "Finding", "Rule", "findings"]

RULES: tuple[Rule, ...] = tuple(
    sorted(
        aka.RULES
        + border.RULES
        + claims.RULES
        + copied.RULES
        + declined.RULES
        + evidence.RULES
        + identifiers.RULES
        + identity.RULES
        + letters.RULES
        + taxonomy.RULES
        + texts.RULES
        + venues.RULES
        + relations.RULES
        + places.RULES
        + arena.RULES
        + wording.RULES
        + unfinished.RULES,
        key=lambda rule: rule.id,
    )
)
"""Every rule, by id. SK0xx files · SK1xx YAML · SK2xx fields · SK3xx the catalog · SK4xx warnings."""

BY_ID = {rule.id: rule for rule in RULES}
"""Rule id -> rule."""


def findings(
    catalog: Catalog, broken: Set[str] = frozenset()
) -> Iterator[tuple[Rule, Finding]]:
    """Every break of a rule about entries.

    Rules that need a part in `broken` (`taxonomy`, `venues`, `cards`) are not asked.
    """
    for rule in RULES:
        if rule.check and rule.needs not in broken:
            for finding in rule.check(catalog):
                yield rule, finding
