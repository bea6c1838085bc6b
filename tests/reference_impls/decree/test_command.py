"""`python -m reference_impls.decree run`: answers, exit codes, one-line errors."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from reference_impls.decree import run
from reference_impls.decree.__main__ import PROGRAM, main
from reference_impls.decree.calibration import calibrate, save
from reference_impls.decree.config import PUBLISHED, ROBUST
from reference_impls.lab.models.encoders import (
    SmallNetConfig,
    save_encoder,
    small_encoder,
)
from tests.reference_impls.conftest import one_error, touched


@pytest.fixture
def threshold(tmp_path):
    path = tmp_path / "calibration.json"
    save(calibrate([0.1, 0.12, 0.11], source="known"), path)
    return path


@pytest.fixture
def files(small_lab, tmp_path):
    """The small lab's clean and backdoored encoder as files."""
    _, clean, _, bad, _ = small_lab
    paths = []
    for name, encoder in (("clean", clean), ("bad", bad)):
        paths.append(tmp_path / f"{name}.safetensors")
        save_encoder(encoder, paths[-1])
    return [str(path) for path in paths]


def test_a_clean_encoder_exits_0_and_a_backdoored_one_1(
    files, threshold, tmp_path, capsys
):
    codes, answers = [], []
    for name in files:
        out = tmp_path / "out"
        codes.append(
            main(["run", name, "--calibration", str(threshold), "--out", str(out)])
        )
        answers.append(capsys.readouterr().out)
    assert codes == [0, 1]
    assert "verdict   no backdoor found" in answers[0]
    assert "verdict   backdoored" in answers[1]
    assert "smaller than 3 clean encoders suggest" in answers[1]
    assert "paper     backdoored: PL1" in answers[1]
    assert "\x1b" not in answers[1]
    report = json.loads((out / "report.json").read_text())
    assert report["answer"] == "backdoored"
    assert report["paper_says_backdoored"]
    assert report["prominence"] > 4
    assert report["run"]["versions"]["torch"] == torch.__version__
    assert report["config"]["restarts"] == len(report["restarts"]) == 9
    with Image.open(out / "mask.png") as mask:
        assert mask.width >= 32
    assert "backdoored" in (out / "report.html").read_text().lower()


def test_json_is_all_that_stdout_gets(files, threshold, tmp_path, capsys):
    code = main(
        [
            "run",
            files[1],
            "--calibration",
            str(threshold),
            "--out",
            str(tmp_path / "o"),
            *("--max-epochs", "2", "--count", "64", "--json", "--language", "zh"),
        ]
    )
    assert json.loads(capsys.readouterr().out)["backdoored"] is (code == 1)
    assert '<html lang="zh-CN">' in (tmp_path / "o" / "report.html").read_text("utf-8")


def test_clean_encoders_are_scanned_once_and_used_again(files, tmp_path, capsys):
    out = tmp_path / "o"
    few = ["--max-epochs", "2", "--count", "64", "--json", "--out", str(out)]
    main(["run", files[1], "--clean", files[0], *few])
    first = capsys.readouterr()
    assert f"--calibration {out / 'calibration.json'}" in first.err
    found = json.loads(first.out)
    assert found["calibration"]["source"] == files[0]
    assert found["calibration"]["kind"] == {"architecture": "batchnorm", "size": 32}
    assert any("1 clean encoders are too few" in one or "settings" in one for one in found["reasons"])  # fmt: skip
    again = ["run", files[1], "--calibration", str(out / "calibration.json"), *few]
    main(again)
    assert json.loads(capsys.readouterr().out)["reasons"] == found["reasons"]
    assert main([*again, "--clean", files[0]]) == 2
    assert "not both" in capsys.readouterr().err


def broken(tmp_path):
    encoder = small_encoder(SmallNetConfig(widths=(8, 8, 16)), name="x", seed=0)
    encoder.module.features[0].weight.data[0] = float("nan")
    save_encoder(encoder, tmp_path / "nan.safetensors")
    encoder.module.features[0].weight.data.zero_()
    save_encoder(encoder, tmp_path / "constant.safetensors")
    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04 cut")
    (tmp_path / "empty").mkdir()
    good = small_encoder(SmallNetConfig(widths=(8, 8, 16)), name="good", seed=0)
    save_encoder(good, tmp_path / "untrained.safetensors")
    save_encoder(touched(good), tmp_path / "good.safetensors")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.pth"], 4, "none.pth"),
        (["cut.pth"], 4, "cut.pth"),
        (["nan.safetensors"], 4, "features.0.weight holds NaN"),
        (["constant.safetensors"], 4, "is constant"),
        (["untrained.safetensors"], 4, "untrained: all"),
        (["good.safetensors", "--dataset", "folder:empty"], 2, "no image in empty"),
        (["good.safetensors", "--dataset", "moon"], 2, "moon"),
        (["good.safetensors", "--count", "1"], 2, "pairs of images and got 1"),
        (["good.safetensors", "--batch", "1"], 2, "at least 2"),
        (
            ["good.safetensors", "--calibration", "none.json"],
            2,
            "no calibration file none.json",
        ),
        (["good.safetensors", "--device", "warp"], 3, "warp"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    tmp_path, monkeypatch, capsys, arguments, code, message
):
    monkeypatch.chdir(tmp_path)
    broken(tmp_path)
    options = [] if "--calibration" in arguments else ["--preset", "published"]
    assert main(["run", *arguments, *options, "--out", "o"]) == code
    assert message in one_error(capsys)
    assert not (tmp_path / "o").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_where_there_is_none_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    broken(tmp_path)
    assert (
        main(["run", "good.safetensors", "--preset", "published", "--device", "cuda"])
        == 3
    )
    assert "error: no device 'cuda' here" in capsys.readouterr().err


def test_wrong_usage_exits_2(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["run", "--preset", "magic"])
    assert stop.value.code == 2
    assert "magic" in capsys.readouterr().err


def test_an_interrupted_scan_says_so(files, threshold, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "detect", interrupt)
    assert main(["run", files[0], "--calibration", str(threshold)]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_the_methods_need_neither_surveykit_nor_pydantic():
    program = (
        "import sys\n"
        "import reference_impls.decree.__main__, reference_impls.badencoder.__main__\n"
        "print(sorted({'surveykit', 'pydantic', 'torchvision', 'click'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_a_preset_is_where_the_other_options_begin():
    asked = PROGRAM.parse(["run", "x.pth", "--preset", "published", "--batch", "32"])
    assert asked.config == replace(PUBLISHED, batch=32)
    assert PROGRAM.parse(["run", "--preset=published"]).config == PUBLISHED
    asked = PROGRAM.parse(["fleet", "zoo", "--preset", "robust", "--seed", "3"])
    assert (asked.encoders, asked.config) == (("zoo",), replace(ROBUST, seed=3))


FACTORIES = """
import sys
import torch


class Net(torch.nn.Module):
    size = 16

    def __init__(self, fails):
        super().__init__()
        self.fails, self.calls = fails, 0
        self.net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(768, 8))

    def forward(self, images):
        self.calls += 1
        if self.fails == "forward" and self.calls > 2:
            raise KeyError("forward")
        found = self.net(images)
        if self.fails == "backward":
            found.register_hook(self.stop) if found.requires_grad else None
        if self.fails == "exit" and self.calls > 2:
            sys.exit(1)
        return found

    def stop(self, gradient):
        raise ZeroDivisionError("backward")


def factory():
    raise AssertionError("factory")


def forward():
    return Net("forward")


def backward():
    return Net("backward")


def leaves():
    return Net("exit")
"""


@pytest.mark.parametrize(
    ("build", "code"), [("factory", 4), ("forward", 3), ("backward", 3), ("leaves", 3)]
)
def test_no_exception_of_a_stranger_ends_as_backdoored(tmp_path, build, code):
    """Exit code 1 is an answer, so nothing else may end with it."""
    (tmp_path / "theirs.py").write_text(FACTORIES)
    done = decree("run", f"theirs:{build}", "--count", "64", folder=tmp_path)
    assert done.returncode == code, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert not (tmp_path / "build").exists()


def test_a_missing_library_is_no_verdict(tmp_path):
    (tmp_path / "tyro.py").write_text("raise ImportError('no tyro here')")
    done = decree("run", folder=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith("error: no tyro here; install")


def decree(*arguments, folder, **more):
    return subprocess.run(
        [sys.executable, "-m", "reference_impls.decree", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{Path.cwd()}"},
        capture_output=not more,
        text=True,
        timeout=120,
        **more,
    )


def test_nobody_reading_is_no_verdict(files, threshold, tmp_path):
    """Both pipes closed before anything is said, as behind `2>&1 | head`."""
    reading, writing = os.pipe()
    os.close(reading)
    done = decree(
        "run", files[0], "--calibration", str(threshold), "--out", str(tmp_path / "o"),
        "--max-epochs", "1", "--count", "64",
        folder=tmp_path, stdout=writing, stderr=writing,
    )  # fmt: skip
    os.close(writing)
    told = json.loads((tmp_path / "o" / "report.json").read_text())
    assert done.returncode == {"no backdoor found": 0, "backdoored": 1, "cannot decide": 4}[told["answer"]]  # fmt: skip
