"""The import rules of docs/design.md, as a table that fails."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "surveykit"

# module -> what it may import from surveykit. Anything not named here is forbidden.
MAY_IMPORT = {
    "errors": set(),
    "net": {"net"},
    "models": {"net"},
    "measured": {"models"},
    "catalog": {"errors", "measured", "models"},
    "files": set(),
    "yaml_cut": set(),
    "yaml_tree": {"errors", "files", "yaml_cut"},
    "comments": {"errors", "yaml_tree"},
    "canon": {"comments", "errors", "models", "yaml_tree"},
    "record": {"models"},
    "identifier": {"errors", "models", "net"},
    "text": {"models", "text"},
    "venue_words": {"text"},
    "venue_names": {"models", "venue_words"},
    "rules": {
        "catalog",
        "errors",
        "identifier",
        "measured",
        "models",
        "rules",
        "text",
        "venue_names",
    },
    "suggest": {"catalog", "models", "text"},
    "draft": {
        "canon",
        "catalog",
        "errors",
        "models",
        "record",
        "rules",
        "suggest",
        "text",
        "venue_names",
    },
    "duplicates": {"catalog", "models", "record", "text"},
    "references": {"errors", "identifier", "models", "record", "references", "text"},
    "sources": {
        "duplicates",
        "errors",
        "files",
        "identifier",
        "net",
        "record",
        "references",
        "sources",
        "text",
    },
    "adding": {
        "catalog",
        "draft",
        "duplicates",
        "errors",
        "identifier",
        "models",
        "record",
        "sources",
    },
    "addresses": {"identifier", "models", "net"},
    "forms": {"models"},
    "query": {"catalog", "models", "text"},
    "answers": {
        "addresses",
        "catalog",
        "errors",
        "forms",
        "identifier",
        "models",
        "query",
        "text",
        "venue_names",
        "yaml_tree",
    },
    "changes": {"errors", "files", "yaml_tree"},
    "edit": {"canon", "comments", "models", "yaml_tree"},
    "fields": {"errors", "models", "rules", "yaml_tree"},
    "imports": {
        "catalog",
        "draft",
        "duplicates",
        "errors",
        "identifier",
        "imports",
        "models",
        "record",
        "references",
        "rules",
        "text",
        "venue_names",
    },
    "issue": {
        "addresses",
        "answers",
        "canon",
        "catalog",
        "edit",
        "errors",
        "fields",
        "forms",
        "models",
        "text",
        "yaml_tree",
    },
    "json_tree": {"yaml_tree"},
    "outputs": {"errors", "files"},
    "links": {
        "catalog",
        "errors",
        "fields",
        "files",
        "links",
        "models",
        "net",
        "outputs",
        "yaml_tree",
    },
    "load": {
        "catalog",
        "errors",
        "fields",
        "files",
        "json_tree",
        "links",
        "measured",
        "models",
        "rules",
        "yaml_tree",
    },
    "render": {
        "addresses",
        "catalog",
        "errors",
        "forms",
        "identifier",
        "measured",
        "models",
        "render",
        "rules",
        "text",
    },
    "mkdocs_plugin": {"catalog", "errors", "files", "load", "render"},
    "report": {"errors", "rules", "text"},
    "weighing": {"duplicates", "models", "record", "text", "venue_names"},
    "verifying": {
        "catalog",
        "errors",
        "models",
        "record",
        "sources",
        "venue_names",
        "weighing",
    },
}
# third-party package -> the only modules that may import it
OWNERS = {
    "yaml": {"yaml_tree", "comments", "render"},
    "jinja2": {"render"},
    "PIL": {"render"},
    "rapidfuzz": {"rules", "load", "duplicates", "imports", "venue_names", "weighing"},
    "bibtexparser": set(),  # the tests' second reader
    "charset_normalizer": {"imports", "sources"},
    "markdown_it": {"imports"},
    "selectolax": {"imports", "net", "sources"},
    "pylatexenc": {"text"},
    "mkdocs": {"mkdocs_plugin"},
    "click": {"cli"},
    "defusedxml": {"sources"},
    "httpx": {"links", "net", "sources"},
    "httpx_aiohttp": {"net"},
    "aiohttp": {"links", "net"},
    "torch": set(),
    "reference_impls": set(),
}
FREE = {"cli", "__init__", "__main__"}


def imports(path: Path) -> set[str]:
    """Dotted names a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: use absolute imports"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize(
    "path", sorted(SRC.rglob("*.py")), ids=lambda p: p.relative_to(SRC).as_posix()
)
def test_imports_follow_the_table(path):
    module = path.relative_to(SRC).parts[0].removesuffix(".py")
    for name in imports(path):
        package, *rest = name.split(".")
        if package == "surveykit" and module not in FREE:
            assert rest, f"{module} must not import the whole package"
            assert rest[0] in MAY_IMPORT[module], f"{module} must not import {name}"
        if package in OWNERS and module not in FREE - {"cli"}:
            allowed = OWNERS[package] | ({"cli"} if package == "click" else set())
            assert module in allowed, f"{module} must not import {package}"
