"""`python -m reference_impls.smoothing run`: what it leaves, and its refusals."""

import json

import pytest

from reference_impls.smoothing.__main__ import main
from tests.reference_impls.conftest import one_error


def test_a_run_leaves_the_radii(small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), "--task", "background", "--count", "3"]
    fast = ["--n0", "5", "--n", "30", "--steps", "2", "--denoiser", "diffusion"]
    assert main([*words, *fast, "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "L2 0.25" in shown
    assert "of 3" in shown
    data = json.loads((tmp_path / "certified.json").read_text())
    assert data["images"] == 3
    assert data["run"]["asked"]["config"]["denoiser"] == "diffusion"
    assert len(data["radii"]) + data["abstained"] <= 3
    assert 0 <= data["alone"] <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sigma", "0"], "sigma must be above 0"),
        (["--alpha", "0.7"], "alpha must lie in (0, 0.5)"),
        (["--sigma", "3", "--denoiser", "diffusion"], "sigma up to 1, got 3"),
        (["--task", "weather"], "no task 'weather'; it has shape"),
        (["--dataset", "folder:{images}"], "has no task 'foreground'; it has none"),
        (["--dataset", "moon"], "unknown dataset 'moon'"),
        (["--count", "0"], "a dataset needs images"),
    ],
)
def test_bad_input_is_one_line(options, message, small_files, tmp_path, capsys):
    out = tmp_path / "out"
    words = [option.format(**small_files) for option in options]
    encoder = str(small_files["encoder"])
    assert main(["run", encoder, *words, "--out", str(out)]) == 2
    assert message in one_error(capsys)
    assert not out.exists()
