"""The import rules of docs/design.md, as a table that fails."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "surveykit"

# module -> what it may import from surveykit. Anything not named here is forbidden.
MAY_IMPORT = {
    "errors": set(),
    "hosts": set(),
    "models": {"errors", "hosts"},
    "measured": {"models"},
    "catalog": {"errors", "models", "measured"},
    "files": set(),
    "yaml_cut": set(),
    "yaml_tree": {"errors", "files", "yaml_cut"},
    "json_tree": {"yaml_tree"},
    "rules": {
        "catalog",
        "errors",
        "identifier",
        "measured",
        "models",
        "retraction",
        "rules",
        "text",
        "venue_names",
    },
    "record": {"models"},
    "text": {"models"},
    "plain": {
        "record",
        "text",
    },
    "names": {"models", "plain"},
    "comments": {"yaml_tree"},
    "canon": {"comments", "models", "yaml_tree"},
    "duplicates": {
        "catalog",
        "models",
        "record",
        "rules",
        "text",
    },
    "retraction": set(),
    "venue_words": {
        "query",
        "text",
    },
    "venue_names": {"models", "query", "venue_words"},
    "suggest": {
        "catalog",
        "models",
        "query",
        "text",
    },
    "draft": {
        "canon",
        "catalog",
        "models",
        "query",
        "record",
        "rules",
        "suggest",
        "text",
        "venue_names",
    },
    "identifier": {"errors", "hosts", "models"},
    "sources": {
        "duplicates",
        "errors",
        "files",
        "identifier",
        "imports",
        "links",
        "models",
        "names",
        "plain",
        "query",
        "record",
        "retraction",
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
    "weighing": {
        "duplicates",
        "models",
        "record",
        "rules",
        "text",
        "venue_names",
    },
    "verifying": {
        "catalog",
        "errors",
        "models",
        "record",
        "sources",
        "venue_names",
        "weighing",
    },
    "edit": {"canon", "comments", "models", "yaml_tree"},
    # render: text that is safe in Markdown; report: text that is safe in a terminal
    "imports": {
        "canon",
        "catalog",
        "draft",
        "duplicates",
        "errors",
        "identifier",
        "imports",
        "models",
        "names",
        "plain",
        "record",
        "render",
        "report",
        "retraction",
        "rules",
        "text",
        "venue_names",
    },
    "fields": {"models", "rules", "yaml_tree"},
    "load": {
        "errors",
        "models",
        "measured",
        "catalog",
        "fields",
        "files",
        "links",
        "yaml_tree",
        "json_tree",
        "rules",
    },
    "report": {"errors", "rules"},
    # rules: the documentation of the format lists them; report: text of a reviewed file on one line
    "render": {
        "addresses",
        "catalog",
        "errors",
        "forms",
        "identifier",
        "measured",
        "models",
        "render",
        "report",
        "rules",
    },
    "forms": {"models"},
    "addresses": {"hosts", "identifier", "models"},
    "answers": {
        "addresses",
        "catalog",
        "errors",
        "forms",
        "identifier",
        "models",
        "names",
        "query",
        "text",
        "venue_names",
        "yaml_tree",
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
    "changes": {"errors", "files", "yaml_tree"},
    "outputs": {"errors", "files"},
    "query": {
        "catalog",
        "models",
        "text",
    },
    "links": {
        "catalog",
        "errors",
        "fields",
        "files",
        "hosts",
        "links",
        "models",
        "outputs",
        "yaml_tree",
    },
    "mkdocs_plugin": {"errors", "catalog", "files", "load", "render"},
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
    "selectolax": {"imports", "links", "sources"},
    "pylatexenc": {"plain"},
    "mkdocs": {"mkdocs_plugin"},
    "click": {"cli"},
    "defusedxml": {"sources"},
    "httpx": {"links", "sources"},
    "httpx_aiohttp": {"links"},
    "aiohttp": {"links"},
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
