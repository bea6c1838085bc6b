"""What the README says of the committed figures."""

import json
from statistics import mean

import pytest

from reference_impls.generative.study import GRID

FOUND = json.loads((GRID.home / "results.json").read_text("utf-8"))
VALUES = GRID.values(FOUND)


def rate(preset, whom):
    return mean(VALUES["foreground", preset][whom])


@pytest.mark.parametrize("preset", ["gap-universal", "gap", "cda", "cda-leaves"])
def test_generators_fool_more_than_noise_and_the_surrogate_less_than_pgd(preset):
    for whom in GRID.columns:
        assert rate(preset, whom) > rate("noise", whom)
    assert rate("pgd", "surrogate") > rate(preset, "surrogate")


def test_every_unseen_encoder_was_asked():
    assert all(None not in row["measures"].values() for row in FOUND["rows"])
