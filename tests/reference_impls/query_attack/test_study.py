"""What the study measures, and that the committed figures are possible."""

import json
from dataclasses import asdict
from statistics import mean

import pytest

from reference_impls.lab.study.options import StudyOptions
from reference_impls.query_attack import study as module
from reference_impls.query_attack.study import STUDY, Trial, conditions, groups, within
from tests.reference_impls.conftest import TINY_LAB

FOUND = json.loads((STUDY.home / "results.json").read_text("utf-8"))
TRIALS = STUDY.read(FOUND["rows"])


def test_every_attack_is_measured_on_every_task_and_encoder():
    asked = conditions(StudyOptions())
    assert [(one.task, one.preset, one.encoder.seed) for one in asked] == [
        (one.task, one.preset, one.seed) for one in TRIALS
    ]
    assert {one.images for one in asked} == {FOUND["settings"]["images"]}
    assert {one.config.seed for one in asked} == {0, 1, 2}
    few = conditions(StudyOptions(quick=True))
    assert {(one.images, one.config.queries) for one in few} == {(8, 10)}


def test_the_headline_counts_what_is_fooled_by_the_last_query():
    base = asdict(TRIALS[0]) | {"images": 4, "queries": [1, 150]}
    rows = [
        base | {"task": task, "preset": preset, "seed": 0}
        for task in module.TASKS
        for preset in ("random", "sparse-rs", "sa-moo")
    ]
    told = STUDY.headline({"rows": rows, "settings": FOUND["settings"]})
    assert [one["value"] for one in told] == [50.0, 50.0]
    assert "within 100 queries 25.0%" in told[0]["setting"]["en"]


class TestCommitted:
    def test_queries_and_sizes_are_those_of_the_settings(self):
        for one in TRIALS:
            config = FOUND["settings"]["attacks"][one.preset]
            assert len(one.queries) <= one.images <= FOUND["settings"]["images"]
            assert all(1 <= number <= config["queries"] for number in one.queries)
            assert one.l0 <= config["pixels"]

    @pytest.mark.parametrize("task", module.TASKS)
    def test_the_search_beats_chance_and_its_changes_are_smaller(self, task):
        grouped = groups(FOUND)

        def fooled(name):
            return mean(within(grouped[task, name], 1000))

        def size(name):
            return mean(one.l2 for one in grouped[task, name])

        assert fooled("sa-moo") > fooled("random") + 0.1
        assert size("sa-moo") < size("loss")


def test_a_small_study_measures_and_keeps_its_trials(tiny_clip, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "LabData", lambda: TINY_LAB)
    monkeypatch.setattr(module, "clean_encoder", lambda *_: tiny_clip.image)
    asked = [
        one for one in conditions(StudyOptions(quick=True)) if one.task == "texture"
    ]
    trials = STUDY.run(asked)
    assert [one.preset for one in trials] == list(module.PRESETS)
    assert all(isinstance(one, Trial) and one.images <= 8 for one in trials)
    monkeypatch.setattr(module, "success", None)
    assert STUDY.run(asked) == trials
