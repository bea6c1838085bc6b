"""The HTML report: self-contained, escaped, answer first."""

import html
import io
import json
import re
from dataclasses import dataclass

import pytest
import torch
from PIL import Image

from reference_impls.lab.bilingual import Bilingual
from reference_impls.lab.study import page

HOSTILE = "<script>alert(1)</script>\"'&"


@dataclass(frozen=True)
class Settings:
    name: str = HOSTILE


@pytest.fixture
def written(tmp_path):
    image = torch.rand(3, 8, 8)
    report = page.Page(
        title=HOSTILE,
        subject=HOSTILE,
        answer=page.Answer("alarm", Bilingual(HOSTILE, HOSTILE), HOSTILE),
        sections=[
            page.Section(
                HOSTILE,
                [HOSTILE],
                [page.Picture("one.png", HOSTILE, image)],
                page.scale(page.Scale(0.02, 0.05, (0.1, 0.2), HOSTILE)),
                page.Table([HOSTILE], [[HOSTILE], ["b"]], marked=1),
            )
        ],
        about={"config": Settings(), "path": tmp_path},
    )
    return (
        image,
        tmp_path,
        page.write_page(report, tmp_path).read_text(encoding="utf-8"),
    )


def test_every_text_is_escaped(written):
    _, _, text = written
    assert "<script" not in text
    assert html.escape(HOSTILE) in text


def test_nothing_is_fetched(written):
    _, _, text = written
    sources = re.findall(r"(?:src|href)=\"([^\"]*)\"", text)
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_pictures_are_enlarged_pixel_by_pixel(written):
    image, folder, _ = written
    with Image.open(io.BytesIO((folder / "one.png").read_bytes())) as picture:
        assert picture.size == (256, 256)
        corner = [picture.getpixel(at) for at in ((0, 0), (31, 31))]
    expected = tuple((image[:, 0, 0] * 255).round().int().tolist())
    assert corner == [expected, expected]


def test_the_settings_are_there_as_json(written):
    _, folder, text = written
    shown = re.search(r"<pre>(.*?)</pre>", text, re.DOTALL)[1]
    assert json.loads(html.unescape(shown)) == {
        "config": {"name": HOSTILE},
        "path": str(folder),
    }


def test_the_answer_stands_before_everything_else(written):
    _, _, text = written
    main = text.partition("<main>")[2]
    assert main.lstrip().startswith('<section class="answer alarm">')


def test_nothing_half_written_is_left(written):
    _, folder, _ = written
    assert sorted(path.name for path in folder.iterdir()) == ["one.png", "report.html"]


def test_the_scale_is_logarithmic_and_ends_at_its_ends():
    drawn = page.Scale(0.05, 0.1)
    assert drawn.position(drawn.low) == 0
    assert drawn.position(drawn.high) == 1
    assert drawn.position(0.05) == pytest.approx(0.5, abs=1e-6)  # the geometric middle
    assert drawn.position(0) == 0
    assert drawn.position(2) == 1


def test_images_stand_in_one_row_with_light_lines_between():
    row = page.side_by_side(torch.zeros(3, 3, 4, 4))
    assert row.shape == (3, 4, 14)
    assert row.sum() == 2 * 4 * 3


@pytest.mark.parametrize(("language", "tag"), [("en", "en"), ("zh", "zh-CN")])
def test_one_file_holds_both_languages_and_opens_in_one(language, tag):
    headline = Bilingual("A & B", "甲 & 乙")
    answer = page.Answer("calm", headline, "same")
    report = page.Page(title="t", subject="s", answer=answer, sections=[], about={})
    text = page.html(report, language)
    assert f'<html lang="{tag}">' in text
    assert f"<title>{html.escape(getattr(headline, language))} · s</title>" in text
    assert (
        '<span lang="en">A &amp; B</span><span lang="zh-CN">甲 &amp; 乙</span>' in text
    )
    assert re.findall(r'id="(\w+)" checked', text) == [language]


def test_the_scale_is_drawn_once_in_each_language():
    drawn = page.scale(page.Scale(None, 0.05))
    assert re.findall(r'<svg lang="(.*?)".*?aria-label="(.*?)"', drawn) == [
        ("en", "PL1 none, threshold 0.05"),
        ("zh-CN", "PL1 无，阈值 0.05"),
    ]
