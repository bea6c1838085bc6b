"""The chart of fractions: where its curves lie, in both languages."""

import re

import pytest

from reference_impls.lab.bilingual import Bilingual
from reference_impls.lab.study.curves import HEIGHT, POINTS, curves


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_curve_lies_where_its_function_says(language):
    shown = [("<falling>", lambda x: 1 - x / 2), ("flat", lambda x: 0.5)]
    title = Bilingual("How much is left", "还剩多少")
    words = {"title": title, "about": "two", "across": "x"}
    svg = curves(shown, language, ticks=(0, 1, 2), **words)
    assert getattr(title, language) in svg
    assert "<falling>" not in svg
    lines = re.findall(r'points="([^"]+)" fill="none" stroke="currentColor" stroke-width="2"', svg)  # fmt: skip
    falling, flat = ([tuple(map(float, point.split(","))) for point in line.split()] for line in lines)  # fmt: skip
    assert len(falling) == 2 * POINTS + 1
    (left, top), (right, bottom) = falling[0], falling[-1]
    assert bottom - top == pytest.approx(HEIGHT, abs=0.2)
    assert all(y == pytest.approx((top + bottom) / 2, abs=0.1) for _, y in flat)
    assert [flat[0][0], flat[-1][0]] == [left, right]
    assert svg.count("<title>50.0%</title>") == 1 + 3


@pytest.mark.parametrize(("name", "columns"), [("MSE", 2), ("diffusion, " * 3, 1)])
def test_a_legend_has_a_second_column_where_its_names_leave_room(name, columns):
    shown = [(name, lambda x: x), ("flat", lambda x: 0.5)]
    svg = curves(shown, "en", ticks=(0, 1), title="t", about="a", across="x")
    places = re.findall(r'<text class="ink" x="([^"]+)" y="[^"]+" text-anchor="start" font-size="14"', svg)  # fmt: skip
    assert len(set(places)) == columns
