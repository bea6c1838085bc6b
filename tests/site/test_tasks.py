"""What readers come for can be done, in both languages, on a phone and at a desk."""

from __future__ import annotations

import pytest

from tests.site.tasks import QUICK, TASKS
from tests.site.walk import SIZES, do

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "task", [t for t in TASKS if t.name in QUICK], ids=lambda task: task.name
)
def test_a_reader_gets_it(browser, base, task, lang, size):
    assert do(browser, base, task, lang, size).fault == ""


def test_names_are_distinct_and_the_quick_ones_exist():
    names = [task.name for task in TASKS]
    assert len(set(names)) == len(names) >= 40
    assert set(names) >= QUICK


@pytest.mark.parametrize(
    "style",
    [
        "position: absolute; left: 380px; width: 200px",  # leaves the window
        "position: absolute; left: -300px; width: 200px",
        "opacity: 0",
        "visibility: hidden",
        "width: 900px",  # makes the page wider
        "position: relative; z-index: -1",  # below the cover
    ],
)
def test_what_cannot_be_seen_is_not_found(browser, style):
    from tests.site.walk import LOOK

    page = browser.new_page(viewport={"width": 390, "height": 844})
    cover = "<div style='position: fixed; inset: 0; background: white; z-index: 0'></div>"  # fmt: skip
    for css, hidden in (("", False), (style, True)):
        page.set_content(
            f"<!doctype html><body>{cover if 'z-index' in css else ''}<p style='{css}'>result</p>"
        )
        assert bool(page.locator("p").evaluate(LOOK)) == hidden, css
    page.close()
