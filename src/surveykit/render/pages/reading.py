"""Pages to read: where to start, paths, milestones, data, open problems, glossary, methodology."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.render.pages import counts
from surveykit.render.pages.page import Page, Press
from surveykit.render.pages.terms import unanswered
from surveykit.render.pages.written import (
    all_cited,
    author_year,
    of_kind,
    taken_up,
    written,
)
from surveykit.vocabulary import Term

PAGES = ("start", "paths", "milestones", "open", "datasets", "glossary", "methodology")
"""The pages in the order in which their navigation shows them; each has a word of its name."""


def pages(catalog: Catalog) -> tuple[str, ...]:
    """Those of which this survey has something to show."""
    kinds = {t.head.kind for both in catalog.texts.values() for t in both.values()}
    shown = {
        "paths": "path" in kinds,
        "milestones": any(paper.relations for paper in catalog.papers),
        "open": catalog.duels or "open" in catalog.texts,
        "datasets": bool(catalog.results) or "datasets" in catalog.texts,
        "glossary": bool(catalog.glossary),
    }
    return tuple(name for name in PAGES if shown.get(name, True))


SCRIPT = "reading.js"
ROOT = "../"
TAKEN_UP = 3
"""Relations of later papers that make a paper a milestone."""
A_YEAR = 4
"""Most papers of a year that relations alone make milestones."""


@dataclass(frozen=True)
class Mention:
    """A text that names a milestone."""

    title: str
    href: str
    """Address below the root of the language."""


@dataclass(frozen=True)
class Milestone:
    """A paper that changed what came after it, and why it is called so."""

    paper: Paper
    answers: int
    """Papers of the catalog that answer it or build on it, by their relations."""
    texts: tuple[Mention, ...]


def reading_pages(press: Press) -> Iterator[Page]:
    """The pages to read, whether or not their texts are written."""
    for page in _all_pages(press):
        if page.uri.removesuffix(".md") in pages(press.catalog):
            yield page


def _all_pages(press: Press) -> Iterator[Page]:
    catalog = press.catalog
    paths = of_kind(press, "path", ROOT)
    start = next(iter(of_kind(press, "start", ROOT)), None)
    yield _page(
        press,
        "start",
        text=start,
        paths=paths,
        topics=counts.leaves(catalog, catalog.topic_axis.id),
    )
    yield _page(
        press,
        "paths",
        part="reading_paths.html",
        paths=paths,
        cited=all_cited(paths),
    )
    yield _page(
        press,
        "milestones",
        part="reading_milestones.html",
        years=milestones(press),
    )
    yield _page(press, "open", part="reading_open.html", **_open(press))
    yield _page(press, "datasets", part="reading_datasets.html", **_datasets(catalog))
    yield _page(press, "glossary", part="reading_glossary.html", **_glossary(press))
    yield _page(
        press,
        "methodology",
        part="reading_methodology.html",
        numbers=numbers(catalog),
        sources=_sources(catalog),
        out=stay_out(catalog, press.lang),
    )


def _page(press: Press, name: str, *, text: Any = None, **view: Any) -> Page:
    text = text or written(press, name, ROOT)
    title = text.head.title if text else getattr(press.words.read, name)
    lead = text.head.lead if text else getattr(press.words.read, f"{name}_lead")
    more = [(s.text, f"#{s.anchor}") for s in (text.sections if text else ())]
    cited = {p.id: p for p in (*(text.cited if text else ()), *view.pop("cited", ()))}
    return press.page(
        f"{name}.md",
        "reading.html",
        title=title,
        description=lead,
        lead=lead,
        source=text.source if text else None,
        script=SCRIPT,
        pages=pages(press.catalog),
        here=name,
        text=text,
        contents=more,
        cited=list(cited.values()),
        **({"part": "", "paths": [], "topics": []} | view),
    )


def milestones(press: Press) -> list[tuple[int, list[Milestone]]]:
    """Year -> papers that a text calls a milestone, or that later papers take up most; oldest first."""
    catalog = press.catalog
    named: dict[str, list[Mention]] = defaultdict(list)
    for both in catalog.texts.values():
        if text := both.get(press.lang):
            axis = catalog.axis_of(text.head.kind)
            place = {"start": "start/", "path": f"paths/#{text.id}"}.get(
                text.head.kind, f"{text.id}/"
            )
            href = f"terms/{axis}/{text.head.of}/#{text.id}-h" if axis else place
            for id_ in text.head.milestones:
                named[id_].append(Mention(text.head.title, href))
    years: dict[int, list[Milestone]] = defaultdict(list)
    for year, papers in sorted(catalog.years.items()):
        taken = {p.id: taken_up(catalog, p) for p in papers}
        most = sorted(papers, key=lambda p: (-taken[p.id], p.id))
        most = [p for p in most if taken[p.id] >= TAKEN_UP][:A_YEAR]
        chosen = {p.id: p for p in (*(p for p in papers if p.id in named), *most)}
        for paper in sorted(chosen.values(), key=lambda p: (-taken[p.id], p.id)):
            mark = Milestone(paper, taken[paper.id], tuple(named[paper.id]))
            years[year].append(mark)
    return list(years.items())


def _open(press: Press) -> dict[str, Any]:
    catalog = press.catalog
    topics = [t.id for t in counts.leaves(catalog, catalog.topic_axis.id)]
    tables = [
        (press.text(catalog.axes[axis].label), counts.gaps(catalog, topics, axis))
        for axis in ("stage", "modality")
        if axis in catalog.axes
    ]
    techniques: list[tuple[Term, int, int]] = []
    for term in counts.leaves(catalog, catalog.group_axis.id):
        papers = catalog.having(catalog.group_axis.id, term.id)
        attacks = counts.sides(catalog, papers)["above"]
        if attacks:
            techniques.append((term, len(unanswered(press, papers)), attacks))
    techniques.sort(key=lambda row: (-row[1], row[0].id))
    return {"tables": tables, "techniques": [row for row in techniques if row[1]]}


def _datasets(catalog: Catalog) -> dict[str, Any]:
    measured = [(catalog.cards[id_], r) for id_, r in catalog.results.items()]
    modalities = [
        (term, len(catalog.having("modality", term.id)))
        for term in (
            catalog.axes["modality"].terms if "modality" in catalog.axes else ()
        )
    ]
    return {"measured": measured, "modalities": modalities}


def _glossary(press: Press) -> dict[str, Any]:
    words = press.catalog.glossary

    def key(word: Any) -> Any:  # the first level of GB 2312 is ordered by pronunciation
        term = press.text(word.term)
        return (
            term.encode("gb18030", "replace") if press.lang == "zh" else term.casefold()
        )

    known = press.catalog.by_id
    cited = [known[id_] for word in words for id_ in word.papers]
    return {
        "glossary": sorted(words, key=key),
        "words": {word.id: word for word in words},
        "cite": author_year,
        "cited": cited,
    }


def numbers(catalog: Catalog) -> list[tuple[str, int]]:
    """What the methodology counts, each with the name of its word."""
    papers = catalog.papers
    relations = [r for p in papers for r in p.relations]
    return [
        ("papers", len(papers)),
        ("verified", sum(p.verified is not None for p in papers)),
        ("doubt", sum(bool(p.verified and p.verified.doubt) for p in papers)),
        ("abstract", sum(bool(p.tldr and p.tldr.basis == "abstract") for p in papers)),
        ("whole", sum(bool(p.tldr and p.tldr.basis == "paper") for p in papers)),
        ("silent", sum(p.tldr is None for p in papers)),
        ("relations", len(relations)),
        ("by_title", sum(r.basis == "title" for r in relations)),
        ("corrected", sum(bool(p.corrections) for p in papers)),
        ("code", sum(bool(p.links.code) for p in papers)),
        ("methods", len(catalog.cards)),
        ("measured", len(catalog.results)),
    ]


def stay_out(catalog: Catalog, lang: str) -> list[tuple[str, int]]:
    """Why papers stay out -> how many, the most frequent first; those without a word for the reason last."""
    found = Counter(one.kind for one in catalog.declined)
    labels = catalog.survey.declined_kinds
    named = [(k, labels[k].in_(lang) if k in labels else k) for k in found if k]
    rows = sorted(
        ((found[k], label) for k, label in named), key=lambda r: (-r[0], r[1])
    )
    rest = [("", found[None])] if found[None] else []
    return [*((label, count) for count, label in rows), *rest]


_SOURCES = {
    "arxiv": "arXiv",
    "doi": "DOI",
    "dblp": "DBLP",
    "openreview": "OpenReview",
    "aclanthology": "ACL Anthology",
    "acl": "ACL Anthology",
    "usenix": "USENIX",
    "thecvf": "CVF Open Access",
    "proceedings.mlr": "PMLR",
    "pmlr": "PMLR",
    "github": "GitHub",
}


def _sources(catalog: Catalog) -> list[tuple[str, int]]:
    """Kind of source -> entries that were compared with one, the most frequent first; `other` last."""
    found: Counter[str] = Counter()
    for paper in catalog.papers:
        by = paper.verified.by if paper.verified else ()
        found.update({_kind(source) for source in by})
    return sorted(found.items(), key=lambda item: (item[0] == "other", -item[1]))


def _kind(source: str) -> str:
    low = source.casefold()
    return next((name for sign, name in _SOURCES.items() if sign in low), "other")
