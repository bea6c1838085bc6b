"""`python -m reference_impls.gen_af`: whole runs on a small lab, and its refusals."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from reference_impls.gen_af import run
from reference_impls.gen_af.__main__ import PROGRAM, main
from reference_impls.gen_af.population import BASE
from reference_impls.lab.models.encoders import (
    SmallNetConfig,
    load_encoder,
    save_encoder,
    small_encoder,
)
from tests.reference_impls.conftest import one_error


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    """A tiny encoder's file."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "tiny.safetensors"
    save_encoder(
        small_encoder(SmallNetConfig(widths=(8, 8, 16)), name="tiny", seed=0), path
    )
    return str(path)


ATTACKS = "--attacks.steps 4 --attacks.images 160".split()
"""Attacks on it take four steps."""
FAST = (
    "--count 256 --epochs 1 --budget.steps 1 --adaptation.sensitivity.mode first-order"
).split() + ATTACKS


def test_a_run_leaves_model_pictures_and_report_and_evaluate_reads_them(
    encoder, tmp_path, capsys
):
    out = tmp_path / "out"
    assert main(["run", encoder, *FAST, "--out", str(out), "--language", "zh"]) == 0
    answer = capsys.readouterr().out
    assert "gen-af, stage 1" in answer
    assert "advencoder-pat" in answer
    assert {path.name for path in out.iterdir()} == {
        "encoder.safetensors",
        "head.safetensors",
        "report.json",
        "report.html",
        "trade-off.svg",
        "trade-off.zh.svg",
        "layers.svg",
        "layers.zh.svg",
    }
    report = json.loads((out / "report.json").read_text())
    assert [one["name"] for one in report["models"]] == [
        "standard",
        "gen-af, stage 1",
        "gen-af",
    ]
    assert len(report["adaptation"]["layers"]) == 2
    assert report["run"]["versions"]["torch"] == torch.__version__
    page = (out / "report.html").read_text("utf-8")
    assert '<html lang="zh-CN">' in page
    assert "最强通用攻击" in page
    assert "worst universal attack" in page
    assert load_encoder(out / "encoder.safetensors").dimension == 16

    arguments = [str(out / "encoder.safetensors"), str(out / "head.safetensors")]
    assert (
        main(
            [
                "evaluate",
                *arguments,
                "--public",
                encoder,
                "--count",
                "64",
                *ATTACKS,
                "--json",
            ]
        )
        == 0
    )
    again = json.loads(capsys.readouterr().out)
    # The same model on the same pictures under the same attacks.
    expected = report["models"][-1]["accuracies"]
    assert again["accuracies"] == pytest.approx(expected)


def test_the_same_command_again_reads_what_is_finished(
    encoder, tmp_path, capsys, monkeypatch
):
    arguments = [
        "run",
        encoder,
        *FAST,
        "--no-compare",
        "--no-stage-2",
        "--json",
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(arguments) == 0
    first = json.loads(capsys.readouterr().out)

    def never(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr("reference_impls.gen_af.store.harden", never)
    assert main(arguments) == 0
    second = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in first["models"]] == ["gen-af"]
    assert second["models"] == first["models"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--budget.epsilon", "0"], 2, "epsilon is 0, so gen-af has no adversary"),
        (["--budget.epsilon", "-1"], 2, "epsilon must lie in [0, 1]"),
        (["--adaptation.share", "0"], 2, "with 0 no layer is adapted"),
        (["--adaptation.share", "0.01", *FAST], 2, "0.01 of 10 layers is no layer"),
        (["--task", "age"], 2, "has no task 'age'"),
        (["--dataset", "folder:pictures"], 2, "no folder pictures"),
        (["--count", "16"], 2, "do not fill a batch of 64"),
        (["--batch", "63", "--accumulate", "2"], 2, "multiple of accumulate"),
        (["--device", "warp"], 3, "no device 'warp' here"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    encoder, tmp_path, monkeypatch, capsys, options, code, message
):
    monkeypatch.chdir(tmp_path)
    assert main(["run", encoder, *options, "--out", "o"]) == code
    assert message in one_error(capsys)
    assert not (tmp_path / "o").exists()


def test_a_head_of_another_architecture_is_one_line(encoder, tmp_path, capsys):
    out = tmp_path / "out"
    quick = [*FAST, "--no-compare", "--no-stage-2", "--method", "linear-probe"]
    assert main(["run", encoder, *quick, "--out", str(out)]) == 0
    capsys.readouterr()
    other = tmp_path / "other.safetensors"
    save_encoder(
        small_encoder(SmallNetConfig(widths=(8, 8, 24)), name="other", seed=0), other
    )
    for first, second, message in (
        (str(other), out / "head.safetensors", "belongs to another architecture"),
        (encoder, out / "none.safetensors", "no head"),
        (encoder, out / "encoder.safetensors", "is no head that `run` wrote"),
        (encoder, out / "report.json", "is no readable safetensors file"),
    ):
        assert main(["evaluate", first, str(second)]) == 2
        assert message in one_error(capsys)


def test_an_interrupted_run_says_how_to_go_on(encoder, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "fine_tuned", interrupt)
    assert main(["run", encoder]) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_help_tells_how_several_processes_are_launched(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["run", "--help"])
    assert stop.value.code == 0
    assert "accelerate launch" in capsys.readouterr().out


def test_settings_are_those_of_the_study_but_for_the_precision():
    asked = PROGRAM.parse(["run"])
    assert asked.training == replace(BASE, precision=None)
    words = "run --budget.epsilon 8/255 --adaptation.guard None --no-stage-2".split()
    asked = PROGRAM.parse(words)
    assert asked.training.budget.epsilon == 8 / 255
    assert (asked.adaptation.guard, asked.training.adaptation) == (None, None)


def test_accelerate_launches_it(encoder, tmp_path):
    """One process and bfloat16 through the launcher that people use for many."""
    # fmt: off
    arguments = [
        sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "1",
        "--num_machines", "1", "--mixed_precision", "bf16", "--dynamo_backend", "no",
        "-m", "reference_impls.gen_af", "run", "none.safetensors",
    ]
    # fmt: on
    done = subprocess.run(
        arguments, capture_output=True, text=True, timeout=300, check=False
    )
    assert "error: no encoder 'none.safetensors'" in done.stderr
    assert done.returncode != 0
