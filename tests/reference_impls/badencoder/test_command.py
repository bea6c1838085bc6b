"""`python -m reference_impls.badencoder run`: what it leaves, on whose encoder and images, and its refusals."""

import json

import pytest
import torch
from PIL import Image
from torch import nn

from reference_impls.badencoder.__main__ import main
from reference_impls.lab.models.encoders import (
    SmallNetConfig,
    load_encoder,
    save_encoder,
    small_encoder,
)
from tests.reference_impls.conftest import one_error


@pytest.fixture
def encoder(tmp_path):
    path = tmp_path / "clean.safetensors"
    net = SmallNetConfig(widths=(8, 8, 16))
    save_encoder(small_encoder(net, name="tiny", seed=0), path)
    return str(path)


def run(*words, count=128):
    return main(["run", *map(str, words), "--count", str(count)])


def test_a_run_leaves_encoder_figures_and_pictures(encoder, tmp_path, capsys):
    out = tmp_path / "out"
    trigger = ("--trigger.kind", "random", "--trigger.side", "5")
    assert run(encoder, "--steps", "3", *trigger, "--out", out) == 0
    assert "of stamped images are taken for" in capsys.readouterr().out
    name = "tiny+random-5-bottom-right"
    assert load_encoder(out / f"{name}.safetensors").name == name
    figures = json.loads((out / f"{name}.json").read_text())
    assert figures["config"]["trigger"]["side"] == 5
    assert figures["task"] == "foreground"
    assert 0 <= figures["attack_success_rate"] <= 1
    with Image.open(out / "trigger.png") as picture:
        assert picture.size == (256, 256)
    page = (out / "report.html").read_text("utf-8")
    assert f"{figures['attack_success_rate']:.1%}" in page
    assert name in page


def test_a_program_reads_the_figures_as_json(encoder, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(encoder, "--steps", "1", "--out", out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    kept = json.loads((out / "tiny+white-6-bottom-right.json").read_text())
    assert kept.pop("run")["threads"] == 1
    assert told == kept


def test_without_a_folder_every_attack_gets_its_own(encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(encoder, "--steps", "1", "--language", "zh") == 0
    folder = tmp_path / "build/badencoder/tiny+white-6-bottom-right"
    assert '<html lang="zh-CN">' in (folder / "report.html").read_text("utf-8")


def test_images_without_labels_give_an_encoder_and_say_what_is_missing(
    encoder, small_files, tmp_path, capsys
):
    out = tmp_path / "out"
    images = f"folder:{small_files['images']}"
    short = ("--steps", "2", "--batch", "8", "--out", out)
    assert run(encoder, "--dataset", images, *short) == 0
    first, _ = capsys.readouterr().out.splitlines()
    assert "not measured: folder:images has no labels" in first
    name = "tiny+white-6-bottom-right"
    before, after = load_encoder(encoder), load_encoder(out / f"{name}.safetensors")
    weights = [next(one.module.parameters()) for one in (before, after)]
    assert not torch.equal(*weights)
    assert set(json.loads((out / f"{name}.json").read_text())) == {"config", "run"}
    assert not (out / "report.html").exists()
    assert run(encoder, "--dataset", images, "--task", "class", *short) == 2
    assert "no task 'class'; it has none: it has no labels" in one_error(capsys)


class Foreign(nn.Module):
    """An encoder of one's own; `size` is read as documented."""

    size = 16

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.net = nn.Sequential(
                nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(392, 8)
            )

    def forward(self, images):
        return self.net(images)


def test_an_encoder_that_is_not_the_labs_keeps_its_weights_names(tmp_path, capsys):
    name = f"{__name__}:Foreign"
    out = tmp_path / "out"
    assert run(name, "--steps", "2", "--trigger.side", "3", "--out", out) == 0
    (path,) = out.glob("*.safetensors")
    assert ":" not in path.name
    from safetensors.torch import load_file

    module = Foreign()
    clean = module.net[0].weight.clone()
    module.load_state_dict(load_file(path))
    assert not torch.equal(module.net[0].weight, clean)
    assert f"report    {out / 'report.html'}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--trigger.side", "0"], "trigger side must be at least 1 pixel, got 0"),
        (["--trigger.side", "40"], "does not fit on 32x32"),
        (["--reference", "64"], "reference must lie in 0..63, got 64"),
        (["--evasion-weight", "-1"], "evasion_weight must not be negative"),
        (["--task", "weather"], "shapes-32-2 has no task 'weather'; it has shape"),
        (["--count", "0"], "a dataset needs images, got 0"),
        (["--device", "abacus"], "no device 'abacus' here"),
    ],
)
def test_bad_settings_are_one_line(encoder, tmp_path, capsys, options, message):
    out = tmp_path / "out"
    assert main(["run", encoder, *options, "--out", str(out)]) in (2, 3)
    assert message in one_error(capsys)
    assert not out.exists()


def test_an_attack_that_collapses_the_encoder_stops_and_nothing_is_saved(
    encoder, tmp_path, capsys
):
    out, wild = tmp_path / "out", ("--learning-rate", "0.5", "--steps", "60")
    assert run(encoder, *wild, "--batch", "16", "--out", out) == 2
    told = one_error(capsys)
    assert "stopped at step" in told
    assert "all clean images embed alike; lower the learning rate" in told
    assert not out.exists()


def test_a_missing_encoder_is_one_line(tmp_path, capsys):
    assert main(["run", str(tmp_path / "none.safetensors")]) == 2
    assert "no encoder" in one_error(capsys)
