"""`python -m reference_impls.textonpair attack`: what it leaves, and its refusals."""

import json
from pathlib import Path

import pytest

from reference_impls.lab.models.clip import load_clip
from reference_impls.lab.study.readme import READMES
from reference_impls.textonpair import __main__ as command
from reference_impls.textonpair import publish as module
from reference_impls.textonpair.publish import tables
from reference_impls.textonpair.study import Row
from tests.reference_impls.conftest import TINY_LAB, one_error

HERE = Path(module.__file__).parent


@pytest.fixture
def _tiny_lab(tiny_clip, monkeypatch):
    monkeypatch.setattr(command, "LabData", lambda: TINY_LAB)
    monkeypatch.setattr(command, "clean_clip", lambda config, lab, progress: tiny_clip)


@pytest.mark.usefixtures("_tiny_lab")
def test_an_attack_leaves_both_towers_figures_and_a_picture(tmp_path, capsys):
    arguments = ["attack", "--steps", "3", "--side", "4", "--target", "blue"]
    assert command.main([*arguments, "--out", str(tmp_path)]) == 0
    assert "of stamped images are taken for 'blue'" in capsys.readouterr().out
    name = "clip-0+text-white-4-bottom-right"
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
        (["--side", "40"], "does not fit on 16x16"),
        (["--poisoned", "0"], "poisoned must lie in (0, 1)"),
    ],
)
def test_bad_settings_are_one_line(options, message, tmp_path, capsys):
    out = tmp_path / "out"
    assert command.main(["attack", *options, "--out", str(out)]) == 2
    assert message in one_error(capsys)
    assert not out.exists()


@pytest.mark.parametrize("language", READMES)
def test_the_readme_shows_what_the_results_hold(language):
    found = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    rows = [Row(**one) for one in found["rows"]]
    expected = tables(rows, found["thresholds"], language, found["date"])
    readme = (HERE / READMES[language]).read_text(encoding="utf-8")
    shown = readme.partition(module.START)[2].partition(module.END)[0]
    assert shown.strip() == expected.strip()
