"""Intervals of figures: as other programs compute them, and none where nothing can be said."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.render.intervals import apart, of_figure, of_mean, of_share

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("n", range(2, 32))
def test_a_mean_has_students_interval(n):
    low, high = of_mean(50.0, 4.0, n)
    wanted = stats.t.interval(0.95, n - 1, 50.0, 4.0 / math.sqrt(n))
    assert (low, high) == pytest.approx(wanted, rel=1e-3)


@given(st.integers(1, 500), st.data())
def test_a_share_has_wilsons_interval(n, data):
    k = data.draw(st.integers(0, n))
    wanted = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert of_share(k / n, n) == pytest.approx((wanted.low, wanted.high), abs=1e-4)


def test_more_runs_than_the_table_are_never_told_too_surely():
    low, high = of_mean(0.0, 1.0, 200)
    assert high - low > 2 * stats.t.ppf(0.975, 199) / math.sqrt(200)


@pytest.mark.parametrize(
    ("value", "sd", "n", "unit"),
    [
        (50.0, 1.0, None, "%"),
        (50.0, 1.0, 1, "%"),
        (0.2, None, 3, ""),
        (50.0, None, 3, "%"),  # no three encoders give a half
        (120.0, None, 3, "%"),
    ],
)
def test_too_little_gives_no_interval(value, sd, n, unit):
    assert of_figure(value, sd, n, unit) is None


def test_percentages_stay_percentages():
    low, high = of_figure(99.0, 5.0, 3, "%")
    assert high == 100.0
    assert 0.0 <= low < 99.0
    assert of_figure(97.2, None, 36, "%") == pytest.approx((85.8, 99.5), abs=0.1)


def test_intervals_that_touch_are_not_apart():
    assert apart((0, 1), (2, 3))
    assert apart((2, 3), (0, 1))
    assert not apart((0, 2), (2, 3))
    assert not apart((0, 9), (2, 3))
