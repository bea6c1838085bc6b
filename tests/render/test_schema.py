"""The entry format for editors and for people."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from broken import BROKEN, ENTRY

from surveykit import models, scalars, vocabulary
from surveykit.load import load_catalog
from surveykit.render.schema import format_doc, schema_json
from surveykit.rules import RULES
from surveykit.yaml_tree import parse, read

REPOSITORY = Path(__file__).parents[2]
# What the schema can see; the other rules of SK2xx need the data itself.
STRUCTURAL = {"SK201", "SK202", "SK203", "SK205", "SK206", "SK207", "SK204"}


@pytest.fixture(scope="module")
def schema(catalog):
    return json.loads(schema_json(catalog))


@pytest.fixture(scope="module")
def validator(schema):
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def nodes(node):
    """Every schema within a schema."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from nodes(item)


def test_nothing_newer_than_draft_7_is_used(schema):
    newer = {
        "$defs",
        "prefixItems",
        "unevaluatedProperties",
        "dependentRequired",
        "$anchor",
    }
    for node in nodes(schema):
        assert not newer & node.keys()
        if "$ref" in node:
            assert len(node) == 1
            assert node["$ref"].removeprefix("#/definitions/") in schema["definitions"]


def test_every_field_is_described_in_markdown(schema):
    for name, part in schema["properties"].items():
        assert part["markdownDescription"], name


@pytest.mark.parametrize(
    "path",
    sorted((REPOSITORY / "catalog/papers").rglob("*.yaml"))[::10],
    ids=lambda p: p.stem,
)
def test_real_entries_are_valid(path):
    schema = json.loads(
        (REPOSITORY / "catalog/schema.json").read_text(encoding="utf-8")
    )
    assert list(jsonschema.Draft7Validator(schema).iter_errors(read(path).data)) == []


def test_invented_entries_are_valid(validator, catalog_dir):
    for path in (catalog_dir / "catalog/papers").rglob("*.yaml"):
        assert list(validator.iter_errors(read(path).data)) == []
    assert list(validator.iter_errors(parse(ENTRY).data)) == []


@pytest.mark.parametrize(
    "case",
    [
        c
        for c in BROKEN
        if c.rule in STRUCTURAL or c.rule in ("SK310", "SK311", "SK316", "SK320")
    ],
    ids=lambda c: f"{c.rule}-{c.new[:30]!r}",
)
def test_broken_entries_are_rejected(case, validator):
    text = ENTRY
    for old, new in ((case.old, case.new), *case.more):
        text = text.replace(old, new, 1)
    assert list(validator.iter_errors(parse(text).data)) != []


@pytest.mark.parametrize(
    ("author", "good"),
    [
        ("Anna Example", True),
        ("Anna B. Example", True),
        ("OpenAI", False),
        ({"literal": "OpenAI"}, True),
        ({"family": "Plato"}, True),
        ({"given": "Anna"}, False),
        ({"family": "Lab", "literal": "Lab"}, False),
        ({"family": "Lab", "nick": "x"}, False),
        (7, False),
    ],
)
def test_an_author_is_a_text_or_its_parts(author, good, validator):
    document = parse(ENTRY).data | {"authors": [author]}
    assert validator.is_valid(document) == good


def test_editors_complete_venues_and_terms(schema, catalog):
    assert schema["properties"]["venue"]["enum"] == sorted(catalog.venues)
    terms = schema["properties"]["terms"]
    assert terms["properties"].keys() == catalog.axes.keys()
    technique = terms["properties"]["technique"]
    assert "model-scanning" in technique["items"]["enum"]
    assert "backdoor-defense" not in technique["items"]["enum"]  # a group
    assert (
        "`model-scanning`: Model scanning · 模型扫描"
        in technique["markdownDescription"]
    )
    assert terms["required"] == ["role", "threat", "technique", "stage", "modality"]


def test_the_documentation_names_every_model_field_term_and_rule(catalog):
    text = format_doc(catalog)
    for name in (
        "Paper",
        "Author",
        "Links",
        "Relation",
        "Axis",
        "Term",
        "Venue",
        "Survey",
        "Card",
    ):
        home = models if hasattr(models, name) else vocabulary
        for field, info in getattr(home, name).model_fields.items():
            assert f"| `{field}` | " in text
            assert info.description.replace("|", "\\|").replace("\n", " ") in text
    for axis, term in catalog.terms:
        assert f"`{axis}`" in text
        assert f"`{term}` | " in text
    for rule in RULES:
        assert f"### {rule.id}: {rule.title}" in text


def test_links_and_tables_of_the_documentation_are_whole(catalog):
    text = format_doc(catalog)
    titles = {title.lower() for title in re.findall(r"^#+ (\w+)$", text, re.M)}
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= titles
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        rows = [re.split(r"(?<!\\)\|", row) for row in table.splitlines()]
        assert len({len(row) for row in rows}) == 1, table


def test_every_pattern_is_said_in_words():
    text = json.dumps(models.Paper.model_json_schema())
    patterns = {
        json.loads(f'"{p}"')
        for p in re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', text)
    }
    assert patterns - {"^https?://[!-~]+$"} <= scalars.FORMS.keys()


def test_the_same_catalog_gives_the_same_bytes(catalog, catalog_dir):
    again = load_catalog(catalog_dir)
    assert schema_json(again) == schema_json(catalog)
    assert format_doc(again) == format_doc(catalog)
