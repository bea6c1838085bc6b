"""The OpenAPI 3.1 description of `/api/v1/`, made from the models."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from surveykit.catalog import Catalog
from surveykit.render.api import shape

PATHS: dict[str, tuple[type[shape.Answer], str]] = {
    "index.json": (shape.Index, "Where everything is"),
    "papers.json": (shape.PaperList, "All papers, newest first"),
    "papers/{id}.json": (shape.PaperAnswer, "One paper with everything known of it"),
    "taxonomy.json": (shape.Taxonomy, "Axes, terms and relation types"),
    "terms/{axis}/{term}.json": (shape.TermAnswer, "One term and its papers"),
    "methods.json": (shape.Methods, "Methods that run, and what was measured"),
    "relations.json": (shape.Relations, "Every typed relation between papers"),
}
"""Path below the root of the API -> model of the answer, and what it is."""
_PARAMETERS = {
    "id": "Id of a paper",
    "axis": "Id of an axis",
    "term": "Id of a term of the axis",
}


def openapi(catalog: Catalog, root: str) -> dict[str, Any]:
    """The description as data; `root` is the place of the API below the site."""
    models = dict.fromkeys(model for model, _ in PATHS.values())
    _, whole = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/components/schemas/{model}",
    )
    sides = [*(term.id for term in catalog.poles), "study"]
    for name in ("PaperBrief", "PaperFull"):
        whole["$defs"][name]["properties"]["side"]["enum"] = sides
    paths = {f"/{path}": _operation(catalog, path) for path in PATHS}
    paths["/papers.csv"] = _csv()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{catalog.survey.title.en}: data",
            "version": f"{shape.SCHEMA_VERSION}.0.0",
            "description": "Static files. Fields are added, never removed or given another type.",
            "license": {
                "name": catalog.kit.license_name,
                "identifier": catalog.kit.license,
            },
        },
        "servers": [
            {
                "url": (catalog.survey.site + root).rstrip("/")
                if catalog.survey.site
                else "."
            }
        ],
        "paths": paths,
        "components": {"schemas": _open(whole["$defs"])},
    }


def _operation(catalog: Catalog, path: str) -> dict[str, Any]:
    model, summary = PATHS[path]
    answer = {"$ref": f"#/components/schemas/{model.__name__}"}
    parameters = [
        _parameter(catalog, name) for name in _PARAMETERS if f"{{{name}}}" in path
    ]
    operation: dict[str, Any] = {
        "operationId": model.__name__[0].lower() + model.__name__[1:],
        "summary": summary,
        "responses": {
            "200": {
                "description": summary,
                "content": {"application/json": {"schema": answer}},
            }
        },
    }
    if parameters:
        operation["parameters"] = parameters
        operation["responses"]["404"] = {"description": "No such file"}
    return {"get": operation}


def _parameter(catalog: Catalog, name: str) -> dict[str, Any]:
    samples = {
        "id": next((paper.id for paper in catalog.papers), "id"),
        "axis": catalog.topic_axis.id,
        "term": next((term.id for term in catalog.topic_axis.terms), "term"),
    }
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": _PARAMETERS[name],
        "schema": {"type": "string"},
        "example": samples[name],
    }


def _csv() -> dict[str, Any]:
    text = "All papers as a table for spreadsheets"
    content = {"text/csv": {"schema": {"type": "string"}}}
    operation = {
        "operationId": "papersCsv",
        "summary": text,
        "responses": {"200": {"description": text, "content": content}},
    }
    return {"get": operation}


def _open(node: Any) -> Any:
    """The schema without closed objects, as fields may be added; and without nulls, as they are left out."""
    if isinstance(node, list):
        return [_open(part) for part in node]
    if not isinstance(node, dict):
        return node
    closed = node.get("additionalProperties") is False
    node = {
        key: _open(part)
        for key, part in node.items()
        if not (key == "additionalProperties" and closed)
        and not (key == "default" and part is None)
    }
    match node.get("anyOf"):
        case [one, {"type": "null"}]:
            node = {k: v for k, v in node.items() if k != "anyOf"} | one
    return node
