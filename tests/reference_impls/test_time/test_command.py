"""`python -m reference_impls.test_time run`: what it leaves, and its refusals."""

import json

import pytest

from reference_impls.test_time.__main__ import PROGRAM
from tests.reference_impls.conftest import one_error


def test_a_run_leaves_both_figures(small_files, tmp_path, capsys):
    words = ["run", str(small_files["clip"]), "--preset", "clipure", "--eta", "0.2"]
    fast = ["--count", "6", "--attack.steps", "2", "--out", str(tmp_path)]
    assert PROGRAM.main([*words, *fast]) == 0
    shown = capsys.readouterr().out
    assert "attacker aware" in shown
    assert "(none: " in shown
    data = json.loads((tmp_path / "measured.json").read_text())
    asked = data["run"]["asked"]["config"]
    assert (asked["defense"], asked["eta"]) == ("clipure", 0.2)
    defended, alone = (data["measures"][one] for one in ("clipure", "none"))
    assert 0 <= defended["aware"] <= defended["naive"] <= 1
    assert alone["naive"] == alone["aware"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tau", "0"], "tau must be above 0"),
        (["--attack.epsilon", "3"], "epsilon must lie in [0, 1], got 3"),
        (["--task", "weather"], "no task 'weather'; it has shape"),
        (["--dataset", "folder:{images}"], "has no task 'foreground'; it has none"),
        (["--dataset", "moon"], "unknown dataset 'moon'"),
    ],
)
def test_bad_input_is_one_line(options, message, small_files, tmp_path, capsys):
    out = tmp_path / "out"
    words = [option.format(**small_files) for option in options]
    assert (
        PROGRAM.main(["run", str(small_files["clip"]), *words, "--out", str(out)]) == 2
    )
    assert message in one_error(capsys)
    assert not out.exists()


def test_an_encoder_without_texts_is_one_line(small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), "--out", str(tmp_path / "out")]
    assert PROGRAM.main(words) == 2
    assert "has no text tower" in one_error(capsys)
