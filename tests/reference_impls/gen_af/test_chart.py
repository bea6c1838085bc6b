"""The charts are well-formed, hold every layer and method, and escape what they are given."""

from xml.etree import ElementTree

import pytest

from reference_impls.gen_af.chart import Panel, Point, _bounds, layers, trade_off

SVG = "{http://www.w3.org/2000/svg}"
LAYERS = {"encoder.a": 0.4, "encoder.b": -0.01, "head.<0>": 1.6}


def texts(picture):
    return [one.text for one in ElementTree.fromstring(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_layer_has_a_bar_as_long_as_its_contribution(language):
    picture = layers(LAYERS, {"encoder.b"}, language)
    assert {"encoder.a", "encoder.b", "head.<0>"} <= set(texts(picture))
    bars = [
        one
        for one in ElementTree.fromstring(picture).iter(f"{SVG}rect")
        if one.get("height") == "16"
    ]
    lengths = [float(bar.get("width")) for bar in bars]
    assert lengths[2] == pytest.approx(4 * lengths[0], rel=0.01)
    assert lengths[1] == 1.0  # below zero still shows
    assert bars[0].get("class") == bars[2].get("class") != bars[1].get("class")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_method_has_a_mark_in_every_panel_and_one_in_the_legend(language):
    points = [Point(f"m{i}", 0.5 + i / 20, 0.3 + i / 10, 0.01, 0.02) for i in range(6)]
    panels = [Panel("a & b", points, "task"), Panel("c", points[:2], "task")]
    picture = trade_off(panels, language)
    root = ElementTree.fromstring(picture)
    assert len(list(root.iter(f"{SVG}path"))) == 6 + 6 + 2
    assert {"a & b", "c", "task", *(point.name for point in points)} <= set(
        texts(picture)
    )
    # Each method keeps its shape and colour from panel to panel.
    marks = [(one.get("d"), one.get("class")) for one in root.iter(f"{SVG}path")]
    assert marks[:6] == marks[6:12]
    assert marks[12:] == marks[:2]
    assert len(set(marks[:6])) == 6


@pytest.mark.parametrize(
    "values", [[0.5], [0.0, 1.0], [0.999], [0.0], [0.61, 0.66], [0.02, 0.9]]
)
def test_axes_hold_all_values_and_stay_between_0_and_1(values):
    low, high = _bounds(values)
    assert 0 <= low <= min(values)
    assert max(values) <= high <= 1
    assert high > low


def test_error_bars_stay_inside_their_panel():
    points = [Point("a", 0.98, 0.8, 0.05, 0.15), Point("b", 0.9, 0.95)]
    root = ElementTree.fromstring(trade_off([Panel("p", points)], "en"))
    lines = {True: [], False: []}  # grid or not -> points
    for one in root.iter(f"{SVG}polyline"):
        points = [tuple(map(float, at.split(","))) for at in one.get("points").split()]
        lines[one.get("class") == "line"] += points
    assert len(lines[False]) == 2 * 4
    for axis in (0, 1):
        places = [point[axis] for point in lines[True]]
        for point in lines[False]:
            assert min(places) - 0.1 <= point[axis] <= max(places) + 0.1
