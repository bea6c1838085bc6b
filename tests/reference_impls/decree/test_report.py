"""DECREE's page: what it says in each case, and how it looks in a browser."""

import re
from dataclasses import replace

import pytest
import torch

from reference_impls.decree.attractor import SelfComparison
from reference_impls.decree.calibration import Kind, calibrate
from reference_impls.decree.config import ROBUST
from reference_impls.decree.method import DecreeReport, RestartReport
from reference_impls.decree.report import WORDS, reasons, report_page
from reference_impls.decree.verdict import Verdict, judge
from reference_impls.lab.bilingual import Bilingual
from reference_impls.lab.data.images import Trigger
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.study.page import html, write_page

IMAGES = shapes(8, seed=0).images_N3HW
CLEAN = calibrate([0.08, 0.085, 0.09, 0.095, 0.1], source="clean-a.pth, clean-b.pth")
KIND = Kind(architecture="transformer", size=32)


def report(score, calibration=CLEAN, stubbornness=1.0, kind=KIND):
    trigger = comparison = None
    if score is not None:
        trigger = Trigger(torch.full((32, 32), score), torch.rand(3, 32, 32))
        comparison = SelfComparison(sizes=(score, 2 * score), stubbornness=(stubbornness,))  # fmt: skip
    return DecreeReport(
        encoder="an encoder with a rather long name, /checkpoints/2021/model_last_epoch_200.pth",
        kind=kind,
        score=score,
        comparison=comparison,
        calibration=calibration,
        verdict=judge(score, comparison, kind, ROBUST, calibration),
        trigger=trigger,
        restarts=(
            RestartReport(score=score, cosine=0.99, steps=7),
            RestartReport(score=None, cosine=None, steps=9),
        ),
        config=ROBUST,
    )


def page(*arguments, **more):
    return report_page(report(*arguments, **more), IMAGES, {})


NAIVE = Kind(architecture="other", size=224)


@pytest.mark.parametrize(
    ("score", "more", "tone", "headline"),
    [
        (0.02, {}, "alarm", Bilingual("Backdoored", "含有后门")),
        (0.09, {"stubbornness": 0.1}, "calm", Bilingual("No backdoor found", "未发现后门")),
        (None, {}, "calm", Bilingual("No backdoor found", "未发现后门")),
        (0.02, {"calibration": None, "kind": NAIVE}, "open", Bilingual("Cannot decide", "无法判定")),
        (0.09, {"calibration": None}, "open", Bilingual("Cannot decide", "无法判定")),
    ],
)  # fmt: skip
def test_the_answer_is_said_in_its_tone(score, more, tone, headline):
    answer = page(score, **more).answer
    assert (answer.tone, answer.headline) == (tone, headline)


def test_the_area_and_the_reasons_are_part_of_the_answer():
    detail = page(0.02).answer.detail
    assert "2.00% of the image (about 20 of 1024 pixels)" in detail.en
    assert "prominence 10.00, above 4" in detail.en
    assert "patch is smaller than 5 clean encoders suggest: below 0.0480" in detail.en
    assert "图像 2.00% 的补丁（1024 个像素中的约 20 个）" in detail.zh
    assert "其补丁比 5 个干净编码器所允许的更小" in detail.zh


def test_what_is_missing_is_said_where_nothing_can_be_decided():
    told = reasons(report(0.02, None, kind=NAIVE))
    assert "No encoder of this kind (unknown architecture, 224 px) has been measured" in told[-1].en  # fmt: skip
    assert "give 3 or more clean encoders" in told[-1].en
    assert "未知架构，224 像素" in told[-1].zh


@pytest.mark.parametrize("reason", [n for n in WORDS if n.startswith("reason.")])
def test_every_reason_has_all_its_numbers(reason):
    some = report(0.02)
    verdict = Verdict(answer="cannot decide", reasons=(reason.removeprefix("reason."),))
    (told,) = reasons(replace(some, verdict=verdict))
    assert "{" not in told.en + told.zh


def test_clean_encoders_are_drawn_and_named_and_the_next_is_predicted():
    text = html(page(0.02))
    assert text.count('class="other"') == 2 * 5  # a drawing in each language
    assert "clean-a.pth, clean-b.pth (5, of which 0 without any trigger)" in text
    assert "Their PL1 is 0.0800 to 0.1000 (circles); the threshold, 0.0480, is 0.6 x" in text  # fmt: skip
    assert "它们的 PL1 为 0.0800 至 0.1000" in text
    assert "One more of their kind would lie between 0.0" in text


def test_the_rule_of_the_paper_stands_beside_the_verdict():
    text = html(page(0.02, None))
    assert "would call this encoder backdoored; it was set on other encoders" in text
    assert "按论文的规则" in text
    assert "No clean encoder of this kind was given" in text
    assert "would not call this encoder backdoored" in html(page(0.3, None))


def test_all_searches_are_listed_and_the_one_that_counts_is_marked():
    text = html(page(0.02))
    assert "<tr class=marked><td>1</td><td>0.0200</td>" in text
    none = '<span lang="en">none</span><span lang="zh-CN">无</span>'
    assert f"<td>2</td><td>{none}</td><td>–</td><td>9</td>" in text


def test_without_a_trigger_there_are_no_pictures_and_no_needle():
    assert page(None).pictures == []
    assert "needle" not in html(page(None)).partition("</style>")[2]


def test_the_trigger_is_shown_in_five_pictures(tmp_path):
    write_page(page(0.02), tmp_path)
    names = {path.name for path in tmp_path.glob("*.png")}
    assert names == {
        "mask.png",
        "trigger.png",
        "stamped.png",
        "before.png",
        "after.png",
    }


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1100])
@pytest.mark.parametrize("score", [0.02, None])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_browser_shows_it_without_asking_anybody(
    chromium, tmp_path, scheme, width, score, language
):
    path = write_page(page(score), tmp_path, language)
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    view = context.new_page()
    asked, said = [], []
    view.on("request", lambda request: asked.append(request.url))
    view.on("console", lambda message: said.append(message.text))
    view.goto(path.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert said == []
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    if score:
        assert view.locator("img").first.bounding_box()["width"] >= 130
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(view).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    context.close()


HAN = re.compile(r"[\u4e00-\u9fff]")
SAME = {"PL1", "log", "DECREE", "English"}
"""Words of an English page that a Chinese one has too; others are names."""


def strange(view, language):
    """What a reader sees and should not, the choice of the language apart."""
    shown = view.locator("body").inner_text()
    for name in ("English", "中文", report(0.02).encoder, CLEAN.source):
        shown = shown.replace(name, "")
    if language == "en":
        return HAN.findall(shown)
    return set(re.findall(r"[A-Za-z]{3,}[0-9]?", shown)) - SAME


@pytest.mark.browser
@pytest.mark.parametrize("first", ["en", "zh"])
def test_the_language_is_switched_without_a_script(chromium, tmp_path, first):
    path = write_page(page(0.02), tmp_path, first)
    other = "zh" if first == "en" else "en"
    headline = {"en": "Backdoored", "zh": "含有后门"}
    caption = {"en": "Images as they are", "zh": "原始图像"}
    drawing = {
        "en": "PL1 0.0200, threshold 0.048",
        "zh": "PL1 0.0200，阈值 0.048",
    }
    context = chromium.new_context(java_script_enabled=False)
    view = context.new_page()
    view.goto(path.as_uri())
    for language in (first, other, first):
        view.locator(f"#{language}").check()
        assert view.locator(".headline").inner_text() == headline[language]
        assert view.get_by_role("img", name=caption[language], exact=True).count() == 1
        assert view.get_by_role("img", name=drawing[language], exact=True).count() == 1
        assert view.get_by_role("region").count() == 1
        assert not strange(view, language)
    view.locator(f"#{first}").focus()
    view.keyboard.press("ArrowRight")
    assert view.locator(".headline").inner_text() == headline[other]
    view.emulate_media(media="print")
    assert not view.locator(".language").is_visible()
    assert view.locator(".headline").inner_text() == headline[other]
    context.close()
