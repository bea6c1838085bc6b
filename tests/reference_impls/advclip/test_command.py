"""`python -m reference_impls.advclip`: whole runs on a tiny CLIP, and every refusal as one line."""

import json

import numpy
import pytest
from PIL import Image

from reference_impls.advclip import __main__ as command
from reference_impls.advclip import run
from reference_impls.lab.attacks.universal import load, random_patch
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.models.clip import save_clip
from reference_impls.lab.study import clips
from tests.reference_impls.conftest import TINY_CLIP, TINY_LAB, one_error


@pytest.fixture
def tiny_lab(tiny_clip, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(run, "LabData", lambda: TINY_LAB)
    monkeypatch.setattr(clips, "clean_clip", lambda config, lab, progress: tiny_clip)
    assert TINY_CLIP.net.embedding == tiny_clip.image.dimension


@pytest.fixture
def patch_file(tmp_path):
    path = tmp_path / "patch.npz"
    random_patch(PatchSpec(share=0.1), 16, seed=0).save(path)
    return path


@pytest.mark.usefixtures("tiny_lab")
def test_a_run_leaves_a_patch_pictures_a_report_and_figures(tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["run", "--steps", "30", "--batch", "16", "--patch.share", "0.1"]
    assert command.main([*arguments, "--language", "zh", "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "texture    zero-shot" in shown
    assert "of predictions changed on average" in shown
    names = {path.name for path in out.iterdir()}
    expected = {
        "universal.npz",
        "patch.png",
        "before.png",
        "after.png",
        "report.html",
        "report.json",
    }
    assert names == expected
    patch = load(out / "universal.npz")
    assert patch.side == 5
    data = json.loads((out / "report.json").read_text())
    assert data["config"]["steps"] == 30
    assert set(data["controls"]) == {"random patch", "mean-colour patch"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in page
    assert "universal patch" in page
    assert "通用补丁" in page


@pytest.mark.usefixtures("tiny_lab")
def test_evaluate_measures_a_saved_patch_behind_a_defense(patch_file, tmp_path, capsys):
    out = tmp_path / "evaluation"
    arguments = ["evaluate", "lab", "--universal", str(patch_file), "--defense", "blur"]
    assert command.main([*arguments, "--json", "--out", str(out)]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["victim"] == "lab+blur"
    assert data["defense"] == "blur"
    assert len(data["scores"]["classified"]) == 15
    assert (out / "report.html").exists()


def test_a_saved_clip_is_opened_with_its_text_tower(tiny_clip, tmp_path):
    save_clip(tiny_clip, tmp_path / "clip.safetensors")
    words = "--count 64 --steps 2 --batch 16 --patch.share 0.1".split()
    clip, out = str(tmp_path / "clip.safetensors"), str(tmp_path / "out")
    assert command.main(["run", clip, *words, "--out", out]) == 0
    scores = json.loads((tmp_path / "out" / "report.json").read_text())["scores"]
    assert "zero-shot" in {one["classifier"] for one in scores["classified"]}


def picture(path, size):
    pixels = numpy.random.default_rng(0).integers(0, 256, (*size, 3), dtype=numpy.uint8)
    Image.fromarray(pixels).save(path)
    return path, pixels


def test_apply_changes_the_pixels_under_the_patch_and_no_others(
    patch_file, tmp_path, capsys
):
    path, before = picture(tmp_path / "in.png", (16, 16))
    out = tmp_path / "applied"
    arguments = ["apply", str(path), "--universal", str(patch_file), "--out", str(out)]
    assert command.main(arguments) == 0
    assert capsys.readouterr().out.strip() == str(out / "in.png")
    with Image.open(out / "in.png") as changed:
        after = numpy.asarray(changed)
    mask = load(patch_file).mask_HW.numpy() == 1
    assert (after[~mask] == before[~mask]).all()
    assert (after[mask] != before[mask]).any()


def test_other_sizes_are_fitted_and_two_of_one_name_are_one_line(
    patch_file, tmp_path, capsys
):
    wide, _ = picture(tmp_path / "wide.png", (20, 30))
    (tmp_path / "other").mkdir()
    twin, _ = picture(tmp_path / "other" / "wide.png", (16, 16))
    out = tmp_path / "applied"
    words = ["--universal", str(patch_file), "--out", str(out)]
    assert command.main(["apply", str(wide), str(twin), *words]) == 2
    assert "two pictures have one name" in one_error(capsys)
    assert not out.exists()
    assert command.main(["apply", str(wide), *words]) == 0
    with Image.open(out / "wide.png") as changed:
        assert changed.size == (16, 16)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--epsilon", "1.5"], "epsilon must lie in (0, 1]"),
        (["run", "--patch.share", "1"], "does not fit on 16x16"),
        (["run", "--patch.share", "2"], "share of the image must lie in (0, 1], got 2"),
        (["run", "--steps", "0"], "steps must be above 0"),
        (["run", "--batch", "4096"], "fewer than one batch of 4096"),
        (["run", "lab:zebra"], "no lab CLIP 'lab:zebra'"),
        (["run", "open_clip:RN50"], "add --download"),
        (["run", "nonsense"], "no encoder 'nonsense'"),
        (["run", "--dataset", "moon"], "unknown dataset 'moon'"),
        (["evaluate", "--universal", "none.npz"], "no patch or perturbation none.npz"),
        (["apply", "none.png"], "no patch or perturbation"),
        (["apply"], "no picture; name one file or more"),
    ],
)
@pytest.mark.usefixtures("tiny_lab")
def test_bad_input_is_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command.main(arguments) == 2
    assert message in one_error(capsys)
    assert not (tmp_path / "build").exists()


@pytest.mark.usefixtures("tiny_lab")
def test_a_victim_without_texts_is_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blind.py").write_text(
        "import torch\n"
        "def build():\n"
        "    torch.manual_seed(0)\n"
        "    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(768, 5))\n"
        "    net.size = 16\n"
        "    return net\n"
    )
    assert command.main(["run", "blind:build"]) == 2
    assert "has no text tower" in one_error(capsys)


def test_a_picture_that_is_none_is_one_line(patch_file, tmp_path, capsys):
    (tmp_path / "text.png").write_text("hello")
    arguments = ["apply", str(tmp_path / "text.png"), "--universal", str(patch_file)]
    assert command.main(arguments) == 2
    assert "text.png is no image that can be read" in one_error(capsys)


def test_epsilon_is_a_fraction():
    asked = command.PROGRAM.parse(["run", "--epsilon", "10/255"])
    assert asked.config.epsilon == 10 / 255
    assert command.PROGRAM.parse(["run"]).config.epsilon == 8 / 255
    with pytest.raises(SystemExit) as stopped:
        command.main(["run", "--epsilon", "1/0"])
    assert stopped.value.code == 2
