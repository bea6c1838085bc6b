"""What the study measures, and that the committed figures are possible."""

import json
from statistics import mean

import pytest

from reference_impls.lab.study.options import StudyOptions
from reference_impls.test_time import study as module
from reference_impls.test_time.study import STUDY, TOLD, conditions, groups
from tests.reference_impls.conftest import TINY_LAB

FOUND = json.loads((STUDY.home / "results.json").read_text("utf-8"))
TRIALS = STUDY.read(FOUND["rows"])


def test_every_defense_is_measured_on_every_clip():
    asked = conditions(StudyOptions())
    told = [(one.task, one.preset, one.clip.seed) for one in asked]
    assert told == [(one.task, one.preset, one.seed) for one in TRIALS]
    assert {one.clip.seed for one in asked} == {0, 1, 2}
    few = conditions(StudyOptions(quick=True))
    assert {(one.clip.seed, one.images) for one in few} == {(0, 8)}


def test_who_knows_the_defense_is_never_weaker_and_the_headline_tells_it():
    assert all(one.aware <= one.naive for one in TRIALS)
    grouped = groups(FOUND)
    for preset, figure in zip(TOLD, FOUND["headline"], strict=True):
        here = grouped["foreground", preset]
        assert figure["value"] == pytest.approx(100 * mean(here["aware"]), abs=0.06)
        assert f"attacker unaware {100 * mean(here['naive']):.1f}%" in figure["setting"]["en"]  # fmt: skip


@pytest.mark.parametrize(("preset", "control"), [("ttc", "noise"), ("reversal", "noise-wide")])  # fmt: skip
def test_published_defenses_beat_their_control_while_nobody_knows_them(preset, control):
    grouped = groups(FOUND)
    for task in ("foreground", "texture"):
        naive = [mean(grouped[task, one]["naive"]) for one in (preset, control)]
        assert naive[0] > naive[1]


def test_a_small_study_measures_and_keeps_its_trials(tiny_clip, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "LabData", lambda: TINY_LAB)
    monkeypatch.setattr(module, "clean_clip", lambda *_: tiny_clip)
    asked = conditions(StudyOptions(quick=True))
    asked = [one for one in asked if one.task == "texture" and "clipure" in one.preset]
    trials = STUDY.run(asked)
    assert [one.preset for one in trials] == [one.preset for one in asked]
    assert all(0 <= one.aware <= one.naive <= 1 for one in trials)
    monkeypatch.setattr(module, "robustness", None)
    assert STUDY.run(asked) == trials
