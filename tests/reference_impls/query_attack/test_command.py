"""`python -m reference_impls.query_attack run`: what it leaves, and its refusals."""

import json

import pytest

from reference_impls.query_attack.__main__ import main
from tests.reference_impls.conftest import one_error


def test_a_run_leaves_queries_and_sizes(small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), "--task", "background"]
    words += ["--count", "6", "--queries", "200", "--preset", "sparse-rs"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    assert "of these wrong after 200" in capsys.readouterr().out
    data = json.loads((tmp_path / "attacked.json").read_text())
    assert data["run"]["asked"]["config"]["population"] == 1
    assert data["run"]["asked"]["config"]["queries"] == 200
    assert data["images"] == round(6 * data["accuracy"])
    assert all(1 <= one <= 200 for one in data["queries"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pixels", "0"], "pixels must be above 0"),
        (["--pixels", "513"], "at most half of 1024, got 513"),
        (["--mutation", "2"], "mutation must lie in [0, 1], got 2"),
        (["--task", "weather"], "no task 'weather'; it has shape"),
        (["--dataset", "folder:{images}"], "has no task 'foreground'; it has none"),
        (["--count", "0"], "a dataset needs images"),
    ],
)
def test_bad_input_is_one_line(options, message, small_files, tmp_path, capsys):
    out = tmp_path / "out"
    words = [option.format(**small_files) for option in options]
    assert main(["run", str(small_files["encoder"]), *words, "--out", str(out)]) == 2
    assert message in one_error(capsys)
    assert not out.exists()
