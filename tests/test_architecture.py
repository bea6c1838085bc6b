"""The import rules of docs/design.md, as a table that fails."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "surveykit"

# module -> what it may import from surveykit. Anything not named here is forbidden.
MAY_IMPORT = {
    "errors": set(),
    "clock": set(),
    "net": {"net"},
    "scalars": {"net"},
    "models": {"scalars"},
    "measured": {"models", "scalars"},
    "vocabulary": {"models", "scalars"},
    "texts": {"models", "scalars"},
    "kit": {"models"},
    "words": {"catalog", "kit", "models"},
    "shipped": set(),
    "prose": {"text"},
    "documents": {"text"},
    "health": {"models", "scalars"},
    "coverage": {"models", "scalars"},
    "catalog": {
        "coverage",
        "documents",
        "errors",
        "health",
        "kit",
        "measured",
        "models",
        "texts",
        "vocabulary",
    },
    "deployment": {"errors", "vocabulary"},
    "files": set(),
    "yaml_cut": set(),
    "yaml_tree": {"errors", "files", "yaml_cut"},
    "comments": {"errors", "yaml_tree"},
    "canon": {"comments", "errors", "models", "yaml_tree"},
    "record": {"models", "scalars"},
    "identifier": {"errors", "net", "scalars"},
    "text": {"models", "scalars", "text"},
    "venue_words": {"text"},
    "venue_names": {"venue_words", "vocabulary"},
    "rules": {
        "catalog",
        "clock",
        "errors",
        "identifier",
        "measured",
        "models",
        "net",
        "prose",
        "rules",
        "scalars",
        "text",
        "texts",
        "venue_names",
        "vocabulary",
    },
    "suggest": {"catalog", "models", "text", "vocabulary"},
    "draft": {
        "addresses",
        "canon",
        "catalog",
        "errors",
        "models",
        "record",
        "rules",
        "scalars",
        "suggest",
        "text",
        "venue_names",
    },
    "duplicates": {"catalog", "models", "record", "text"},
    "references": {"errors", "identifier", "record", "references", "scalars", "text"},
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
    "declining": {"canon", "models", "vocabulary", "yaml_tree"},
    "discover": {
        "addresses",
        "catalog",
        "discover",
        "errors",
        "identifier",
        "imports",
        "models",
        "record",
        "sources",
        "text",
        "vocabulary",
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
    "addresses": {"identifier", "net", "scalars"},
    "forms": {"models", "vocabulary"},
    "lookup": {"addresses", "catalog", "identifier", "models", "text"},
    "news": {"catalog", "models", "vocabulary"},
    "quality": {"catalog", "models", "prose"},
    "query": {"catalog", "models", "text", "vocabulary"},
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
    "fields": {"errors", "scalars", "text", "yaml_tree"},
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
        "scalars",
        "text",
        "yaml_tree",
    },
    "json_tree": {"yaml_tree"},
    "outputs": {"errors", "files"},
    "memory": {"clock", "errors", "files", "outputs"},
    "links": {
        "catalog",
        "errors",
        "fields",
        "files",
        "links",
        "models",
        "net",
        "outputs",
        "scalars",
        "yaml_tree",
    },
    "intake": {"errors", "fields", "files", "json_tree", "rules", "yaml_tree"},
    "load_documents": {"documents", "files", "intake"},
    "load_texts": {"errors", "fields", "intake", "scalars", "texts", "yaml_tree"},
    "load": {
        "catalog",
        "coverage",
        "errors",
        "files",
        "health",
        "intake",
        "kit",
        "links",
        "load_documents",
        "load_texts",
        "measured",
        "models",
        "rules",
        "scalars",
        "vocabulary",
        "words",
        "yaml_tree",
    },
    "render": {
        "addresses",
        "catalog",
        "coverage",
        "deployment",
        "documents",
        "errors",
        "forms",
        "health",
        "identifier",
        "kit",
        "measured",
        "models",
        "news",
        "prose",
        "render",
        "rules",
        "scalars",
        "text",
        "texts",
        "vocabulary",
        "words",
    },
    "mkdocs_plugin": {
        "catalog",
        "deployment",
        "errors",
        "files",
        "kit",
        "load",
        "render",
        "shipped",
    },
    "start": {
        "canon",
        "catalog",
        "draft",
        "errors",
        "files",
        "imports",
        "kit",
        "load",
        "outputs",
        "record",
        "references",
        "scalars",
        "start",
        "text",
        "vocabulary",
    },
    "listing": {"errors", "text"},
    "report": {"errors", "listing", "rules", "text"},
    "weighing": {"duplicates", "models", "record", "text", "venue_names"},
    "verifying": {
        "catalog",
        "errors",
        "models",
        "record",
        "sources",
        "text",
        "venue_names",
        "weighing",
    },
    "published": {
        "addresses",
        "catalog",
        "models",
        "record",
        "sources",
        "text",
        "venue_names",
        "weighing",
    },
    "comparing": {"catalog", "duplicates", "record", "vocabulary"},
    "checkup": {
        "catalog",
        "health",
        "identifier",
        "links",
        "models",
        "published",
        "text",
        "venue_names",
        "verifying",
    },
}
# third-party package -> the only modules that may import it
OWNERS = {
    "yaml": {"yaml_tree", "comments", "render", "words"},
    "jinja2": {"render", "start"},
    "PIL": {"render"},
    "rapidfuzz": {"rules", "duplicates", "imports", "text", "venue_names", "weighing"},
    "bibtexparser": set(),  # the tests' second reader
    "charset_normalizer": {"imports", "sources"},
    "markdown_it": {"documents", "imports", "prose", "text"},
    "selectolax": {"imports", "net", "sources"},
    "pylatexenc": {"text"},
    "mkdocs": {"mkdocs_plugin"},
    "click": {"cli"},
    "defusedxml": {"sources"},
    "httpx": {"links", "net", "sources"},
    "httpx_aiohttp": {"net"},
    "numpy": {"discover"},
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


def test_the_table_allows_nothing_that_nobody_does():
    used: dict[str, set[str]] = {module: set() for module in MAY_IMPORT}
    owners: dict[str, set[str]] = {package: set() for package in OWNERS}
    for path in SRC.rglob("*.py"):
        module = path.relative_to(SRC).parts[0].removesuffix(".py")
        for package, *rest in (name.split(".") for name in imports(path)):
            if package == "surveykit" and module in used:
                used[module].add(rest[0])
            if package in owners and module not in FREE:
                owners[package].add(module)
    assert used == MAY_IMPORT
    assert owners | {"click": {"cli"}} == OWNERS


ROOT = SRC.parents[1]
MODULES = {
    ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(
        ".__init__"
    ): path
    for base, package in ((ROOT / "src", SRC), (ROOT, ROOT / "reference_impls"))
    for path in sorted(package.rglob("*.py"))
}
MOST_IN_FUNCTIONS = 15
MOST_LINES = 350
SCHEMA = "surveykit.render.api.shape"
"""Its names are those of the API's schemas, beside the models that they are made from."""
LOADER = "surveykit.cli.lazy"
"""Imports commands by name, when they are asked for."""


def led_to(node: ast.AST) -> Iterator[str]:
    """Modules of ours that an import statement names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in MODULES)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            yield from [one for one in (whole, node.module) if one in MODULES][:1]


def cycles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Sets of modules that reach each other."""

    def reached(start: str) -> set[str]:
        found, waiting = set(), [start]
        while waiting:
            new = graph[waiting.pop()] - found
            found |= new
            waiting += new
        return found

    reach = {name: reached(name) for name in graph}
    loops = {name: {o for o in reach[name] if name in reach[o]} for name in graph}
    return [set(loop) for loop in {frozenset(loop) for loop in loops.values()} if loop]


def test_no_modules_import_each_other_not_even_in_functions_or_for_types_alone():
    graph = {
        name: {
            other
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for other in led_to(node)
            if other != name
        }
        for name, path in MODULES.items()
    }
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [{"b", "c"}]
    assert cycles(graph) == []


def test_few_imports_hide_in_functions():
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    hidden = {
        f"{name}:{inner.lineno}"
        for name, path in MODULES.items()
        if name != LOADER
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, functions)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    }
    assert len(hidden) <= MOST_IN_FUNCTIONS, sorted(hidden)


@pytest.mark.parametrize(
    "name", [name for name in MODULES if name.startswith("surveykit")]
)
def test_no_module_is_too_long(name):
    text = MODULES[name].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES


def test_no_class_or_type_has_the_name_of_another():
    homes: dict[str, list[str]] = {}
    for module, path in MODULES.items():
        if not module.startswith("surveykit") or module == SCHEMA:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [node.name] if isinstance(node, ast.ClassDef) else []
            if isinstance(node, ast.Assign):
                names = [n.id for n in node.targets if isinstance(n, ast.Name)]
            for name in names:
                if re.fullmatch("[A-Z][A-Za-z]*[a-z]", name):
                    homes.setdefault(name, []).append(module)
    assert {name: many for name, many in homes.items() if len(many) > 1} == {}
