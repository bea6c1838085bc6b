"""Leaderboards: the strongest attack on every defense, ranks that the intervals allow, the same in all three forms."""

from __future__ import annotations

import csv
import dataclasses
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser
from test_measured import DUEL

from surveykit.kit import Kit
from surveykit.measured import Arena
from surveykit.models import Bilingual
from surveykit.render.intervals import apart
from surveykit.render.pages import render_files, render_pages
from surveykit.render.pages.leaderboards import boards, ranks


def cell(row, column, value, sd=1.0, better="higher", metric="Accuracy: texture"):
    return {"row": row, "column": column, "metric": {"en": metric, "zh": "准确率"}, "value": value,
            "sd": sd, "n": 3, "unit": "%", "better": better}  # fmt: skip


@pytest.fixture(scope="module")
def measured(catalog):
    cells = [
        cell("planted", "scan", 90.0),
        cell("nothing", "scan", 60.0),
        cell("planted", "none", 10.0),
        cell("nothing", "none", 95.0),
        cell("planted", "scan", 5.0, better="lower", metric="Attack success"),
        cell("planted", "none", 7.0, better="lower", metric="Attack success"),
        cell("nothing", "scan", 5.0, metric="Without an attack"),
    ]
    arena = Arena.model_validate(DUEL | {"cells": cells})
    texture = {"en": "Texture: that of the background", "zh": "纹理：背景的纹理"}
    kit = Kit.model_validate({"words": {"arena_notes": {"texture": texture}}})
    return dataclasses.replace(catalog, arenas={"": arena}, kit=kit)


def test_each_defense_stands_with_the_attack_that_harms_it_most(measured):
    accuracy, success = boards(measured)  # none for the control alone
    assert [(s.defense.id, s.attack.id, s.rank) for s in accuracy.standings] == [
        ("scan", "nothing", 1),
        ("none", "planted", 2),
    ]
    assert accuracy.topic == "backdoor"
    assert [s.met for s in accuracy.standings] == [accuracy.attacks] * 2
    # [2.5, 7.5] and [4.5, 9.5] overlap: these runs cannot tell which is better
    assert [s.rank for s in success.standings] == [1, 1]
    assert [s.defense.id for s in success.standings] == ["scan", "none"]


ENDS = st.lists(
    st.none()
    | st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda t: tuple(sorted(t))),
    max_size=7,
)


@given(ENDS, st.sampled_from([1, -1]))
def test_ranks_differ_only_where_intervals_are_apart(ends, sign):
    found = ranks(ends, sign)
    known = [(e, r) for e, r in zip(ends, found, strict=True) if e]
    assert all(r is None for e, r in zip(ends, found, strict=True) if not e)
    if len(known) < 2:
        assert all(r is None for _, r in known)
        return
    assert min(r for _, r in known) == 1
    for one, mine in known:
        surely_better = [o for o, _ in known if apart(o, one) and sign * (o[0] - one[0]) > 0]  # fmt: skip
        assert mine == 1 + len(surely_better)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_page_table_and_data_tell_the_same(measured, lang):
    page = next(p for p in render_pages(measured, lang) if p.uri == "leaderboards.md")
    rows = LexborHTMLParser(page.html).css(".sk-ranks tbody tr")
    data = json.loads(render_files(measured, "en")["leaderboards.json"])
    text = render_files(measured, "en")["leaderboards.csv"]
    lines = list(csv.DictReader(io.StringIO(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"))))  # fmt: skip
    standings = [s for board in data["boards"] for s in board["standings"]]
    assert len(rows) == len(standings) == len(lines) == 4
    for row, standing, line in zip(rows, standings, lines, strict=True):
        assert row.css_first(".r").text() == str(standing["rank"]) == line["rank"]
        assert row.css_first("th a, th").text().startswith(standing["defense"]["label"][lang])  # fmt: skip
        assert float(line["value"]) == standing["value"]
        assert f"{standing['low']:.1f}, {standing['high']:.1f}" in row.text()
    assert [one["command"] for one in data["measured"]] == [DUEL["command"]]


def test_a_defense_with_a_warning_has_no_rank_and_says_why(measured):
    warning = {"en": "its gradients <may> mislead", "zh": "其梯度可能误导"}
    scan, none = measured.arena.columns
    warned = measured.arena.model_copy(
        update={
            "columns": (scan.model_copy(update={"warning": Bilingual(**warning)}), none)
        }
    )
    catalog = dataclasses.replace(measured, arenas={"": warned})
    for board in boards(catalog):
        assert [s.rank for s in board.standings] == [None, None]  # no rival is left
    for uri in ("leaderboards.md", "matrix.md"):
        page = next(p for p in render_pages(catalog, "en") if p.uri == uri)
        assert (
            "Warning: its gradients <may> mislead"
            in LexborHTMLParser(page.html).css_first(".sk-warning").text()
        )
    told = json.loads(render_files(catalog, "en")["leaderboards.json"])["boards"]
    assert told[0]["standings"][0]["defense"]["warning"] == warning


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_pair_that_was_not_run_says_why_and_a_later_run_is_named(measured, lang):
    why, about = (
        {"en": "too slow", "zh": "太慢"},
        {"en": "The second part", "zh": "第二部分"},
    )
    run = {"about": about, "date": "2026-11-30", "command": "python -m reference_impls.arena clips",
           "hardware": "CPU", "versions": {"torch": "2.13"}, "seeds": [7]}  # fmt: skip
    more = {
        "missing": [{"rows": ["planted"], "columns": ["none"], "why": why}],
        "further": [run],
    }
    cells = [
        c.model_dump()
        for c in measured.arena.cells
        if (c.row, c.column) != ("planted", "none")
    ]
    cells.append(cell("planted", "scan", 50.0, metric="Without an attack"))
    cells.append(cell("nothing", "none", 50.0, metric="Without an attack"))
    arena = Arena.model_validate(DUEL | {"cells": cells} | more)
    assert arena.why("planted", "none").en == "too slow"
    assert arena.why("nothing", "none") is None
    catalog = dataclasses.replace(measured, arenas={"": arena})
    page = next(p for p in render_pages(catalog, lang) if p.uri == "matrix.md")
    found = LexborHTMLParser(page.html)
    (board, *_) = boards(catalog)
    assert {s.defense.id: s.met for s in board.standings} == {"scan": 2, "none": 1}
    ranking = next(p for p in render_pages(catalog, lang) if p.uri == "leaderboards.md")
    assert {"en": "met 1 of 2", "zh": "1/2"}[lang] in ranking.html
    assert any(why[lang] in td.text() for td in found.css(".sk-arena td"))
    assert why[lang] in found.css_first(".sk-missing").text()
    assert about[lang] in found.text()
    assert run["command"] in found.text()


def test_without_an_arena_the_page_says_so(catalog):
    page = next(p for p in render_pages(catalog, "en") if p.uri == "leaderboards.md")
    assert "has not been run yet" in page.html
    assert json.loads(render_files(catalog, "en")["leaderboards.json"])["boards"] == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_matrix_marks_best_and_worst_and_explains_its_words(measured, lang):
    page = next(p for p in render_pages(measured, lang) if p.uri == "matrix.md")
    found = LexborHTMLParser(page.html)
    (first, *_) = found.css(".sk-arena")
    marks = {
        tr.css("td")[i].attributes["data-name"]: bool(tr.css("td")[i].css(".sk-harms"))
        for tr in first.css("tbody tr")[:1]
        for i in range(2)
    }
    assert list(marks.values()) == [False, True]  # the planted one harms `none` most
    assert found.css_first(".sk-notes")
    told = {"en": "that of the background", "zh": "背景的纹理"}[lang]
    assert told in found.css_first(".sk-notes").text()


def test_a_further_arena_has_a_page_and_boards_of_its_own(measured):
    """The matrix links to it; the same metric of two arenas is told apart; a paper of its topic leads to it."""
    about = {"title": {"en": "Seeds", "zh": "种子"}, "lead": {"en": "All seeds.", "zh": "全部种子。"}}  # fmt: skip
    second = Arena.model_validate(DUEL | about | {"cells": [cell("planted", "scan", 50.0), cell("planted", "none", 40.0)]})  # fmt: skip
    catalog = dataclasses.replace(measured, arenas={**measured.arenas, "seeds": second})
    pages = {page.uri: page.html for page in render_pages(catalog, "en")}
    own = LexborHTMLParser(pages["matrix/seeds.md"])
    assert own.css_first("h1").text() == "Seeds"
    assert len(own.css(".sk-arena tbody tr")) == 1
    links = [a.attributes["href"] for a in LexborHTMLParser(pages["matrix.md"]).css("a")]  # fmt: skip
    assert sum(str(link).endswith("matrix/seeds/") for link in links) == 1
    heads = [h.text() for h in LexborHTMLParser(pages["leaderboards.md"]).css(".sk-board h3")]  # fmt: skip
    assert heads == ["Accuracy: texture", "Attack success", "Seeds · Accuracy: texture"]
    files = json.loads(render_files(catalog, "en")["leaderboards.json"])
    assert len(files["measured"]) == 2
