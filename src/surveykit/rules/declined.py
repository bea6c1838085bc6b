"""Rules about papers that were looked at and stay out."""

from __future__ import annotations

from collections.abc import Iterator

from surveykit.catalog import Catalog
from surveykit.models import Identifiers
from surveykit.rules.rule import Finding, Rule
from surveykit.text.letters import letters

FILE = "catalog/declined.yaml"


def _names(title: str, identifiers: Identifiers) -> list[str]:
    """What two works do not share: the letters of the title, and each identifier with its kind."""
    ids = [f"{scheme}:{value.casefold()}" for scheme, value in identifiers if value]
    return [letters(title), *ids]


def in_and_out(catalog: Catalog) -> Iterator[Finding]:
    """Declined papers that are entries, or stand there twice."""
    known = {
        name: f"the entry {paper.id}"
        for paper in catalog.papers
        for name in _names(paper.title.en, paper.identifiers)
    }
    for index, declined in enumerate(catalog.declined):
        names = _names(declined.title, declined.identifiers)
        if other := next((known[name] for name in names if name in known), None):
            message = f"{declined.title!r} is also {other}; delete one"
            yield Finding(FILE, (index, "title"), message)
        known |= dict.fromkeys(names, f"number {index + 1} of this file")


RULES = (
    Rule(
        "SK366",
        "a declined paper is no entry",
        "`catalog/declined.yaml` says why a paper stays out. Who decides otherwise deletes it there; the reason is in the history.",
        "- {title: OysterNet, …}   # and catalog/papers/2022/lind2022oysternet.yaml",
        "catalog/papers/2022/lind2022oysternet.yaml alone",
        in_and_out,
    ),
)
