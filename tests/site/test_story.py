"""The story of an attack: every answer, every answer to an answer, each in its year; and nothing measured for others."""

from __future__ import annotations

import dataclasses

import pytest
from selectolax.lexbor import LexborHTMLParser
from test_measured import DUEL, MADE

from surveykit.measured import Arena, Results
from surveykit.render.pages import render_pages
from surveykit.render.pages.story import story

ATTACK = "rodriguez2021planting"


@pytest.fixture(scope="module")
def measured(catalog):
    return dataclasses.replace(
        catalog,
        results={"badseeds": Results.model_validate(MADE)},
        arenas={"": Arena.model_validate(DUEL)},
    )


def page(catalog, paper, lang="en"):
    uri = f"papers/{paper}.md"
    found = next(p for p in render_pages(catalog, lang) if p.uri == uri)
    return LexborHTMLParser(found.html)


def test_answers_and_what_answers_them_stand_in_their_years(catalog):
    told = story(catalog, catalog.get(ATTACK), "", "en")
    held = {
        (year.year, side): [c.paper.id for c in getattr(year, side)]
        for year in told.years
        for side in ("attacks", "answers")
        if getattr(year, side)
    }
    assert held[2021, "attacks"] == [ATTACK]
    assert held[2023, "answers"] == ["feng2023detecting"]
    assert held[2024, "answers"] == ["muller2024journal"]
    assert held[2025, "attacks"] == ["chen2025breaking"]  # two steps away
    assert told.answers == 2


def test_a_paper_that_does_two_things_tells_both(catalog):
    told = story(catalog, catalog.get(ATTACK), "", "en")
    chapters = {c.paper.id: c for y in told.years for c in (*y.attacks, *y.answers)}
    deeds = chapters["muller2024journal"].deeds
    assert {(d.relation.type, d.target.id) for d in deeds} == {
        ("defends-against", ATTACK),
        ("extends", "feng2023detecting"),
    }


def test_defenses_and_attacks_without_an_answer_have_no_story(catalog):
    for paper in catalog.papers:
        assert (story(catalog, paper, "", "en") is not None) == (paper.id == ATTACK)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_tells_deed_reason_figure_interval_and_commands(measured, lang):
    found = page(measured, ATTACK, lang)
    years = [h.text() for h in found.css(".sk-story h3")]
    assert years == sorted(years)
    why = {"en": "evades the scan", "zh": "绕过扫描"}[lang]
    assert why in found.css_first(".sk-story").text()
    rows = [tr.text(separator="|") for tr in found.css(".sk-trial tbody tr")]
    assert any("12.5 ± 1.5%" in row and "[0.0, 26.0]" in row for row in rows)
    commands = [pre.text() for pre in found.css(".sk-commands pre")]
    assert len(commands) == 2
    assert commands[0].endswith("reference_impls.badseeds")
    assert commands[1].endswith("reference_impls.arena")
    assert not found.css(".sk-graph")


def test_a_paper_without_figures_shows_none_of_another(measured):
    found = page(measured, "chen2025breaking")
    assert measured.closest_runnable(measured.get("chen2025breaking"))
    assert "98.5" not in found.text()
    assert "Nothing was measured here for this paper." in found.text()
    assert page(measured, ATTACK).css_first(".sk-impl .sk-measured")


def test_dashes_of_the_graph_are_explained_where_there_are_any(catalog):
    found = page(catalog, "feng2023detecting")
    note = found.css_first(".sk-graphbox p").text()
    assert ("dashed" in note) == bool(found.css(".sk-graph .claimed"))
