"""`catalog.json`: the whole catalog for other programs, under a versioned schema."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from surveykit.catalog import Catalog
from surveykit.models import Paper

SCHEMA_VERSION = 1
"""Raised when a key changes its meaning or goes away; new keys do not raise it."""


def catalog_json(catalog: Catalog) -> str:
    """JSON text: papers in the catalog's order, every key as in the entries.

    What an entry leaves out is absent. Each paper carries besides `side` (one of
    two roles, or `study`), and `entry`, its file in the repository.
    """
    return json_text(
        {
            "schema_version": SCHEMA_VERSION,
            "updated": catalog.updated.isoformat(),
            "license": catalog.kit.license,
            "survey": _plain(catalog.survey),
            "axes": [_plain(axis) for axis in catalog.taxonomy.axes],
            "relations": [_plain(kind) for kind in catalog.taxonomy.relations],
            "venues": [_plain(catalog.venues[id_]) for id_ in sorted(catalog.venues)],
            "papers": [_paper(paper, catalog) for paper in catalog.papers],
        }
    )


def _paper(paper: Paper, catalog: Catalog) -> dict[str, Any]:
    derived = {"side": catalog.side_name(paper), "entry": catalog.paths.get(paper.id)}
    return _plain(paper) | {key: value for key, value in derived.items() if value}


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_none=True)


def json_text(value: Any) -> str:
    """JSON for people and diffs: UTF-8, two spaces, keys in the order given."""
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
