"""The page of what became of the papers: findings of the last look, and how fresh the entries are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from surveykit.catalog import Catalog
from surveykit.health import KINDS, HealthFinding, HealthKind
from surveykit.models import Paper
from surveykit.render.pages.page import Page, Press, cited

MOST = 40
"""Findings of one kind that are named; the rest are counted."""
AGES = (30, 90, 365)
"""Days since an entry was compared with the outside, as the table counts them."""
_HOMES = {
    "doi": "https://doi.org/",
    "dblp": "https://dblp.org/rec/",
    "acl": "https://aclanthology.org/",
    "openreview": "https://openreview.net/forum?id=",
}


@dataclass(frozen=True)
class HealthGroup:
    """Findings of one kind, or papers that their entries call retracted."""

    kind: HealthKind
    items: Sequence[tuple[Paper, HealthFinding]]

    @property
    def noticed(self) -> bool:
        """Whether a notice among the evidence says what there is to say."""
        return self.kind in ("retracted", "withdrawn", "concern", "corrected")


def health_page(press: Press) -> Page:
    """The page, also where nothing was looked at yet."""
    catalog, w = press.catalog, press.words
    return press.page(
        "health.md",
        "health.html",
        title=w.health.title,
        description=w.health.lead,
        health=catalog.health,
        groups=_groups(catalog),
        marked=[p for p in catalog.papers if _marked(p)],
        ages=ages(catalog),
        preprints=_preprints(catalog),
        most=MOST,
        who=who,
    )


def _groups(catalog: Catalog) -> list[HealthGroup]:
    """Findings about papers that are as they were then."""
    health = catalog.health
    found = [
        (catalog.by_id[one.paper], one)
        for one in (health.findings if health else ())
        if one.paper in catalog.by_id and _still(catalog, one)
    ]
    groups = [
        HealthGroup(kind, [f for f in found if f[1].kind == kind]) for kind in KINDS
    ]
    return [group for group in groups if group.items]


def _still(catalog: Catalog, one: HealthFinding) -> bool:
    preprint = catalog.venue(catalog.by_id[one.paper]).kind == "preprint"
    return preprint or one.kind != "published"


def _marked(paper: Paper) -> bool:
    return any(event.kind == "retracted" for event in paper.history)


def ages(catalog: Catalog) -> list[tuple[str, int]]:
    """How long ago entries were compared, at the catalog's own date: name of a word -> entries; each entry counts once."""
    found: Counter[str] = Counter()
    for paper in catalog.papers:
        if paper.verified is None:
            found["never"] += 1
            continue
        days = (catalog.updated - paper.verified.date).days
        name = next((f"within_{most}" for most in AGES if days <= most), "older")
        found[name] += 1
    names = (*(f"within_{most}" for most in AGES), "older", "never")
    return [(name, found[name]) for name in names]


def _preprints(catalog: Catalog) -> list[tuple[int, int]]:
    """Year -> papers that no venue is known of, newest first."""
    years = Counter(
        paper.year
        for paper in catalog.papers
        if catalog.venue(paper).kind == "preprint"
    )
    return sorted(years.items(), reverse=True)


def who(text: str) -> Markup:
    """Who says so, as a link where its address is known."""
    scheme, _, value = text.partition(":")
    home = _HOMES.get(scheme)
    if home is None or not value or " " in value:
        return cited(text)
    return Markup('<a href="{}{}">{}</a>').format(home, value, text)
