"""A living survey as data: YAML entries in, website, README and BibTeX out.

The Python interface, with an example in docs/python.md:

- `load_catalog(root)` reads a repository into a `Catalog`, or raises `CatalogError` with every `Problem`; `check(root)` gives both.
- `select(catalog, Filter(…))` and `search(catalog, words)` find each `Paper`.
- `render_repository(catalog)` gives the generated files as `{path: text}`, `bibliography(papers, catalog)` BibTeX.
- `check_links(catalog_links(catalog, root), LinkSettings(…), history=…)` says which links still lead to what they promise.

Everything that is raised on purpose is a `SurveyError`. What is not named here may change without notice.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "1.0.0"

if TYPE_CHECKING:
    from surveykit.catalog import Catalog
    from surveykit.errors import CatalogError, Problem, SurveyError
    from surveykit.links.gather import catalog_links
    from surveykit.links.session import LinkSettings, check_links
    from surveykit.load import check, load_catalog
    from surveykit.lookup import search
    from surveykit.models import Paper
    from surveykit.query import Filter, select
    from surveykit.render.bibtex import bibliography
    from surveykit.render.repository import render_repository

_HOMES = {
    "catalog": ("Catalog",),
    "errors": ("CatalogError", "Problem", "SurveyError"),
    "links.gather": ("catalog_links",),
    "links.session": ("LinkSettings", "check_links"),
    "load": ("check", "load_catalog"),
    "lookup": ("search",),
    "models": ("Paper",),
    "query": ("Filter", "select"),
    "render.bibtex": ("bibliography",),
    "render.repository": ("render_repository",),
}
__all__ = [
    "Catalog",
    "CatalogError",
    "Filter",
    "LinkSettings",
    "Paper",
    "Problem",
    "SurveyError",
    "bibliography",
    "catalog_links",
    "check",
    "check_links",
    "load_catalog",
    "render_repository",
    "search",
    "select",
]


def __getattr__(name: str) -> object:
    """Import a name when it is asked for: `surveykit --help` needs none of them."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"surveykit.{home}"), name)
    raise AttributeError(f"module 'surveykit' has no attribute {name!r}")
