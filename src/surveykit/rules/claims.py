"""Rules about the figures that a paper states of itself."""

from __future__ import annotations

from collections.abc import Iterator

from surveykit.catalog import Catalog
from surveykit.rules.rule import Finding, Rule, at
from surveykit.scalars import is_mark

MOST = 4
"""Claims of one paper beyond which they are no headline any more."""


def no_figure(catalog: Catalog) -> Iterator[Finding]:
    """Claims whose value holds no digit."""
    for paper in catalog.papers:
        for index, claim in enumerate(paper.claims):
            value = claim.value
            if not is_mark(value) and not any(c.isdigit() for c in value):
                message = f"{value!r} holds no figure; write the number the paper states, or delete the claim"
                yield at(catalog, paper, ("claims", index, "value"), message)


def repeated_claim(catalog: Catalog) -> Iterator[Finding]:
    """Claims that differ from an earlier one of their paper in the source at most."""
    for paper in catalog.papers:
        seen: set[tuple[str | None, ...]] = set()
        for index, claim in enumerate(paper.claims):
            said = (claim.encoder, claim.dataset, claim.budget, claim.metric, claim.value)  # fmt: skip
            if said in seen:
                message = "says again what an earlier claim says; delete one"
                yield at(catalog, paper, ("claims", index), message)
            seen.add(said)


def many_claims(catalog: Catalog) -> Iterator[Finding]:
    """Papers with more claims than a reader takes in."""
    for paper in catalog.papers:
        if (n := len(paper.claims)) > MOST:
            message = f"{n} claims, more than {MOST}; keep those of the abstract"
            yield at(catalog, paper, ("claims", MOST), message)


RULES = (
    Rule(
        "SK364",
        "a claim holds a figure",
        "Claims stand beside each other in tables; “outperforms all others” compares nothing. What a paper says without a number belongs to the summary.",
        "claims: [{metric: accuracy, value: much higher, source: 'arXiv:2303.15180, abstract'}]",
        "claims: [{metric: accuracy, value: '81.3 %', source: 'arXiv:2303.15180, abstract'}]",
        no_figure,
    ),
    Rule(
        "SK365",
        "a claim stands once in an entry",
        "Tables would show it twice.",
        "claims: [{metric: AUC, value: '0.99', source: 'arXiv:2303.15180, abstract'}, {metric: AUC, value: '0.99', source: 'arXiv:2303.15180, section 5'}]",
        "claims: [{metric: AUC, value: '0.99', source: 'arXiv:2303.15180, abstract'}]",
        repeated_claim,
    ),
    Rule(
        "SK416",
        f"a paper has at most {MOST} claims",
        "Claims are the headline of a paper, not its tables; its reader finds those in the paper.",
        "claims: [the nine rows of table 2]",
        "claims: [the figures of the abstract]",
        many_claims,
    ),
)
