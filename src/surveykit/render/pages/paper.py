"""The page of one paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from surveykit.catalog import Catalog, Related
from surveykit.models import Paper
from surveykit.render import social
from surveykit.render.bibtex import entry
from surveykit.render.citation import apa, gbt7714
from surveykit.render.nearest import because
from surveykit.render.pages import charts, head
from surveykit.render.pages.matrix import matrix_path
from surveykit.render.pages.methods import headline
from surveykit.render.pages.page import Page, Press
from surveykit.render.pages.story import Start, story

GRAPH_LINKS = range(2, 13)
"""Numbers of relations that make a readable graph."""


@dataclass(frozen=True)
class Relations:
    """All relations of one kind, seen from the paper of the page."""

    label: str
    links: list[Related]


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
    told = story(catalog, paper, press.words.story.arena, press.lang)
    view = {
        "p": paper,
        "venue": catalog.venue(paper),
        "side": catalog.side(paper),
        "topic": catalog.topic(paper),
        "path": catalog.paths.get(paper.id),
    }
    summary = press.text(paper.tldr) if paper.tldr else ""
    return press.page(
        f"papers/{paper.id}.md",
        "paper.html",
        title=_title(press, paper),
        description=summary or press.text(paper.title),
        source=catalog.paths.get(paper.id),
        head=_head(press, paper),
        image=social.path(paper),
        summary=summary,
        relations=_relations(press, links),
        story=told,
        kinds={kind.id: kind for kind in catalog.taxonomy.relations},
        # A story tells the years, and with whom: no graph beside it.
        graph=None if told else _graph(press, paper, links),
        unsure=any(link.relation.basis == "title" for link in links),
        citations=_citations(catalog, paper),
        related=catalog.related(paper),
        methods=catalog.methods(paper),
        headline={i: headline(found) for i, found in catalog.results.items()},
        fix=_fix(catalog, paper),
        **_closest(press, paper),
        **view,
    )


def _fix(catalog: Catalog, paper: Paper) -> str:
    """The issue form of a correction, with the entry named in it; empty without a repository."""
    fields = {
        "template": "fix-entry.yml",
        "title": f"Fix {paper.id}",
        "id": paper.id,
    }
    home = catalog.survey.repository
    return home and f"{home}/issues/new?{urlencode(fields)}"


def _head(press: Press, paper: Paper) -> str:
    catalog = press.catalog
    url = press.address and f"{press.address}papers/{paper.id}/"
    return press.fragment(
        "paper_head.html",
        tags=head.highwire(catalog, paper),
        ld=head.json_ld(catalog, paper, url),
    )


def _closest(press: Press, paper: Paper) -> dict[str, Any]:
    closest = press.catalog.closest_runnable(paper)
    if closest is None:
        arena = None if paper.implementations else _arena(press, paper)
        return {"closest": None, "because": "", "arena": arena}
    why = because(press.catalog, paper, closest, press.lang)
    arena = None if closest.technique else _arena(press, paper)
    return {"closest": closest.card, "because": why, "arena": arena}


def _arena(press: Press, paper: Paper) -> Start | None:
    """Where methods of its topic meet: what a paper leads to that is an assessment and no method."""
    catalog = press.catalog
    if (found := catalog.arenas_by_topic.get(catalog.topic(paper))) is None:
        return None
    name, arena = found
    title = arena.title.in_(press.lang) if arena.title else press.words.story.arena
    return Start(title, arena.command, matrix_path(name))


def _title(press: Press, paper: Paper) -> str:
    """The title as printed; Chinese readers see the Chinese one before it."""
    title = paper.title
    return f"{title.zh} · {title.en}" if press.lang == "zh" else title.en


def _relations(press: Press, links: tuple[Related, ...]) -> list[Relations]:
    kinds = {kind.id: kind for kind in press.catalog.taxonomy.relations}
    order = {id_: i for i, id_ in enumerate(kinds)}

    def key(link: Related) -> tuple[int, bool]:
        return order[link.relation.type], link.inverse

    made = []
    for (_, inverse), group in groupby(sorted(links, key=key), key=key):
        held = sorted(group, key=lambda link: (link.other.year, link.other.id))
        kind = kinds[held[0].relation.type]
        label = kind.inverse if inverse else kind.label
        made.append(Relations(press.text(label), held))
    return made


def _graph(press: Press, paper: Paper, links: tuple[Related, ...]) -> Markup | None:
    if len(links) not in GRAPH_LINKS:
        return None
    edges = [(link, _node(press, link.other)) for link in links]
    title = press.words.paper.relation_graph
    text = press.words.paper.relation_graph_text
    return charts.graph(_node(press, paper), edges, title, text)


def _node(press: Press, paper: Paper) -> charts.Node:
    catalog = press.catalog
    side, topic = catalog.side(paper), catalog.topic(paper)
    return charts.Node(paper, side, topic, press.short(paper), f"../{paper.id}/")


def _citations(catalog: Catalog, paper: Paper) -> list[Citation]:
    return [
        Citation("bibtex", "BibTeX", entry(paper, catalog)),
        Citation("apa", "APA", apa(paper, catalog)),
        Citation("gbt", "GB/T 7714", gbt7714(paper, catalog)),
    ]
