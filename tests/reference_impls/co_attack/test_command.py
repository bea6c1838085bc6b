"""`python -m reference_impls.co_attack run`: what it leaves, and its refusals."""

import json

import pytest

from reference_impls.co_attack.__main__ import main
from tests.reference_impls.conftest import one_error

FAST = ["--budget.steps", "2", "--count", "6"]


def test_a_run_leaves_retrieval_of_both_clips_and_the_captions(
    small_files, tmp_path, capsys
):
    clip = str(small_files["clip"])
    words = ["run", clip, *FAST, "--preset", "co-attack", "--victim", clip]
    assert main([*words, "--out", str(tmp_path)]) == 0
    assert "image to text" in capsys.readouterr().out
    data = json.loads((tmp_path / "retrieval.json").read_text())
    assert data["run"]["asked"]["config"]["image"] == "co"
    assert data["run"]["asked"]["config"]["budget"]["steps"] == 2
    assert len(data["captions"]) == len(data["changed"]) == 6
    assert all(0 <= one <= 1 for one in data["retrieval"][clip]["after"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--alpha", "-1"], "must not be below 0, got -1"),
        (["--captions", "0"], "captions must be at least 1"),
        (["--budget.epsilon", "2"], "epsilon must lie in [0, 1], got 2"),
        (["--count", "1"], "no two images of different captions"),
        (["--dataset", "folder:{images}"], "no two images of different captions"),
        (["--victim", "lab:x"], "no lab CLIP 'lab:x'"),
    ],
)
def test_bad_input_is_one_line(options, message, small_files, tmp_path, capsys):
    out = tmp_path / "out"
    words = [option.format(**small_files) for option in options]
    assert (
        main(["run", str(small_files["clip"]), *FAST, *words, "--out", str(out)]) == 2
    )
    assert message in one_error(capsys)
    assert not out.exists()


def test_an_image_encoder_alone_is_refused(small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), *FAST, "--out", str(tmp_path)]
    assert main(words) == 2
    assert "has no text tower" in one_error(capsys)
