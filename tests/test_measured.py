"""Measured results are read as data: right ones become figures, wrong ones one line, none is fine."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_impls.lab.study import headline
from surveykit.json_tree import parse
from surveykit.load import check, load_catalog
from surveykit.render.pages.matrix import tables

ROOT = Path(__file__).parents[1]
RESULTS = "reference_impls/badseeds/results.json"
ARENA = "reference_impls/arena.json"

ABOUT = {"device": "CPU", "cpu_cores": 2, "threads": 1, "versions": {"torch": "2.13"}}
MADE = headline.summary(
    [
        headline.figure(
            ("Seeds planted", "植入的种子"),
            98.5,
            sd=0.4,
            n=5,
            unit="%",
            better="higher",
            setting=("five runs", "五次运行"),
            published=headline.published(99.1, "arXiv:2101.00001, Table 1"),
        ),
        headline.figure(("Time", "用时"), 3, unit="s", better="lower"),
    ],
    command="python -m reference_impls.badseeds",
    seeds=range(5),
    about=ABOUT,
)
DUEL = {
    "schema_version": 1,
    "generated_at": "2026-11-20",
    "command": "python -m reference_impls.arena",
    "hardware": "CPU, 2 cores",
    "versions": {"torch": "2.13"},
    "seeds": [0, 1],
    "rows": [
        {"id": "planted", "label": {"en": "Planted", "zh": "植入"}, "card": "badseeds", "paper": "rodriguez2021planting"},
        {"id": "nothing", "label": {"en": "No attack", "zh": "无攻击"}},
    ],
    "columns": [
        {"id": "scan", "label": {"en": "Scan", "zh": "扫描"}, "paper": "feng2023detecting"},
        {"id": "none", "label": {"en": "No defense", "zh": "无防御"}},
    ],
    "cells": [
        {"row": "planted", "column": "scan", "metric": {"en": "Attack success", "zh": "攻击成功率"},
         "value": 12.5, "sd": 1.5, "n": 2, "unit": "%", "better": "lower"},
        {"row": "nothing", "column": "none", "metric": {"en": "Accuracy", "zh": "准确率"}, "value": 90.5, "unit": "%", "better": "higher"},
        {"row": "nothing", "column": "scan", "metric": {"en": "Accuracy", "zh": "准确率"}, "value": 89, "unit": "%", "better": "higher"},
        {"row": "planted", "column": "none", "metric": {"en": "Accuracy", "zh": "准确率"}, "value": 88, "unit": "%", "better": "higher"},
    ],
}  # fmt: skip


def write(root, path, data):
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    (root / path).write_text(text, encoding="utf-8")


def problems(root):
    return [(p.path, p.rule, p.message) for p in check(root).problems if p.rule < "SK4"]


def test_what_the_lab_writes_is_what_the_catalog_reads(catalog_dir):
    write(catalog_dir, RESULTS, MADE | {"rows": [{"anything": 1e9}], "run": {}})
    found = load_catalog(catalog_dir).results["badseeds"]
    first, second = found.headline
    assert (first.value, first.sd, first.n, first.unit) == (98.5, 0.4, 5, "%")
    assert first.published
    assert first.published.value == 99.1
    assert first.label.zh == "植入的种子"
    assert (second.value, second.sd, second.published) == (3, None, None)
    assert found.provenance.seeds == (0, 1, 2, 3, 4)
    assert found.provenance.hardware == "CPU, 2 cores, 1 thread"
    assert found.provenance.machine("en") == "CPU, 2 cores, 1 thread"
    assert found.provenance.machine("zh") == "2 核 CPU，单线程"


def test_the_name_of_a_device_is_not_translated():
    told = headline.ran_on(ABOUT | {"device": "NVIDIA H200"})
    assert told == {"hardware": "NVIDIA H200"}
    assert headline.ran_on(ABOUT | {"threads": 4})["hardware_zh"] == "2 核 CPU，4 线程"


def test_methods_without_figures_are_read_without_them(catalog_dir):
    assert load_catalog(catalog_dir).results == {}
    write(catalog_dir, RESULTS, {"separation": [], "run": {}})
    catalog = load_catalog(catalog_dir)
    assert catalog.results == {}
    assert catalog.arena is None


def test_further_arenas_are_read_by_name_and_need_a_title(catalog_dir):
    write(catalog_dir, ARENA, DUEL)
    about = {
        "title": {"en": "Seeds", "zh": "种子"},
        "lead": {"en": "All.", "zh": "全部。"},
    }
    write(catalog_dir, "reference_impls/arena-seeds.json", DUEL | about)
    assert list(load_catalog(catalog_dir).arenas) == ["", "seeds"]
    write(catalog_dir, "reference_impls/arena-seeds.json", DUEL)
    (problem,) = problems(catalog_dir)
    assert problem[:2] == ("reference_impls/arena-seeds.json", "SK360")
    assert "`title` and `lead`" in problem[2]
    (catalog_dir / "reference_impls/arena-seeds.json").unlink()
    write(catalog_dir, "reference_impls/arena-Two words.json", DUEL)
    (problem,) = problems(catalog_dir)
    assert problem[:2] == ("reference_impls/arena-Two words.json", "SK360")
    assert "'Two words'" in problem[2]


def test_the_real_results_are_readable():
    catalog = load_catalog(ROOT)
    for id_, results in catalog.results.items():
        assert results.provenance.command.startswith("python -m reference_impls."), id_


def test_a_metric_of_several_attacks_is_a_table_and_the_others_share_one(catalog_dir):
    write(catalog_dir, ARENA, DUEL)
    arena = load_catalog(catalog_dir).arena
    assert arena
    accuracy, alone = tables(arena)
    assert (accuracy.by_attack, alone.by_attack) == (True, False)
    (line,) = alone.lines
    assert (line.metric.zh, line.better, line.attack.id) == ("攻击成功率", "lower", "planted")  # fmt: skip
    (met,) = line.duels
    assert met
    assert (met.text, met.share) == ("12.5 ± 1.5%", 0.125)
    assert (alone.runs, accuracy.runs) == (2, None)
    # Only who was measured has a row or a column; a hole among them was not run.
    assert [one.id for one in alone.columns] == ["scan"]
    assert [one.id for one in accuracy.columns] == ["scan", "none"]
    shown = {
        line.attack.id: [one.text if one else None for one in line.duels]
        for line in accuracy.lines
    }
    assert shown == {"planted": [None, "88.0%"], "nothing": ["89.0%", "90.5%"]}


def changed(data, way, value):
    data = copy.deepcopy(data)
    parent = data
    for step in way[:-1]:
        parent = parent[step]
    if value is None:
        del parent[way[-1]]
    else:
        parent[way[-1]] = value
    return data


@pytest.mark.parametrize(
    ("way", "value", "rule", "words"),
    [
        (["headline", 0, "value"], "98.5", "SK203", "headline[0].value: '98.5' is not a number"),
        (["headline", 0, "label", "zh"], None, "SK201", "`headline[0].label.zh` is missing"),
        (["headline", 0, "better"], "up", "SK205", "'up' is not one of higher, lower"),
        (["headline", 0, "unti"], "%", "SK202", "did you mean `unit`?"),
        (["headline", 0, "n"], 0, "SK207", "too small"),
        (["headline"], [], "SK204", "empty list"),
        (["provenance"], None, "SK201", "`provenance` is missing"),
        (["provenance", "date"], "yesterday", "SK214", "2026-11-20"),
        (["headline", 0, "published", "source"], None, "SK201", "source"),
        (["headline", 0, "label", "en"], "a\u202eb", "SK208", "invisible"),
    ],
)  # fmt: skip
def test_a_wrong_result_is_one_line_with_its_place(
    way, value, rule, words, catalog_dir
):
    data = changed(MADE, way, value)
    write(
        catalog_dir, RESULTS, json.dumps(data, indent=2, ensure_ascii=value is not None)
    )
    ((path, found, message),) = problems(catalog_dir)
    assert (path, found) == (RESULTS, rule)
    assert words in message
    (problem,) = [p for p in check(catalog_dir).problems if p.path == RESULTS]
    assert problem.line > 1 or way == ["provenance"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"headline": [', "not readable as JSON"),
        ('{"headline": NaN}', "NaN is not JSON"),
        ('{"headline": [], "headline": []}', "stands twice"),
        ("[" * 100_000, "JSON"),
        ('{"headline": ' + "9" * 5000 + "}", "JSON"),
        ("", "not readable as JSON"),
    ],
)
def test_a_file_that_is_no_json_is_one_line(text, words, catalog_dir):
    write(catalog_dir, RESULTS, text)
    ((path, rule, message),) = problems(catalog_dir)
    assert (path, rule) == (RESULTS, "SK113")
    assert words in message
    assert len(message) < 500


@given(st.text())
def test_any_text_is_data_or_a_fault(text):
    tree = parse(text)
    assert tree.faults or tree.data == json.loads(text)


@pytest.mark.parametrize(
    ("way", "value", "words"),
    [
        (["cells", 0, "row"], "plantd", "did you mean `planted`?"),
        (["cells", 0, "column"], "gone", "'gone' is not a column"),
        (["rows", 0, "card"], "badseed", "no method 'badseed'; did you mean `badseeds`?"),
        (["columns", 0, "paper"], "feng2023detectin", "no entry 'feng2023detectin'"),
        (["cells"], DUEL["cells"] + DUEL["cells"][:1], "stands twice"),
        (["missing"], [{"rows": ["moon"], "columns": ["scan"], "why": {"en": "-", "zh": "-"}}], "'moon' is not a row"),
        (["missing"], [{"rows": ["planted"], "columns": ["x"], "why": {"en": "-", "zh": "-"}}], "'x' is not a column"),
    ],
)  # fmt: skip
def test_the_arena_names_what_exists(way, value, words, catalog_dir):
    write(catalog_dir, ARENA, changed(DUEL, way, value))
    ((path, rule, message),) = problems(catalog_dir)
    assert (path, rule) == (ARENA, "SK360")
    assert words in message


def test_an_arena_of_another_version_is_refused(catalog_dir):
    write(catalog_dir, ARENA, DUEL | {"schema_version": 2})
    ((path, rule, _),) = problems(catalog_dir)
    assert (path, rule) == (ARENA, "SK205")
