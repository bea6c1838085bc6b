"""`python -m reference_impls.advencoder`: whole runs on a tiny encoder, and their refusals."""

import json
import subprocess
import sys

import pytest
import torch
from PIL import Image

from reference_impls.advencoder.__main__ import fraction, main
from reference_impls.lab.attacks.universal import (
    UniversalPatch,
    UniversalPerturbation,
    load,
)
from reference_impls.lab.models.encoders import (
    SmallNetConfig,
    save_encoder,
    small_encoder,
)
from tests.reference_impls.conftest import one_error


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder") / "tiny.safetensors"
    tiny = small_encoder(SmallNetConfig(widths=(4, 8, 16)), name="tiny<b>", seed=0)
    save_encoder(tiny, path)
    return str(path)


def craft(encoder, out, *options):
    few = ["--steps", "3", "--batch", "16", "--count", "64", "--out", str(out)]
    return main(["craft", encoder, *few, *options])


@pytest.fixture(scope="module")
def change(encoder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    assert craft(encoder, out) == 0
    return out / "change.npz"


def test_craft_leaves_change_picture_and_settings(encoder, tmp_path, capsys):
    options = ["--variant", "patch", "--share", "0.04", "--place", "top-left"]
    assert craft(encoder, tmp_path, *options) == 0
    path = tmp_path / "change.npz"
    assert f"change    {path}" in capsys.readouterr().out
    patch = load(path)
    assert isinstance(patch, UniversalPatch)
    assert patch.side == 6
    assert patch.mask_HW[1, 1] == 1
    about = json.loads((tmp_path / "craft.json").read_text())
    assert about["order"]["config"]["patch"]["share"] == 0.04
    assert about["run"]["versions"]["torch"] == torch.__version__
    with Image.open(tmp_path / "change.png") as picture:
        assert picture.size == (256, 256)
    assert {file.suffix for file in tmp_path.iterdir()} == {".npz", ".png", ".json"}


def test_epsilon_may_be_a_fraction(encoder, tmp_path):
    assert craft(encoder, tmp_path, "--epsilon", "3/255") == 0
    perturbation = load(tmp_path / "change.npz")
    assert isinstance(perturbation, UniversalPerturbation)
    assert perturbation.epsilon == pytest.approx(3 / 255)
    assert fraction("0.5") == 0.5


def test_evaluate_writes_a_report_in_both_languages(encoder, change, tmp_path, capsys):
    few = ["--train", "96", "--test", "48", "--task", "texture", "--task", "size"]
    where = ["--out", str(tmp_path), "--language", "zh"]
    code = main(["evaluate", str(change), "--encoder", encoder, *few, *where])
    assert code == 0
    answer = capsys.readouterr().out
    assert "texture" in answer
    assert "control" in answer
    page = (tmp_path / "report.html").read_text("utf-8")
    assert '<html lang="zh-CN">' in page
    assert "tiny&lt;b&gt;" in page
    assert "tiny<b>" not in page
    assert "随机符号扰动" in page
    assert "random signs" in page
    report = json.loads((tmp_path / "report.json").read_text())
    assert len(report["outcomes"]) == 2 * 2 * 2  # tasks, models, changes
    assert {"change.png", "before.png", "after.png"} <= {
        file.name for file in tmp_path.iterdir()
    }


def test_json_is_all_that_stdout_gets(encoder, change, tmp_path, capsys):
    few = ["--train", "64", "--test", "32", "--task", "size", "--out", str(tmp_path)]
    code = main(["evaluate", str(change), "--encoder", encoder, *few, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert set(found["cosines"]) == {"advencoder", "random-perturbation"}


def test_apply_changes_pictures(change, tmp_path, capsys):
    picture = tmp_path / "photo.png"
    Image.new("RGB", (50, 40), (120, 120, 120)).save(picture)
    code = main(
        ["apply", str(picture), "--change", str(change), "--out", str(tmp_path)]
    )
    assert code == 0
    written = tmp_path / "photo-attacked.png"
    assert capsys.readouterr().out.strip() == str(written)
    with Image.open(written) as attacked:
        assert attacked.size == (32, 32)
        low, high = attacked.convert("L").getextrema()
    assert 105 <= low < 120 < high <= 135  # 10 levels at most


def test_a_killed_craft_goes_on(encoder, tmp_path, monkeypatch):
    from reference_impls.advencoder import run
    from reference_impls.lab.study import console

    long = ["--steps", "60", "--batch", "8", "--count", "16"]
    whole = tmp_path / "whole"
    main(["craft", encoder, *long, "--out", str(whole)])

    def dying(step):
        def show(done, total, loss):
            if done == 55:
                raise KeyboardInterrupt

        return show

    killed = ["craft", encoder, *long, "--out", str(tmp_path / "killed")]
    with monkeypatch.context() as patch:
        patch.setattr(run.console, "training", dying)
        assert main(killed) == 130
    steps = []
    monkeypatch.setattr(
        console, "training", lambda step: lambda *at: steps.append(at[0])
    )
    assert main(killed) == 0
    assert steps == list(range(51, 61))
    first, second = (
        load(folder / "change.npz").delta_3HW for folder in (whole, tmp_path / "killed")
    )
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--epsilon", "10"], "epsilon must lie in (0, 1]"),
        (["--steps", "0"], "steps must be above 0, got 0"),
        (["--variant", "patch", "--share", "2"], "must lie in (0, 1], got 2.0"),
        (["--variant", "patch", "--share", "1"], "does not fit on 32x32"),
        (["--variant", "patch", "--crafter", "signs"], "use generator or direct"),
        (["--count", "8"], "8 images, fewer than one batch of 16"),
        (["--images", "nowhere"], "unknown dataset 'nowhere'"),
        (["--images", "folder:/no/such"], "no folder /no/such"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    encoder, tmp_path, capsys, options, said
):
    assert craft(encoder, tmp_path, *options) == 2
    assert said in one_error(capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["craft", "no-such-file"], "no encoder 'no-such-file'"),
        (
            ["evaluate", "missing.npz"],
            "make one with `python -m reference_impls.advenc",
        ),
        (["apply", "x.png", "--change", "missing.npz"], "make one with `craft`"),
    ],
)
def test_what_is_not_there_is_named(arguments, said, capsys):
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_other_files_are_no_changes(encoder, tmp_path, capsys):
    other = tmp_path / "change.npz"
    other.write_text("not a change")
    assert main(["evaluate", str(other), "--encoder", encoder]) == 2
    assert "is no patch or perturbation" in capsys.readouterr().err


def test_a_change_of_another_size_is_refused(change, tmp_path, capsys):
    small = tmp_path / "small.safetensors"
    net = SmallNetConfig(widths=(4, 8, 16))
    save_encoder(small_encoder(net, name="small", size=16, seed=0), small)
    few = ["--train", "32", "--test", "16"]
    assert main(["evaluate", str(change), "--encoder", str(small), *few]) == 2
    assert "made for images of 32x32 pixels, got 16x16" in capsys.readouterr().err


def test_a_number_that_is_none_is_wrong_usage(encoder, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["craft", encoder, "--epsilon", "1/0"])
    assert stopped.value.code == 2
    assert "write 0.04 or 10/255" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["craft", "evaluate", "apply", "sweep"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"example:\n  python -m reference_impls.advencoder {command}" in (
        capsys.readouterr().out
    )


def test_it_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "reference_impls.advencoder", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "craft" in done.stdout
