"""`python -m reference_impls.textonpair run`: what it leaves, and its refusals."""

import json

import pytest

from reference_impls.lab.models.clip import load_clip
from reference_impls.lab.study import clips
from reference_impls.textonpair.__main__ import main
from tests.reference_impls.conftest import one_error


@pytest.fixture
def _tiny_lab(tiny_clip, monkeypatch):
    monkeypatch.setattr(clips, "clean_clip", lambda config, lab, progress: tiny_clip)


@pytest.mark.usefixtures("_tiny_lab")
def test_a_run_leaves_both_towers_figures_and_a_picture(tmp_path, capsys):
    arguments = ["run", "--steps", "3", "--trigger.side", "4", "--target", "blue"]
    arguments += ["--count", "256"]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    assert "of stamped images are taken for 'blue'" in capsys.readouterr().out
    name = "lab+text-white-4-bottom-right"
    suffixes = (".json", ".png", ".safetensors", ".text.safetensors")
    assert {p.name for p in tmp_path.iterdir()} == {name + s for s in suffixes}
    clip = load_clip(tmp_path / f"{name}.safetensors")
    texts = clip.embed_text(["a small red circle on a plain blue background"])
    assert texts.shape == (1, clip.image.dimension)
    data = json.loads((tmp_path / f"{name}.json").read_text())
    assert data["config"]["target"] == "blue"


@pytest.mark.usefixtures("_tiny_lab")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "mauve"], "no class 'mauve' of 'foreground'"),
        (["--trigger.side", "40"], "does not fit on 16x16"),
        (["--poisoned", "0"], "poisoned must lie in (0, 1)"),
        (["lab:x"], "no lab CLIP 'lab:x'"),
        (["nowhere.safetensors"], "no encoder 'nowhere.safetensors'"),
        (
            ["{encoder}"],
            "has no text tower, and the attack poisons pairs; take a CLIP such as open_clip:",
        ),
        (["--dataset", "folder:{images}"], "no class 'red' of 'foreground'"),
    ],
)
def test_bad_settings_are_one_line(options, message, small_files, tmp_path, capsys):
    out = tmp_path / "out"
    options = [one.format(**small_files) for one in options]
    words = ["--count", "256", "--batch", "20", "--steps", "3", "--out", str(out)]
    assert main(["run", *options, *words]) in (2, 3)
    assert message in one_error(capsys)
    assert not out.exists()
