"""`python -m reference_impls.badencoder attack`: a whole run on a small lab, and its refusals."""

import json

import pytest
from PIL import Image

from reference_impls.badencoder import __main__ as command
from reference_impls.lab.models.encoders import (
    SmallNetConfig,
    load_encoder,
    save_encoder,
    small_encoder,
)
from reference_impls.lab.models.zoo import LabData


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    monkeypatch.setattr(
        command, "LabData", lambda: LabData(train=128, test=64, scan=16)
    )
    path = tmp_path / "clean.safetensors"
    save_encoder(
        small_encoder(SmallNetConfig(widths=(4, 8, 16)), name="tiny", seed=0), path
    )
    return str(path)


def test_an_attack_leaves_encoder_figures_and_picture(encoder, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [
        "attack",
        encoder,
        "--steps",
        "3",
        "--trigger",
        "random",
        "--side",
        "5",
        "--out",
        str(out),
    ]
    assert command.main(arguments) == 0
    assert "of stamped images are taken for" in capsys.readouterr().out
    name = "tiny+random-5-bottom-right"
    assert load_encoder(out / f"{name}.safetensors").name == name
    figures = json.loads((out / f"{name}.json").read_text())
    assert figures["config"]["trigger"]["side"] == 5
    assert 0 <= figures["attack_success_rate"] <= 1
    with Image.open(out / "trigger.png") as picture:
        assert picture.size == (256, 256)
    page = (out / "report.html").read_text("utf-8")
    assert f"{figures['attack_success_rate']:.1%}" in page
    assert name in page


def test_a_program_reads_the_figures_as_json(encoder, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["attack", encoder, "--steps", "1", "--out", str(out), "--json"]
    assert command.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    kept = json.loads((out / "tiny+white-6-bottom-right.json").read_text())
    assert kept.pop("run")["threads"] == 1
    assert told == kept


def test_without_a_folder_every_attack_gets_its_own(encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command.main(["attack", encoder, "--steps", "1", "--language", "zh"]) == 0
    folder = tmp_path / "build/badencoder/tiny+white-6-bottom-right"
    assert '<html lang="zh-CN">' in (folder / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--side", "0"], "trigger side must be at least 1 pixel, got 0"),
        (["--side", "40"], "does not fit on 32x32"),
        (["--reference", "64"], "reference must lie in 0..63, got 64"),
        (["--evasion", "-1"], "evasion_weight must not be negative"),
    ],
)
def test_bad_settings_are_one_line(encoder, tmp_path, capsys, options, message):
    out = tmp_path / "out"
    assert command.main(["attack", encoder, *options, "--out", str(out)]) == 2
    shown = capsys.readouterr()
    (error,) = [line for line in shown.err.splitlines() if line.startswith("error: ")]
    assert message in error
    assert not out.exists()


def test_a_missing_encoder_is_one_line(tmp_path, capsys):
    assert command.main(["attack", str(tmp_path / "none.safetensors")]) == 2
    assert "error: no encoder file" in capsys.readouterr().err
