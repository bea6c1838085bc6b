"""That the committed figures are possible, and what the headline says of them."""

import json
from statistics import mean

import pytest

from reference_impls.test_time.study import GRID

FOUND = json.loads((GRID.home / "results.json").read_text("utf-8"))
VALUES = GRID.values(FOUND)


def test_who_knows_the_defense_is_never_weaker_and_the_headline_tells_it():
    assert all(one["measures"]["aware"] <= one["measures"]["naive"] for one in FOUND["rows"])  # fmt: skip
    for told, figure in zip(GRID.told, FOUND["headline"], strict=True):
        here = VALUES["foreground", told.preset]
        assert figure["value"] == pytest.approx(100 * mean(here["aware"]), abs=0.06)
        assert f"attacker unaware {100 * mean(here['naive']):.1f}%" in figure["setting"]["en"]  # fmt: skip


@pytest.mark.parametrize(("preset", "control"), [("ttc", "noise"), ("reversal", "noise-wide")])  # fmt: skip
def test_published_defenses_beat_their_control_while_nobody_knows_them(preset, control):
    for task in GRID.tasks:
        naive = [mean(VALUES[task, one]["naive"]) for one in (preset, control)]
        assert naive[0] > naive[1]
