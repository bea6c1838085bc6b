from __future__ import annotations

import json

from surveykit.models import Paper
from surveykit.render.export import SCHEMA_VERSION, catalog_json
from surveykit.vocabulary import Taxonomy, Venue

DERIVED = ("side", "entry")


def test_the_head_says_version_date_and_license(catalog):
    data = json.loads(catalog_json(catalog))
    assert list(data) == [
        "schema_version",
        "updated",
        "license",
        "survey",
        "axes",
        "relations",
        "venues",
        "papers",
    ]
    assert data["schema_version"] == SCHEMA_VERSION
    assert data["updated"] == "2026-11-20"
    assert data["license"] == "CC-BY-4.0"


def test_the_models_read_everything_back_unchanged(any_catalog):
    data = json.loads(catalog_json(any_catalog))
    papers = [
        Paper.model_validate({k: v for k, v in paper.items() if k not in DERIVED})
        for paper in data["papers"]
    ]
    taxonomy = {"axes": data["axes"], "relations": data["relations"]}
    assert tuple(papers) == any_catalog.papers
    assert Taxonomy.model_validate(taxonomy) == any_catalog.taxonomy
    venues = [Venue.model_validate(venue) for venue in data["venues"]]
    assert {venue.id: venue for venue in venues} == any_catalog.venues


def test_each_paper_says_its_side_and_its_file(catalog):
    papers = {
        paper["id"]: paper for paper in json.loads(catalog_json(catalog))["papers"]
    }
    detecting = papers["feng2023detecting"]
    assert detecting["side"] == "defense"
    assert detecting["entry"] == "catalog/papers/2023/feng2023detecting.yaml"
    assert detecting["relations"][0]["to"] == "rodriguez2021planting"


def test_the_text_is_utf8_and_always_the_same(catalog):
    text = catalog_json(catalog)
    assert "检测" in text
    assert text.endswith("}\n")
    assert text == catalog_json(catalog)
