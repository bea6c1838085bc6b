"""The command `run` beside its control, and that the committed figures say what the page says."""

import json
from statistics import mean

import pytest

from reference_impls.stolen_encoder.__main__ import PROGRAM
from reference_impls.stolen_encoder.method import PICTURES
from reference_impls.stolen_encoder.study import GRID
from tests.reference_impls.conftest import one_error


def test_the_control_of_a_run_has_as_many_pictures(small_files, tmp_path, capsys):
    words = [
        "run",
        str(small_files["encoder"]),
        "--own-pictures",
        "24",
        "--train",
        "64",
    ]
    fast = ["--steps", "2", "--batch", "8", "--count", "20", "--out", str(tmp_path)]
    assert PROGRAM.main([*words, *fast]) == 0
    assert "(control: " in capsys.readouterr().out
    data = json.loads((tmp_path / "measured.json").read_text())["measures"]
    assert {name: one["queries"] for name, one in data.items()} == {"stolen-1024": 24, "control": 0}  # fmt: skip
    wide = ["run", str(small_files["encoder"]), "--train", "64", "--out", str(tmp_path)]
    assert PROGRAM.main(wide) == 2
    assert "own-pictures must be at most 32" in one_error(capsys)


@pytest.fixture(scope="module")
def values():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    return GRID.values(found)


@pytest.mark.parametrize("name", ["stolen", "contrastive"])
def test_published_copies_beat_those_from_scratch_as_the_page_says(name, values):
    own, few, alone = (
        {key: mean(of) for key, of in values["", one].items()}
        for one in (f"{name}-1024", f"{name}-64", "scratch-1024")
    )
    for key in ("accuracy", "agreement", "errors"):
        assert own[key] > alone[key] + 0.05
    assert own["errors"] > few["errors"] + 0.05
    assert own["accuracy"] < own["victim"]
    assert (own["queries"], few["queries"], alone["queries"]) == (*PICTURES[::-1], 0)
