"""Rules about the short names of a paper's method."""

from __future__ import annotations

from collections.abc import Iterator

from surveykit.catalog import Catalog
from surveykit.rules.rule import Finding, Rule, at
from surveykit.text.letters import closed

LONGEST = 40
"""Characters of the longest name that still is a short one."""
GENERIC = frozenset(
    """algorithm approach baseline benchmark dataset framework method model ourmethod ours study survey system tool""".split()
)
"""Words that name a kind of thing in any field, and so no paper's own; without blanks."""


def repeated_name(catalog: Catalog) -> Iterator[Finding]:
    """Names that stand twice in one entry, whatever their case, blanks and hyphens."""
    for paper in catalog.papers:
        seen: dict[str, str] = {}
        for index, name in enumerate(paper.aka):
            if first := seen.get(closed(name)):
                message = f"{name!r} says again what {first!r} says; delete one"
                yield at(catalog, paper, ("aka", index), message)
            seen.setdefault(closed(name), name)


def no_short_name(catalog: Catalog) -> Iterator[Finding]:
    """Names that are the title, a kind of thing, or too long to be said."""
    kinds = GENERIC | {closed(name) for name in catalog.kit.kinds}
    for paper in catalog.papers:
        titles = {closed(paper.title.en), closed(paper.title.zh)}
        for index, name in enumerate(paper.aka):
            fault = None
            if closed(name) in titles:
                fault = "is the whole title"
            elif closed(name) in kinds:
                fault = "names a kind of thing"
            elif len(name) > LONGEST:
                fault = f"has {len(name)} characters, more than {LONGEST}"
            if fault:
                message = f"{name!r} {fault}; write the name people use, or none"
                yield at(catalog, paper, ("aka", index), message)


RULES = (
    Rule(
        "SK363",
        "a short name stands once in an entry",
        "Searches ignore case, accents, blanks and hyphens, so one spelling is enough: the paper's own. Two papers may share a name.",
        "aka: [Cap-3, Cap3]",
        "aka: [Cap-3]",
        repeated_name,
    ),
    Rule(
        "SK415",
        "a short name is short, and the paper's own",
        f"A query that equals a short name puts the paper first. The whole title needs none, a word like “method” means no single paper, and nobody types more than {LONGEST} characters.",
        "aka: [drying method]",
        "aka: [OysterNet]",
        no_short_name,
    ),
)
