"""The website as data: a catalog in, pages and files out; which generator shows them is not known here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace

from surveykit.catalog import Catalog
from surveykit.kit import Lang
from surveykit.render.pages import files, lifecycle
from surveykit.render.pages.authors import author_pages
from surveykit.render.pages.documents import document_pages, document_pictures
from surveykit.render.pages.explorer import explorer_page
from surveykit.render.pages.health import health_page
from surveykit.render.pages.home import home_page
from surveykit.render.pages.leaderboards import leaderboards_page
from surveykit.render.pages.lifecycle import lifecycle_page
from surveykit.render.pages.lists import venue_pages, year_pages
from surveykit.render.pages.matrix import arena_pages, matrix_page
from surveykit.render.pages.methods import method_pages
from surveykit.render.pages.news import news_page
from surveykit.render.pages.page import Page, Press, as_markdown
from surveykit.render.pages.paper import paper_pages
from surveykit.render.pages.reading import reading_pages
from surveykit.render.pages.terms import axis_title, taxonomy_pages
from surveykit.render.readme import own_citation
from surveykit.vocabulary import Axis, Survey
from surveykit.words import TAG, words

__all__ = [
    "Lang",
    "Page",
    "as_markdown",
    "document_pictures",
    "interface",
    "render_files",
    "render_pages",
]


@dataclass(frozen=True)
class Interface:
    """Words and facts that frame every page."""

    lang: Lang
    w: SimpleNamespace
    survey: Survey
    updated: date
    citation: str
    """The survey itself, as BibTeX."""
    axes: Mapping[str, Axis]
    catalog: Catalog
    documented: bool
    """Whether there is a documentation."""

    @property
    def other(self) -> SimpleNamespace:
        """Words of the other language: the server shows one error page for both."""
        return words("en" if self.lang == "zh" else "zh", self.catalog)

    @property
    def twin(self) -> bool:
        """Whether each page has a twin in the other language."""
        return len(self.catalog.kit.languages) > 1

    @property
    def tabs(self) -> list[tuple[str, str]]:
        """Address and name of the pages that most readers look for, in short words."""
        w = self.w
        axes = dict.fromkeys((self.catalog.topic_axis.id, self.catalog.group_axis.id))
        return [
            ("start/", w.nav.start),
            ("papers/", w.nav.papers),
            *((f"terms/{a}/", axis_title(self.catalog, a, w, self.lang)) for a in axes),
            *([("methods/", w.nav.methods)] if self.catalog.cards else []),
            *([("leaderboards/", w.boards.title)] if self.catalog.arenas else []),
            ("new/", w.news.title),
            ("about/", w.nav.about),
        ]

    @property
    def kinds(self) -> dict[str, str]:
        """What a hit of the search may be, and how that is called."""
        w = self.w
        own = {
            "method": w.search.method,
            "venue": w.search.venue,
            "author": w.search.author,
            "page": w.search.page,
        }
        return own | {a: axis.label.in_(self.lang) for a, axis in self.axes.items()}

    @property
    def other_tag(self) -> str:
        """Language tag of the twin page."""
        return TAG["en" if self.lang == "zh" else "zh"]


def render_pages(catalog: Catalog, lang: Lang) -> Iterator[Page]:
    """Every generated page of one language; the Chinese ones are made to lie below `zh/`."""
    press = Press(catalog, lang)
    yield home_page(press)
    yield explorer_page(press)
    yield news_page(press)
    yield health_page(press)
    yield from reading_pages(press)
    if lifecycle.told(catalog):
        yield lifecycle_page(press)
    if catalog.duels:
        yield matrix_page(press)
        yield from arena_pages(press)
        yield leaderboards_page(press)
    if catalog.cards or catalog.duels:
        yield from method_pages(press)
    yield from taxonomy_pages(press)
    yield from year_pages(press)
    yield from venue_pages(press)
    yield from author_pages(press)
    yield from document_pages(press)
    yield from paper_pages(press)


def render_files(catalog: Catalog, lang: Lang) -> dict[str, str]:
    """Files beside the pages of one language: path below its root -> text."""
    return files.files(Press(catalog, lang))


def interface(catalog: Catalog, lang: Lang) -> Interface:
    """What header, footer and error page need, whichever generator draws them."""
    return Interface(
        lang,
        words(lang, catalog),
        catalog.survey,
        catalog.updated,
        own_citation(catalog),
        catalog.axes,
        catalog,
        bool(catalog.documents),
    )
