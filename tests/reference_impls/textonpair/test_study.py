"""What the study says of its trials: who counts, and what it makes of a CLIP without a trigger found."""

import json
from dataclasses import replace

import pytest

from reference_impls.lab.study.options import StudyOptions
from reference_impls.textonpair.study import STUDY, conditions

FOUND = json.loads((STUDY.home / "results.json").read_text("utf-8"))
TRIALS = STUDY.read(FOUND["rows"])


def told(trials):
    results = STUDY.results(trials, conditions(StudyOptions()))
    return STUDY.headline(json.loads(json.dumps(results, default=vars)))


def test_clips_outside_the_attack_do_not_count():
    figures = told(TRIALS)
    assert {one["n"] for one in figures} == {3}
    assert figures == FOUND["headline"]
    fewer = [one for one in TRIALS if one.role != "clean"]
    assert told(fewer) == figures


@pytest.mark.parametrize(("score", "share"), [(None, 0), (0.001, 100)])
def test_a_clip_without_a_trigger_found_is_missed(score, share):
    bad = [
        replace(one, scores=dict.fromkeys(one.scores, score))
        if one.role == "backdoored"
        else one
        for one in TRIALS
    ]
    figures = [one["value"] for one in told(bad) if "DECREE" in str(one)]
    assert figures == [share, share]


def test_conditions_are_those_of_the_published_rows():
    asked = conditions(StudyOptions())
    assert [one.role for one in asked] == [one.role for one in TRIALS]
    assert [one.attack for one in asked if one.attack] == [
        replace(one.attack) for one in asked if one.role == "backdoored"
    ]
    few = conditions(StudyOptions(seeds=(1,)))
    assert [one.seed for one in few if one.role == "backdoored"] == [1]
    quick = conditions(StudyOptions(quick=True))
    assert len(quick) == 3
