"""`python -m reference_impls.robust_clip run`: what it leaves, and its refusals."""

import json

import pytest

from reference_impls.lab.models.encoders import load_encoder
from reference_impls.robust_clip.__main__ import main
from tests.reference_impls.conftest import one_error


def test_a_run_leaves_the_tuned_tower_and_every_task(small_files, tmp_path, capsys):
    words = ["run", str(small_files["clip"]), "--preset", "tecoa", "--steps", "2"]
    fast = ["--count", "6", "--test-attack.steps", "2", "--out", str(tmp_path)]
    assert main([*words, *fast]) == 0
    assert "texture" in capsys.readouterr().out
    data = json.loads((tmp_path / "accuracies.json").read_text())
    assert set(data["tasks"]) == {"texture", "shape", "foreground", "background", "size"}  # fmt: skip
    assert data["run"]["asked"]["config"]["loss"] == "tecoa"
    assert load_encoder(tmp_path / "tuned.safetensors").size == 32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "0"], "steps must be above 0"),
        (["--attack.epsilon", "3"], "epsilon must lie in [0, 1], got 3"),
        (["--task", "weather"], "no task 'weather'; it has shape"),
        (["--dataset", "folder:{images}"], "has no task 'texture'; it has none"),
        (["--dataset", "moon"], "unknown dataset 'moon'"),
    ],
)
def test_bad_input_is_one_line(options, message, small_files, tmp_path, capsys):
    out = tmp_path / "out"
    words = [option.format(**small_files) for option in options]
    assert main(["run", str(small_files["clip"]), *words, "--out", str(out)]) == 2
    assert message in one_error(capsys)
    assert not out.exists()


def test_an_encoder_without_texts_is_one_line(small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "has no text tower" in one_error(capsys)
