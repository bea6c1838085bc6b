"""The figures that the website shows are those of the rows they stand beside."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from reference_impls.advclip.headline import headline
from reference_impls.advclip.study import MAIN, Row, own

RESULTS = Path(__file__).parents[3] / "reference_impls/advclip/results.json"
TOLD = json.loads(RESULTS.read_text("utf-8"))
ROWS = [Row(**row) for row in TOLD["rows"]]


def test_the_published_headline_follows_from_the_published_rows():
    day = date.fromisoformat(TOLD["date"])
    made = json.loads(json.dumps(headline(ROWS, TOLD["run"], day=day)))
    assert made["headline"] == TOLD["headline"]
    assert made["provenance"] == TOLD["provenance"]
    assert TOLD["provenance"]["seeds"] == TOLD["plan"]["seeds"]


def test_the_first_figure_is_the_mean_over_the_victims():
    first = TOLD["headline"][0]
    values = [row.figures["texture/zero-shot/after"] for row in own(ROWS, MAIN)]
    assert first["value"] == pytest.approx(100 * sum(values) / len(values), abs=0.05)
    assert (first["n"], first["better"], first["unit"]) == (3, "lower", "%")


def test_a_patch_on_its_own_model_is_no_transfer():
    transfer = [one for one in TOLD["headline"] if "another seed" in str(one)]
    assert transfer[0]["n"] == 6  # each of three patches on the two other models
    alone = [row for row in ROWS if row.victim == "lab:0" and row.made_on in ("", "lab:0")]  # fmt: skip
    made = headline(alone, TOLD["run"])
    assert "another seed" not in str(made)
    assert made["provenance"]["seeds"] == [0]


def test_one_victim_has_no_deviation():
    alone = [replace(row) for row in ROWS if row.victim == row.made_on == "lab:0" or row.made_on == ""]  # fmt: skip
    first = headline(alone, TOLD["run"])["headline"][0]
    assert first["n"] == 1
    assert "sd" not in first
