"""Pages to read, in a browser: a citation shows its paper, inside the window, without a request."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

PAGES = ("start/", "zh/terms/threat/backdoor/", "glossary/", "zh/paths/")
INSIDE = """tip => { const b = tip.getBoundingClientRect(); return b.left >= 0 && b.top >= 0
    && b.right <= document.documentElement.clientWidth && b.bottom <= innerHeight; }"""


def shown(page, link):
    tip = page.locator(".sk-tip:visible")
    tip.wait_for()
    assert tip.evaluate(INSIDE), link.inner_text()
    assert link.get_attribute("aria-describedby") == tip.get_attribute("id")
    here = page.locator(f"#ref-{link.get_attribute('data-ref')} .sk-title")
    assert tip.locator(".sk-title").inner_text() == here.first.text_content()
    return tip


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", PAGES)
def test_a_citation_shows_its_paper_on_hover_and_on_focus(visit, path, width):
    page = visit(path, width=width)
    asked = []
    page.on("request", lambda request: asked.append(request))
    links = page.locator(".sk-cites .sk-ref")
    for index in range(0, links.count(), max(1, links.count() // 6)):
        link = links.nth(index)
        link.scroll_into_view_if_needed()
        link.hover()
        shown(page, link)
        page.keyboard.press("Escape")
        assert page.locator(".sk-tip:visible").count() == 0
        page.keyboard.press("Tab")
        link.focus()
        shown(page, link)
        page.mouse.move(0, 0)
        page.keyboard.press("Escape")
    assert not [r.url for r in asked if r.resource_type in ("fetch", "xhr")]
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0


def test_the_first_touch_shows_the_paper_and_its_title_leads_on(browser, base):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)  # fmt: skip
    page = context.new_page()
    page.goto(base + "start/")
    link = page.locator(".sk-cites .sk-ref").nth(3)
    link.tap()
    tip, id_ = shown(page, link), link.get_attribute("data-ref")
    assert page.url == base + "start/"
    tip.locator(".sk-title").tap()
    page.wait_for_url(f"**/papers/{id_}/")
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_without_a_script_a_citation_leads_to_its_paper_and_the_list_is_there(visit, path):  # fmt: skip
    page = visit(path, script=False)
    link = page.locator(".sk-ref").first
    id_ = link.get_attribute("data-ref")
    assert link.get_attribute("href").endswith(f"papers/{id_}/")
    assert page.locator(f"#ref-{id_}").count() == 1


def test_on_a_phone_the_navigation_shows_the_page_that_is_open(visit):
    page = visit("methodology/", width=390)
    here = page.locator(".sk-subnav [aria-current]").bounding_box()
    assert here["x"] >= 0
    assert here["x"] + here["width"] <= 390
