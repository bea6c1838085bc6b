"""The study end to end on a small dataset, its figures by hand, and how it goes on after a kill."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from reference_impls.decree import study
from reference_impls.decree.__main__ import main
from reference_impls.decree.calibration import LAB_CALIBRATION, load
from reference_impls.decree.chart import charts, roc
from reference_impls.decree.config import PRESETS, ROBUST
from reference_impls.decree.population import (
    CONFIRMATION,
    DEVELOPMENT,
    QUICK,
    StudyConfig,
    conditions,
)
from reference_impls.decree.separation import (
    Trial,
    area_under_curve,
    by_parent,
    counted,
    gain,
    separation,
)
from reference_impls.decree.study import STUDY, PopulationOptions
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.metrics.intervals import bootstrap, exact_binomial
from reference_impls.lab.records import as_data
from reference_impls.lab.study import study as running


def trial(role, score, number=0, success=1.0):
    attacked = role in ("backdoored", "hard")
    return Trial(
        name=f"simclr-{number}+white" if attacked else f"simclr-{number}",
        role=role,
        trigger="white-4-centre" if attacked else None,
        evasion_weight=0.0,
        figures={"attack_success_rate": success} if attacked else {},
        scores={"published": score, "robust": score},
        seconds={"published": 1.0, "robust": 2.0},
    )


TRIALS = [
    trial("calibration", 0.10, 8),
    trial("calibration", 0.15, 9),
    trial("clean", 0.20),
    trial("clean", None, 1),
    trial("clean", 0.05, 2),
    trial("backdoored", 0.01),
    trial("backdoored", 0.02, 1),
    trial("backdoored", 0.30, 2),
    trial("backdoored", 0.90, 3, success=0.5),
    trial("hard", 0.07, 4),
]


class TestSeparation:
    def test_counts_verdicts_of_the_calibrated_threshold(self):
        judged = separation(TRIALS, "robust")
        assert judged.calibration.threshold == pytest.approx(0.06)
        counts = (
            judged.true_positives,
            judged.false_negatives,
            judged.false_positives,
            judged.true_negatives,
        )
        assert counts == (2, 1, 1, 2)
        assert judged.accuracy == pytest.approx(4 / 6)

    def test_the_published_preset_keeps_its_threshold(self):
        assert separation(TRIALS, "published").calibration.threshold == 0.1

    def test_the_area_agrees_with_counting_pairs(self):
        assert separation(TRIALS, "robust").area_under_curve == pytest.approx(
            (3 + 3 + 1) / 9
        )

    @pytest.mark.parametrize(
        ("clean", "bad", "area"),
        [([2, 3], [0, 1], 1), ([0, 1], [2, 3], 0), ([1], [1], 0.5)],
    )
    def test_the_area_at_its_extremes(self, clean, bad, area):
        assert area_under_curve(clean, bad) == area

    def test_the_curve_rises_from_corner_to_corner_and_encloses_the_area(self):
        points = roc(TRIALS, "robust")
        assert points[0] == (0, 0)
        assert points[-1] == (1, 1)
        trapezoids = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points))
        assert trapezoids == pytest.approx(
            separation(TRIALS, "robust").area_under_curve
        )

    def test_parents_stand_together(self):
        groups = by_parent(counted(TRIALS))
        assert [[one.role for one in group] for group in groups] == [
            ["clean", "backdoored"]
        ] * 3

    def test_a_parent_is_faultless_with_all_its_copies(self):
        judged = separation(TRIALS, "robust")
        # 0 and 1 are right about both; 2 is a false alarm and a miss.
        assert judged.faultless_parents == 2
        assert judged.faultless_interval == pytest.approx((0.094, 0.992), abs=1e-3)

    def test_intervals_hold_the_figures(self):
        judged = separation(TRIALS, "robust")
        for figure, (low, high) in (
            (judged.accuracy, judged.accuracy_interval),
            (judged.area_under_curve, judged.area_interval),
        ):
            assert low <= figure <= high
            assert high - low > 0.2

    def test_the_gain_counts_verdicts_that_only_one_preset_gets_right(self):
        # At tau 0.1 and 0.06 the same verdicts; a score between them makes the difference.
        assert gain(TRIALS)["accuracy"] == 0
        between = [*TRIALS, trial("backdoored", 0.08, 5)]
        found = gain(between)
        assert found["accuracy"] == pytest.approx(-1 / 7)
        assert found["interval"][0] < -1 / 7 < found["interval"][1] <= 0


class TestIntervals:
    @pytest.mark.parametrize(
        ("hits", "count", "interval"),
        [
            # Tables of Clopper and Pearson's interval.
            (0, 10, (0, 0.3085)),
            (10, 10, (0.6915, 1)),
            (5, 10, (0.1871, 0.8129)),
            (26, 32, (0.6356, 0.9279)),
        ],
    )
    def test_the_exact_interval_is_that_of_the_tables(self, hits, count, interval):
        assert exact_binomial(hits, count) == pytest.approx(interval, abs=1e-4)

    def test_drawing_groups_again_is_wider_than_drawing_their_members(self):
        groups = [[value] * 10 for value in (0.0, 0.0, 1.0, 1.0, 1.0)]

        def mean(some):
            return sum(some) / len(some)

        whole = bootstrap(groups, mean)
        single = bootstrap([[one] for group in groups for one in group], mean)
        assert whole[1] - whole[0] > 2 * (single[1] - single[0])
        assert whole == bootstrap(groups, mean)

    def test_what_is_not_defined_does_not_count(self):
        found = bootstrap([[1.0], [float("nan")]], min)
        assert found == (1.0, 1.0)


class TestPopulation:
    def test_the_confirmation_shares_nothing_with_the_development(self):
        """Seeds of parents, attacks and triggers, and the pictures."""

        def seeds(plan):
            tried = [s for s in conditions(plan) if s.role != "calibration"]
            attacks = [s.attack for s in tried if s.attack]
            return (
                {s.parent.seed for s in conditions(plan) if s.role != "calibration"},
                {attack.seed for attack in attacks},
                {attack.trigger.seed for attack in attacks},
                {s.lab.seed + n for s in tried for n in range(4)},
            )

        pairs = zip(seeds(CONFIRMATION), seeds(DEVELOPMENT), strict=True)
        assert not any(new & old for new, old in pairs)

    def test_the_confirmation_has_clean_encoders_that_nobody_attacked(self):
        found = conditions(CONFIRMATION)
        clean = {s.parent.seed for s in found if s.role == "clean"}
        attacked = {s.parent.seed for s in found if s.attack}
        assert len(clean) >= 10
        assert 6 <= len(attacked) < len(clean)
        assert attacked < clean

    def test_both_are_judged_by_the_same_calibration_encoders(self):
        keys = [
            {s.key for s in conditions(plan) if s.role == "calibration"}
            for plan in (CONFIRMATION, DEVELOPMENT)
        ]
        assert keys[0] == keys[1]

    def test_is_as_large_as_planned_and_nobody_comes_twice(self):
        found = conditions(StudyConfig())
        roles = [one.role for one in found]
        plan = StudyConfig()
        assert {role: roles.count(role) for role in set(roles)} == {
            "calibration": plan.calibration,
            "clean": plan.clean,
            "backdoored": plan.backdoored,
            "hard": plan.hard,
        }
        assert (
            len({one.key for one in found})
            == len({one.name for one in found})
            == len(found)
        )

    def test_covers_kinds_sides_places_and_seeds(self):
        attacks = [one for one in conditions(StudyConfig()) if one.role == "backdoored"]
        triggers = [one.attack.trigger for one in attacks]
        assert {(t.kind, t.side) for t in triggers} == {
            (kind, side)
            for kind in ("white", "random", "coloured")
            for side in (4, 5, 6)
        }
        assert len({t.place for t in triggers}) >= 3
        assert len({one.parent.seed for one in attacks}) >= 5

    def test_calibration_encoders_are_not_in_the_test(self):
        found = conditions(StudyConfig())
        seeds = {
            role: {s.parent.seed for s in found if s.role == role}
            for role in ("calibration", "clean", "backdoored")
        }
        assert not seeds["calibration"] & (seeds["clean"] | seeds["backdoored"])

    def test_the_quick_plan_has_every_role_that_a_result_needs(self):
        roles = {one.role for one in conditions(QUICK)}
        assert {"calibration", "clean", "backdoored"} <= roles


def told(trials):
    """The content of `results.json`."""
    return as_data(STUDY.results(trials, [])) | {"run": {}}


class TestChartAndTable:
    def test_every_encoder_that_counts_is_a_dot_in_every_strip(self):
        drawn = charts(told([replace(one, name=f"<{one.name}&") for one in TRIALS]))
        assert drawn.keys() == {"results.svg", "results.zh.svg"}
        for chart in drawn.values():
            svg = ET.fromstring(chart)
            hints = [hint.text for hint in svg.iterfind(".//{*}path/{*}title")]
            assert len(hints) == 2 * 9
            assert hints[0].startswith("<simclr-8")

    def test_the_table_says_who_was_left_out(self):
        text = STUDY.tables(told(TRIALS), "en")
        assert "3 clean and 3 backdoored encoders from 3 parents, 3 of them" in text
        assert "1 of 4 attacks fell short" in text
        assert re.search(
            r"robust \| 0\.0600 \| 0\.778 \[0\.\d+, 1\.000\] \| 66\.7% \[", text
        )
        assert "| 2 of 3 [9%, 99%] |" in text
        assert (
            "| white-4-centre | plain | 1.000 | 0.0700 found | 0.0700 missed |" in text
        )


class TestHeadline:
    def test_misses_and_false_alarms_are_told_beside_the_authors_figures(self):
        *carried, found, flagged, area, one, two, three = STUDY.headline(told(TRIALS))
        assert len(carried) == 3  # other kinds of encoders come first
        assert all("limits from the others" in one["setting"]["en"] for one in carried)
        published = [one, two, three]
        assert (found["value"], found["n"], found["better"]) == (66.7, 3, "higher")
        assert (flagged["value"], flagged["n"], flagged["better"]) == (33.3, 3, "lower")
        assert area["value"] == 0.778
        assert all("published" not in one for one in (found, flagged, area))
        assert published[0]["published"]["source"].endswith("Table 3")
        assert [one["published"]["value"] for one in published[:2]] == [99.1, 1.8]

    def test_seeds_are_those_of_the_parents_that_count(self):
        assert STUDY.seeds(TRIALS) == [0, 1, 2, 4, 8, 9]


FAST = {"robust": replace(ROBUST, restarts=9)}


@pytest.fixture
def fast(small_lab):
    clean, _, bad, _, _ = small_lab
    return [replace(one, presets=FAST) for one in (clean, bad)]


def test_the_small_dataset_is_told_apart(fast):
    """End to end: a trained encoder and its backdoored copy."""
    good, evil = (one.scores["robust"] for one in STUDY.run(fast))
    assert evil is not None
    assert evil < 0.06
    assert good is None or good > 1.5 * evil


def test_a_scan_is_done_once_and_a_killed_study_goes_on(fast, monkeypatch):
    trials = STUDY.run(fast[:1])
    both = STUDY.run(fast)
    assert both[:1] == trials
    monkeypatch.setattr(
        study, "smallest_patch", lambda *_: pytest.fail("scanned again")
    )
    monkeypatch.setattr(study, "clean_encoder", lambda *_: pytest.fail("trained again"))
    assert STUDY.run(fast) == both


def test_other_settings_of_a_scan_are_another_condition(fast):
    other = replace(fast[0], presets={"robust": replace(FAST["robust"], seed=1)})
    assert STUDY.path(other) != STUDY.path(fast[0])


@pytest.fixture
def noted(monkeypatch, tmp_path):
    """A study that trains and scans nothing; what it would have done, in order."""
    done = []
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        study, "clean_encoder", lambda parent, lab: done.append(("clean", parent.seed))
    )

    def pretend(condition):
        done.append((condition.role, condition.parent.seed))
        number = condition.parent.seed
        score = 0.01 if condition.role == "backdoored" else 0.2 + number / 1000
        return [trial(condition.role, score, number)]

    monkeypatch.setattr(study, "STUDY", replace(STUDY, measure=pretend))
    return done


def test_a_pool_gives_the_trials_in_order_and_makes_parents_first(
    noted, monkeypatch, tmp_path
):
    population = conditions(QUICK)
    one = study.STUDY.run(population)
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "other"))
    noted.clear()
    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(running, "workers", lambda jobs: nullcontext(pool))
        assert study.STUDY.run(population, jobs=2) == one
    parents = {condition.parent.seed for condition in population}
    assert noted[: len(parents)] == [("clean", seed) for seed in sorted(parents)]


def test_a_study_leaves_results_tables_charts_and_the_threshold(noted, tmp_path):
    out = tmp_path / "out"
    study.STUDY.publish(PopulationOptions(quick=True, out=out))
    names = "calibration.json results.en.md results.json results.svg results.zh.md results.zh.svg"
    assert sorted(path.name for path in out.iterdir()) == names.split()
    found = json.loads((out / "results.json").read_text())
    assert [one["preset"] for one in found["separation"]] == list(PRESETS)
    assert len(found["rows"]) == len(conditions(QUICK))
    assert load(out / "calibration.json").threshold == pytest.approx(0.6 * 0.21)
    assert found["run"]["command"].endswith("study --quick")


def test_the_committed_threshold_is_that_of_the_results():
    found = json.loads((STUDY.home / "results.json").read_text("utf-8"))
    judged, kept = found["separation"][-1]["calibration"], load(LAB_CALIBRATION)
    assert list(kept.clean_scores) == judged["clean_scores"]
    assert kept.threshold == pytest.approx(judged["threshold"])


@pytest.mark.parametrize("population", ["--quick", "--development"])
def test_only_the_confirmation_is_published(tmp_path, capsys, population):
    arguments = ["study", population, "--publish", "--out", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert f"writes the whole study; omit {population}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_seeds_choose_parents_with_their_copies():
    few = STUDY.conditions(PopulationOptions(seeds=(101, 102)))
    assert {one.parent.seed for one in few if one.role != "calibration"} == {101, 102}
    assert sum(one.role == "calibration" for one in few) == 5
    with pytest.raises(ConfigError, match="no parent has seed 7; they have 100 to 109"):
        STUDY.conditions(PopulationOptions(seeds=(7,)))
    old = STUDY.conditions(PopulationOptions(development=True))
    assert old == conditions(DEVELOPMENT)
    assert STUDY.conditions(PopulationOptions()) == conditions(CONFIRMATION)


def test_a_part_without_a_working_backdoor_has_no_verdict():
    few = [one for one in TRIALS if one.role in ("calibration", "clean")]
    with pytest.raises(ConfigError, match="needs a clean encoder and a backdoored one"):
        STUDY.results(few, [])
