"""Charts: what they are made of, that the committed ones are up to date, and how they look in a browser."""

import re
from importlib import import_module
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_impls.lab.study.chart import (
    GROUND,
    SERIES,
    SHAPES,
    TONES,
    WIDTH,
    Axis,
    Canvas,
    Mark,
    ems,
    series,
    wrapped,
)

HOME = Path(__file__).parents[3] / "reference_impls"
METHODS = sorted(path.parent.name for path in HOME.glob("*/chart.py") if path.parent.name != "lab")  # fmt: skip
CHARTS = sorted(path for method in METHODS for path in (HOME / method).glob("*.svg"))


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]  # fmt: skip
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_words_and_marks_stand_out_from_both_grounds(scheme):
    for tone, colours in TONES.items():
        least = {"ink": 7, "quiet": 4.5, "line": 1.1}.get(tone, 3)  # WCAG 1.4.3, 1.4.11
        assert contrast(colours[scheme], GROUND[scheme]) >= least, tone


def test_what_is_compared_differs_in_shape_and_in_colour():
    assert {mark.shape for mark in SERIES} == SHAPES.keys()
    assert len({mark.tone for mark in SERIES}) == len(SERIES)
    for count in range(1, 7):
        assert len(set(series(count))) == count
        assert series(count)[-1] == SERIES[-1]
    assert len(series(9)) == 9


@given(
    st.floats(1e-3, 1e3),
    st.floats(1.01, 1e3),
    st.floats(0, 1),
    st.booleans(),
)
def test_an_axis_keeps_order_and_ends(low, factor, share, logarithmic):
    axis = Axis(low, low * factor, 10, 110, logarithmic)
    assert axis(axis.low) == axis(axis.low / 2) == 10
    assert axis(axis.high) == axis(axis.high * 2) == pytest.approx(110)
    value = low * factor**share
    assert 10 <= axis(value) <= 110.0001
    if logarithmic:
        assert axis(value) == pytest.approx(10 + 100 * share, abs=1e-6)


TEXTS = st.text(st.sampled_from("ab cde 预测被改变，。（） 3%"), max_size=80)


@given(TEXTS, st.integers(4, 30))
def test_wrapping_loses_nothing_and_keeps_to_the_width(text, width):
    lines = wrapped(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines[1:]:
        assert line[0] not in "，。）"
    for line in lines:  # only what cannot be broken is longer
        assert ems(line) <= width or re.fullmatch(
            r"（*([⺀-鿿]|[^\s⺀-鿿]+)?[，。）（\s]*", line
        )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_chart_says_what_it_is_and_escapes_what_it_is_given(language):
    canvas = Canvas(language)
    hostile = "</text><script>&\"'"
    canvas.heading(hostile)
    canvas.legend([(Mark("red"), hostile)], columns=1)
    canvas.bar(0, 0, 1, 1, "blue", hint=hostile)
    canvas.mark(0, 0, Mark("ink", hollow=True), hint=hostile)
    text = canvas.svg(hostile, hostile)
    root = ElementTree.fromstring(text)
    assert [child.tag.rpartition("}")[2] for child in root][:3] == ["title", "desc", "style"]  # fmt: skip
    assert root[0].text == root[1].text == hostile
    assert "<script" not in text
    assert root.get("lang") == {"en": "en", "zh": "zh-CN"}[language]
    # Several charts stand in one report: no ids, and no rule reaches beyond its chart.
    assert not root.findall(".//*[@id]")
    rules = re.findall(r"([^{}]+)\{[^{}]*\}", root[2].text)
    assert rules
    for rule in rules:
        assert rule.split("{")[-1].startswith(".chart .")


@pytest.mark.parametrize("method", METHODS)
def test_the_command_draws_charts_and_tables_of_a_folder_in_both_languages(
    method, tmp_path, capsys
):
    main = import_module(f"reference_impls.{method}.__main__").main
    studies = [p for p in (HOME / method).glob("*.json") if p.with_suffix(".svg").exists()]  # fmt: skip
    for path in studies:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert main(["draw", str(tmp_path)]) == 0
    names = {path.name for path in CHARTS if path.parent.name == method}
    assert {"results.svg", "results.zh.svg"} <= names
    names |= {f"{one.stem}.{language}.md" for one in studies for language in ("en", "zh")}  # fmt: skip
    read = {one.name for one in studies}
    assert {path.name for path in tmp_path.iterdir()} == names | read
    assert len(capsys.readouterr().out.splitlines()) == len(names)
    (tmp_path / "results.json").write_text("{}")
    assert main(["draw", str(tmp_path)]) == 2
    assert "holds no results of this method" in capsys.readouterr().err


def test_drawing_needs_results(tmp_path, capsys):
    main = import_module(f"reference_impls.{METHODS[0]}.__main__").main
    assert main(["draw", str(tmp_path)]) == 2
    assert "No such file" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


WORDS = """() => {
  const svg = document.querySelector("svg"), out = svg.getBoundingClientRect();
  return [[out.x, out.y, out.right, out.bottom], [...svg.querySelectorAll("text")].map(one => {
    const box = one.getBoundingClientRect();
    return [one.textContent, box.x, box.y, box.right, box.bottom];
  })];
}"""


@pytest.mark.parametrize("path", CHARTS, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_words_lie_inside_the_chart_and_beside_each_other(path, chromium):
    page = chromium.new_page()
    page.set_content(path.read_text("utf-8"))
    (left, top, right, bottom), words = page.evaluate(WORDS)
    page.close()
    assert right - left == WIDTH + 32
    assert len(words) > 10
    for text, x, y, end, foot in words:
        assert left <= x < end <= right, text
        assert top <= y < foot <= bottom, text
    for one, other in combinations(words, 2):
        across = min(one[3], other[3]) - max(one[1], other[1])
        down = min(one[4], other[4]) - max(one[2], other[2])
        assert across < 1 or down < 5, (one[0], other[0])  # a box is taller than its letters  # fmt: skip


SCHEMES = {"light": "#ffffff", "dark": "#1b1f24"}


@pytest.mark.parametrize("own", SCHEMES)
@pytest.mark.parametrize("page_scheme", SCHEMES)
def test_a_chart_in_img_follows_the_scheme_of_its_place(
    own, page_scheme, chromium, tmp_path
):
    from io import BytesIO

    from PIL import Image

    (tmp_path / "chart.svg").write_bytes(CHARTS[0].read_bytes())
    place = tmp_path / "page.html"
    place.write_text(f'<body style="margin:0"><img src="chart.svg" style="color-scheme:{own}">')  # fmt: skip
    page = chromium.new_page(color_scheme=page_scheme)
    page.goto(place.as_uri())
    shot = Image.open(BytesIO(page.locator("img").screenshot())).convert("RGB")
    page.close()
    assert "#{:02x}{:02x}{:02x}".format(*shot.getpixel((60, 6))) == SCHEMES[own]
