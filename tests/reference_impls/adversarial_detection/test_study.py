"""What the study measures, and that the committed figures are possible."""

import json
from statistics import mean

import pytest

from reference_impls.adversarial_detection import study as module
from reference_impls.adversarial_detection.study import (  # fmt: skip
    CASES,
    FIRST,
    STUDY,
    TOLD,
    conditions,
    groups,
)
from reference_impls.lab.models.training import train_simclr
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.options import StudyOptions
from tests.reference_impls.conftest import TINY_LAB

FOUND = json.loads((STUDY.home / "results.json").read_text("utf-8"))
TRIALS = STUDY.read(FOUND["rows"])


def test_every_detector_is_measured_in_every_case_on_every_clip():
    asked = conditions(StudyOptions())
    told = [(one.case, one.preset, one.clip.seed) for one in asked]
    seen = [(one.case, one.preset, one.seed) for one in TRIALS]
    assert told == list(dict.fromkeys(seen))
    assert len(TRIALS) == 5 * len(asked)
    assert {one.clip.seed for one in asked} == {0, 1, 2}
    few = conditions(StudyOptions(quick=True))
    assert {(one.clip.seed, one.images) for one in few} == {(0, 12)}


def test_the_headline_tells_both_attackers_and_the_control():
    grouped = groups(FOUND)
    for (preset, control), figure in zip(TOLD.items(), FOUND["headline"], strict=True):
        here, beside = grouped[FIRST, preset], grouped[FIRST, control]
        assert figure["value"] == pytest.approx(100 * mean(here["found-pgd"]), abs=0.06)
        setting = figure["setting"]["en"]
        assert f"attacker aware {100 * mean(here['found-aware']):.1f}%" in setting
        assert f"aware {100 * mean(beside['found-aware']):.1f}%" in setting


def test_published_detectors_beat_the_victims_doubt_and_noise_is_no_attack():
    grouped = groups(FOUND)
    for preset in TOLD:
        here, beside = grouped[FIRST, preset], grouped[FIRST, "confidence"]
        assert mean(here["pgd"]) > mean(beside["pgd"]) + 0.1
        assert mean(here["aware"]) <= mean(here["pgd"])
    assert all(0.4 < one.auroc < 0.6 for one in TRIALS if one.attack == "noise")
    assert all(one.evaded <= one.fooled for one in TRIALS)


def test_a_small_study_measures_and_keeps_its_trials(tiny_clip, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "LabData", lambda: TINY_LAB)
    monkeypatch.setattr(module, "clean_clip", lambda *_: tiny_clip)
    train = train_dataset(TINY_LAB)
    monkeypatch.setattr(module, "clean_encoder", lambda config, _: train_simclr(train, module.replace(config, steps=5)))  # fmt: skip
    asked = conditions(StudyOptions(quick=True))
    asked = [one for one in asked if one.case == "unseen"]
    trials = STUDY.run(asked)
    assert len(trials) == 5 * len(asked) == len(TRIALS) // 3 // len(CASES)
    assert all(0 <= one.evaded <= one.fooled <= 1 for one in trials)
    monkeypatch.setattr(module, "detection", None)
    assert STUDY.run(asked) == trials
