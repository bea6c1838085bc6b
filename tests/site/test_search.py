"""The search of the site in a real browser: what it finds first, and how it is reached by keys, touch and from a file."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from pathlib import Path

import pytest

from surveykit.text.letters import letters
from tests.site.waiting import wait_until

pytestmark = pytest.mark.browser

LANGS = pytest.mark.parametrize("lang", ["", "zh/"], ids=["en", "zh"])
MINISEARCH = "4e02b9fa52f244c377d737c7d06cda6bce967d137254e8532d6c79f68469bef3"


def engine(page, queries, kind=None):
    """Addresses of the first hits of each query, as the site ranks them."""
    return page.evaluate(
        """async ([queries, kind]) => {
            const engine = await (await sk.searching()).ready();
            return queries.map(query => engine.search(query, kind).hits.slice(0, 8).map(hit => hit.url));
        }""",
        [queries, kind],
    )


@LANGS
def test_every_paper_is_the_first_hit_for_its_id_numbers_addresses_and_title(
    visit, whole_catalog, lang
):
    wanted = []
    for paper in whole_catalog.papers:
        ids, place = paper.identifiers, f"papers/{paper.id}/"
        asked = [paper.id, paper.title.en, paper.title.zh, paper.links.paper, ids.arxiv, ids.doi, ids.acl, ids.openreview]  # fmt: skip
        if ids.arxiv:
            asked += [f"https://arxiv.org/abs/{ids.arxiv}v2", f"arXiv:{ids.arxiv}", f"https://arxiv.org/pdf/{ids.arxiv}"]  # fmt: skip
        if ids.doi:
            asked.append(f"https://doi.org/{ids.doi}")
        wanted += [(text, place) for text in asked if text]
    found = engine(visit(lang), [text for text, _ in wanted])
    missed = [(text, place, hits[:2]) for (text, place), hits in zip(wanted, found, strict=True) if place not in hits[:1]]  # fmt: skip
    assert missed == []


@LANGS
def test_a_short_name_gives_the_papers_that_carry_it(visit, whole_catalog, lang):
    bearing = defaultdict(set)
    for paper in whole_catalog.papers:
        for aka in paper.aka:
            bearing[letters(aka) + "+" * aka.count("+")].add((aka, f"papers/{paper.id}/"))  # fmt: skip
    queries = [next(iter(papers))[0] for papers in bearing.values()]
    found = engine(visit(lang), queries)
    missed = [
        (query, sorted(places), hits)
        for query, papers, hits in zip(queries, bearing.values(), found, strict=True)
        if (places := {place for _, place in papers}) - set(hits[: len(papers)])
    ]
    assert missed == []


@LANGS
def test_who_answers_an_attack_is_found_by_its_name(visit, whole_catalog, lang):
    answering = {
        f"papers/{p.id}/"
        for p in whole_catalog.papers
        for r in p.relations
        if r.to == "jia2022badencoder" and r.type in ("defends-against", "detects")
    }
    page = visit(lang)
    for hits in engine(page, ["defense BadEncoder", "防御 BadEncoder", "防禦 BadEncoder"]):  # fmt: skip
        assert set(hits[:3]) <= answering


@LANGS
def test_names_words_and_scripts(visit, whole_catalog, lang):
    page = visit(lang)
    [zhang, dino, simplified, traditional, inflected, plain, nothing] = engine(
        page,
        ["Yi Zhang", "DINO", "后门", "後門", "backdoors", "backdoor", "xyzzyqwv"],
        "paper",
    )
    wanted = {f"papers/{p.id}/" for p in whole_catalog.papers for a in p.authors if a.name == "Yi Zhang"}  # fmt: skip
    assert set(zhang[: len(wanted)]) == wanted
    assert len(zhang) < 8  # and not those by Yi Li and Wei Zhang
    assert "papers/chen2023clip/" not in dino
    assert simplified == traditional
    assert inflected == plain
    assert nothing == []


@LANGS
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_header_search_shows_its_hits_and_enter_opens_the_first(visit, lang, width):
    page = visit(f"{lang}methods/", width=width)
    page.locator(".sk-find").click()
    page.keyboard.type("BadEncoder")
    first = page.locator(".sk-hit").first
    first.wait_for()
    box = first.bounding_box()
    assert box["width"] > 200
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    # What lies on top there is the hit itself.
    middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
    assert page.evaluate("([x, y]) => !!document.elementFromPoint(x, y).closest('.sk-hit')", middle)  # fmt: skip
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.locator(".sk-hit").nth(1).get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{lang}papers/jia2022badencoder/")


@LANGS
def test_enter_waits_for_an_index_that_comes_late(visit, lang):
    held = []
    page = visit(lang, routes={"**/search-index.js": lambda route: held.append(route)})
    page.keyboard.press("/")
    page.locator(".sk-finder input").fill("2303.15180")
    page.keyboard.press("Enter")
    wait_until(page, "document.querySelector('.sk-finder__s').textContent")
    for _ in range(100):  # A route is called while the page is waited for, not before.
        if held:
            break
        page.wait_for_timeout(100)
    held[0].continue_()
    page.wait_for_url("**/papers/feng2023detecting/")


def test_an_index_that_does_not_come_is_said_and_asked_for_again(visit):
    page = visit("", routes={"**/search-index.js": lambda route: route.abort()})
    page.keyboard.press("/")
    page.locator(".sk-finder input").fill("DECREE")
    wait_until(page, "document.querySelector('.sk-finder__s').textContent.includes('did not load')")  # fmt: skip
    page.unroute("**/search-index.js")
    page.locator(".sk-finder input").fill("DECREE ")
    page.locator(".sk-hit").first.wait_for()


def test_a_library_that_does_not_come_is_asked_for_again(visit):
    """The index came and was taken; the second time only the library is missing."""
    page = visit("papers/", routes={"**/minisearch.js": lambda route: route.abort()})
    page.locator("#find").fill("DECREE")
    wait_until(page, "document.querySelector('.sk-count').textContent.includes('did not load')")  # fmt: skip
    page.unroute("**/minisearch.js")
    page.locator("#find").fill("DECREE ")
    wait_until(page, "/^\\d of/.test(document.querySelector('.sk-count').textContent)")


def test_the_field_of_the_home_page_asks_again_for_a_script_that_did_not_come(visit):
    page = visit("", routes={"**/search.js": lambda route: route.abort()})
    field = page.locator("#home-search")
    with page.expect_event("requestfailed"):
        field.focus()
    page.unroute("**/search.js")
    field.blur()
    field.fill("DECREE")
    page.locator(".sk-drop .sk-hit").first.wait_for()


def test_all_papers_are_chosen_also_those_whose_rows_come_late(visit, whole_catalog):
    held = []
    page = visit("papers/", routes={"**/older.js": lambda route: held.append(route)})
    page.locator("#all").check()
    for _ in range(100):  # A route is called while the page is waited for, not before.
        if held:
            break
        page.wait_for_timeout(100)
    held[0].continue_()
    count = len(whole_catalog.papers)
    wait_until(page, f"/^{count} /.test(document.querySelector('.sk-pick output').textContent)")  # fmt: skip


def test_an_address_with_a_lone_percent_sign_stops_no_script(visit):
    page = visit("papers/#100%")
    page.locator("#find").fill("DECREE")
    wait_until(page, "/^\\d of/.test(document.querySelector('.sk-count').textContent)")


@pytest.mark.parametrize("typed", ["10.1145/%ff", "https://doi.org/10.1/%", "%E4%", "((", "a\\", "🙂", "http://", "?id=", "\u202e后", "-"])  # fmt: skip
def test_whatever_is_typed_gets_an_answer(visit, typed):
    assert len(engine(visit(""), [typed])) == 1


@LANGS
def test_the_home_page_lists_hits_below_its_field(visit, lang):
    page = visit(lang, width=390)
    page.locator("#home-search").fill("DECREE")
    page.locator(".sk-drop .sk-hit").first.wait_for()
    page.locator(".sk-drop .sk-hit").first.click()
    page.wait_for_url("**/papers/feng2023detecting/")


def test_it_works_on_pages_opened_as_files(browser, site):
    page = browser.new_page()
    page.goto((site / "zh/papers/feng2023detecting/index.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("DECREE")
    page.locator(".sk-hit").first.wait_for()
    assert "feng2023detecting" in page.locator(".sk-hit").first.get_attribute("href")
    page.close()


def test_filters_survive_the_language_and_a_list_survives_a_reload(visit):
    page = visit("papers/?threat=-backdoor&find=watermark")
    wait_until(page, "!document.querySelector('.sk-seeks, .sk-ex[aria-busy]')")
    page.locator("tr.r input").first.check()
    chosen = page.locator("tr.r.on .sk-title").get_attribute("href")
    page.locator(".sk-lang").click()
    page.wait_for_url("**/zh/papers/?threat=-backdoor&find=watermark")
    wait_until(page, "!document.querySelector('.sk-seeks, .sk-ex[aria-busy]')")
    assert page.locator(".sk-active .not").count() == 1
    assert re.search(r"\d+", page.locator(".sk-count").inner_text().split("，")[-1])
    page.goto(page.url.split("?")[0] + "?list=mine")
    assert page.locator("tr.r .sk-title").get_attribute("href") == chosen
    page.locator("[data-do=share]").click()
    shared = page.evaluate("navigator.clipboard.readText()")
    assert shared.endswith(f"?list={chosen[:-1]}")


def test_one_author_by_the_whole_name(visit, whole_catalog):
    name = "Neil Zhenqiang Gong"
    wanted = {p.id for p in whole_catalog.papers if name in {a.name for a in p.authors}}
    page = visit("papers/?author=Neil%20Zhenqiang%20Gong")
    wait_until(page, "!document.querySelector('.sk-seeks, .sk-ex[aria-busy]')")
    page.keyboard.press("Control+f")
    assert page.locator("tr.r").count() == len(wanted) > 3


def test_the_library_is_the_one_that_was_published():
    """MiniSearch 7.2.0 (MIT), as npm has it, without the line that names its source map."""
    path = Path(__file__).parents[2] / "site/assets/vendor/minisearch.js"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == MINISEARCH
