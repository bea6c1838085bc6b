"""`python -m reference_impls.gen_af`: whole runs on a small lab, and its refusals."""

import json
import subprocess
import sys

import pytest
import torch

from reference_impls.advencoder.suite import SuiteConfig
from reference_impls.gen_af import __main__ as command
from reference_impls.gen_af import population, publish, run
from reference_impls.gen_af.config import (
    AdaptationConfig,
    HardenConfig,
    SensitivityConfig,
)
from reference_impls.gen_af.population import (
    FULL,
    Plan,
    Setting,
    ablations,
    arms,
    subjects,
)
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.models.encoders import (
    SmallNetConfig,
    load_encoder,
    save_encoder,
    small_encoder,
)
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import LabData
from tests.reference_impls.conftest import one_error

SUITE = SuiteConfig(steps=4, images=160)


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    """A tiny encoder's file; attacks on it take four steps."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        run.Order.__init__,
        "__kwdefaults__",
        {**run.Order.__init__.__kwdefaults__, "attacks": SUITE},
    )
    kept = {**run.Examination.__init__.__kwdefaults__, "attacks": SUITE}
    monkeypatch.setattr(run.Examination.__init__, "__kwdefaults__", kept)
    path = tmp_path / "tiny.safetensors"
    save_encoder(
        small_encoder(SmallNetConfig(widths=(4, 8, 16)), name="tiny", seed=0), path
    )
    return str(path)


FAST = [
    "--count",
    "256",
    "--epochs",
    "1",
    "--attack-steps",
    "1",
    "--sensitivity",
    "first-order",
]


def test_a_run_leaves_model_pictures_and_report_and_evaluate_reads_them(
    encoder, tmp_path, capsys
):
    out = tmp_path / "out"
    assert (
        command.main(["harden", encoder, *FAST, "--out", str(out), "--language", "zh"])
        == 0
    )
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
        command.main(
            ["evaluate", *arguments, "--public", encoder, "--count", "64", "--json"]
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
        "harden",
        encoder,
        *FAST,
        "--alone",
        "--no-stage-2",
        "--json",
        "--out",
        str(tmp_path / "o"),
    ]
    assert command.main(arguments) == 0
    first = json.loads(capsys.readouterr().out)

    def never(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr("reference_impls.gen_af.store.harden", never)
    assert command.main(arguments) == 0
    second = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in first["models"]] == ["gen-af"]
    assert second["models"] == first["models"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--epsilon", "0"], 2, "epsilon is 0, so gen-af has no adversary"),
        (["--epsilon", "-1"], 2, "epsilon must lie in [0, 1]"),
        (["--share", "0"], 2, "with 0 no layer is adapted"),
        (["--share", "0.01", *FAST], 2, "0.01 of 10 layers is no layer"),
        (["--task", "age"], 2, "has no task 'age'"),
        (["--images", "folder:pictures"], 2, "no folder pictures"),
        (["--count", "16"], 2, "do not fill a batch of 64"),
        (["--batch", "63", "--accumulate", "2"], 2, "multiple of accumulate"),
        (["--device", "warp"], 3, "no device 'warp' here"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    encoder, tmp_path, monkeypatch, capsys, options, code, message
):
    monkeypatch.chdir(tmp_path)
    assert command.main(["harden", encoder, *options, "--out", "o"]) == code
    assert message in one_error(capsys)
    assert not (tmp_path / "o").exists()


def test_a_head_of_another_architecture_is_one_line(encoder, tmp_path, capsys):
    out = tmp_path / "out"
    quick = [*FAST, "--alone", "--no-stage-2", "--method", "linear-probe"]
    assert command.main(["harden", encoder, *quick, "--out", str(out)]) == 0
    capsys.readouterr()
    other = tmp_path / "other.safetensors"
    save_encoder(
        small_encoder(SmallNetConfig(widths=(4, 8, 24)), name="other", seed=0), other
    )
    for first, second, message in (
        (str(other), out / "head.safetensors", "belongs to another architecture"),
        (encoder, out / "none.safetensors", "no head"),
        (encoder, out / "encoder.safetensors", "is no head that `harden` wrote"),
        (encoder, out / "report.json", "is no readable safetensors file"),
    ):
        assert command.main(["evaluate", first, str(second)]) == 2
        assert message in one_error(capsys)


def test_an_interrupted_run_says_how_to_go_on(encoder, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "fine_tuned", interrupt)
    assert command.main(["harden", encoder]) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_help_has_examples_and_exit_codes(capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "accelerate launch" in text
    assert "130 interrupted" in text


def test_accelerate_launches_it(encoder, tmp_path):
    """One process and bfloat16 through the launcher that people use for many."""
    # fmt: off
    arguments = [
        sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "1",
        "--num_machines", "1", "--mixed_precision", "bf16", "--dynamo_backend", "no",
        "-m", "reference_impls.gen_af", "harden", "none.safetensors",
    ]
    # fmt: on
    done = subprocess.run(
        arguments, capture_output=True, text=True, timeout=300, check=False
    )
    assert "error: no encoder 'none.safetensors'" in done.stderr
    assert done.returncode != 0


# -- The comparison --------------------------------------------------------------------


@pytest.fixture
def tiny_plan(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    stage_2 = AdaptationConfig(
        epochs=1, images=32, sensitivity=SensitivityConfig(epochs=1)
    )
    base = HardenConfig(
        budget=Budget(steps=1, random_start=False),
        epochs=1,
        batch=32,
        hidden=(16, 8),
        adaptation=stage_2,
    )
    return Plan(
        settings=(Setting(task="foreground", levels=4),),
        seeds=(0, 1),
        ablated=("foreground",),
        base=base,
        parent=SimCLRConfig(steps=2, batch=32, net=SmallNetConfig(widths=(4, 8, 16))),
        lab=LabData(train=128, test=64),
        suite=SUITE,
    )


def test_a_comparison_measures_every_arm_and_a_second_one_reads_the_cache(
    tiny_plan, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(publish, "QUICK", tiny_plan)
    publish.compare(quick=True, jobs=1, out=tmp_path / "out", publish=False)
    told = capsys.readouterr().out
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    names = {*arms(tiny_plan.base), *ablations(tiny_plan.base)}
    assert {row["arm"] for row in results["rows"]} == names
    assert len(results["rows"]) == 2 * len(names)
    assert all(one["seeds"] == 2 for one in results["summary"])
    assert {
        "results.json",
        "results.md",
        "results.zh.md",
        "results.svg",
        "results.zh.svg",
        "layers.svg",
        "layers.zh.svg",
    } == {path.name for path in (tmp_path / "out").iterdir()}
    assert "| Gen-AF |" in told
    monkeypatch.setattr(population, "make", None)  # nothing is trained again
    publish.compare(quick=True, jobs=1, out=tmp_path / "again", publish=False)
    again = json.loads((tmp_path / "again" / "results.json").read_text())
    assert again["rows"] == results["rows"]


def test_summaries_are_means_and_deviations_over_seeds():
    rows = [
        population.Row(
            arm="a",
            part="methods",
            task="t",
            levels=4,
            epochs=6,
            seed=seed,
            accuracies={
                "clean": clean,
                "advencoder-per": 0.5,
                "advencoder-pat": pat,
                "uap": 0.6,
            },
            seconds=10.0 + seed,
        )
        for seed, clean, pat in ((0, 0.9, 0.4), (1, 0.7, 0.8), (2, 0.8, 0.7))
    ]
    (one,) = publish.summaries(rows)
    assert (one.task, one.levels, one.epochs) == ("t", 4, 6)
    assert one.means["clean"] == pytest.approx(0.8)
    assert one.deviations["clean"] == pytest.approx(0.1)
    assert one.means["worst"] == pytest.approx((0.4 + 0.5 + 0.5) / 3, abs=1e-5)
    assert one.means["seconds"] == pytest.approx(11)


def test_the_plan_covers_what_is_asked_for():
    plan = FULL
    assert len(plan.seeds) >= 3
    assert {(one.task, one.levels) for one in plan.settings} >= {
        ("foreground", 4),
        ("texture", 8),
    }
    found = subjects(plan)
    assert (
        len({one.key for one in found if one.part == "methods"})
        == len(plan.seeds) * len(plan.settings) * 6
    )
    for one in found:
        assert one.config.seed == one.parent.seed
        assert one.config.budget.epsilon == one.setting.epsilon
    longer = {(one.arm, one.setting.task) for one in found if one.part == "longer"}
    assert longer == {(arm, "texture") for arm in arms(plan.base)} - {("linear probe", "texture")}  # fmt: skip
    assert {one.config.epochs for one in found if one.part == "longer"} == {12}
    changes = ablations(plan.base)
    assert len({repr(config) for config in changes.values()}) == len(changes)
    assert plan.base not in changes.values()
