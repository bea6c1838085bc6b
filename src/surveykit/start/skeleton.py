"""The files of a new survey, those excepted that `surveykit build` writes."""

from __future__ import annotations

import json
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from surveykit.canon import format_text
from surveykit.kit import LICENSES
from surveykit.start import axes
from surveykit.start.wish import Wish

_FILES = {
    ".gitignore": "gitignore",
    ".github/dependabot.yml": "dependabot.yml",
    ".github/workflows/check.yml": "check.yml",
    ".github/workflows/links.yml": "links.yml",
    ".github/workflows/pages.yml": "pages.yml",
    "CITATION.cff": "citation.cff",
    "CONTRIBUTING.md": "contributing.en.md",
    "LICENSE-DATA": "license",
    "catalog/kit.yaml": "kit.yaml",
    "catalog/survey.yaml": "survey.yaml",
    "mkdocs.yml": "mkdocs.yml",
    "requirements.txt": "requirements.txt",
    "site/en/about.md": "about.en.md",
}
"""File -> template."""
_CHINESE = {
    "CONTRIBUTING.zh-CN.md": "contributing.zh.md",
    "site/mkdocs.zh.yml": "mkdocs.zh.yml",
    "site/zh/about.md": "about.zh.md",
}
_LEGAL = {
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/legalcode",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/legalcode",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/legalcode",
}
# The delimiters of workflows are Jinja's own, so these files have others.
_templates = Environment(
    loader=PackageLoader("surveykit.start"),
    variable_start_string="[[",
    variable_end_string="]]",
    block_start_string="[%",
    block_end_string="%]",
    undefined=StrictUndefined,
    autoescape=False,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_templates.filters["q"] = lambda text: json.dumps(text, ensure_ascii=False)


def skeleton(wish: Wish) -> dict[str, str]:
    """Path -> text."""
    two = "zh" in wish.languages
    view: dict[str, Any] = {
        "wish": wish,
        "two": two,
        "license_name": LICENSES[wish.license],
        "legal": _LEGAL[wish.license],
        "terms": axes.first_terms(wish),
        "pages": _pages(wish),
    }
    named = _FILES | (_CHINESE if two else {})
    texts = {path: _render(name, view) for path, name in named.items()}
    texts["catalog/taxonomy.yaml"] = axes.taxonomy(wish)
    texts["catalog/venues.yaml"] = wish.venues or _render("venues.yaml", view)
    if wish.examples:
        for name, year in (("example2024first", 2024), ("specimen2025second", 2025)):
            path = f"catalog/papers/{year}/{name}.yaml"
            texts[path] = format_text(_render(f"{name}.yaml", view))
    return texts


def _render(name: str, view: dict[str, Any]) -> str:
    return _templates.get_template(f"{name}.jinja").render(**view)


def _pages(wish: Wish) -> list[str]:
    """Pages of the drawer, in its order."""
    grouped = wish.groups or wish.axes == "four"
    staged = wish.axes == "four" and not wish.groups
    return [
        "index.md",
        "start.md",
        "papers/index.md",
        "terms/topic/index.md",
        *(["terms/technique/index.md"] if grouped else []),
        *(["lifecycle.md"] if staged else []),
        "new.md",
        "authors/index.md",
        "venues/index.md",
        "methodology.md",
        "about.md",
    ]
