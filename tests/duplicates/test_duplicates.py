"""Duplicates: precision and recall over labelled pairs, and the guards one by one."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from surveykit.duplicates import SAME, Index, candidates
from surveykit.record import Record
from surveykit.text.letters import tidy

HERE = Path(__file__).parent
SETS = {
    name: json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("pairs", "held_out")
}
LEAST = 0.99


def record(values):
    return Record(**(values | {"title": tidy(values["title"]), "source": "test"}))


def called_same(pair):
    index = Index()
    index.add("a", record(pair["a"]))
    return any(m.score >= SAME for m in index.candidates(record(pair["b"])))


@pytest.mark.parametrize("name", SETS)
def test_the_labelled_sets_are_large_and_have_both_kinds(name):
    same = sum(pair["same"] for pair in SETS[name])
    assert len(SETS[name]) >= 300
    assert same >= 150
    assert len(SETS[name]) - same >= 100


def test_no_pair_is_in_both_sets():
    assert not [pair for pair in SETS["held_out"] if pair in SETS["pairs"]]


@pytest.mark.parametrize("name", SETS)
def test_precision_and_recall(name, capsys):
    pairs = SETS[name]
    answers = [(pair, called_same(pair)) for pair in pairs]
    hits = sum(said and pair["same"] for pair, said in answers)
    precision = hits / sum(said for _, said in answers)
    recall = hits / sum(pair["same"] for pair, _ in answers)
    wrong = defaultdict(list)
    for pair, said in answers:
        if said != pair["same"]:
            wrong[pair["kind"]].append((pair["a"]["title"], pair["b"]["title"]))
    with capsys.disabled():
        said = f"\n{name}, {len(pairs)} pairs: precision {precision:.4f}, recall {recall:.4f}"
        print(said)  # noqa: T201 - promised figures
    assert precision >= LEAST, dict(wrong)
    assert recall >= LEAST, dict(wrong)


def base(**more):
    values = {
        "title": "Planting Seeds: Backdoors in Encoders",
        "authors": ["Linh Duong", "Ana Cruz"],
        "year": 2024,
    }
    return record(values | more)


def only(one, other):
    index = Index()
    index.add("known", one)
    found = index.candidates(other)
    return found[0] if found else None


def test_one_identifier_and_another_title_is_a_question_not_an_answer():
    match = only(
        base(arxiv="2401.00001"),
        base(arxiv="2401.00001", title="Fishing at Night", authors=["Bo Ito"]),
    )
    assert match.score < SAME
    assert "one is wrong" in match.reason


def test_without_authors_a_title_told_in_other_words_is_the_same_paper_if_the_identifier_is():
    told = {
        "title": "Encoders and Backdoors, Planting as Seeds",
        "authors": [],
        "arxiv": "2401.00001",
    }
    assert only(base(arxiv="2401.00001"), base(**told)).score >= SAME
    other = base(**told | {"title": "Fishing for Encoders at Night and Noon"})
    assert only(base(arxiv="2401.00001"), other).score < SAME
    assert only(base(), base(**told | {"arxiv": None})) is None


@pytest.mark.parametrize("part", ["II", "Part 2", "2"])
def test_a_later_part_is_no_subtitle(part):
    title = "Do Robust Encoders Plant Better Seeds?"
    assert only(base(title=title), base(title=f"{title} {part}")) is None


@pytest.mark.parametrize("years", [0, 3])
def test_a_preprint_of_a_few_years_ago_is_the_same_paper(years):
    assert only(base(), base(year=2024 - years)).score >= SAME


def test_the_same_title_ten_years_apart_is_another_paper():
    assert only(base(), base(year=2014)) is None


def test_a_short_title_without_authors_proves_nothing():
    assert (
        only(base(title="Deep Learning"), base(title="Deep Learning", authors=[]))
        is None
    )


def test_each_entry_finds_no_other_in_the_catalog(catalog):
    for paper in catalog.papers:
        assert not [m for m in candidates(paper, catalog) if m.score >= SAME]


def test_an_entry_finds_itself_by_its_identifier(catalog):
    paper = next(p for p in catalog.papers if p.identifiers.doi)
    match, *_ = candidates(
        base(doi=paper.identifiers.doi.upper(), title=paper.title.en), catalog
    )
    assert (match.id, match.score) == (paper.id, 1.0)
