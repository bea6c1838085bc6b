"""BadEncoder's page: what it says of an attack that works, of one that does not, and of names."""

from dataclasses import replace

import pytest
import torch

from reference_impls.badencoder.method import AttackReport, BadEncoderConfig
from reference_impls.badencoder.report import WORDS, present
from reference_impls.lab.data.images import TriggerSpec, make_trigger
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.study.page import html, write_page

IMAGES = shapes(8, seed=0).images_N3HW
CONFIG = BadEncoderConfig(trigger=TriggerSpec(kind="random", side=5), steps=123)
REPORT = AttackReport(
    task="foreground",
    target="pink",
    clean_accuracy=0.981,
    backdoored_accuracy=0.973,
    attack_success_rate=0.996,
    clean_attack_success_rate=0.014,
    stamped_cosine=0.994,
    clean_stamped_cosine=0.731,
    config=CONFIG,
)


def page(report=REPORT, encoder="simclr-0+random-5"):
    return present(
        report,
        encoder=encoder,
        file="out/encoder.safetensors",
        trigger=make_trigger(report.config.trigger, 32),
        reference_3HW=IMAGES[0],
        images_N3HW=IMAGES,
        about={},
    )


@pytest.mark.parametrize(
    ("success", "tone", "headline"),
    [(0.99, "alarm", "working"), (0.98, "open", "partly")],
)
def test_the_answer_is_said_in_its_tone(success, tone, headline):
    answer = page(replace(REPORT, attack_success_rate=success)).answer
    assert (answer.tone, answer.headline) == (tone, WORDS[f"report.{headline}"])
    for text in (answer.detail.en, answer.detail.zh):
        assert f"{success:.1%}" in text
        assert "pink" in text


def test_every_figure_stands_beside_that_of_the_clean_encoder():
    (table,) = (section.table for section in page().sections if section.table)
    assert [row[1:] for row in table.rows] == [
        ("1.4%", "99.6%"),
        ("98.1%", "97.3%"),
        ("0.731", "0.994"),
    ]


def test_the_stamped_pictures_differ_from_the_plain_ones_only_where_the_trigger_is():
    pictures = {picture.file: picture.image_3HW for picture in page().pictures}
    changed = (pictures["after.png"] != pictures["before.png"]).any(dim=0)
    assert 0 < changed.sum() <= 6 * 25
    assert changed[26:31].any()
    assert not changed[:26].any()
    assert torch.equal(pictures["reference.png"], IMAGES[0])


def test_evasion_is_told_only_where_it_was_tried():
    evading = replace(REPORT, config=replace(CONFIG, evasion_weight=0.6))
    assert "α = 0.6" in html(page(evading))
    assert "α =" not in html(page())


def test_a_hostile_name_stays_text():
    shown = html(page(encoder="<script>alert(1)</script>"))
    assert "<script" not in shown


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [360, 1100])
def test_a_browser_shows_it_without_asking_anybody(chromium, tmp_path, language, width):
    path = write_page(page(), tmp_path, language)
    view = chromium.new_page(viewport={"width": width, "height": 800})
    asked = []
    view.on("request", lambda request: asked.append(request.url))
    view.goto(path.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert "99.6%" in view.locator(".answer").inner_text()
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(view).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    view.close()
