"""The study's figures: what the committed README shows is what results.json holds."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from reference_impls.advclip import publish as module
from reference_impls.advclip.chart import lanes_of, pictures
from reference_impls.advclip.present import named
from reference_impls.advclip.study import MAIN, Plan, Row, own
from reference_impls.advclip.tables import figure, tables
from reference_impls.lab.study.readme import READMES

HERE = Path(module.__file__).parent


def row(**changes):
    names = ["fooling", "texture/zero-shot/after", "texture/MLP/after"]
    base = Row(
        change=MAIN,
        made_on="lab:0",
        victim="lab:0",
        defense="none",
        seconds=4.0,
        figures=dict.fromkeys(names, 0.5),
    )
    return replace(base, **changes)


def test_a_mean_has_its_deviation_beside_it():
    several = [row(figures={"fooling": value}) for value in (0.1, 0.2, 0.3)]
    assert figure(several, "fooling") == "0.200 ± 0.100"
    assert figure([row(), row(figures={})], "fooling") == "0.500"
    assert figure([row(figures={})], "fooling") == "–"


def test_a_change_counts_on_the_victim_it_was_crafted_on():
    rows = [
        row(),
        row(made_on="lab:1"),
        row(made_on="", change="random patch 6.25 %"),
        row(victim="lab:transformer:0", made_on="lab:transformer:0"),
        row(defense="blur"),
    ]
    assert own(rows, MAIN) == [rows[0]]
    assert own(rows, MAIN, "blur") == [rows[4]]
    assert own(rows, "random patch 6.25 %") == [rows[2]]


@pytest.mark.parametrize("name", ["results.svg", "results.zh.svg"])
def test_the_chart_has_a_lane_for_each_change_and_no_script(name):
    weak = row(made_on="", change="random <patch>", figures={"fooling": 0.1})
    rows = [weak, row(), row(victim="lab:1", made_on="lab:1")]
    picture = pictures({"rows": [asdict(one) for one in rows]})[name]
    assert list(lanes_of([weak, row()])) == [MAIN, "random <patch>"]
    drawing = LexborHTMLParser(picture)
    assert len(drawing.css("path.hollow")) == 1 + 3
    assert len(drawing.css("rect > title")) == 2
    assert "<patch>" not in picture
    assert "<script" not in picture


def test_every_change_has_a_name_in_chinese():
    for change in Plan().changes:
        assert named(change, "en") == change
        assert not any("a" <= letter <= "k" for letter in named(change, "zh"))


@pytest.mark.parametrize("language", READMES)
def test_the_readme_shows_what_the_results_hold(language):
    found = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    rows = [Row(**one) for one in found["rows"]]
    plan = Plan(**{**found["plan"], "seeds": tuple(found["plan"]["seeds"])})
    expected = tables(rows, plan, language, found["date"], found["run"])
    readme = (HERE / READMES[language]).read_text(encoding="utf-8")
    shown = readme.partition(module.START)[2].partition(module.END)[0]
    assert shown.strip() == expected.strip()


def test_the_committed_results_reach_what_the_readme_says():
    found = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    rows = [Row(**one) for one in found["rows"]]
    assert len({one.victim for one in own(rows, MAIN)}) >= 3
    for one in own(rows, MAIN):
        control = next(
            other.figures
            for other in own(rows, "random patch 6.25 %")
            if other.victim == one.victim
        )
        name = "texture/zero-shot/fooling"
        assert one.figures[name] >= 2 * control[name]
