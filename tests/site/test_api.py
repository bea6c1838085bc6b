"""`/api/v1/` keeps its promises: described by OpenAPI, valid against it, additive only, the same bytes.

After adding a field run this file with SURVEYKIT_WRITE_SHAPE=1, which writes api_shape.json anew and forgets no promise.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from surveykit.load import load_catalog
from surveykit.measured import Arena, Results
from surveykit.render.api import ROOT, api_files
from surveykit.render.api.openapi import PATHS
from surveykit.render.export import catalog_json
from surveykit.render.pages import render_files
from surveykit.render.table import columns, csv_table, safe

REPOSITORY = Path(__file__).parents[2]
WRITE = "SURVEYKIT_WRITE_SHAPE"
SHAPE = Path(__file__).with_name("api_shape.json")


@pytest.fixture(scope="module")
def files(catalog):
    return api_files(catalog)


@pytest.fixture(scope="module")
def real():
    return load_catalog(REPOSITORY)


@pytest.fixture(scope="module")
def spec(files):
    return json.loads(files[f"{ROOT}openapi.json"])


def resolved(spec, node):
    while "$ref" in node:
        node = spec["components"]["schemas"][node["$ref"].rpartition("/")[2]]
    return node


def kind(spec, node):
    """The type of a field in a word, a list of one, or the alternatives."""
    if "anyOf" in node:
        return sorted({str(kind(spec, part)) for part in node["anyOf"]})
    node = resolved(spec, node)
    if node.get("type") == "array":
        return [kind(spec, node.get("items", {}))]
    return node.get("type") or type(node.get("const", "")).__name__


def fields(spec, node, path=""):
    """(field, [type, whether it is always there]), however deep."""
    node = resolved(spec, node)
    for part in node.get("anyOf", ()):
        yield from fields(spec, part, path)
    for key, sign in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(node.get(key), dict):
            yield from fields(spec, node[key], path + sign)
    for name, part in node.get("properties", {}).items():
        way = f"{path}.{name}"
        yield way, [kind(spec, part), name in node.get("required", ())]
        yield from fields(spec, part, way)


def shape(spec):
    """Answer -> its fields."""
    told = {}
    for path, verbs in spec["paths"].items():
        content = verbs["get"]["responses"]["200"]["content"]
        schema = content.get("application/json", {}).get("schema", {})
        told[path] = dict(fields(spec, schema))
    return told


def written(told):
    """A line for each field, so that a change is a line."""
    answers = []
    for path, held in told.items():
        lines = ",\n".join(
            f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in held.items()
        )
        answers.append(f" {json.dumps(path)}: {{\n{lines}\n }}")
    return "{\n" + ",\n".join(answers) + "\n}\n"


def broken(old, new):
    """What was promised once and is no longer kept."""
    for path, fields in old.items():
        for field, (kind, always) in fields.items():
            now = new.get(path, {}).get(field)
            if now is None:
                yield f"{path}: {field} is gone"
            elif now[0] != kind:
                yield f"{path}: {field} was {kind}, is {now[0]}"
            elif always and not now[1]:
                yield f"{path}: {field} was always there"


def test_the_description_is_valid_openapi(spec):
    assert spec["openapi"].startswith("3.1")
    validate(spec, cls=OpenAPIV31SpecValidator)


def test_no_promise_was_ever_taken_back(spec):
    promised = json.loads(SHAPE.read_text("utf-8"))
    assert list(broken(promised, shape(spec))) == []


def test_what_is_promised_is_written_down(spec):
    now, before = shape(spec), {}
    if SHAPE.exists():
        before = json.loads(SHAPE.read_text("utf-8"))
    if os.environ.get(WRITE) and not list(broken(before, now)):
        SHAPE.write_text(written(now), encoding="utf-8")
        before = now
    assert before == now, f"after adding a field, run this test with {WRITE}=1"


def test_the_comparison_sees_what_it_must(spec):
    promised = shape(spec)
    path = "/papers.json"
    for change in ("gone", "kind", "always"):
        now = json.loads(json.dumps(promised))
        if change == "gone":
            del now[path][".papers[].title.en"]
        elif change == "kind":
            now[path][".papers[].year"][0] = "string"
        else:
            now[path][".papers[].side"][1] = False
        assert len(list(broken(promised, now))) == 1
    now[path][".papers[].new"] = ["string", False]
    now[path][".papers[].side"][1] = True
    assert list(broken(promised, now)) == []


def documented(path):
    """The documented path that a file belongs to."""
    parts = path.removeprefix(ROOT).split("/")
    if parts[0] == "papers" and len(parts) == 2:
        return "/papers/{id}.json"
    if parts[0] == "terms":
        return "/terms/{axis}/{term}.json"
    return "/" + "/".join(parts)


@pytest.mark.parametrize("which", ["invented", "real"])
def test_every_answer_fits_its_schema(which, catalog, real):
    held = real if which == "real" else with_figures(catalog)
    files = api_files(held)
    spec = json.loads(files[f"{ROOT}openapi.json"])
    checked = {}
    for name in (model.__name__ for model, _ in PATHS.values()):
        schema = {"$ref": f"#/components/schemas/{name}", "components": spec["components"]}  # fmt: skip
        checked[name] = jsonschema.Draft202012Validator(schema)
    names = {f"/{path}": model.__name__ for path, (model, _) in PATHS.items()}
    told = set()
    for path, text in files.items():
        if path.endswith(("openapi.json", ".csv")):
            continue
        at = documented(path)
        told.add(at)
        if which == "real" and path.startswith(f"{ROOT}terms/") and len(text) > 60_000:
            continue  # the same briefs as in the other files
        errors = list(checked[names[at]].iter_errors(json.loads(text)))
        assert errors == [], path
    assert told | {"/papers.csv"} == set(spec["paths"])


def with_figures(catalog):
    from test_measured import DUEL, MADE

    results = {"badseeds": Results.model_validate(MADE)}
    return dataclasses.replace(
        catalog, results=results, arenas={"": Arena.model_validate(DUEL)}
    )


def test_an_answer_holds_what_the_catalog_holds(catalog, files):
    whole = json.loads(catalog_json(catalog))["papers"]
    for told in whole:
        answer = json.loads(files[f"{ROOT}papers/{told['id']}.json"])["paper"]
        for key, value in told.items():
            if key == "venue":
                assert answer["venue"]["id"] == value
            elif key == "relations":
                assert [{k: v for k, v in r.items() if k != "from"} for r in answer[key]] == value  # fmt: skip
            else:
                assert answer[key] == value
    scanned = json.loads(files[f"{ROOT}papers/rodriguez2021planting.json"])["paper"]
    sources = {relation["from"] for relation in scanned["related_by"]}
    assert {"feng2023detecting", "muller2024journal"} <= sources


def test_a_term_lists_what_the_catalog_finds(catalog, files):
    for axis, term in catalog.terms:
        answer = json.loads(files[f"{ROOT}terms/{axis}/{term}.json"])
        ids = [paper["id"] for paper in answer["papers"]]
        assert ids == [paper.id for paper in catalog.having(axis, term)]
        assert answer["term"]["papers_count"] == len(ids)


def test_the_date_is_that_of_the_catalog_and_not_of_the_clock(catalog, files):
    assert api_files(catalog) == files
    told = json.loads(files[f"{ROOT}index.json"])
    assert told["generated_at"] == f"{catalog.updated.isoformat()}T00:00:00Z"


def test_every_address_of_the_answers_is_a_file_or_a_page(catalog, files):
    made = set(render_files(catalog, "en"))
    site = catalog.survey.site
    told = json.loads(files[f"{ROOT}index.json"])["links"].values()
    papers = json.loads(files[f"{ROOT}papers.json"])["papers"]
    paper = json.loads(files[f"{ROOT}papers/{papers[0]['id']}.json"])["paper"]
    for url in (*told, papers[0]["url"], *paper["citations"].values()):
        assert url.removeprefix(site) in made


# -- the table for spreadsheets ------------------------------------------------------


def test_the_table_has_a_line_for_each_paper_and_survives_excel(catalog):
    text = csv_table(catalog)
    assert text.startswith("\ufeffid,")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["id"] for row in rows] == [paper.id for paper in catalog.papers]
    assert tuple(rows[0]) == columns(catalog)
    assert {row["title_zh"] for row in rows} == {p.title.zh for p in catalog.papers}


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(text):
    cell = safe(text)
    assert not cell.lstrip(" ").startswith(tuple("=+-@\t\r\n＝＋－＠"))
    assert cell in (text, f"'{text}")


def test_a_hostile_title_is_text_in_the_table(catalog):
    evil = '=HYPERLINK("http://evil.example","x")'
    paper = catalog.papers[0]
    title = paper.title.model_copy(update={"en": evil, "zh": "＝1+1"})
    papers = (paper.model_copy(update={"title": title}), *catalog.papers[1:])
    text = csv_table(dataclasses.replace(catalog, papers=papers))
    row = next(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert row["title_en"] == f"'{evil}"
    assert row["title_zh"] == "'＝1+1"
