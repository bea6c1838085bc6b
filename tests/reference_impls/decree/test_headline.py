"""The figures that the website shows are those of the rows they stand beside."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path

from reference_impls.decree.headline import COMMAND, headline
from reference_impls.decree.sweep import Row, Separation

RESULTS = Path(__file__).parents[3] / "reference_impls/decree/results.json"


def test_the_published_headline_follows_from_the_published_rows():
    told = json.loads(RESULTS.read_text("utf-8"))
    names = [field.name for field in dataclasses.fields(Row)]
    rows = [Row(**{name: row[name] for name in names}) for row in told["encoders"]]
    judged = [Separation(**one) for one in told["separation"]]
    made = json.loads(json.dumps(headline(rows, judged, told["run"])))
    assert made["headline"] == told["headline"]
    assert date.fromisoformat(told["provenance"]["date"]) <= date.fromisoformat(
        made["provenance"]["date"]
    )
    for key in ("command", "seeds", "hardware", "versions"):
        assert made["provenance"][key] == told["provenance"][key]
    assert told["provenance"]["command"] == COMMAND


def test_a_missed_and_a_false_alarm_are_told():
    base = json.loads(RESULTS.read_text("utf-8"))
    judged = Separation(**base["separation"][0])
    judged = dataclasses.replace(
        judged, true_positives=3, false_negatives=1, false_positives=1, true_negatives=1
    )
    found, flagged, _ = headline([], [judged], base["run"])["headline"]
    assert (found["value"], found["n"], found["better"]) == (75.0, 4, "higher")
    assert (flagged["value"], flagged["n"], flagged["better"]) == (50.0, 2, "lower")
    assert found["published"]["source"].endswith("Table 3")
