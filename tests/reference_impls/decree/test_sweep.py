"""A sweep end to end on a small dataset, its figures by hand, and how it goes on after a kill."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from reference_impls.decree import sweep
from reference_impls.decree.chart import pictures, roc
from reference_impls.decree.config import PRESETS, ROBUST
from reference_impls.decree.population import (
    CONFIRMATION,
    DEVELOPMENT,
    QUICK,
    Plan,
    subjects,
)
from reference_impls.decree.publish import END, HERE, START, tables
from reference_impls.decree.sweep import (
    Row,
    area_under_curve,
    by_parent,
    counted,
    gain,
    results,
    run,
    scan_subject,
    separation,
)
from reference_impls.lab.metrics.intervals import bootstrap, exact_binomial
from reference_impls.lab.records import as_data
from reference_impls.lab.study.readme import READMES


def row(role, score, number=0, success=1.0):
    attacked = role in ("backdoored", "hard")
    return Row(
        name=f"simclr-{number}+white" if attacked else f"simclr-{number}",
        role=role,
        trigger="white-4-centre" if attacked else None,
        evasion_weight=0.0,
        figures={"attack_success_rate": success} if attacked else {},
        scores={"published": score, "robust": score},
        seconds={"published": 1.0, "robust": 2.0},
    )


ROWS = [
    row("calibration", 0.10, 8),
    row("calibration", 0.15, 9),
    row("clean", 0.20),
    row("clean", None, 1),
    row("clean", 0.05, 2),
    row("backdoored", 0.01),
    row("backdoored", 0.02, 1),
    row("backdoored", 0.30, 2),
    row("backdoored", 0.90, 3, success=0.5),
    row("hard", 0.07, 4),
]


class TestSeparation:
    def test_counts_verdicts_of_the_calibrated_threshold(self):
        judged = separation(ROWS, "robust")
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
        assert separation(ROWS, "published").calibration.threshold == 0.1

    def test_the_area_agrees_with_counting_pairs(self):
        assert separation(ROWS, "robust").area_under_curve == pytest.approx(
            (3 + 3 + 1) / 9
        )

    @pytest.mark.parametrize(
        ("clean", "bad", "area"),
        [([2, 3], [0, 1], 1), ([0, 1], [2, 3], 0), ([1], [1], 0.5)],
    )
    def test_the_area_at_its_extremes(self, clean, bad, area):
        assert area_under_curve(clean, bad) == area

    def test_the_curve_rises_from_corner_to_corner_and_encloses_the_area(self):
        points = roc(ROWS, "robust")
        assert points[0] == (0, 0)
        assert points[-1] == (1, 1)
        trapezoids = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points))
        assert trapezoids == pytest.approx(separation(ROWS, "robust").area_under_curve)

    def test_parents_stand_together(self):
        groups = by_parent(counted(ROWS))
        assert [[row.role for row in group] for group in groups] == [
            ["clean", "backdoored"]
        ] * 3

    def test_a_parent_is_faultless_with_all_its_copies(self):
        judged = separation(ROWS, "robust")
        # 0 and 1 are right about both; 2 is a false alarm and a miss.
        assert judged.faultless_parents == 2
        assert judged.faultless_interval == pytest.approx((0.094, 0.992), abs=1e-3)

    def test_intervals_hold_the_figures(self):
        judged = separation(ROWS, "robust")
        for figure, (low, high) in (
            (judged.accuracy, judged.accuracy_interval),
            (judged.area_under_curve, judged.area_interval),
        ):
            assert low <= figure <= high
            assert high - low > 0.2

    def test_the_gain_counts_verdicts_that_only_one_preset_gets_right(self):
        # At tau 0.1 and 0.06 the same verdicts; a score between them makes the difference.
        assert gain(ROWS)["accuracy"] == 0
        between = [*ROWS, row("backdoored", 0.08, 5)]
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
            tried = [s for s in subjects(plan) if s.role != "calibration"]
            attacks = [s.attack for s in tried if s.attack]
            return (
                {s.parent.seed for s in subjects(plan) if s.role != "calibration"},
                {attack.seed for attack in attacks},
                {attack.trigger.seed for attack in attacks},
                {s.lab.seed + n for s in tried for n in range(4)},
            )

        pairs = zip(seeds(CONFIRMATION), seeds(DEVELOPMENT), strict=True)
        assert not any(new & old for new, old in pairs)

    def test_the_confirmation_has_clean_encoders_that_nobody_attacked(self):
        found = subjects(CONFIRMATION)
        clean = {s.parent.seed for s in found if s.role == "clean"}
        attacked = {s.parent.seed for s in found if s.attack}
        assert len(clean) >= 10
        assert 6 <= len(attacked) < len(clean)
        assert attacked < clean

    def test_both_are_judged_by_the_same_calibration_encoders(self):
        keys = [
            {s.key for s in subjects(plan) if s.role == "calibration"}
            for plan in (CONFIRMATION, DEVELOPMENT)
        ]
        assert keys[0] == keys[1]

    def test_is_as_large_as_planned_and_nobody_comes_twice(self):
        found = subjects(Plan())
        roles = [subject.role for subject in found]
        plan = Plan()
        assert {role: roles.count(role) for role in set(roles)} == {
            "calibration": plan.calibration,
            "clean": plan.clean,
            "backdoored": plan.backdoored,
            "hard": plan.hard,
        }
        assert (
            len({subject.key for subject in found})
            == len({subject.name for subject in found})
            == len(found)
        )

    def test_covers_kinds_sides_places_and_seeds(self):
        attacks = [
            subject for subject in subjects(Plan()) if subject.role == "backdoored"
        ]
        triggers = [subject.attack.trigger for subject in attacks]
        assert {(t.kind, t.side) for t in triggers} == {
            (kind, side)
            for kind in ("white", "random", "coloured")
            for side in (4, 5, 6)
        }
        assert len({t.place for t in triggers}) >= 3
        assert len({subject.parent.seed for subject in attacks}) >= 5

    def test_calibration_encoders_are_not_in_the_test(self):
        found = subjects(Plan())
        seeds = {
            role: {s.parent.seed for s in found if s.role == role}
            for role in ("calibration", "clean", "backdoored")
        }
        assert not seeds["calibration"] & (seeds["clean"] | seeds["backdoored"])

    def test_the_quick_plan_has_every_role_that_a_result_needs(self):
        roles = {subject.role for subject in subjects(QUICK)}
        assert {"calibration", "clean", "backdoored"} <= roles


class TestPictureAndTable:
    def test_every_encoder_that_counts_is_a_dot_in_every_strip(self):
        rows = [replace(one, name=f"<{one.name}&") for one in ROWS]
        judged = [separation(rows, preset) for preset in PRESETS]
        drawn = pictures(as_data({"encoders": rows, "separation": judged}))
        assert drawn.keys() == {"results.svg", "results.zh.svg"}
        for picture in drawn.values():
            svg = ET.fromstring(picture)
            hints = [hint.text for hint in svg.iterfind(".//{*}path/{*}title")]
            assert len(hints) == 2 * 9
            assert hints[0].startswith("<simclr-8")

    def test_the_table_says_who_was_left_out(self):
        text = tables(ROWS, [separation(ROWS, preset) for preset in PRESETS], "en")
        assert "3 clean and 3 backdoored encoders from 3 parents, 3 of them" in text
        assert "1 of 4 attacks fell short" in text
        assert re.search(
            r"robust \| 0\.0600 \| 0\.778 \[0\.\d+, 1\.000\] \| 66\.7% \[", text
        )
        assert "| 2 of 3 [9%, 99%] |" in text
        assert (
            "| white-4-centre | plain | 1.000 | 0.0700 found | 0.0700 missed |" in text
        )


@pytest.mark.parametrize("language", READMES)
def test_the_readme_shows_what_the_results_hold(language):
    found = json.loads((HERE / "results.json").read_text("utf-8"))
    names = [field.name for field in fields(Row)]
    rows = [Row(**{name: one[name] for name in names}) for one in found["encoders"]]
    expected = tables(rows, [separation(rows, preset) for preset in PRESETS], language)
    readme = (HERE / READMES[language]).read_text("utf-8")
    shown = readme.partition(START)[2].partition(END)[0]
    assert shown.strip() == expected.strip()


FAST = {"robust": replace(ROBUST, restarts=9)}


def test_the_small_dataset_is_told_apart(small_lab):
    """End to end: a trained encoder and its backdoored copy."""
    clean, _, bad, _, _ = small_lab
    good, evil = (
        scan_subject(subject, FAST).scores["robust"] for subject in (clean, bad)
    )
    assert evil is not None
    assert evil < 0.06
    assert good is None or good > 1.5 * evil


def test_a_scan_is_done_once_and_a_killed_sweep_goes_on(small_lab, monkeypatch):
    clean, _, bad, _, _ = small_lab
    rows = [scan_subject(subject, FAST) for subject in (clean, bad)]
    monkeypatch.setattr(sweep, "detect", lambda *_: pytest.fail("scanned again"))
    again = [scan_subject(subject, FAST) for subject in (clean, bad)]
    assert again == rows


@pytest.fixture
def pretended(monkeypatch):
    """Scans that only note whom they scanned."""
    noted = []

    def pretend(subject):
        noted.append(subject.role)
        return row(subject.role, 0.1, subject.parent.seed)

    monkeypatch.setattr(sweep, "scan_subject", pretend)
    return noted


def test_an_executor_gives_the_rows_in_order_and_makes_parents_first(pretended):
    population = subjects(QUICK)
    with ThreadPoolExecutor(1) as executor:
        rows = run(population, executor=executor)
    assert rows == run(population)
    assert pretended[: len(population)] == sorted(
        pretended[: len(population)], key=lambda role: role == "backdoored"
    )


def test_results_are_json_with_every_encoder():
    data = results(ROWS)
    from reference_impls.lab.records import as_data

    read = json.loads(json.dumps(as_data(data)))
    assert [one["preset"] for one in read["separation"]] == list(PRESETS)
    assert len(read["encoders"]) == len(ROWS)
