"""`/api/v1/`: the catalog as static JSON for other programs, with its OpenAPI description.

Fields are added, never removed or given another type: `tests/site/api_shape.json` holds what was promised.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.render.api import shape
from surveykit.render.api.openapi import openapi
from surveykit.render.table import csv_table
from surveykit.vocabulary import Term

ROOT = "api/v1/"
"""Where the files lie, below the root of the site."""


def generated_at(catalog: Catalog) -> str:
    """The day of the newest entry, not the clock: the same catalog gives the same bytes."""
    return f"{catalog.updated.isoformat()}T00:00:00Z"


def api_files(catalog: Catalog) -> dict[str, str]:
    """Path below the root of the site -> text."""
    briefs = {paper.id: _brief(catalog, paper) for paper in catalog.papers}
    documents = {
        "index.json": _index(catalog),
        "papers.json": {"count": len(briefs), "papers": list(briefs.values())},
        "taxonomy.json": _taxonomy(catalog),
        "methods.json": _methods(catalog),
        "relations.json": {"relations": _relations(catalog, catalog.papers)},
    }
    for paper in catalog.papers:
        documents[f"papers/{paper.id}.json"] = {"paper": _full(catalog, paper)}
    for (axis, term_id), term in catalog.terms.items():
        held = [briefs[paper.id] for paper in catalog.having(axis, term_id)]
        told = {"axis": axis, "term": _term(catalog, axis, term), "papers": held}
        documents[f"terms/{axis}/{term_id}.json"] = told
    head = _head(catalog)
    made = {path: _text(head | told) for path, told in documents.items()}
    made["openapi.json"] = _text(openapi(catalog, ROOT))
    made["papers.csv"] = csv_table(catalog)
    return {ROOT + path: text for path, text in made.items()}


def _head(catalog: Catalog) -> dict[str, Any]:
    return {
        "schema_version": shape.SCHEMA_VERSION,
        "generated_at": generated_at(catalog),
        "license": catalog.kit.license,
    }


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _plain(model: Any) -> dict[str, Any]:
    told: dict[str, Any] = model.model_dump(mode="json", exclude_none=True)
    return told


def _index(catalog: Catalog) -> dict[str, Any]:
    base = catalog.survey.site + ROOT
    names = ("papers", "taxonomy", "methods", "relations", "openapi")
    links = {name: f"{base}{name}.json" for name in names}
    return {
        "title": _plain(catalog.survey.title),
        "site": catalog.survey.site,
        "repository": catalog.survey.repository,
        "papers": len(catalog.papers),
        "links": links
        | {
            "csv": f"{base}papers.csv",
            "bibtex": f"{catalog.survey.site}survey.bib",
            "feed": f"{catalog.survey.site}feeds/all.atom",
        },
    }


def _brief(catalog: Catalog, paper: Paper) -> dict[str, Any]:
    """A paper in a list."""
    venue = catalog.venue(paper)
    told = {
        "id": paper.id,
        "title": _plain(paper.title),
        "aka": list(paper.aka),
        "authors": [author.name for author in paper.authors],
        "year": paper.year,
        "month": paper.month,
        "venue": {"id": venue.id, "name": venue.name, "kind": venue.kind},
        "side": catalog.side_name(paper),
        "terms": {axis: list(terms) for axis, terms in paper.terms.items()},
        "summary": {"en": paper.tldr.en, "zh": paper.tldr.zh} if paper.tldr else None,
        "identifiers": _plain(paper.identifiers),
        "links": _plain(paper.links),
        "methods": list(paper.implementations),
        "added": paper.added.isoformat(),
        "url": f"{catalog.survey.site}{ROOT}papers/{paper.id}.json",
        "page": _pages(catalog, f"papers/{paper.id}/"),
    }
    return {key: value for key, value in told.items() if value is not None}


def _full(catalog: Catalog, paper: Paper) -> dict[str, Any]:
    """A paper by itself: all of its entry, and what the catalog derives from it."""
    site = catalog.survey.site
    venue = _plain(catalog.venue(paper))
    derived = {
        "side": catalog.side_name(paper),
        "venue": venue,
        "relations": _relations(catalog, [paper]),
        "related_by": _relations(
            catalog,
            [link.other for link in catalog.links(paper) if link.inverse],
            paper,
        ),
        "citations": {
            "bibtex": f"{site}papers/{paper.id}.bib",
            "ris": f"{site}papers/{paper.id}.ris",
        },
        "url": f"{site}{ROOT}papers/{paper.id}.json",
        "page": _pages(catalog, f"papers/{paper.id}/"),
        "entry": catalog.paths.get(paper.id),
    }
    return _plain(paper) | {k: v for k, v in derived.items() if v is not None}


def _relations(
    catalog: Catalog, papers: Iterable[Paper], to: Paper | None = None
) -> list[dict[str, Any]]:
    """Typed relations of some papers; with `to`, those that lead to one paper."""
    sources = {paper.id: paper for paper in papers}
    return [
        {"from": paper.id, **_plain(relation)}
        for paper in sources.values()
        for relation in paper.relations
        if to is None or relation.to == to.id
    ]


def _pages(catalog: Catalog, path: str) -> dict[str, str]:
    site = catalog.survey.site
    start = {"en": site, "zh": f"{site}zh/"}
    return {lang: start[lang] + path for lang in catalog.kit.languages}


def _taxonomy(catalog: Catalog) -> dict[str, Any]:
    axes = []
    for axis in catalog.taxonomy.axes:
        told = _plain(axis)
        told["terms"] = [_term(catalog, axis.id, term) for term in axis.terms]
        axes.append(told)
    kinds = [_plain(kind) for kind in catalog.taxonomy.relations]
    return {"axes": axes, "relation_types": kinds}


def _term(catalog: Catalog, axis: str, term: Term) -> dict[str, Any]:
    path = f"terms/{axis}/{term.id}"
    return _plain(term) | {
        "papers_count": len(catalog.having(axis, term.id)),
        "url": f"{catalog.survey.site}{ROOT}{path}.json",
        "page": _pages(catalog, f"{path}/"),
    }


def _methods(catalog: Catalog) -> dict[str, Any]:
    methods = []
    for card in catalog.cards.values():
        results = catalog.results.get(card.id)
        told = _plain(card) | {"page": _pages(catalog, f"methods/{card.id}/")}
        methods.append(told | ({"results": _plain(results)} if results else {}))
    held = {name: _plain(arena) for name, arena in catalog.arenas.items()}
    first = {"arena": held.pop("")} if "" in held else {}
    return {"methods": methods, **first, **({"arenas": held} if held else {})}
