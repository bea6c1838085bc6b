"""Files beside the pages: citations and data for programs, and for the export of a selection."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.render.api import api_files
from surveykit.render.bibtex import bibliography, entry
from surveykit.render.citation import apa, gbt7714
from surveykit.render.csl import csl_json
from surveykit.render.export import catalog_json
from surveykit.render.feeds import feeds
from surveykit.render.pages import explorer, search
from surveykit.render.pages.leaderboards import leaderboard_files
from surveykit.render.pages.page import Press
from surveykit.render.ris import record


def files(press: Press) -> dict[str, str]:
    """Path below the root of one language -> text. What needs no language lies in English only."""
    catalog = press.catalog
    entries = {paper.id: entry(paper, catalog) for paper in catalog.papers}
    made = {
        "papers/cite.json": _cite(press, entries),
        search.FILE: search.search_js(press),
    }
    if older := explorer.older_rows(press):
        made[explorer.OLDER] = older
    made |= feeds(catalog, press.lang) | _redirects(press)
    return made | (_shared(catalog, entries) if press.lang == "en" else {})


def _cite(press: Press, entries: dict[str, str]) -> str:
    """Paper id -> BibTeX entry and the citation style that readers of the language use."""
    catalog, style = press.catalog, gbt7714 if press.lang == "zh" else apa
    texts = {p.id: [entries[p.id], style(p, catalog)] for p in catalog.papers}
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def _redirects(press: Press) -> dict[str, str]:
    """A page at every former address of a paper that sends its readers on."""
    return {
        f"papers/{former}/index.html": press.fragment(
            "moved.html",
            p=paper,
            address=press.address and f"{press.address}papers/{paper.id}/",
        )
        for paper in press.catalog.papers
        for former in paper.former_ids
    }


def _robots(catalog: Catalog) -> str:
    site = catalog.survey.site
    maps = "".join(
        f"Sitemap: {site}{lang}sitemap.xml\n"
        for lang in ("", "zh/")[: len(catalog.kit.languages)]
    )
    return "User-agent: *\nAllow: /\n" + (f"\n{maps}" if site else "")


def _shared(catalog: Catalog, entries: dict[str, str]) -> dict[str, str]:
    header = bibliography((), catalog)
    records = {paper.id: record(paper, catalog) for paper in catalog.papers}
    # Each item is written once; the lists of the terms put the texts together.
    items = {p.id: csl_json([p], catalog)[2:-3] for p in catalog.papers}

    def bib(papers: Iterable[Paper]) -> str:
        return "\n".join([header, *(entries[paper.id] for paper in papers)])

    def every(papers: Sequence[Paper]) -> dict[str, str]:
        return {
            ".bib": bib(papers),
            ".ris": "\n".join(records[paper.id] for paper in papers),
            ".csl.json": "[\n" + ",\n".join(items[p.id] for p in papers) + "\n]\n",
        }

    made = {
        "catalog.json": catalog_json(catalog),
        "robots.txt": _robots(catalog),
    }
    made |= {f"survey{kind}": text for kind, text in every(catalog.papers).items()}
    made |= api_files(catalog) | leaderboard_files(catalog)
    for axis in catalog.taxonomy.axes:
        for term in axis.terms:
            if held := catalog.having(axis.id, term.id):
                path = f"terms/{axis.id}/{term.id}"
                made |= {path + kind: text for kind, text in every(held).items()}
    made |= {f"papers/{id_}.bib": text for id_, text in entries.items()}
    return made | {f"papers/{id_}.ris": text for id_, text in records.items()}
