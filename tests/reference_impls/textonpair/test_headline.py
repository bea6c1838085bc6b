"""The figures that the website shows are those of the rows they stand beside."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

from reference_impls.textonpair.headline import headline
from reference_impls.textonpair.study import Row

RESULTS = Path(__file__).parents[3] / "reference_impls/textonpair/results.json"
TOLD = json.loads(RESULTS.read_text("utf-8"))
ROWS = [Row(**row) for row in TOLD["rows"]]


def made(rows):
    day = date.fromisoformat(TOLD["date"])
    found = headline(rows, TOLD["thresholds"], TOLD["run"], day=day)
    return json.loads(json.dumps(found))


def test_the_published_headline_follows_from_the_published_rows():
    assert made(ROWS)["headline"] == TOLD["headline"]
    assert made(ROWS)["provenance"] == TOLD["provenance"]


def test_clips_outside_the_attack_do_not_count():
    assert {one["n"] for one in TOLD["headline"]} == {3}
    attacked = [row for row in ROWS if row.role == "backdoored"]
    assert made(attacked)["headline"] == TOLD["headline"]


def test_a_clip_without_a_trigger_found_is_missed():
    lost = [replace(row, scores=dict.fromkeys(row.scores)) for row in ROWS]
    found = [one["value"] for one in made(lost)["headline"] if "DECREE" in str(one)]
    assert found == [0, 0]
    caught = [replace(row, scores=dict.fromkeys(row.scores, 0.001)) for row in ROWS]
    found = [one["value"] for one in made(caught)["headline"] if "DECREE" in str(one)]
    assert found == [100, 100]
