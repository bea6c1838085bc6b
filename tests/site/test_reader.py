"""What a reader comes for, done with the mouse and the keys: three tasks, and what a paper's page offers."""

from __future__ import annotations

import gzip
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.site.reader import export_bibtex, find_attacks, reach_a_defense

pytestmark = pytest.mark.browser
LANGS = pytest.mark.parametrize("lang", ["", "zh/"])


def wanted(catalog):
    """Downstream-agnostic attacks of 2023 on CLIP, from the entries themselves."""
    return {
        paper.id
        for paper in catalog.having("scope", "downstream-agnostic")
        if catalog.side(paper) == "above"
        and paper.year == 2023
        and "vision-language" in paper.terms["modality"]
    }


@LANGS
def test_a_reader_finds_all_downstream_agnostic_attacks_of_2023_on_clip_and_exports_them(
    visit, base, whole_catalog, lang
):
    page = visit(f"{lang}about/")
    found = find_attacks(page, base + lang)
    assert set(found) == wanted(whole_catalog) != set()
    text = export_bibtex(page)
    assert sorted(re.findall(r"^@\w+\{([^,]+),", text, re.M)) == sorted(found)


@LANGS
def test_a_reader_gets_from_badencoder_to_a_defense_that_runs(visit, base, lang):
    copied = reach_a_defense(visit(f"{lang}about/"), base + lang)
    assert copied == "python -m reference_impls.decree run"


@LANGS
def test_the_graph_of_relations_leads_where_its_list_leads(visit, lang, whole_catalog):
    page = visit(f"{lang}papers/feng2023detecting/")  # an attack has its story instead
    graph = page.locator("svg.sk-graph")
    assert graph.locator("title").first.text_content()
    assert graph.locator("desc").text_content()
    drawn = {a.get_attribute("href") for a in graph.locator("a").all()}
    told = {
        a.get_attribute("href").replace("../../papers", "..")
        for a in page.locator(".sk-rel ul div > a").all()
    }
    paper = whole_catalog.get("feng2023detecting")
    assert (
        drawn == told == {f"../{link.other.id}/" for link in whole_catalog.links(paper)}
    )


@LANGS
def test_the_method_box_tells_what_was_measured_apart_from_what_was_published(
    visit, lang, whole_catalog
):
    page = visit(f"{lang}papers/feng2023detecting/")
    boxes = page.locator("#run .sk-vs > div")
    results = whole_catalog.results["decree"]
    assert str(results.provenance.date) in boxes.first.inner_text()
    assert (
        f"{results.headline[0].value:g}{results.headline[0].unit}"
        in boxes.first.inner_text()
    )
    source = next(f.published for f in results.headline if f.published)
    assert source.source in boxes.nth(1).inner_text()
    assert f"{source.value:g}" in boxes.nth(1).inner_text()


@LANGS
def test_a_correction_starts_with_the_entry_filled_in(visit, lang):
    page = visit(f"{lang}papers/feng2023detecting/")
    link = urlsplit(page.locator(".sk-side-links a").first.get_attribute("href"))
    fields = parse_qs(link.query)
    assert link.path.endswith("/issues/new")
    assert fields["template"] == ["fix-entry.yml"]
    assert fields["id"] == ["feng2023detecting"]


@LANGS
def test_a_gap_of_a_term_leads_to_the_papers_that_it_counts(visit, lang, whole_catalog):
    page = visit(f"{lang}terms/threat/backdoor/")
    gap = page.locator(".sk-gaps a").first
    numbers = [int(n) for n in re.findall(r"\d+", gap.inner_text())]
    gap.click()
    page.wait_for_url("**/papers/?*")
    attacks = page.locator("input[name=role][value=attack] ~ b").inner_text()
    assert int(attacks) == numbers[0]
    page = visit(f"{lang}terms/stage/deployment/")
    assert page.locator(".sk-gaps a[href*='stage=deployment']").count() >= 1


@LANGS
def test_an_unanswered_attack_has_no_answer_on_its_own_page(visit, lang, whole_catalog):
    page = visit(f"{lang}terms/technique/encoder-backdoor/")
    links = [
        a.get_attribute("href").split("/")[-2] for a in page.locator(".sk-gaps a").all()
    ]
    assert links
    for paper in links:
        kinds = {
            link.relation.type
            for link in whole_catalog.links(whole_catalog.get(paper))
            if link.inverse
        }
        assert not kinds & {"defends-against", "detects"}


@LANGS
def test_the_lifecycle_counts_the_same_in_marks_words_and_table(visit, lang):
    page = visit(f"{lang}lifecycle/")
    for side, name in ((".sk-step__up", "a"), (".sk-step__down", "d")):
        for step in page.locator(side).all():
            told = int(step.locator(".n b").inner_text())
            assert step.locator(f".units .{name}").count() == told
    page.locator(".sk-more summary").click()
    stages = page.locator(".sk-more thead th").count() - 1
    assert stages == page.locator(".sk-step").count()


@LANGS
def test_a_paper_prints_on_white_with_one_citation_and_no_controls(visit, lang):
    page = visit(f"{lang}papers/feng2023detecting/", scheme="dark")
    page.emulate_media(media="print")
    assert page.locator(".md-header").is_hidden()
    assert page.locator("#cite-apa").is_visible()
    assert page.locator("#cite-bibtex").is_hidden()
    assert (
        page.evaluate("getComputedStyle(document.body).backgroundColor")
        == "rgb(255, 255, 255)"
    )


def test_the_map_plays_without_motion_for_who_wants_none(visit):
    page = visit("")
    mark = page.locator(".sk-map svg circle").first
    assert mark.evaluate("m => getComputedStyle(m).transitionDuration") == "0s"


@LANGS
def test_a_paper_page_weighs_little_with_everything_that_it_loads(browser, base, lang):
    page, sizes = browser.new_page(), {}
    page.on(
        "response", lambda r: sizes.update({r.url: len(gzip.compress(r.body(), 9))})
    )
    page.goto(f"{base}{lang}papers/feng2023detecting/", wait_until="networkidle")
    page.close()
    assert not [url for url in sizes if "search" in url]
    assert sum(sizes.values()) <= 150 * 1024
