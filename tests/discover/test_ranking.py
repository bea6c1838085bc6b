"""What is ranked, in which order, and that no order of input matters."""

from __future__ import annotations

import dataclasses
import random
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.discover import views
from surveykit.discover.candidate import (
    Candidate,
    came_out,
    known_before,
    month_of,
    names,
    unlike,
)
from surveykit.discover.ranking import rank
from surveykit.discover.run import as_of, discover, week_of
from surveykit.discover.views import STRANGER, PaperWords, Sides, _tied, neighbors
from surveykit.discover.weights import likeness, log_odds, table
from surveykit.models import Identifiers
from surveykit.record import Record

DAY = date(2026, 11, 16)


def candidate(id_, title, abstract="", day=DAY, **more):
    record = Record(title=title, abstract=abstract or None, source="here", **more)
    return Candidate(id_, day, record)


NEAR = candidate(
    "near",
    "Backdoor Attacks on Contrastive Image Encoders",
    "We plant a backdoor in a pre-trained image encoder; triggers are found by detection.",
)
OTHERS = [
    candidate(f"far{n}", f"On {subject} Number {n}", f"We study {subject.lower()} at length.")
    for n, subject in enumerate(["Rivers", "Trees", "Roads", "Bread", "Clouds", "Wool"] * 3)
]  # fmt: skip


def test_a_paper_like_the_entries_comes_first_with_the_reason(catalog):
    first, *_ = rank([*OTHERS, NEAR], catalog.papers, catalog.taxonomy)
    assert first.candidate is NEAR
    assert first.near[0][0] in catalog.by_id
    assert first.near[0][1] > 0.1
    assert "backdoor" in first.reason
    assert first.near[0][0] in first.reason


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_input_changes_nothing(catalog, seed):
    some = [*OTHERS, NEAR]
    before = rank(some, catalog.papers, catalog.taxonomy)
    random.Random(seed).shuffle(some)
    after = rank(some, catalog.papers, catalog.taxonomy)
    assert [r.candidate.id for r in after] == [r.candidate.id for r in before]
    assert [r.score for r in after] == pytest.approx([r.score for r in before])


def test_nor_where_candidates_are_compared_with_some_of_them_alone(
    catalog, monkeypatch
):
    monkeypatch.setattr(views, "PEERS", 3)
    said = "backdoor encoder image attack bread river wool cloud road tree".split()
    chance = random.Random(1)
    titles = [" ".join(chance.sample(said, 5)) for _ in range(40)]
    some = [candidate(f"c{n:02}", title) for n, title in enumerate(titles)]
    before = rank(some, catalog.papers, catalog.taxonomy)
    after = rank(some[1:] + some[:1], catalog.papers, catalog.taxonomy)
    assert [r.candidate.id for r in after] == [r.candidate.id for r in before]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_candidates_and_few_entries_are_ranked_too(catalog, count):
    some = [NEAR, *OTHERS][:count]
    assert len(rank(some, catalog.papers, catalog.taxonomy)) == count
    assert len(rank(some, catalog.papers[:1], catalog.taxonomy)) == count
    found = rank(some, (), catalog.taxonomy)
    assert [r.near for r in found] == [()] * count


def test_abstracts_of_entries_make_neighbors(catalog):
    paper = catalog.papers[0]
    odd = candidate("odd", "Quokkas and Numbats", "Quokkas and numbats sleep a lot.")
    texts = {paper.id: "Quokkas and numbats of the west."}
    without = rank([odd, *OTHERS], catalog.papers, catalog.taxonomy)
    told = rank([odd, *OTHERS], catalog.papers, catalog.taxonomy, texts)
    near = next(r.near for r in told if r.candidate is odd)
    assert near[0][0] == paper.id
    assert next(r.near for r in without if r.candidate is odd)[:1] != near[:1]


@pytest.mark.parametrize("peers", [1000, 6])
def test_what_is_like_many_candidates_is_less_near_to_an_entry(peers, monkeypatch):
    monkeypatch.setattr(views, "PEERS", peers)
    entry, own, usual, *many = (
        PaperWords((), tuple(text.split()))
        for text in (
            "backdoor encoder daily bread",
            "backdoor encoder",
            "daily bread",
            *["daily bread", "wool cloud", "wool river"] * 6,
        )
    )
    others = [*many, own, usual]
    near, nearer = neighbors([entry] * 2, others)
    alike = [sum(one.likeness for one in some) for some in near]
    assert nearer[-2] / nearer[-1] > 5 * alike[-2] / alike[-1] > 0


def test_a_candidate_is_no_peer_of_its_own():
    words = [PaperWords((), ("backdoor", "encoder")), PaperWords((), ("quokka",))]
    near, nearer = neighbors(words[:1] * 3, words)
    assert nearer == [sum(one.likeness for one in near[0]) / STRANGER, 0]


def test_what_is_known_or_declined_is_left_out_and_each_paper_stands_once(catalog):
    paper = catalog.papers[0]
    old = candidate("old", paper.title.en)
    same = candidate("x", "Another Title of the Same", arxiv="2611.00001")
    twice = candidate("y", "Quite Another Title", arxiv="2611.00001", day=date(2026, 11, 17))  # fmt: skip
    found = discover([old, twice, same, NEAR], catalog)
    assert {r.candidate.id for w in found.weeks for r in w.ranked} == {"x", "near"}
    assert found.known == 2


def test_weeks_are_those_of_the_calendar_newest_first(catalog):
    days = [date(2026, 11, 15), DAY, date(2026, 12, 31), date(2027, 1, 3)]
    some = [candidate(f"c{n}", f"Paper {n} of Bread", day=d) for n, d in enumerate(days)]  # fmt: skip
    found = discover(some, catalog)
    assert [w.name for w in found.weeks] == ["2026-W53", "2026-W47", "2026-W46"]
    assert week_of(date(2027, 1, 4)) == "2027-W01"


def test_the_catalog_as_of_a_day_goes_by_the_month_of_the_arxiv_id_else_by_the_year(
    catalog,
):
    base = catalog.papers[0]

    def paper(arxiv, year):
        ids = Identifiers(arxiv=arxiv)
        return base.model_copy(update={"identifiers": ids, "year": year})

    papers = [paper("2412.00001", 2025), paper("2501.00001", 2024), paper(None, 2024), paper(None, 2025)]  # fmt: skip
    assert known_before(papers, date(2025, 1, 1)) == (papers[0], papers[2])
    assert known_before(papers, date(2025, 2, 1)) == (papers[0], papers[1], papers[2])
    then = as_of(dataclasses.replace(catalog, papers=tuple(papers)), date(2025, 1, 1))
    assert len(then.papers) == 2


@pytest.mark.parametrize(
    ("arxiv", "month"),
    [
        ("2303.15180", (2023, 3)),
        ("0704.0001", (2007, 4)),
        ("cs/9901001", (1999, 1)),
        ("hep-th/0412001", (2004, 12)),
        ("x", None),
    ],
)
def test_the_month_of_an_arxiv_id(arxiv, month):
    assert month_of(arxiv) == month
    assert came_out(Identifiers(), None) == (9999, 12)


def test_axes_that_the_taxonomy_ties_together_are_one_side(catalog):
    axes = catalog.taxonomy.axes
    tied = _tied(axes)
    assert tied["threat"] == tied["technique"] == 0
    assert tied["modality"] == 1
    loose = [
        axis.model_copy(
            update={
                "only_for_roles": (),
                "terms": tuple(t.model_copy(update={"applies_to": {}}) for t in axis.terms),
            }
        )
        for axis in axes
    ]  # fmt: skip
    assert len(set(_tied(loose).values())) == len(axes)
    assert _tied([]) == {}


def test_words_of_both_sides_are_worth_more_than_many_of_one():
    both = [{"backdoor": 2.0}, {"encoder": 2.0}]
    one = [{"backdoor": 2.0, "attack": 2.0, "poisoning": 2.0}]
    assert Sides.worth(both) > Sides.worth(one) > Sides.worth([]) == 0


words = st.lists(st.sampled_from("abcdefgh"), max_size=8).map(tuple)
texts = st.lists(st.tuples(words, words), min_size=1, max_size=12)


@given(texts, texts)
def test_likeness_is_the_cosine_of_the_same_rows(ours, theirs):
    every = table([((a, 2), (b, 1)) for a, b in (*ours, *theirs)], frequent=1.0)
    dense = np.zeros((every.height, every.width))
    dense[every.rows, every.columns] = every.values
    norms = np.linalg.norm(dense, axis=1)
    assert np.allclose(norms[norms > 0], 1.0)
    n = len(ours)
    rows = list(likeness(every.part(n, every.height), every.part(0, n)))
    assert np.allclose(np.array(rows), dense[n:] @ dense[:n].T, atol=1e-6)
    some = list(likeness(every.part(n, every.height), every.each(3)))
    assert np.allclose(np.array(some), dense[n:] @ dense[::3].T, atol=1e-6)


def test_the_regression_is_the_one_of_a_plain_solver():
    some = np.random.default_rng(1)
    texts = [tuple(some.choice(list("abcdefgh"), 4)) for _ in range(60)]
    every = table([((t, 1),) for t in texts], frequent=1.0)
    signs = np.array([1.0] * 20 + [-1.0] * 40)
    fast, slow = log_odds(every, signs), log_odds(every, signs, steps=20_000)
    assert np.allclose(fast, slow, atol=1e-3)
    assert fast[:20].mean() > fast[20:].mean()


@given(st.text(max_size=80), st.text(max_size=300))
def test_any_text_has_words(title, abstract):
    PaperWords.of(title, abstract)


def test_the_earliest_of_several_stays():
    late = candidate("late", "One Title", day=date(2026, 11, 18))
    early = candidate("early", "One Title!", day=date(2026, 11, 17))
    assert unlike([late, early], ()) == [early]
    assert unlike([late], names("One title", Identifiers())) == []
