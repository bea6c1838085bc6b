"""`python -m reference_impls.advencoder`: whole runs on a tiny encoder, and their refusals."""

import json

import pytest
import torch
from PIL import Image

from reference_impls.advencoder import run
from reference_impls.advencoder.__main__ import main
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
    tiny = small_encoder(SmallNetConfig(widths=(8, 8, 16)), name="tiny<b>", seed=0)
    save_encoder(tiny, path)
    return str(path)


FEW = ("--train", "64", "--count", "32", "--tasks", "size")


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("lab")))


def craft(encoder, out, *options):
    few = ["--steps", "3", "--batch", "16", "--surrogate", "64", *FEW]
    return main(["run", encoder, *few, "--out", str(out), *options])


@pytest.fixture(scope="module")
def change(encoder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("lab")))
        assert craft(encoder, out) == 0
    return out / "universal.npz"


def test_run_leaves_change_report_and_settings(encoder, tmp_path, capsys):
    options = ["--variant", "patch", "--patch.share", "0.04", "--patch.place"]
    assert craft(encoder, tmp_path, *options, "top-left") == 0
    answer = capsys.readouterr().out
    assert "size" in answer
    assert "control" in answer
    patch = load(tmp_path / "universal.npz")
    assert isinstance(patch, UniversalPatch)
    assert patch.side == 6
    assert patch.mask_HW[1, 1] == 1
    about = json.loads((tmp_path / "report.json").read_text())
    assert about["run"]["asked"]["config"]["patch"]["share"] == 0.04
    assert about["run"]["versions"]["torch"] == torch.__version__
    controls = {"advencoder", "random-patch", "mean-colour-patch"}
    assert set(about["cosines"]) == controls
    with Image.open(tmp_path / "change.png") as picture:
        assert picture.size == (256, 256)
    suffixes = {file.suffix for file in tmp_path.iterdir()}
    assert suffixes == {".npz", ".png", ".json", ".html"}


def test_epsilon_may_be_a_fraction(encoder, tmp_path):
    assert craft(encoder, tmp_path, "--epsilon", "3/255") == 0
    perturbation = load(tmp_path / "universal.npz")
    assert isinstance(perturbation, UniversalPerturbation)
    assert perturbation.epsilon == pytest.approx(3 / 255)


def test_images_without_labels_give_a_change_and_say_what_is_missing(
    encoder, small_files, tmp_path, capsys
):
    images = ("--dataset", f"folder:{small_files['images']}", "--batch", "8")
    out, every = tmp_path / "out", ("--tasks",)
    few = ["--steps", "2", "--out", str(out), *images]
    assert main(["run", encoder, *few]) == 0
    first, _ = capsys.readouterr().out.splitlines()
    assert "not measured: folder:images has no labels" in first
    assert isinstance(load(out / "universal.npz"), UniversalPerturbation)
    assert set(json.loads((out / "report.json").read_text())) == {"run"}
    assert not (out / "report.html").exists()
    assert main(["run", encoder, *few, *every, "size"]) == 2
    assert "no downstream task" in one_error(capsys)
    saved = str(out / "universal.npz")
    assert main(["evaluate", encoder, "--universal", saved, *images[:2]]) == 2
    assert "no downstream task" in one_error(capsys)


def evaluate(encoder, change, *options):
    return main(["evaluate", encoder, "--universal", str(change), *options])


def test_evaluate_writes_a_report_in_both_languages(encoder, change, tmp_path, capsys):
    few = ["--train", "96", "--count", "48", "--tasks", "texture", "size"]
    where = ["--out", str(tmp_path), "--language", "zh"]
    assert evaluate(encoder, change, *few, *where) == 0
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
    assert evaluate(encoder, change, *FEW, "--out", str(tmp_path), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["cosines"]) == {"advencoder", "random-perturbation"}


def test_apply_changes_pictures(change, tmp_path, capsys):
    picture = tmp_path / "photo.png"
    Image.new("RGB", (50, 40), (120, 120, 120)).save(picture)
    written = tmp_path / "out" / "photo.png"
    words = ["--universal", str(change), "--out", str(written.parent)]
    assert main(["apply", str(picture), *words]) == 0
    assert capsys.readouterr().out.strip() == str(written)
    with Image.open(written) as attacked:
        assert attacked.size == (32, 32)
        low, high = attacked.convert("L").getextrema()
    assert 105 <= low < 120 < high <= 135  # 10 levels at most


def test_nothing_is_written_if_one_picture_cannot_be_read(change, tmp_path, capsys):
    picture = tmp_path / "photo.png"
    Image.new("RGB", (50, 40)).save(picture)
    out = tmp_path / "out"
    names = [str(picture), str(tmp_path / "missing.png")]
    assert main(["apply", *names, "--universal", str(change), "--out", str(out)]) == 2
    assert "missing.png is no image" in one_error(capsys)
    assert not out.exists()
    assert main(["apply", "--universal", str(change)]) == 2
    assert "no picture" in one_error(capsys)


def test_a_killed_run_goes_on(encoder, tmp_path, monkeypatch):
    long = ["--steps", "60", "--batch", "8", "--surrogate", "16", *FEW]
    whole = tmp_path / "whole"
    with monkeypatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path / "lab"))
        main(["run", encoder, *long, "--out", str(whole)])

    def dying(step):
        def show(done, total, loss):
            if done == 55:
                raise KeyboardInterrupt

        return show

    killed = ["run", encoder, *long, "--out", str(tmp_path / "killed")]
    with monkeypatch.context() as patch:
        patch.setattr(run.console, "training", dying)
        assert main(killed) == 130
    steps = []
    monkeypatch.setattr(
        run.console, "training", lambda step: lambda *at: steps.append(at[0])
    )
    assert main(killed) == 0
    assert steps == list(range(51, 61))
    first, second = (
        load(folder / "universal.npz").delta_3HW
        for folder in (whole, tmp_path / "killed")
    )
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--epsilon", "10"], "epsilon must lie in (0, 1]"),
        (["--steps", "0"], "steps must be above 0, got 0"),
        (["--variant", "patch", "--patch.share", "2"], "must lie in (0, 1], got 2.0"),
        (["--variant", "patch", "--patch.share", "1"], "does not fit on 32x32"),
        (["--variant", "patch", "--crafter", "signs"], "use generator or direct"),
        (["--surrogate", "8"], "8 images, fewer than one batch of 16"),
        (["--dataset", "nowhere"], "unknown dataset 'nowhere'"),
        (["--dataset", "folder:/no/such"], "no folder /no/such"),
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
        (["run", "no-such-file"], "no encoder 'no-such-file'"),
        (
            ["evaluate", "--universal", "missing.npz"],
            "make one with `run`",
        ),
        (
            ["apply", "x.png", "--universal", "missing.npz"],
            "make one with `run`",
        ),
    ],
)
def test_what_is_not_there_is_named(arguments, said, capsys):
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_other_files_are_no_changes(encoder, tmp_path, capsys):
    other = tmp_path / "change.npz"
    other.write_text("not a change")
    assert evaluate(encoder, other) == 2
    assert "is no patch or perturbation" in capsys.readouterr().err


def test_a_change_of_another_size_is_refused(change, tmp_path, capsys):
    small = tmp_path / "small.safetensors"
    net = SmallNetConfig(widths=(8, 8, 16))
    save_encoder(small_encoder(net, name="small", size=16, seed=0), small)
    assert evaluate(str(small), change, *FEW) == 2
    assert "made for images of 32x32 pixels, got 16x16" in capsys.readouterr().err


def test_a_number_that_is_none_is_wrong_usage(encoder, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["run", encoder, "--epsilon", "1/0"])
    assert stopped.value.code == 2
    assert "write 0.04 or 10/255" in " ".join(capsys.readouterr().err.split())
