"""That the committed figures are possible, and what the README says of them."""

import json
from statistics import mean

import pytest

from reference_impls.contrastive_at.study import GRID

FOUND = json.loads((GRID.home / "results.json").read_text("utf-8"))
VALUES = GRID.values(FOUND)


def test_an_attack_never_helps():
    for row in FOUND["rows"]:
        found = row["measures"]
        assert found["robust"] <= found["clean"]
        assert found["tuned-robust"] <= found["tuned-clean"]


@pytest.mark.parametrize("task", GRID.tasks)
@pytest.mark.parametrize("preset", ["acl", "rocl"])
def test_attacked_views_beat_simclr_and_noise_under_attack(preset, task):
    own, *others = (mean(VALUES[task, one]["robust"]) for one in (preset, "simclr", "noise"))  # fmt: skip
    assert own > max(others)
