"""`python -m reference_impls.adversarial_detection run`: what it leaves, and its refusals."""

import json

import pytest

from reference_impls.adversarial_detection.__main__ import main
from tests.reference_impls.conftest import one_error


def test_a_run_leaves_every_attack(small_files, tmp_path, capsys):
    words = ["run", str(small_files["clip"]), "--observer", str(small_files["encoder"])]
    fast = ["--count", "60", "--clean", "400", "--attack.steps", "2"]
    assert main([*words, *fast, "--preset", "mirror", "--out", str(tmp_path)]) == 0
    assert "false alarms" in capsys.readouterr().out
    data = json.loads((tmp_path / "detection.json").read_text())
    assert data["run"]["asked"]["config"]["detector"] == "mirror"
    names = [one["attack"] for one in data["attacks"]]
    assert names == ["noise", "pgd", "auto_pgd", "embedding", "aware"]
    assert all(0 <= one["evaded"] <= one["fooled"] <= 1 for one in data["attacks"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--views", "0"], "views must be above 0"),
        (["--attack.epsilon", "3"], "epsilon must lie in [0, 1], got 3"),
        (["--task", "weather"], "no task 'weather'; it has shape"),
        (["--dataset", "moon"], "unknown dataset 'moon'"),
        (["--count", "60", "--clean", "9"], "must set the threshold"),
    ],
)
def test_bad_input_is_one_line(options, message, small_files, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["run", str(small_files["clip"]), "--observer", str(small_files["encoder"])]
    assert main([*words, *options, "--out", str(out)]) == 2
    assert message in one_error(capsys)
    assert not out.exists()
