"""The figures that the website shows are those of the rows they stand beside."""

import json
from pathlib import Path

import pytest

from reference_impls.advencoder.headline import headline
from reference_impls.advencoder.sweep import TRANSFER, Row

RESULTS = Path(__file__).parents[3] / "reference_impls/advencoder/results.json"
TOLD = json.loads(RESULTS.read_text("utf-8"))
ROWS = [Row(**row) for row in TOLD["rows"]]


def test_the_published_headline_follows_from_the_published_rows():
    made = json.loads(json.dumps(headline(ROWS, TOLD["run"])))
    assert made["headline"] == TOLD["headline"]
    assert made["provenance"] == TOLD["provenance"]
    assert TOLD["provenance"]["seeds"] == TOLD["plan"]["seeds"]


def test_the_first_figure_is_the_mean_over_the_encoders():
    first = TOLD["headline"][0]
    (told,) = [
        one["attacked_accuracy"]
        for one in TOLD["summary"]
        if (one["attack"], one["task"], one["model"])
        == ("PER generator", "texture", "mlp")
    ]
    assert first["value"] == pytest.approx(100 * told["mean"], abs=0.05)
    assert first["sd"] == pytest.approx(100 * told["deviation"], abs=0.05)
    assert (first["n"], first["better"]) == (3, "lower")


def test_what_was_not_measured_is_not_told():
    few = [row for row in ROWS if row.task == "texture" and row.attack != TRANSFER]
    made = headline(few, TOLD["run"])["headline"]
    assert len(made) == 2
    assert "another encoder" not in str(made)
    assert "Foreground" not in str(made)
