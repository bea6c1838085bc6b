"""What the study measures, and what the committed figures say."""

import json
from statistics import mean

import pytest

from reference_impls.lab.study.options import StudyOptions
from reference_impls.robust_clip import study as module
from reference_impls.robust_clip.study import PROMPTS, STUDY, TUNED, UNSEEN, conditions
from tests.reference_impls.conftest import TINY_LAB

FOUND = json.loads((STUDY.home / "results.json").read_text("utf-8"))
TRIALS = STUDY.read(FOUND["rows"])


def figure(name, tuning, *tasks, prompt="captions"):
    return mean(module.figures(FOUND, name, tuning, *tasks, prompt=prompt))


def test_every_tuning_is_measured_on_every_task_and_clip():
    asked = conditions(StudyOptions())
    told = {(one.tuning, one.seed) for one in TRIALS}
    assert told == {(one.tuning, one.clip.seed) for one in asked}
    assert {one.task for one in TRIALS} == {TUNED, *UNSEEN}
    assert {one.prompt for one in TRIALS} == {"captions", "hand", *PROMPTS}
    assert {one.clip.seed for one in asked} == {0, 1, 2}
    few = conditions(StudyOptions(quick=True))
    assert {(one.clip.seed, one.images) for one in few} == {(0, 8)}


def test_tecoa_pays_with_unseen_tasks_and_fare_keeps_them():
    assert figure("robust", "tecoa", TUNED) > figure("robust", "clean", TUNED) + 0.1
    assert figure("clean", "tecoa", *UNSEEN) < figure("clean", "none", *UNSEEN) - 0.1
    assert figure("clean", "fare", *UNSEEN) > figure("clean", "none", *UNSEEN) - 0.1
    for other in ("none", "clean", "tecoa", "pmg-aft"):
        assert figure("robust", "fare", *UNSEEN) > figure("robust", other, *UNSEEN)
    assert figure("kept", "fare", TUNED) > figure("kept", "tecoa", TUNED)


def test_the_headline_is_the_mean_over_unseen_tasks():
    values = [one["value"] for one in FOUND["headline"]]
    for value, tuning in zip(values, ("tecoa", "pmg-aft", "fare"), strict=False):
        assert value == pytest.approx(100 * figure("robust", tuning, *UNSEEN), abs=0.06)
    learned = figure("robust", "tecoa", TUNED, prompt="apt-16")
    assert values[-1] == pytest.approx(100 * learned, abs=0.06)


def test_a_small_study_measures_and_keeps_its_trials(tiny_clip, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "LabData", lambda: TINY_LAB)
    monkeypatch.setattr(module, "clean_clip", lambda *_: tiny_clip)
    asked = [one for one in conditions(StudyOptions(quick=True)) if one.tuning == "fare"]  # fmt: skip
    trials = STUDY.run(asked)
    assert len(trials) == len((TUNED, *UNSEEN)) + 1 + len(PROMPTS)
    assert all(0 <= one.robust <= one.clean <= 1 for one in trials)
    monkeypatch.setattr(module, "accuracies", None)
    assert STUDY.run(asked) == trials
