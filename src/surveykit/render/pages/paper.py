"""The page of one paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from markupsafe import Markup

from surveykit.catalog import Catalog, Link
from surveykit.models import Paper
from surveykit.render.bibtex import entry
from surveykit.render.citation import apa, gbt7714
from surveykit.render.nearest import because
from surveykit.render.pages import charts, counts
from surveykit.render.pages.page import Page, Press

WEIGHT = 2.0
"""A search gives papers before pages that list them."""
GRAPH_LINKS = range(2, 13)
"""Numbers of relations that make a readable graph."""


@dataclass(frozen=True)
class Relations:
    """All relations of one kind, seen from the paper of the page."""

    label: str
    links: list[Link]


@dataclass(frozen=True)
class Citation:
    """One style of the box that is copied from."""

    id: str
    name: str
    text: str


def paper_pages(press: Press) -> Iterator[Page]:
    """A page for each paper."""
    for paper in press.catalog.papers:
        yield _page(press, paper)


def _page(press: Press, paper: Paper) -> Page:
    catalog = press.catalog
    links = catalog.links(paper)
    view = {
        "p": paper,
        "venue": catalog.venue(paper),
        "side": catalog.side(paper),
        "threat": catalog.threat(paper),
        "path": catalog.paths.get(paper.id),
    }
    summary = press.text(paper.tldr) if paper.tldr else ""
    return press.page(
        f"papers/{paper.id}.md",
        "paper.html",
        title=_title(press, paper),
        weight=WEIGHT,
        description=summary or press.text(paper.title),
        search=_search(press, paper),
        source=catalog.paths.get(paper.id),
        head=press.fragment("paper_head.html", ld=_json_ld(catalog, paper), **view),
        summary=summary,
        relations=_relations(press, links),
        graph=_graph(press, paper, links),
        citations=_citations(catalog, paper),
        related=catalog.related(paper),
        methods=catalog.methods(paper),
        **_closest(press, paper),
        **view,
    )


def _closest(press: Press, paper: Paper) -> dict[str, Any]:
    closest = press.catalog.closest_runnable(paper)
    if closest is None:
        return {"closest": None, "because": ""}
    why = because(press.catalog, paper, closest, press.lang)
    return {"closest": closest.card, "because": why}


def _title(press: Press, paper: Paper) -> str:
    """The title as printed; Chinese readers see the Chinese one before it."""
    title = paper.title
    return f"{title.zh} · {title.en}" if press.lang == "zh" else title.en


def _search(press: Press, paper: Paper) -> str:
    """What the search of the site finds beside the title."""
    catalog = press.catalog
    labels = (
        press.text(catalog.term(axis, term).label)
        for axis, terms in paper.terms.items()
        for term in terms
    )
    names = ", ".join(author.name for author in paper.authors)
    where = f"{catalog.venue(paper).name} {paper.year}"
    summary = press.text(paper.tldr) if paper.tldr else ""
    other = "" if press.lang == "zh" else paper.title.zh
    parts = (other, names, where, summary, " · ".join(labels))
    return "\n".join(part for part in parts if part)


def _relations(press: Press, links: tuple[Link, ...]) -> list[Relations]:
    kinds = {kind.id: kind for kind in press.catalog.taxonomy.relations}
    order = {id_: i for i, id_ in enumerate(kinds)}

    def key(link: Link) -> tuple[int, bool]:
        return order[link.relation.type], link.inverse

    made = []
    for (_, inverse), group in groupby(sorted(links, key=key), key=key):
        held = sorted(group, key=lambda link: (link.other.year, link.other.id))
        kind = kinds[held[0].relation.type]
        label = kind.inverse if inverse else kind.label
        made.append(Relations(press.text(label), held))
    return made


def _graph(press: Press, paper: Paper, links: tuple[Link, ...]) -> Markup | None:
    if len(links) not in GRAPH_LINKS:
        return None
    edges = [(link, _node(press, link.other)) for link in links]
    return charts.graph(_node(press, paper), edges, press.words.paper.relation_graph)


def _node(press: Press, paper: Paper) -> charts.Node:
    catalog = press.catalog
    side, threat = catalog.side(paper), catalog.threat(paper)
    return charts.Node(paper, side, threat, press.short(paper), f"../{paper.id}/")


def _citations(catalog: Catalog, paper: Paper) -> list[Citation]:
    return [
        Citation("bibtex", "BibTeX", entry(paper, catalog)),
        Citation("apa", "APA", apa(paper, catalog)),
        Citation("gbt", "GB/T 7714", gbt7714(paper, catalog)),
    ]


def _json_ld(catalog: Catalog, paper: Paper) -> dict[str, Any]:
    venue, ids = catalog.venue(paper), paper.identifiers
    same = [
        prefix + value
        for prefix, value in (
            ("https://doi.org/", ids.doi),
            ("https://arxiv.org/abs/", ids.arxiv),
            ("https://openreview.net/forum?id=", ids.openreview),
            ("https://aclanthology.org/", ids.acl),
        )
        if value
    ]
    kind = "Periodical" if venue.kind == "journal" else "PublicationEvent"
    date = f"{paper.year}-{paper.month:02}" if paper.month else str(paper.year)
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "ScholarlyArticle",
        "headline": paper.title.en,
        "author": [
            {"@type": "Organization" if a.literal else "Person", "name": a.name}
            for a in paper.authors
        ],
        "datePublished": date,
        "isPartOf": {"@type": kind, "name": venue.full.en},
        "url": paper.links.paper,
        "keywords": [
            catalog.term(axis, term).label.en
            for axis in ("threat", "role", "technique", "stage")
            for term in counts.closure(catalog, paper, axis)[:1]
        ],
    }
    return data | ({"sameAs": same} if same else {})
