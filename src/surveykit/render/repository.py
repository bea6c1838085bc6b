"""Everything that is generated into the repository, from one catalog."""

from __future__ import annotations

from surveykit.catalog import Catalog
from surveykit.render.api.reference import api_doc
from surveykit.render.bibtex import bibliography
from surveykit.render.issue_forms import render_forms
from surveykit.render.picture import Scheme, path, render_picture
from surveykit.render.readme import PATHS, render_readme
from surveykit.render.schema import format_doc, schema_json

SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def render_repository(catalog: Catalog) -> dict[str, str]:
    """Path -> text of every generated file of the repository, the command reference excepted."""
    documents = {
        "catalog/schema.json": schema_json(catalog),
        "docs/format.md": format_doc(catalog),
        "docs/api.md": api_doc(),
        **render_forms(catalog),
    }
    texts = {"survey.bib": bibliography(catalog.papers, catalog)}
    texts |= {path: catalog.kit.told(text) for path, text in documents.items()}
    for lang in catalog.kit.languages:
        readme = PATHS[lang]
        texts[readme] = render_readme(catalog, lang)
        for scheme in SCHEMES:
            texts[path(lang, scheme)] = render_picture(catalog, lang, scheme)
    return texts
