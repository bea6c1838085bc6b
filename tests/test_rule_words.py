"""What messages of rules count and name: how many more there are, which of two is meant, where hints end."""

import dataclasses
from functools import partial
from types import SimpleNamespace

import pytest
from test_rules import paper

from surveykit.catalog import Catalog
from surveykit.measured import Arena
from surveykit.rules import arena, declined, identity, taxonomy, venues
from surveykit.vocabulary import Declined, Venue


def of(catalog, papers):
    paths = {p.id: p.id for p in papers}
    return Catalog(catalog.survey, catalog.taxonomy, {}, tuple(papers), {}, paths)


@pytest.mark.parametrize(
    ("count", "others", "last"),
    [
        (2, "{1}", "{0}"),
        (4, "{1}, {2}, {3}", "{0}, {1}, {2}"),
        (5, "{1}, {2}, {3} and 1 more", "{0}, {1}, {2} and 1 more"),
        (9, "{1}, {2}, {3} and 5 more", "{0}, {1}, {2} and 5 more"),
    ],
)
def test_three_others_are_named_and_the_rest_counted(count, others, last, catalog):
    papers = [paper(n, "Guarding Encoders", "Ada Example") for n in range(count)]
    ids = [p.id for p in papers]
    told = [f.message for f in identity.same_title(of(catalog, papers))]
    assert f"that of {others.format(*ids)}, with a common author" in told[0]
    assert f"that of {last.format(*ids)}, with a common author" in told[-1]
    shared = [p.model_copy(update={"identifiers": p.identifiers.model_copy(update={"arxiv": "2303.15180"})}) for p in papers]  # fmt: skip
    said = [f.message for f in identity.shared_arxiv(of(catalog, shared))]
    assert said[0] == f"arXiv id '2303.15180' is also that of {others.format(*ids)}; correct one or merge"  # fmt: skip
    assert said[-1] == f"arXiv id '2303.15180' is also that of {last.format(*ids)}; correct one or merge"  # fmt: skip


@pytest.mark.parametrize("ids", [("aa", "zz"), ("zz", "aa")])
def test_a_name_belongs_to_the_venue_that_stands_first(ids, catalog):
    first, second = (
        Venue.model_validate({"id": id_, "name": name, "full": {"en": name, "zh": name}, "kind": "conference", "aliases": aliases})
        for id_, name, aliases in zip(ids, ("One", "Two"), (["Both"], ["both", "two"]), strict=True)
    )  # fmt: skip
    whole = dataclasses.replace(catalog, venues={v.id: v for v in (first, second)})
    (finding,) = venues.ambiguous_venue(whole)
    assert finding.message == f"'both' already means the venue {ids[0]!r}; keep it at one"  # fmt: skip
    assert finding.loc == (1, "aliases", 0)


def test_hints_of_an_arena_end_after_fifty_wrong_names(catalog):
    side = {"label": {"en": "A", "zh": "甲"}}
    cell = {"column": "right", "metric": {"en": "Rate", "zh": "比率"}, "value": 1, "better": "higher"}  # fmt: skip
    fought = {
        "command": "python -m x",
        "hardware": "CPU",
        "versions": {"torch": "2.11"},
        "schema_version": 1,
        "generated_at": "2026-11-20",
        "rows": [side | {"id": "left"}],
        "columns": [side | {"id": "right"}],
        "cells": [cell | {"row": f"left{n}"} for n in range(53)],
    }
    whole = dataclasses.replace(catalog, arenas={"": Arena.model_validate(fought)})
    told = [f.message for f in arena.unknown_in_arena(whole) if "is not a row" in f.message]  # fmt: skip
    assert [m.endswith("; did you mean `left`?") for m in told] == [True] * 50 + [False] * 3  # fmt: skip
    assert told[-1] == "'left52' is not a row of the arena"


def test_a_paper_declined_twice_is_told_by_its_number(catalog):
    one = {"title": "Left Out", "identifiers": {"arxiv": "2303.00001"}, "kind": "scope", "reason": "out of scope", "date": "2026-01-01"}  # fmt: skip
    said = [Declined.model_validate(one | more) for more in ({}, {"title": "Other", "identifiers": {}}, {})]  # fmt: skip
    whole = dataclasses.replace(catalog, declined=tuple(said))
    (finding,) = declined.in_and_out(whole)
    assert finding.message == "'Left Out' is also number 1 of this file; delete one"
    assert finding.loc == (2, "title")


@pytest.mark.parametrize(
    ("titles", "steps"),
    [(["a" * 10], 0), (["a" * 10, "b" * 63], 4 * 63), (["a" * 64, "b", "c"], 9 * 64 * 2)],
)  # fmt: skip
def test_the_work_of_comparing_grows_with_pairs_letters_and_machine_words(titles, steps):  # fmt: skip
    assert identity._work(titles) == steps


def test_a_narrow_role_counts_as_its_wider_ones_and_a_circle_ends():
    parents = {"narrow": "middle", "middle": "wide", "wide": None, "a": "b", "b": "a"}
    terms = {("role", id_): SimpleNamespace(parent=up) for id_, up in parents.items()}
    roles = partial(taxonomy._roles, SimpleNamespace(terms=terms))
    assert roles(SimpleNamespace(terms={"role": ["narrow"]})) == {"narrow", "middle", "wide"}  # fmt: skip
    assert roles(SimpleNamespace(terms={"role": ["wide"]})) == {"wide"}
    assert roles(SimpleNamespace(terms={"role": ["a"]})) == {"a", "b"}
    assert roles(SimpleNamespace(terms={})) == set()
