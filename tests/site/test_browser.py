"""The site in a real browser: search, filters, the way between the languages, access for all."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageColor

from surveykit.render.pages.explorer import NEWEST
from tests.site.axe import barriers
from tests.site.conftest import under_its_path
from tests.site.kinds import KINDS
from tests.site.waiting import wait_until

pytestmark = pytest.mark.browser
RIGHT_OF_TITLE = """(() => {
    const letters = document.createRange();
    letters.selectNodeContents(document.querySelector("h1"));
    return Math.max(0, ...[...letters.getClientRects()].map(r => r.right)) - innerWidth;
})()"""


def test_the_language_switch_leads_to_the_twin_of_a_paper_and_back(visit):
    page = visit("papers/feng2023detecting/")
    page.locator(".sk-lang").click()
    page.wait_for_url("**/zh/papers/feng2023detecting/")
    assert page.locator("html").get_attribute("lang") == "zh"
    assert page.locator("h1").inner_text().startswith("Detecting Backdoors")
    page.locator(".sk-lang").click()
    page.wait_for_load_state()
    assert urlsplit(page.url).path == "/papers/feng2023detecting/"


def test_citation_tabs_answer_to_arrows_and_copy_what_is_shown(visit):
    page = visit("papers/feng2023detecting/")
    page.locator("#cite-bibtex-tab").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#cite-apa").is_visible()
    assert page.locator("#cite-bibtex").is_hidden()
    page.locator("#cite-apa .sk-copy").click()
    page.wait_for_timeout(200)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#cite-apa pre").text_content()


def test_the_year_slider_counts_only_what_it_shows(visit):
    page = visit("")
    page.locator("#up-to").fill("2021")
    for link in page.locator(".sk-map td > a").all()[:4]:
        shown = link.locator("svg .a:not(.off)").count()
        assert link.locator(".na").inner_text() == str(shown)
    assert page.locator(".sk-map [data-y='2024']:not(.off)").count() == 0


@pytest.mark.parametrize("lang", ["", "zh/"])
def test_without_a_script_everything_can_be_read(visit, lang):
    page = visit(lang + "papers/", script=False)
    assert page.locator("tr.r").count() == NEWEST
    assert page.locator("tr.r").last.is_visible()
    assert page.locator(".sk-facets").is_hidden()
    year = page.locator(".sk-older a").last  # the years' pages hold the other papers
    told = year.inner_text()
    year.click()
    page.wait_for_url(f"**/{lang}years/{told}/")
    assert page.locator("ol.sk-list .sk-title").last.is_visible()
    page = visit(lang + "papers/feng2023detecting/", script=False)
    for style in ("bibtex", "apa", "gbt"):
        assert page.locator(f"#cite-{style} pre").is_visible()


HEADS_THAT_TOUCH = """[...document.querySelectorAll("thead tr")].filter((row) => row.closest("thead").offsetHeight > 1).flatMap((row) => {
  const words = [...row.cells].filter((cell) => !cell.querySelector(".sk-vh")).map((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return [cell.innerText, range.getBoundingClientRect()];
  }).filter(([text, box]) => text.trim() && box.width);
  return words.slice(1).filter(([, box], i) => box.left < words[i][1].right - 1).map(([text]) => text);
})"""
"""Names of columns whose letters begin where those of the one before have not ended."""


def crowded(page):
    """What does not fit into the window or touches its neighbour, in words; empty where all is well."""
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if over > 0:
        return f"{over} px too wide"
    over = page.evaluate(RIGHT_OF_TITLE)  # what is cut off makes no page wider
    if over > 0:
        return f"the title is {over} px too wide"
    heads = page.evaluate(HEADS_THAT_TOUCH)
    return f"heads that touch: {heads}" if heads else ""


WAYS = (("", "light", 1440), ("zh/", "dark", 390))
"""Two of the eight ways to see a page, which meet both values of each; `make audit` sees all."""


@pytest.mark.parametrize(("lang", "scheme", "width"), WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_window(visit, kind, lang, scheme, width):  # fmt: skip
    page = visit(lang + KINDS[kind], width=width, scheme=scheme)
    assert not crowded(page)
    assert not barriers(page)
    for _, _, other in WAYS:
        page.set_viewport_size({"width": other, "height": 900})
        assert not crowded(page), other


@pytest.mark.parametrize(("lang", "width"), [("zh/", 1440), ("", 390)])
def test_long_names_of_terms_fit(visit, lang, width):
    page = visit(f"{lang}terms/technique/multimodal-attack/", width=width)
    assert not crowded(page)


@pytest.mark.parametrize("lang", ["", "zh/"])
def test_axe_finds_no_barrier_on_the_error_page(visit, site, serve, tmp_path, lang):
    path = under_its_path(site, tmp_path)  # its links begin at the server's root
    with serve(tmp_path) as address:
        page = visit(f"{path}{lang}404.html", address=address, scheme="dark")
        assert not barriers(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_before_any_script_of_the_theme(visit, scheme):
    page = visit("", scheme=scheme)
    assert not page.locator("script[data-late][src]").count()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(map(int, ground[4:-1].split(",")[:3])) > 3 * 128
    assert light == (scheme == "light")


@pytest.mark.parametrize("lang", ["", "zh/"])
def test_the_first_click_on_the_colours_counts_and_is_remembered(visit, lang):
    page = visit(lang)
    scheme = "document.body.dataset.mdColorScheme"
    assert page.evaluate(scheme) == "default"
    page.evaluate("document.querySelector('label[for=__palette_1]').click()")
    page.keyboard.press("Shift")  # the theme's script comes after the click
    wait_until(page, f"{scheme} === 'slate'")
    page.locator("label[for=__palette_0]").wait_for()
    page.reload()
    assert page.evaluate(scheme) == "slate"
    page.locator("label[for=__palette_0]").click()
    wait_until(page, f"{scheme} === 'default'")


@pytest.mark.parametrize("lang", ["", "zh/"])
def test_a_chart_stands_on_the_tone_of_the_cards_and_follows_the_switch(visit, lang):
    page = visit(f"{lang}methods/decree/")  # the system stays light
    chart = page.locator(".sk-picture img").first
    chart.scroll_into_view_if_needed()
    wait_until(page, "document.querySelector('.sk-picture img').naturalWidth")
    name = chart.get_attribute("src").rpartition("/")[2]
    assert name == ("transfer.zh.svg" if lang else "transfer.svg")
    surface = "getComputedStyle(document.body).getPropertyValue('--surface')"
    for scheme, tone in (("default", "#fff"), ("slate", "#1b1f24")):
        if scheme == "slate":
            page.evaluate("document.querySelector('label[for=__palette_1]').click()")
            page.keyboard.press("Shift")
        wait_until(page, f"document.body.dataset.mdColorScheme === '{scheme}'")
        assert page.evaluate(surface) == tone
        shot = Image.open(BytesIO(chart.screenshot())).convert("RGB")
        place = (shot.width // 2, 8)
        assert shot.getpixel(place) == ImageColor.getrgb(tone), scheme


@pytest.mark.parametrize("lang", ["", "zh/"])
def test_figures_stand_beside_their_conditions_on_a_phone(visit, lang):
    """As a column of their own they were out of the window, and eight rows looked alike."""
    page = visit(f"{lang}methods/badencoder/")
    page.set_viewport_size({"width": 360, "height": 800})
    conditions = page.locator(".sk-results th small")
    assert conditions.count() >= 8
    for one in conditions.all():
        box = one.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360


def test_the_theme_script_waits_for_a_reader(visit):
    page = visit("papers/feng2023detecting/")
    page.wait_for_timeout(300)
    asked = "performance.getEntriesByType('resource').map(e => e.name).join(' ')"
    assert "bundle" not in page.evaluate(asked)
    page.mouse.move(200, 200, steps=2)
    wait_until(page, asked + ".includes('bundle')")
    assert "search" not in page.evaluate(asked)
