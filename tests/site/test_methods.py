"""Method pages and the matrix: every figure with where it comes from, nothing where nothing was measured."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser
from test_measured import DUEL, MADE

from surveykit.measured import Arena, Results
from surveykit.render.pages import render_pages
from surveykit.render.pages.matrix import pairs
from surveykit.render.pages.methods import number
from surveykit.vocabulary import Card

HOSTILE = "<script>alert(1)</script>&\"'"
EN_ZH = {"en": HOSTILE, "zh": HOSTILE}


@pytest.fixture(scope="module")
def measured(catalog):
    card = catalog.cards["badseeds"].model_dump() | {
        "differs": [{"here": EN_ZH, "paper": EN_ZH, "effect": EN_ZH}],
        "limits": [EN_ZH],
        "pictures": [
            {
                "file": "results.svg",
                "file_zh": "results.zh.svg",
                "alt": EN_ZH,
                "caption": EN_ZH,
            },
            {"file": "patches.png", "alt": EN_ZH},
        ],
    }
    made = MADE | {
        "headline": [MADE["headline"][0] | {"setting": EN_ZH}, MADE["headline"][1]]
    }
    duel = DUEL | {"command": HOSTILE, "hardware": HOSTILE}
    return dataclasses.replace(
        catalog,
        cards={"badseeds": Card.model_validate(card)},
        results={"badseeds": Results.model_validate(made)},
        arenas={"": Arena.model_validate(duel)},
    )  # fmt: skip


def pages(catalog, lang="en"):
    return {page.uri: LexborHTMLParser(page.html) for page in render_pages(catalog, lang)}  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_method_page_tells_figure_conditions_command_and_provenance(measured, lang):
    page = pages(measured, lang)["methods/badseeds.md"]
    rows = [[c.text() for c in row.css("th, td")] for row in page.css("tbody tr")]
    assert rows[0][0].endswith(HOSTILE)  # its conditions
    better = {"en": ("higher is better", "lower is better"), "zh": ("越高越好", "越低越好")}[lang]  # fmt: skip
    assert rows[0][1:3] == ["98.5 ± 0.4%" + better[0], "5"]
    assert rows[1][1] == "3 s" + better[1]
    assert ["99.1%", "arXiv:2101.00001, Table 1"] in [row[1:] for row in rows]
    facts = page.css_first(".sk-provenance").text()
    machine = {"en": "CPU, 2 cores, 1 thread", "zh": "2 核 CPU，单线程"}[lang]
    for told in (machine, "0, 1, 2, 3, 4", "torch 2.13"):
        assert told in facts
    assert MADE["provenance"]["command"] in page.css(".sk-cmd")[1].text()
    assert HOSTILE in page.css_first(".sk-limits").text()
    chart, patches = (image.attributes for image in page.css(".sk-picture img"))
    assert chart["alt"] == HOSTILE
    name = {"en": "results.svg", "zh": "results.zh.svg"}[lang]
    assert chart["src"].endswith(f"methods/badseeds/{name}")
    assert patches["src"].endswith("methods/badseeds/patches.png")


def test_measured_and_published_figures_share_no_table(measured):
    for table in pages(measured)["methods/badseeds.md"].css("table"):
        text = table.text()
        assert not ("98.5" in text and "99.1" in text)


def test_a_method_that_was_not_measured_shows_no_figure(catalog):
    page = pages(catalog)["methods/badseeds.md"]
    assert not page.css("table")
    assert "Not measured yet" in page.text()
    assert "Not measured yet" in pages(catalog)["methods/index.md"].text()


def test_hostile_words_of_cards_and_results_stay_words(measured):
    for lang in ("en", "zh"):
        for uri in ("methods/badseeds.md", "methods/index.md", "matrix.md"):
            assert not pages(measured, lang)[uri].css("script")


def test_every_pair_of_attack_and_defense_is_a_mark_that_leads_to_its_source(catalog):
    page = pages(catalog)["matrix.md"]
    found = pairs(catalog)
    wanted = {
        ("rodriguez2021planting", "feng2023detecting", True),
        ("rodriguez2021planting", "muller2024journal", True),
        ("chen2025breaking", "feng2023detecting", False),
    }
    told = {(p.attack.id, p.defense.id, p.answered) for p in found}
    assert wanted <= told
    marks = page.css(".sk-answers .sk-dots a")
    assert len(marks) == len(found) == len(told)
    for mark in marks:
        anchor = mark.attributes["href"].removeprefix("#")
        (row,) = page.css(f"tr[id='{anchor}']")
        assert mark.attributes["aria-label"]
        shape = row.css_first("td svg").html
        assert (' class="d"' in shape) == any(p.anchor == anchor and p.answered for p in found)  # fmt: skip


def test_every_cell_of_the_matrix_has_headers_in_both_directions(measured):
    page = pages(measured)["matrix.md"]
    for table in page.css("table"):
        width = len(table.css("thead th[scope=col]"))
        assert width
        for row in table.css("tbody tr"):
            spans = len(row.css("th, td"))
            assert spans == width or (spans == width - 1 and table.attributes["class"].endswith("sk-pairs"))  # fmt: skip
        assert table.css_first("caption") or table.attributes.get("aria-labelledby")


def test_the_arena_is_shown_with_its_command_and_not_before_it_has_run(
    catalog, measured
):
    before = pages(catalog)["matrix.md"]
    assert not before.css(".sk-arena")
    assert "has not been run yet" in before.text()
    after = pages(measured)["matrix.md"]
    whole, alone = (table.css("tbody td") for table in after.css(".sk-arena"))
    assert "not run" in whole[0].text()
    assert "share" not in whole[0].attributes["class"]
    assert "12.5 ± 1.5%" in alone[0].text()
    style = next(p.style for p in render_pages(measured, "en") if p.uri == "matrix.md")
    name = alone[0].attributes["class"].removeprefix("n share ").partition(" ")[0]
    assert f".{name}{{--share:0.125}}" in style
    assert HOSTILE in after.css_first(".sk-cmd").text()


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_a_printed_number_can_be_read_back(value):
    value = round(value, 3)
    text = number(value).replace(",", "").replace("−", "-")
    assert float(text) == pytest.approx(value, rel=1e-11)
    assert number(value, "%").endswith("%")
    spread = number(value, "s", 1.5)
    assert float(spread.partition(" ± ")[2].removesuffix(" s")) == 1.5
    mean, _, deviation = spread.removesuffix(" s").partition(" ± ")
    assert len(mean.partition(".")[2]) == len(deviation.partition(".")[2])


def test_terms_and_papers_lead_to_the_method(catalog):
    made = pages(catalog)
    for uri in ("terms/technique/encoder-backdoor.md", "terms/technique/backdoor-attack.md", "terms/threat/backdoor.md", "papers/rodriguez2021planting.md"):  # fmt: skip
        assert made[uri].css("a[href$='methods/badseeds/']"), uri
    assert not made["terms/threat/privacy.md"].css("a[href*='methods/']")


@pytest.mark.parametrize(("lang", "name"), [("en", "README.md"), ("zh", "README.zh-CN.md")])  # fmt: skip
def test_method_pages_lead_to_the_readme_in_their_language(catalog, lang, name):
    made = pages(catalog, lang)
    for uri, folder in (("methods/badseeds.md", "badseeds/"), ("methods/index.md", "")):
        links = [a.attributes["href"] for a in made[uri].css("a[href*='README']")]
        assert links == [f"{catalog.survey.repository}/blob/main/reference_impls/{folder}{name}"]  # fmt: skip


def test_cards_are_plain_text_and_no_markdown(whole_catalog):
    """Pages print their texts as they stand."""
    for card in whole_catalog.cards.values():
        assert "`" not in card.model_dump_json(), card.id
