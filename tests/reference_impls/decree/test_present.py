"""DECREE's page: what it says in each case, and how it looks in a browser."""

import shutil

import pytest
import torch

from reference_impls.decree.calibration import PUBLISHED_THRESHOLD, calibrate
from reference_impls.decree.config import ROBUST
from reference_impls.decree.method import DecreeReport, RestartReport
from reference_impls.decree.present import present
from reference_impls.lab.images import Trigger
from reference_impls.lab.page import html, write_page
from reference_impls.lab.shapes import shapes

IMAGES = shapes(8, seed=0).images_N3HW
CLEAN = calibrate([0.08, 0.085, 0.09, 0.095, 0.1], source="clean encoders")


def report(score, calibration=CLEAN):
    trigger = (
        None
        if score is None
        else Trigger(torch.full((32, 32), score), torch.rand(3, 32, 32))
    )
    return DecreeReport(
        encoder="an encoder with a rather long name, /checkpoints/2021/model_last_epoch_200.pth",
        score=score,
        backdoored=score is not None and score < calibration.threshold,
        calibration=calibration,
        deviations=None if score is None else calibration.deviations(score),
        trigger=trigger,
        restarts=(
            RestartReport(score=score, cosine=0.99, steps=7),
            RestartReport(score=None, cosine=None, steps=9),
        ),
        config=ROBUST,
    )


def page(*arguments):
    return present(report(*arguments), IMAGES, {})


@pytest.mark.parametrize(
    ("score", "tone", "headline"),
    [
        (0.02, "alarm", "Backdoored"),
        (0.09, "calm", "No backdoor found"),
        (None, "open", "No trigger found"),
    ],
)
def test_the_answer_is_said_in_its_tone(score, tone, headline):
    answer = page(score).answer
    assert (answer.tone, answer.headline) == (tone, headline)


def test_the_area_and_how_sure_are_part_of_the_answer():
    detail = page(0.02).answer.detail
    assert "2.00% of the image (about 20 of 1024 pixels)" in detail
    assert "standard deviations below the mean of 5 clean encoders" in detail


def test_the_clean_encoders_are_drawn_and_named():
    text = html(page(0.02))
    assert text.count('class="other"') == 5
    assert "PL1 0.0800 to 0.1000" in text


def test_a_published_constant_is_said_to_be_no_calibration():
    text = html(page(0.02, PUBLISHED_THRESHOLD))
    assert "was not derived from clean encoders of this kind" in text
    assert "standard deviations" not in text


def test_all_searches_are_listed_and_the_one_that_counts_is_marked():
    text = html(page(0.02))
    assert "<tr class=marked><td>1</td><td>0.0200</td>" in text
    assert "<td>2</td><td>none</td><td>–</td><td>9</td>" in text


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


@pytest.fixture(scope="module")
def chromium():
    sync = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed"
    )
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium here")
    with sync.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1100])
@pytest.mark.parametrize("score", [0.02, None])
def test_a_browser_shows_it_without_asking_anybody(
    chromium, tmp_path, scheme, width, score
):
    path = write_page(page(score), tmp_path)
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
