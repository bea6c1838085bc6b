"""The study's figures: which trials count where, and that the committed ones say what the README says."""

import json
from dataclasses import asdict, replace

import pytest
from selectolax.lexbor import LexborHTMLParser

from reference_impls.advclip import study as module
from reference_impls.advclip.chart import charts, lanes_of
from reference_impls.advclip.method import AdvCLIPConfig
from reference_impls.advclip.report import named
from reference_impls.advclip.study import STUDY, StudyConfig, Trial, conditions
from reference_impls.advclip.tables import CONTROL, MAIN, headline, mean_std, own
from reference_impls.lab.study.options import StudyOptions
from tests.reference_impls.conftest import TINY_LAB

FOUND = json.loads((STUDY.home / "results.json").read_text("utf-8"))
ROWS = FOUND["rows"]


def row(**changes):
    names = ["fooling", "texture/zero-shot/after", "texture/MLP/after"]
    base = Trial(
        change=MAIN,
        made_on="lab:0",
        victim="lab:0",
        defense="none",
        seconds=4.0,
        figures=dict.fromkeys(names, 0.5),
    )
    return asdict(replace(base, **changes))


def test_a_mean_has_its_deviation_beside_it():
    several = [row(figures={"fooling": value}) for value in (0.1, 0.2, 0.3)]
    assert mean_std(several, "fooling") == "0.200 ± 0.100"
    assert mean_std([row(), row(figures={})], "fooling") == "0.500"
    assert mean_std([row(figures={})], "fooling") == "–"


def test_a_change_counts_on_the_victim_it_was_crafted_on():
    rows = [
        row(),
        row(made_on="lab:1"),
        row(made_on="", change=CONTROL),
        row(victim="lab:transformer:0", made_on="lab:transformer:0"),
        row(defense="blur"),
    ]
    assert own(rows, MAIN) == [rows[0]]
    assert own(rows, MAIN, "blur") == [rows[4]]
    assert own(rows, CONTROL) == [rows[2]]


@pytest.mark.parametrize("name", ["results.svg", "results.zh.svg"])
def test_the_chart_has_a_lane_for_each_change_and_no_script(name):
    weak = row(made_on="", change="random <patch>", figures={"fooling": 0.1})
    rows = [weak, row(), row(victim="lab:1", made_on="lab:1")]
    picture = charts({"rows": rows})[name]
    assert list(lanes_of([weak, row()])) == [MAIN, "random <patch>"]
    drawing = LexborHTMLParser(picture)
    assert len(drawing.css("path.hollow")) == 1 + 3
    assert len(drawing.css("rect > title")) == 2
    assert "<patch>" not in picture
    assert "<script" not in picture


def test_every_change_has_a_name_in_chinese():
    for change in StudyConfig().changes:
        assert named(change, "en") == change
        assert not any("a" <= letter <= "k" for letter in named(change, "zh"))


# -- The committed results -----------------------------------------------------------


def test_the_conditions_are_those_of_the_published_rows():
    asked = conditions(StudyOptions())
    told = dict.fromkeys((one["victim"], one["defense"]) for one in ROWS)
    assert [(one.victim, one.defense) for one in asked] == list(told)
    results = STUDY.results(STUDY.read(ROWS), asked)
    assert json.loads(json.dumps(asdict(results["study"]))) == FOUND["study"]
    settings = {name: asdict(one) for name, one in results["settings"].items()}
    assert json.loads(json.dumps(settings)) == FOUND["settings"]
    assert STUDY.seeds(STUDY.read(ROWS)) == FOUND["provenance"]["seeds"] == [0, 1, 2]


def test_a_few_seeds_and_the_quick_version_are_smaller():
    few = conditions(StudyOptions(seeds=(1,)))
    assert {one.victim for one in few} == {"lab:1", "lab:transformer:1"}
    (quick,) = {one.study for one in conditions(StudyOptions(quick=True))}
    assert (quick.seeds, quick.steps) == ((0,), 60)


def test_the_committed_results_reach_what_the_readme_says():
    assert len({one["victim"] for one in own(ROWS, MAIN)}) >= 3
    for one in own(ROWS, MAIN):
        control = next(
            other["figures"]
            for other in own(ROWS, CONTROL)
            if other["victim"] == one["victim"]
        )
        name = "texture/zero-shot/fooling"
        assert one["figures"][name] >= 2 * control[name]


# -- The figures of the website ------------------------------------------------------


def test_the_first_figure_is_the_mean_over_the_victims():
    first = FOUND["headline"][0]
    values = [one["figures"]["texture/zero-shot/after"] for one in own(ROWS, MAIN)]
    assert first["value"] == pytest.approx(100 * sum(values) / len(values), abs=0.05)
    assert (first["n"], first["better"], first["unit"]) == (3, "lower", "%")


def test_a_patch_on_its_own_model_is_no_transfer():
    transfer = [one for one in FOUND["headline"] if "another seed" in str(one)]
    assert transfer[0]["n"] == 6  # each of three patches on the two other models
    alone = [one for one in ROWS if one["victim"] == "lab:0" and one["made_on"] in ("", "lab:0")]  # fmt: skip
    assert "another seed" not in str(headline({"rows": alone}))
    assert STUDY.seeds(STUDY.read(alone)) == [0]


def test_one_victim_has_no_deviation():
    alone = [one for one in ROWS if one["victim"] == one["made_on"] == "lab:0" or one["made_on"] == ""]  # fmt: skip
    first = headline({"rows": alone})[0]
    assert first["n"] == 1
    assert "sd" not in first


# -- Measuring -----------------------------------------------------------------------


@pytest.mark.usefixtures("quick_heads")
def test_a_small_study_measures_crafts_once_and_keeps_what_it_shows(
    tiny_clip, monkeypatch, tmp_path
):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setattr("reference_impls.advclip.run.LabData", lambda: TINY_LAB)
    monkeypatch.setattr(module, "LabData", lambda: TINY_LAB)
    monkeypatch.setattr(
        "reference_impls.lab.study.clips.clean_clip",
        lambda config, lab, progress: tiny_clip,
    )
    study = StudyConfig(seeds=(0,), steps=2, training=1)
    few = {MAIN: AdvCLIPConfig(steps=2)}
    monkeypatch.setattr(StudyConfig, "changes", property(lambda self: few))
    asked = [
        replace(one, study=study)
        for one in conditions(StudyOptions(seeds=(0,)))
        if one.defense in ("none", "blur")
    ]
    trials = STUDY.run(asked)
    assert [(one.victim, one.defense, one.made_on, one.change) for one in trials] == [
        *(
            (victim, defense, made_on, change)
            for victim, defense, others in (
                ("lab:0", "none", ["lab:transformer:0"]),
                ("lab:0", "blur", []),
                ("lab:transformer:0", "none", ["lab:0"]),
            )
            for made_on, change in [
                (victim, MAIN),
                ("", CONTROL),
                ("", "mean-colour patch 6.25 %"),
                *((other, MAIN) for other in others),
            ]
        )
    ]
    home = next(one for one in trials if one.made_on == one.victim)
    assert "shape/MLP/fooling" in home.figures
    assert set(trials[1].figures) == set(module.SHOWN)
    assert all(0 <= value <= 1 for one in trials for value in one.figures.values())
    crafted = len(list((tmp_path / "advclip").glob("*.npz")))
    assert crafted == 2  # one per victim, whatever stands before it
    monkeypatch.setattr(module, "attack", None)
    monkeypatch.setattr(module, "defend", None)
    assert STUDY.run(asked) == trials
