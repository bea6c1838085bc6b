"""`python -m reference_impls.decree run`: answers, exit codes, one-line errors."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from PIL import Image

from reference_impls.decree import run
from reference_impls.decree.__main__ import PROGRAM, main
from reference_impls.decree.calibration import LAB_CALIBRATION, Calibration, load, save
from reference_impls.decree.config import PUBLISHED, ROBUST
from reference_impls.lab.models.encoders import (
    SmallNetConfig,
    save_encoder,
    small_encoder,
)
from tests.reference_impls.conftest import one_error


@pytest.fixture
def threshold(tmp_path):
    path = tmp_path / "calibration.json"
    save(
        Calibration(threshold=0.06, source="known", clean_scores=(0.1, 0.12, 0.11)),
        path,
    )
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
    assert "no backdoor found: PL1" in answers[0] or "no trigger found" in answers[0]
    assert "verdict   backdoored: PL1" in answers[1]
    assert "rests on  known" in answers[1]
    assert "\x1b" not in answers[1]
    report = json.loads((out / "report.json").read_text())
    assert report["backdoored"]
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
            "--json",
            "--language",
            "zh",
        ]
    )
    assert json.loads(capsys.readouterr().out)["backdoored"] is (code == 1)
    assert '<html lang="zh-CN">' in (tmp_path / "o" / "report.html").read_text("utf-8")


def test_clean_encoders_set_the_threshold(files, tmp_path, capsys):
    out = tmp_path / "o"
    main(["run", files[1], "--clean", files[0], "--out", str(out), "--json"])
    found = json.loads(capsys.readouterr().out)["calibration"]
    assert found["threshold"] == pytest.approx(0.6 * found["clean_scores"][0])
    assert files[0] in found["source"]


def test_the_committed_threshold_can_be_read():
    assert 0 < load(LAB_CALIBRATION).threshold < 0.1


def broken(tmp_path):
    encoder = small_encoder(SmallNetConfig(widths=(8, 8, 16)), name="x", seed=0)
    encoder.module.features[0].weight.data[0] = float("nan")
    save_encoder(encoder, tmp_path / "nan.safetensors")
    encoder.module.features[0].weight.data.zero_()
    save_encoder(encoder, tmp_path / "constant.safetensors")
    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04 cut")
    (tmp_path / "empty").mkdir()
    good = small_encoder(SmallNetConfig(widths=(8, 8, 16)), name="good", seed=0)
    save_encoder(good, tmp_path / "good.safetensors")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.pth"], 2, "none.pth"),
        (["cut.pth"], 2, "cut.pth"),
        (["nan.safetensors"], 2, "features.0.weight holds NaN"),
        (["constant.safetensors"], 2, "is constant"),
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


def test_a_threshold_of_other_settings_is_told(files, tmp_path, capsys):
    few = ["--max-epochs", "1", "--count", "64", "--out", str(tmp_path / "out")]
    main(["run", files[0], *few])
    assert "belongs to robust as it is" in capsys.readouterr().err
    main(["run", files[0], *few, "--clean", files[1]])
    assert "as it is" not in capsys.readouterr().err
