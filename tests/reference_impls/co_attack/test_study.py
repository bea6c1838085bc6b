"""What the study measures, and that the committed figures are possible."""

import json
from dataclasses import asdict
from statistics import mean

import pytest

from reference_impls.co_attack import study as module
from reference_impls.co_attack.study import STUDY, Trial, conditions, groups
from reference_impls.lab.study.options import StudyOptions
from tests.reference_impls.conftest import TINY_LAB

FOUND = json.loads((STUDY.home / "results.json").read_text("utf-8"))
TRIALS = STUDY.read(FOUND["rows"])


def test_every_attack_is_measured_on_every_clip_under_every_budget():
    asked = conditions(StudyOptions())
    assert [
        (one.preset, victim, round(255 * one.config.budget.epsilon), one.config.seed)
        for one in asked
        for victim in module.VICTIMS
    ] == [(one.preset, one.victim, one.levels, one.seed) for one in TRIALS]
    assert {one.images for one in asked} == {FOUND["settings"]["images"]}
    seeds = {clip.seed for one in asked for clip in one.clips.values()}
    assert seeds == {0, 1, 2, 100, 101, 102}
    assert {one.images for one in conditions(StudyOptions(quick=True))} == {8}


def test_the_headline_is_what_sga_leaves():
    base = asdict(TRIALS[0]) | {"seed": 0, "levels": 8, "clean_texts": 0.75}
    left = {"noise": 0.5, "image": 0.4, "text": 0.3, "co-attack": 0.2, "sga": 0.125}
    rows = [
        base | {"preset": preset, "victim": victim, "texts": texts}
        for preset, texts in left.items()
        for victim in module.VICTIMS
    ]
    told = STUDY.headline({"rows": rows})
    assert [one["value"] for one in told] == [12.5] * 3
    assert "without an attack 75.0%; noise 50.0%" in told[0]["setting"]["en"]


class TestCommitted:
    def test_both_together_beat_either_alone_where_they_were_made(self):
        grouped = groups(FOUND)

        def left(name):
            return mean(one.texts for one in grouped[name, "itself", 8])

        assert left("image") < left("noise") - 0.1
        assert max(left("sga"), left("co-attack")) < left("image") - 0.1
        assert max(left("sga"), left("co-attack")) < left("text") - 0.1

    def test_a_larger_budget_leaves_less(self):
        grouped = groups(FOUND)
        for name in ("image", "co-attack", "sga"):
            left = [
                mean(one.texts for one in grouped[name, "itself", levels])
                for levels in module.LEVELS
            ]
            assert left == sorted(left, reverse=True)

    def test_retrieval_without_an_attack_is_the_same_for_every_attack(self):
        for victim in module.VICTIMS:
            clean = {
                (one.seed, one.clean_texts, one.clean_images)
                for one in TRIALS
                if one.victim == victim
            }
            assert len(clean) == 3


def test_a_small_study_measures_and_keeps_its_trials(tiny_clip, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "LabData", lambda: TINY_LAB)
    monkeypatch.setattr(module, "paraphrase_clip", lambda *_: tiny_clip)
    monkeypatch.setattr(
        module,
        "caption_sets",
        lambda captions, count, seed: [(c,) * count for c in captions],
    )
    asked = [
        one
        for one in conditions(StudyOptions(quick=True))
        if one.preset in ("text", "sep")
    ]
    trials = STUDY.run(asked)
    assert [(one.preset, one.victim) for one in trials] == [
        (preset, victim) for preset in ("text", "sep") for victim in module.VICTIMS
    ]
    assert all(isinstance(one, Trial) and 0 <= one.texts <= 1 for one in trials)
    monkeypatch.setattr(module, "attack", None)
    assert STUDY.run(asked) == trials


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_has_a_row_for_each_attack(language):
    table = STUDY.tables(FOUND, language)
    assert table.count("\n|") == 2 + 1 + len(module.PRESETS)
