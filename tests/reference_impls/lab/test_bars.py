"""The chart of bars: how long they are, in both languages."""

import re

import pytest

from reference_impls.lab.bilingual import Bilingual
from reference_impls.lab.study.bars import bars


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_bar_is_as_long_as_its_fraction(language):
    measures = [Bilingual("clean", "干净"), Bilingual("attacked", "受攻击")]
    groups = [("<none>", [1.0, 0.25]), ("some", [0.5, 0.0])]
    title = Bilingual("Accuracy", "准确率")
    svg = bars(groups, measures, language, title=title, about="two bars each")
    assert getattr(title, language) in svg
    assert "<none>" not in svg
    widths = [float(one) for one in re.findall(r'<rect class="\w+" x="0.0" y="[^"]+" width="([^"]+)"', svg)]  # fmt: skip
    whole = widths[0]
    assert widths == pytest.approx([whole, whole / 4, whole / 2, 1], abs=0.1)
    assert f"<title>{getattr(measures[1], language)}: 25.0%</title>" in svg


def test_what_was_not_measured_has_no_bar_and_no_figure():
    svg = bars([("`code`", [None, 0.415])], ["one", "two"], "en", title="t", about="a")
    assert re.findall(r">([^<]+)</text>", svg)[-3:] == ["code", "–", "41%"]
    assert svg.count('x="0.0"') == 3  # title, name, one bar
    assert "two: 41.5%" in svg
