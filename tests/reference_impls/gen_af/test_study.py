"""The study: a small one end to end, what it covers, and the figures that are told of its trials."""

import json
from dataclasses import replace

import pytest

from reference_impls.advencoder.suite import SuiteConfig
from reference_impls.gen_af import study
from reference_impls.gen_af.config import (
    AdaptationConfig,
    HardenConfig,
    SensitivityConfig,
)
from reference_impls.gen_af.evaluate import worst
from reference_impls.gen_af.population import (
    FULL,
    Setting,
    StudyConfig,
    ablations,
    arms,
    conditions,
)
from reference_impls.gen_af.study import STUDY, Trial
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.models.encoders import SmallNetConfig
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import LabData
from reference_impls.lab.records import as_data
from reference_impls.lab.study.options import StudyOptions

NAMES = ("clean", "advencoder-per", "advencoder-pat", "uap", "pgd-20")


def trial(arm, seed, accuracy, **changes):
    accuracies = dict.fromkeys(NAMES, accuracy) | changes
    return Trial(arm=arm, part="methods", task="foreground", levels=4, epochs=6, seed=seed, accuracies=accuracies, seconds=1.0)  # fmt: skip


def told(trials):
    return STUDY.headline({"rows": as_data(trials)})


def test_the_worst_attack_is_the_worst_of_each_model():
    rows = [
        trial("Gen-AF", 0, 0.9, uap=0.5),
        trial("Gen-AF", 1, 0.9, **{"advencoder-pat": 0.7}),
    ]
    assert [worst(one.accuracies) for one in rows] == [0.5, 0.7]
    first = told(rows)[0]
    assert (first["value"], first["sd"], first["n"]) == (60.0, 14.1, 2)


def test_methods_are_compared_on_the_same_seeds_alone():
    rows = [
        trial("Gen-AF", 0, 0.9),
        trial("standard", 0, 0.4),
        trial("standard", 1, 0.8),
    ]
    first = told(rows)[0]
    assert "standard fine-tuning 40.0%" in first["setting"]["en"]
    assert "标准微调 40.0%" in first["setting"]["zh"]
    rows.append(trial("Gen-AF", 2, 0.9))  # standard of seed 2 is missing
    first = told(rows)[0]
    unmeasured = "without the topology term not measured"
    assert first["setting"]["en"] == f"foreground, ε = 4/255, 6 epochs; {unmeasured}"
    control = trial("no topology term", 0, 0.7)
    rows += [replace(control, part="ablations", seed=seed) for seed in (0, 2)]
    assert "without the topology term 70.0%" in told(rows)[0]["setting"]["en"]


def test_before_gen_af_was_measured_nothing_is_told():
    ablation = replace(trial("Gen-AF", 0, 0.9), part="ablations")
    assert told([trial("standard", 0, 0.9), ablation]) == []
    assert STUDY.seeds([trial("standard", 1, 0.9), trial("Gen-AF", 0, 0.9)]) == [0]


@pytest.fixture
def tiny_study(tmp_path, monkeypatch):
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
    return StudyConfig(
        settings=(Setting(task="foreground", levels=4),),
        seeds=(0, 1),
        ablated=("foreground",),
        base=base,
        parent=SimCLRConfig(steps=2, batch=32, net=SmallNetConfig(widths=(8, 8, 16))),
        lab=LabData(train=128, test=64),
        suite=SuiteConfig(steps=4, images=160),
    )


def test_a_study_measures_every_arm_and_a_second_one_reads_the_cache(
    tiny_study, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(study, "QUICK", tiny_study)
    STUDY.publish(StudyOptions(quick=True, out=tmp_path / "out"))
    shown = capsys.readouterr().out
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    names = {*arms(tiny_study.base), *ablations(tiny_study.base)}
    assert {row["arm"] for row in results["rows"]} == names
    assert len(results["rows"]) == 2 * len(names)
    assert all(one["seeds"] == 2 for one in results["summary"])
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {
        "results.json",
        "results.en.md",
        "results.zh.md",
        "results.svg",
        "results.zh.svg",
        "layers.svg",
        "layers.zh.svg",
    }
    assert "| Gen-AF |" in shown
    for name in ("make", "attacks_on"):  # nothing is trained or crafted again
        monkeypatch.setattr(study, name, None)
    STUDY.publish(StudyOptions(quick=True, finished=True, out=tmp_path / "again"))
    again = json.loads((tmp_path / "again" / "results.json").read_text())
    assert again["rows"] == results["rows"]


def test_a_seed_can_be_asked_for_alone():
    some = STUDY.conditions(StudyOptions(seeds=(7,)))
    assert {one.config.seed for one in some} == {7}
    assert len(some) == len(conditions(FULL)) / len(FULL.seeds)


def test_summaries_are_means_and_deviations_over_seeds():
    rows = [
        replace(
            trial("a", seed, 0.5, clean=clean, **{"advencoder-pat": pat, "uap": 0.6}),
            seconds=10.0 + seed,
        )
        for seed, clean, pat in ((0, 0.9, 0.4), (1, 0.7, 0.8), (2, 0.8, 0.7))
    ]
    results = as_data(STUDY.results(rows, conditions(FULL)))
    (one,) = results["summary"]
    assert (one["task"], one["levels"], one["epochs"]) == ("foreground", 4, 6)
    assert one["means"]["clean"] == pytest.approx(0.8)
    assert one["deviations"]["clean"] == pytest.approx(0.1)
    assert one["means"]["worst"] == pytest.approx((0.4 + 0.5 + 0.5) / 3, abs=1e-5)
    assert one["means"]["seconds"] == pytest.approx(11)
    kept = json.loads((STUDY.home / "results.json").read_text("utf-8"))
    assert results["settings"] == kept["settings"]


def test_the_study_covers_what_is_asked_for():
    plan = FULL
    assert len(plan.seeds) >= 3
    assert {(one.task, one.levels) for one in plan.settings} >= {
        ("foreground", 4),
        ("texture", 8),
    }
    found = conditions(plan)
    assert (
        len(
            {
                repr((one.config, one.setting, one.parent))
                for one in found
                if one.part == "methods"
            }
        )
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
