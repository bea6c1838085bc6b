"""The paper table in a real browser, in both languages, with the newest rows in the page and the others fetched."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from surveykit.render.pages.explorer import NEWEST
from tests.site.waiting import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture(params=["", "zh/"], ids=["en", "zh"])
def table(request, visit):
    """Opens the table of one language with a query: `table("?threat=backdoor")`."""

    def open_table(query="", **how):
        return visit(f"{request.param}papers/{query}", **how)

    return open_table


def query(page):
    page.wait_for_timeout(350)  # typing is written into the address once it pauses
    return {k: v[0] for k, v in parse_qs(urlsplit(page.url).query).items()}


def ids(page, whole=True):
    """Papers that fit, in their order; Control+F brings them all into the document, once the older ones have come."""
    if whole:
        wait_until(page, "!document.querySelector('.sk-older')")
    page.keyboard.press("Control+f")
    links = page.locator("tr.r .sk-title").evaluate_all(
        "all => all.map(link => link.getAttribute('href').slice(0, -1))"
    )
    assert str(len(links)) in page.locator(".sk-count").inner_text()
    return links


def find(page, text, whole=True):
    """Papers that a search gives."""
    page.locator("#find").focus()
    wait_until(page, "!document.querySelector('.sk-ex[aria-busy]')")
    page.locator("#find").fill(text)
    return ids(page, whole)


def row(page, paper):
    return page.locator(f"tr.r:has(.sk-title[href='{paper}/'])")


def test_filters_are_or_inside_and_and_across_and_live_in_the_address(table):
    page = table()
    everything = len(ids(page))
    page.locator("input[name=threat][value=privacy]").check()
    privacy = len(ids(page))
    page.locator("input[name=threat][value=backdoor]").check()
    either = len(ids(page))
    page.locator("input[name=role][value=attack]").check()
    attacks = len(ids(page))
    assert 0 < privacy < either < everything
    assert 0 < attacks < either
    assert query(page) == {"threat": "privacy,backdoor", "role": "attack"}
    page.go_back()
    assert len(ids(page)) == either
    page.reload()
    assert len(ids(page)) == either
    assert page.locator("input[name=threat][value=privacy]").is_checked()


def test_a_chip_takes_its_filter_away_and_hands_the_focus_on(table):
    page = table("?threat=privacy,backdoor&role=attack")
    chips = page.locator(".sk-active button:not(.turn)")
    assert chips.count() == 4
    chips.first.click()
    assert query(page) == {"threat": "backdoor", "role": "attack"}
    assert page.evaluate("document.activeElement.closest('.sk-active') !== null")
    fits = page.locator(".sk-count").inner_text()
    page.locator(".sk-active .turn").first.click()  # is not a backdoor attack
    assert query(page) == {"threat": "-backdoor", "role": "attack"}
    assert page.locator(".sk-count").inner_text() != fits
    page.locator(".sk-active .all").click()
    assert query(page) == {}
    assert page.evaluate("document.activeElement.id") == "find"


def test_the_count_of_each_filter_is_what_it_gives(table, whole_catalog):
    page = table("?role=attack")
    for value in ("adversarial", "backdoor", "other-security"):
        box = page.locator(f"input[name=threat][value={value}]")
        told = int(box.locator("xpath=..").locator("b").inner_text())
        box.check()
        wanted = {
            p.id
            for p in whole_catalog.having("threat", value)
            if whole_catalog.side_name(p) == "attack"
        }
        assert set(ids(page)) == wanted
        assert told == len(wanted)
        box.uncheck()


def test_search_forgives_spelling_accents_and_missing_spaces(table, whole_catalog):
    page = table()
    backdoor = set(find(page, "backdoor"))
    assert len(backdoor) > 100
    for misspelt in ("bakcdoor", "backdor"):  # letters swapped, a letter left out
        assert len(backdoor & set(find(page, misspelt))) > 0.95 * len(backdoor)
    assert "backdoor" in page.locator(".sk-count").inner_text()
    assert set(find(page, "后门检测")) <= set(find(page, "后门"))
    assert len(find(page, "后门")) > 100
    assert find(page, "2303.15180") == ["feng2023detecting"]
    accented = next(
        p for p in whole_catalog.papers if "é" in p.authors[-1].last.casefold()
    )
    plain = accented.authors[-1].last.replace("é", "e")
    assert accented.id in find(page, plain)
    assert find(page, "xyzzyqwv") == []
    assert page.locator(".sk-none").is_visible()
    page.locator("#find").press("Escape")
    assert len(ids(page)) == len(whole_catalog.papers)


def test_a_title_is_found_in_the_other_language(visit):
    assert "feng2023detecting" in find(visit("papers/"), "检测预训练编码器")
    assert "feng2023detecting" in find(
        visit("zh/papers/"), "detecting backdoors in pre-trained"
    )


def test_a_search_can_be_shared(table):
    page = table("?find=badencoder&sort=old")
    told = "document.querySelector('.sk-count').innerText.match(/\\d+/g)"
    wait_until(
        page, f"{told}?.length === 2"
    )  # so many of all; it says so once the index has come
    assert "jia2022badencoder" in ids(page)
    assert page.locator("#sort").input_value() == "old"


def test_results_are_told_to_who_listens_once_the_typing_pauses(table):
    page = table()
    find(page, "privacy")
    page.wait_for_timeout(700)
    assert (
        page.locator("[role=status].sk-spoken").inner_text()
        == page.locator(".sk-count").inner_text()
    )


def test_sorting_keeps_every_row(table):
    page = table()
    before = ids(page)
    page.locator("#sort").select_option("title")
    assert sorted(ids(page)) == sorted(before)
    titles = page.locator("tr.r .sk-title").all_inner_texts()
    assert titles == page.evaluate(
        "t => [...t].sort(new Intl.Collator('en').compare)", titles
    )
    page.locator("#sort").select_option("old")
    years = page.locator("tbody[data-year]").evaluate_all(
        "all => all.map(b => +b.dataset.year)"
    )
    assert years == sorted(years)
    page.locator("#sort").select_option("new")
    assert ids(page) == before


def test_an_order_that_there_is_not_is_the_usual_one(table):
    page = table("?sort=toString")
    assert page.locator("#sort").input_value() == "new"


def test_a_selection_becomes_bibtex_csl_and_copied_citations(table):
    page = table("?find=backdoors")
    for paper in ("feng2023detecting", "jia2022badencoder"):
        find(page, paper)
        row(page, paper).locator("input").check()
    find(page, "nothing of this kind")
    assert "2" in page.locator(".sk-pick output").inner_text()
    with page.expect_download() as waiting:
        page.locator("[data-do=bib]").click()
    text = waiting.value.path().read_text("utf-8")
    assert text.count("@inproceedings{") == 2
    with page.expect_download() as waiting:
        page.locator("[data-do=csl]").click()
    items = json.loads(waiting.value.path().read_text("utf-8"))
    assert {item["id"] for item in items} == {"feng2023detecting", "jia2022badencoder"}
    page.locator("[data-do=cite]").click()
    page.wait_for_timeout(300)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "Feng" in copied or "FENG" in copied
    assert copied.count("\n\n") == 1
    page.locator("[data-do=clear]").click()
    assert page.locator(".sk-pick").is_hidden()


def test_selecting_all_takes_the_papers_that_fit_and_no_others(table):
    page = table("?role=survey")
    page.locator("#all").check()
    wanted = len(ids(page))
    page.locator(".sk-active button:not(.turn)").first.click()
    assert page.locator("tr.r.on").count() <= wanted
    assert str(wanted) in page.locator(".sk-pick output").inner_text()
    assert not page.locator("#all").is_checked()


def test_the_keyboard_walks_the_table_and_selects(table):
    page = table("?threat=privacy")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.press("ArrowDown")
    for _ in range(30):  # further than the first rows
        page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("x")
    assert page.locator("tr.r.on").count() == 1
    current = page.locator("tr.r.cur")
    assert current.locator(".sk-title").get_attribute("href") == page.locator(
        "tr.r.on .sk-title"
    ).get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url("**/papers/*/")


def test_the_reader_keeps_the_place_when_the_search_index_arrives_late(table):
    held = []
    page = table(
        "?threat=privacy",
        routes={"**/search-index.js": lambda route: held.append(route)},
    )
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    for _ in range(5):
        page.keyboard.press("j")
    place = page.locator("tr.r.cur .sk-title").get_attribute("href")
    wait_until(page, "document.querySelector('.sk-ex[aria-busy]')")
    while not held:  # it says so before it asks
        page.wait_for_timeout(20)
    for route in held:
        route.continue_()
    wait_until(page, "!document.querySelector('.sk-ex[aria-busy]')")
    assert page.locator("tr.r.cur").count() == 1
    page.keyboard.press("x")
    assert page.locator("tr.r.on .sk-title").get_attribute("href") == place


def test_scrolling_brings_the_rest_of_the_results(table):
    page = table("?role=attack")
    first = page.locator("tr.r").count()
    for _ in range(12):
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(60)
    assert page.locator("tr.r").count() > 2 * first


def test_a_phone_shows_cards_and_folds_the_filters(table):
    page = table(width=390)
    assert not page.locator(".sk-facet").first.is_visible()
    page.locator(".sk-facets__fold > summary").click()
    page.locator("input[name=threat][value=privacy]").check()
    page.locator(".sk-facets__fold > summary").click()
    card = page.locator("tr.r").first
    assert card.evaluate("c => getComputedStyle(c).display") == "flex"
    assert card.evaluate("c => c.scrollWidth <= c.clientWidth")
    card.locator("input").check()
    bar = page.locator(".sk-pick").bounding_box()
    assert bar["x"] >= 0
    assert bar["x"] + bar["width"] <= 390


def test_counts_and_filters_do_not_wait_for_the_rows_of_older_papers(visit):
    held = []
    page = visit(
        "papers/?threat=backdoor",
        routes={"**/older.js": lambda route: held.append(route)},
    )
    early = page.locator(".sk-count").inner_text()
    assert 0 < page.locator("tr.r").count() <= NEWEST
    assert page.locator(".sk-older a").count() > 5
    page.locator("#sort").select_option("title")
    held[0].continue_()
    page.locator(".sk-older").wait_for(state="detached")
    titles = ids(page)
    assert page.locator(".sk-count").inner_text() == early
    assert titles == ids(visit("papers/?threat=backdoor&sort=title"))


def test_titles_are_found_before_their_rows_have_boxes(table):
    never = """
    const now = setTimeout;
    window.setTimeout = (task, after, ...what) => task.name === "prepareFrom" ? 0 : now(task, after, ...what);
    """
    page = table("?find=contrastive", first=never)
    wait_until(page, "!document.querySelector('.sk-seeks, .sk-ex[aria-busy]')")
    early = ids(page)
    assert len(early) > 20
    assert early == find(table(), "contrastive")


def test_without_the_rows_of_older_papers_the_newest_ones_stay_usable(visit):
    page = visit("papers/", routes={"**/older.js": lambda r: r.abort()})
    count = "document.querySelector('.sk-count').textContent"
    wait_until(page, f"{count}.includes('{NEWEST}')")
    assert len(ids(page, whole=False)) == NEWEST
    assert page.locator(".sk-older a").count() > 5
    assert len(find(page, "encoder", whole=False)) > 0


def test_a_shared_address_shows_all_papers_if_the_script_does_not_come(table):
    page = table(
        "?threat=privacy", routes={"**/explorer.js": lambda route: route.abort()}
    )
    assert page.locator("tr.r").first.is_visible()
    assert page.locator(".sk-waits").count() == 0


@pytest.mark.parametrize(
    ("query", "late"),
    [("threat=privacy", "explorer.js"), ("find=watermark", "search-index.js")],
)
def test_a_shared_address_never_shows_papers_that_it_does_not_ask_for(
    table, whole_catalog, query, late
):
    """Whatever a frame could show before the script has filtered is hidden."""
    held = []
    page = table(
        f"?{query}",
        routes={f"**/{late}": lambda route: held.append(route)},
        until="commit",
    )
    page.locator(".sk-waits, .sk-seeks").wait_for(state="attached")
    page.locator("tr.r").first.wait_for(state="attached")
    for _ in range(500):
        if held:
            break
        page.wait_for_timeout(20)
    page.wait_for_timeout(300)  # the page has loaded, as far as it can
    assert not page.locator("tr.r").first.is_visible()
    told = page.locator(".sk-count:visible").all_inner_texts()
    words = (
        {"Loading the index …", "正在载入索引……"}
        if late == "search-index.js"
        else set()
    )
    assert len(told) == bool(words)
    assert set(told) <= words
    footer = page.locator(".md-footer").bounding_box()
    assert footer["y"] >= page.viewport_size["height"]
    held[0].continue_()
    page.locator("tr.r").first.wait_for(state="visible")
    told = re.findall(r"\d+", page.locator(".sk-count").inner_text())
    fewest, all_of_them = sorted(map(int, told))
    assert 0 < fewest < all_of_them == len(whole_catalog.papers)


def test_the_page_and_its_script_keep_their_weight(site):
    import gzip

    def weight(path):
        return len(gzip.compress((site / path).read_bytes(), 9))

    for lang in ("", "zh/"):
        assert weight(f"{lang}papers/index.html") <= 60 * 1024
    own = sum(weight(f"assets/{name}.js") for name in ("survey", "explorer"))
    assert own <= 9 * 1024
