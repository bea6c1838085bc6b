"""A sweep end to end on a small world, its figures by hand, and how it goes on after a kill."""

import json
import re
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from reference_impls.decree import sweep
from reference_impls.decree.chart import draw, roc
from reference_impls.decree.config import PRESETS, ROBUST
from reference_impls.decree.population import QUICK, Plan, subjects
from reference_impls.decree.publish import END, START, insert, table
from reference_impls.decree.sweep import (
    Row,
    area_under_curve,
    results,
    run,
    scan_subject,
    separation,
)
from reference_impls.lab.errors import DeviceError


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


class TestPopulation:
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
        svg = ET.fromstring(
            draw(rows, [separation(rows, preset) for preset in PRESETS])
        )
        titles = [title.text for title in svg.iter("{http://www.w3.org/2000/svg}title")]
        assert len(titles) == 2 * 9
        assert titles[0].startswith("<simclr-8")

    def test_the_table_says_who_was_left_out(self):
        text = table(ROWS, [separation(ROWS, preset) for preset in PRESETS])
        assert "3 clean and 3 backdoored encoders (from 3 seeds" in text
        assert "1 of 4 attacks fell short" in text
        assert re.search(r"robust \| 0\.0600 \| 0\.778 \| 66\.7%", text)
        assert (
            "| white-4-centre | plain | 1.000 | 0.0700 found | 0.0700 missed |" in text
        )

    def test_a_readme_keeps_what_surrounds_the_results(self, tmp_path):
        readme = tmp_path / "README.md"
        readme.write_text(f"before\n{START}\nold\n{END}\nafter\n")
        insert(readme, "new\n")
        insert(readme, "newer\n")
        assert readme.read_text() == f"before\n{START}\nnewer\n{END}\nafter\n"


FAST = {"robust": replace(ROBUST, restarts=9)}


def test_the_small_world_is_told_apart(small_lab):
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


def test_a_dead_worker_is_one_line(monkeypatch):
    class Dead(ThreadPoolExecutor):
        def submit(self, *_):
            future = Future()
            future.set_exception(BrokenExecutor("killed"))
            return future

    with Dead(1) as executor, pytest.raises(DeviceError, match="a worker process died"):
        run(subjects(QUICK), executor=executor)


def test_results_are_json_with_every_encoder():
    data = results(ROWS)
    from reference_impls.lab.report import as_data

    read = json.loads(json.dumps(as_data(data)))
    assert [one["preset"] for one in read["separation"]] == list(PRESETS)
    assert len(read["encoders"]) == len(ROWS)
