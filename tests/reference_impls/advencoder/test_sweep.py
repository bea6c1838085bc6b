"""The sweep behind the README: figures over seeds, tables, chart, cache."""

import json
from dataclasses import asdict
from xml.etree import ElementTree

import pytest

from reference_impls.advencoder import publish
from reference_impls.advencoder.chart import LABELS, PANEL, pictures
from reference_impls.advencoder.publish import HERE, tables
from reference_impls.advencoder.sweep import (
    CONTROLS,
    TRANSFER,
    Plan,
    Row,
    attacks,
    run,
)
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.encoders import SmallNetConfig
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import LabData
from reference_impls.lab.study.readme import READMES

TINY = Plan(
    seeds=(0, 1),
    tasks=("texture",),
    steps=1,
    batch=16,
    parent=SimCLRConfig(steps=2, batch=32, net=SmallNetConfig(widths=(4, 8, 16))),
    lab=LabData(train=64, test=48, scan=8),
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("lab")))
        yield


@pytest.fixture(scope="module")
def rows(cache):
    return run(TINY)


def test_every_attack_meets_every_task_on_every_encoder(rows):
    names = {*attacks(TINY), *CONTROLS, TRANSFER}
    assert {row.attack for row in rows} == names
    assert len(rows) == len(names) * 2 * 2  # downstream models, seeds
    assert all(0 <= row.attacked_accuracy <= 1 for row in rows)
    assert all((row.seconds > 0) == (row.attack in attacks(TINY)) for row in rows)


def test_a_second_run_crafts_nothing(rows, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("crafted again")

    monkeypatch.setattr("reference_impls.advencoder.sweep.attack", refuse)
    assert run(TINY) == rows


ABOUT = {
    "date": "2026-11-21",
    "command": "x",
    "device": "CPU",
    "threads": 1,
    "versions": {"torch": "2"},
}


def invented(attack, accuracy, seed):
    return Row(
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
    for language in READMES:
        lines = tables(rows, ABOUT, language).splitlines()
        body = [line for line in lines if line.startswith("| ")]
        assert len(body) == 2 * (len(attacks(TINY)) + len(CONTROLS) + 1) + 3
    assert "random signs" in tables(rows, ABOUT, "en")
    assert "随机符号扰动" in tables(rows, ABOUT, "zh")


@pytest.mark.parametrize(
    ("name", "task"), [("results.svg", "texture"), ("results.zh.svg", "纹理")]
)
def test_the_chart_marks_the_mean_of_every_change(name, task):
    rows = [invented("PER generator", value, n) for n, value in enumerate((0.2, 0.4))]
    root = ElementTree.fromstring(
        pictures({"rows": [asdict(row) for row in rows]})[name]
    )
    words = [element.text for element in root.iter() if element.tag.endswith("}text")]
    assert task in words
    places = [
        element.get("transform", "")
        for element in root.iter()
        if element.tag.endswith("}path")
    ]
    assert any(f"({LABELS + PANEL * 0.3:.1f} " in place for place in places)


def test_the_sweep_writes_everything_it_promises(rows, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(publish, "QUICK", TINY)
    publish.sweep(quick=True, out=tmp_path, publish=False)
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
    assert data["run"]["command"].endswith("sweep --quick")
    assert len(data["rows"]) == len(rows)
    assert "±" in capsys.readouterr().out


def test_the_committed_results_are_those_of_the_readmes():
    data = json.loads((HERE / "results.json").read_text())
    per = next(
        one
        for one in data["summary"]
        if (one["attack"], one["task"], one["model"])
        == ("PER generator", "texture", "mlp")
    )
    shown = str(MeanStd(**per["attacked_accuracy"]))
    for readme in READMES.values():
        assert shown in (HERE / readme).read_text("utf-8")
