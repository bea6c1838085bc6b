"""Files beside the pages: citations and data for programs, and for the export of a selection."""

from __future__ import annotations

import json

from surveykit.catalog import Catalog
from surveykit.render.bibtex import bibliography, entry
from surveykit.render.citation import apa, gbt7714
from surveykit.render.csl import csl_json
from surveykit.render.export import catalog_json
from surveykit.render.pages import explorer
from surveykit.render.pages.page import Press
from surveykit.render.ris import record, ris


def files(press: Press) -> dict[str, str]:
    """Path below the root of one language -> text. What needs no language lies in English only."""
    made = {"papers/cite.json": _cite(press)}
    if older := explorer.older_rows(press):
        made[explorer.OLDER] = older
    return made | (_shared(press.catalog) if press.lang == "en" else {})


def _cite(press: Press) -> str:
    """Paper id -> BibTeX entry and the citation style that readers of the language use."""
    catalog, style = press.catalog, gbt7714 if press.lang == "zh" else apa
    texts = {p.id: [entry(p, catalog), style(p, catalog)] for p in catalog.papers}
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def _shared(catalog: Catalog) -> dict[str, str]:
    papers = catalog.papers
    entries = {paper.id: entry(paper, catalog) for paper in papers}
    header = bibliography((), catalog)
    made = {
        "survey.bib": bibliography(papers, catalog),
        "survey.ris": ris(papers, catalog),
        "survey.csl.json": csl_json(papers, catalog),
        "catalog.json": catalog_json(catalog),
    }
    for axis in catalog.taxonomy.axes:
        for term in axis.terms:
            if held := catalog.having(axis.id, term.id):
                chosen = (entries[paper.id] for paper in held)
                made[f"terms/{axis.id}/{term.id}.bib"] = "\n".join([header, *chosen])
    for paper in papers:
        made[f"papers/{paper.id}.bib"] = entries[paper.id]
        made[f"papers/{paper.id}.ris"] = record(paper, catalog)
    return made
