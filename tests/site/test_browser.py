"""The site in a real browser: search, filters, the way between the languages, access for all."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.browser

KINDS = {
    "home": "",
    "papers": "papers/",
    "filtered": "papers/?threat=backdoor&role=defense&find=contrastive",
    "paper": "papers/feng2023detecting/",
    "taxonomy": "terms/",
    "axis": "terms/technique/",
    "threat": "terms/threat/backdoor/",
    "technique": "terms/technique/backdoor-model-scanning/",
    "lifecycle": "lifecycle/",
    "venues": "venues/",
    "venue": "venues/cvpr/",
    "years": "years/",
    "year": "years/2024/",
    "about": "about/",
}


def query(page):
    return {k: v[0] for k, v in parse_qs(urlsplit(page.url).query).items()}


def site_search(page, text):
    """Types into the theme's search, which listens to keys and not to the text itself."""
    page.locator(".md-search__input").fill(text)
    page.locator(".md-search__input").press("End")


def visible(page):
    return page.locator("tr.r:not([hidden])").count()


def test_searching_for_houmen_on_the_chinese_site_gives_papers(visit):
    page = visit("zh/")
    site_search(page, "后门")
    results = page.locator(".md-search-result__item a[href*='/papers/']")
    results.first.wait_for(timeout=20_000)
    assert results.count() >= 5
    first = results.first
    href = first.get_attribute("href")
    first.click()
    page.wait_for_load_state()
    assert urlsplit(page.url).path.startswith("/zh/papers/")
    assert urlsplit(href).path in page.url
    assert "后门" in page.locator("article").inner_text()


def test_searching_in_english_finds_inflected_words_on_both_sites(visit):
    for path in ("", "zh/"):
        page = visit(path)
        site_search(page, "encoders")
        results = page.locator(".md-search-result__item a[href*='/papers/']")
        results.first.wait_for(timeout=20_000)
        assert results.count() >= 5


def test_the_language_switch_leads_to_the_twin_of_a_paper_and_back(visit):
    page = visit("papers/feng2023detecting/")
    page.locator(".sk-lang").click()
    page.wait_for_url("**/zh/papers/feng2023detecting/")
    assert page.locator("html").get_attribute("lang") == "zh"
    assert page.locator("h1").inner_text().startswith("Detecting Backdoors")
    page.locator(".sk-lang").click()
    page.wait_for_load_state()
    assert urlsplit(page.url).path == "/papers/feng2023detecting/"


@pytest.mark.parametrize("kind", KINDS)
def test_the_language_switch_exists_on_every_kind_of_page(visit, kind):
    page = visit(KINDS[kind])
    before = urlsplit(page.url).path
    page.locator(".sk-lang").click()
    page.wait_for_load_state()
    assert urlsplit(page.url).path == "/zh" + before


def test_filters_are_or_inside_and_and_across_and_live_in_the_address(visit):
    page = visit("papers/")
    everything = visible(page)
    page.locator("input[name=threat][value=privacy]").check()
    privacy = visible(page)
    page.locator("input[name=threat][value=backdoor]").check()
    either = visible(page)
    page.locator("input[name=role][value=attack]").check()
    attacks = visible(page)
    assert 0 < privacy < either < everything
    assert 0 < attacks < either
    assert query(page) == {"threat": "privacy,backdoor", "role": "attack"}
    assert str(attacks) in page.locator(".sk-count").inner_text()
    page.go_back()
    assert visible(page) == either
    page.reload()
    assert visible(page) == either
    assert page.locator("input[name=threat][value=privacy]").is_checked()


def test_the_count_of_a_filter_is_what_it_gives(visit):
    page = visit("papers/?role=attack")
    for value in ("adversarial", "backdoor", "other-security"):
        box = page.locator(f"input[name=threat][value={value}]")
        told = int(box.locator("xpath=..").locator("b").inner_text())
        box.check()
        assert visible(page) == told
        box.uncheck()


def test_search_in_the_table_forgives_spelling_accents_and_spaces(visit):
    page = visit("papers/")

    def find(text):
        page.locator("#find").fill(text)
        page.wait_for_timeout(200)
        return visible(page)

    assert find("backdor") > 10  # misspelt
    assert find("后门") > 10
    assert find("2303.15180") == 1
    assert find("xyzzyqwv") == 0
    assert page.locator(".sk-none").is_visible()
    page.keyboard.press("Escape")
    assert visible(page) > 300


def test_sorting_by_title_and_back_keeps_every_row(visit):
    page = visit("papers/")
    before = page.locator("tr.r").evaluate_all("rows => rows.map(r => r.id)")
    page.locator("#sort").select_option("title")
    titles = page.locator("tr.r .sk-title").all_inner_texts()
    assert len(titles) == len(before)
    ordered = page.evaluate("t => [...t].sort((a, b) => a.localeCompare(b))", titles)
    assert titles == ordered
    page.locator("#sort").select_option("old")
    years = [
        int(y)
        for y in re.findall(
            r"\d{4}",
            " ".join(
                page.locator("tr.y th").evaluate_all(
                    "r => r.map(x => x.firstChild.data)"
                )
            ),
        )
    ]
    assert years == sorted(years)
    page.locator("#sort").select_option("new")
    assert page.locator("tr.r").evaluate_all("rows => rows.map(r => r.id)") == before


def test_a_selection_is_exported_as_bibtex_and_copied_as_citations(visit):
    page = visit("papers/")
    for paper in ("feng2023detecting", "jia2022badencoder"):
        page.locator(f"#{paper} input").check()
    assert "2" in page.locator(".sk-pick output").inner_text()
    with page.expect_download() as waiting:
        page.locator("[data-do=bib]").click()
    text = waiting.value.path().read_text("utf-8")
    assert text.count("@inproceedings{") == 2
    assert "feng2023detecting" in text
    page.locator("[data-do=cite]").click()
    page.wait_for_timeout(300)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "Feng, S." in copied
    page.locator("[data-do=clear]").click()
    assert page.locator(".sk-pick").is_hidden()


def test_the_keyboard_walks_the_table(visit):
    page = visit("papers/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator("tr.r.on").count() == 1
    assert page.locator("tr.r.cur").get_attribute("id") == page.locator(
        "tr.r.on"
    ).get_attribute("id")


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
    assert page.locator("tr.r").count() > 300
    assert page.locator("tr.r").last.is_visible()
    assert page.locator(".sk-facets").is_hidden()
    page = visit(lang + "papers/feng2023detecting/", script=False)
    for style in ("bibtex", "apa", "gbt"):
        assert page.locator(f"#cite-{style} pre").is_visible()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("lang", ["", "zh/"])
def test_nothing_is_wider_than_the_window(visit, lang, width):
    for kind, path in KINDS.items():
        page = visit(lang + path, width=width)
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{kind} at {width}: {over} px"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["", "zh/"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_no_barrier(visit, kind, lang, scheme):
    from axe_playwright_python.sync_playwright import Axe

    for width in (1440, 390):
        page = visit(lang + KINDS[kind], width=width, scheme=scheme)
        page.wait_for_timeout(100)
        found = Axe().run(page).response["violations"]
        told = [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found]
        assert not told, f"{width}: {told}"
