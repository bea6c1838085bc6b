"""Files beside the pages: citations and data for programs, and for the export of a selection."""

from __future__ import annotations

import json
from collections.abc import Iterable

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.render.bibtex import bibliography, entry
from surveykit.render.citation import apa, gbt7714
from surveykit.render.csl import csl_json
from surveykit.render.export import catalog_json
from surveykit.render.pages import explorer
from surveykit.render.pages.page import Press
from surveykit.render.ris import ris


def files(press: Press) -> dict[str, str]:
    """Path below the root of one language -> text. What needs no language lies in English only."""
    catalog = press.catalog
    entries = {paper.id: entry(paper, catalog) for paper in catalog.papers}
    made = {
        "papers/cite.json": _cite(press, entries),
        explorer.FIND: explorer.find_json(press),
    }
    return made | (_shared(catalog, entries) if press.lang == "en" else {})


def _cite(press: Press, entries: dict[str, str]) -> str:
    """Paper id -> BibTeX entry and the citation style that readers of the language use."""
    catalog, style = press.catalog, gbt7714 if press.lang == "zh" else apa
    texts = {p.id: [entries[p.id], style(p, catalog)] for p in catalog.papers}
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def _shared(catalog: Catalog, entries: dict[str, str]) -> dict[str, str]:
    header = bibliography((), catalog)

    def bib(papers: Iterable[Paper]) -> str:
        return "\n".join([header, *(entries[paper.id] for paper in papers)])

    made = {
        "survey.bib": bib(catalog.papers),
        "survey.ris": ris(catalog.papers, catalog),
        "survey.csl.json": csl_json(catalog.papers, catalog),
        "catalog.json": catalog_json(catalog),
    }
    for axis in catalog.taxonomy.axes:
        for term in axis.terms:
            if held := catalog.having(axis.id, term.id):
                made[f"terms/{axis.id}/{term.id}.bib"] = bib(held)
    return made | {f"papers/{id_}.bib": text for id_, text in entries.items()}
