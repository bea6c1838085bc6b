"""The study behind the README: figures over seeds, tables, chart, cache."""

import json
from dataclasses import asdict, replace
from xml.etree import ElementTree

import pytest

from reference_impls.advencoder import study
from reference_impls.advencoder.__main__ import main
from reference_impls.advencoder.chart import LABELS, PANEL, charts
from reference_impls.advencoder.study import (
    CONTROLS,
    STUDY,
    TRANSFER,
    Condition,
    Trial,
    conditions,
)
from reference_impls.lab.models.encoders import SmallNetConfig
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import LabData
from reference_impls.lab.records import as_data
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import READMES
from surveykit.measured import Results

FOUND = json.loads((STUDY.home / "results.json").read_text("utf-8"))
TINY = Condition(
    tasks=("texture",),
    steps=1,
    batch=16,
    parent=SimCLRConfig(steps=2, batch=32, net=SmallNetConfig(widths=(8, 8, 16))),
    lab=LabData(train=64, test=48, scan=8),
)
BOTH = [replace(TINY, seed=0, other=1), replace(TINY, seed=1, other=0)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("lab")))
        yield


@pytest.fixture(scope="module")
def rows(cache):
    return STUDY.run(BOTH)


def test_every_attack_meets_every_task_on_every_encoder(rows):
    names = {*TINY.attacks, *CONTROLS, TRANSFER}
    assert {row.attack for row in rows} == names
    assert len(rows) == len(names) * 2 * 2  # downstream models, seeds
    assert all(0 <= row.attacked_accuracy <= 1 for row in rows)
    assert all((row.seconds > 0) == (row.attack in TINY.attacks) for row in rows)


def test_a_second_run_crafts_nothing(rows, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("made again")

    monkeypatch.setattr(study, "attack", refuse)
    monkeypatch.setattr(study, "evaluate", refuse)
    assert STUDY.run(BOTH) == rows


def test_a_killed_study_crafts_only_what_is_missing(rows, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    made, craft = [], study.attack

    def dying(*arguments):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(arguments[2])
        return craft(*arguments)

    monkeypatch.setattr(study, "attack", dying)
    with pytest.raises(KeyboardInterrupt):
        STUDY.run(BOTH)
    monkeypatch.setattr(study, "attack", lambda *a: (made.append(a[2]), craft(*a))[1])
    resumed = [replace(row, seconds=0) for row in STUDY.run(BOTH)]
    assert resumed == [replace(row, seconds=0) for row in rows]
    assert len(made) == len(set(made)) == 2 * len(TINY.attacks)


def test_the_perturbation_of_another_encoder_is_that_of_the_next_seed():
    asked = conditions(StudyOptions())
    assert [(one.seed, one.other) for one in asked] == [(0, 1), (1, 2), (2, 0)]
    (alone,) = conditions(StudyOptions(quick=True))
    assert alone.other is None


def invented(attack, accuracy, seed):
    return Trial(
        seed=seed,
        attack=attack,
        task="texture",
        model="mlp",
        clean_accuracy=0.9,
        attacked_accuracy=accuracy,
        fooling_rate=0.5,
        cosine=0.9,
        seconds=3.0,
    )


def test_tables_have_the_figures_in_both_languages(rows):
    found = as_data(STUDY.results(rows, BOTH)) | {"run": FOUND["run"]}
    for language in READMES:
        lines = STUDY.tables(found, language).splitlines()
        body = [line for line in lines if line.startswith("| ")]
        assert len(body) == 2 * (len(TINY.attacks) + len(CONTROLS) + 1) + 3
    assert "random signs" in STUDY.tables(found, "en")
    assert "随机符号扰动" in STUDY.tables(found, "zh")


@pytest.mark.parametrize(
    ("name", "task"), [("results.svg", "texture"), ("results.zh.svg", "纹理")]
)
def test_the_chart_marks_the_mean_of_every_change(name, task):
    rows = [invented("PER generator", value, n) for n, value in enumerate((0.2, 0.4))]
    root = ElementTree.fromstring(charts({"rows": [asdict(row) for row in rows]})[name])
    words = [element.text for element in root.iter() if element.tag.endswith("}text")]
    assert task in words
    places = [
        element.get("transform", "")
        for element in root.iter()
        if element.tag.endswith("}path")
    ]
    assert any(f"({LABELS + PANEL * 0.3:.1f} " in place for place in places)


def test_the_study_writes_everything_it_promises(rows, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "QUICK", TINY)
    words = ["study", "--quick", "--seeds", "0", "1", "--out", str(tmp_path)]
    assert main(words) == 0
    names = {file.name for file in tmp_path.iterdir()}
    wanted = {
        "results.json",
        "results.svg",
        "results.zh.svg",
        "examples.png",
        "results.en.md",
        "results.zh.md",
    }
    assert names == wanted
    data = json.loads((tmp_path / "results.json").read_text())
    assert data["run"]["command"].endswith("study --quick --seeds 0 1")
    assert STUDY.read(data["rows"]) == rows
    assert data["settings"]["seeds"] == [0, 1]
    assert "±" in capsys.readouterr().out


# -- The committed results -----------------------------------------------------------


def test_the_published_results_follow_from_the_published_rows():
    trials = STUDY.read(FOUND["rows"])
    command, asked = FOUND["run"]["command"], conditions(StudyOptions())
    made = STUDY.found(trials, asked, FOUND["run"], command=command)
    made = json.loads(json.dumps(made))
    for part in ("headline", "settings", "summary", "rows"):
        assert made[part] == FOUND[part]
    seeds = FOUND["provenance"]["seeds"]
    assert made["provenance"]["seeds"] == seeds == FOUND["settings"]["seeds"]
    Results.model_validate(made, strict=False)


def test_the_first_figure_is_the_mean_over_the_encoders():
    first = FOUND["headline"][0]
    (told,) = [
        one["attacked_accuracy"]
        for one in FOUND["summary"]
        if (one["attack"], one["task"], one["model"])
        == ("PER generator", "texture", "mlp")
    ]
    assert first["value"] == pytest.approx(100 * told["mean"], abs=0.05)
    assert first["sd"] == pytest.approx(100 * told["std"], abs=0.05)
    assert (first["n"], first["better"]) == (3, "lower")


def test_what_was_not_measured_is_not_told():
    few = [
        row
        for row in FOUND["rows"]
        if row["task"] == "texture" and row["attack"] != TRANSFER
    ]
    made = STUDY.headline({"rows": few})
    assert len(made) == 2
    assert "another encoder" not in str(made)
    assert "Foreground" not in str(made)
