"""Scans with pictures of the other kind: which encoders, which pictures, and what is told."""

from dataclasses import replace

import pytest

from reference_impls.decree import foreign, transfer
from reference_impls.lab.records import as_data
from reference_impls.lab.study.options import StudyOptions


def test_a_dozen_of_each_that_work_with_the_other_pictures():
    asked = foreign.population(StudyOptions())
    roles = [one.of.role for one in asked]
    assert (roles.count("clean"), roles.count("backdoored")) == (12, 12)
    assert all(one.pictures != one.of.recipe.pictures for one in asked)
    known = foreign.own()
    assert all(known[one.name].works for one in asked)


def test_the_scan_gets_those_pictures_and_no_other(monkeypatch):
    shown = []

    def pictures(kind, count, seed):
        shown.append(kind)
        raise KeyboardInterrupt

    monkeypatch.setattr(transfer, "pictures", pictures)
    monkeypatch.setattr(transfer, "make", lambda one: (None, []))
    for one in foreign.population(StudyOptions(quick=True)):
        with pytest.raises(KeyboardInterrupt):
            foreign.measured(one)
    asked = foreign.population(StudyOptions(quick=True))
    assert shown == [one.pictures for one in asked]


def test_both_sums_and_who_is_answered_otherwise():
    rows = list(foreign.own().values())
    clean = [one for one in rows if one.role == "clean"][:2]
    bad = [one for one in rows if one.role == "backdoored" and one.works][:2]
    fooled = replace(bad[0], sizes=(0.4, 0.4), stubbornness=(0.1,), searched=0.4)
    found = as_data(foreign.results([*clean, fooled, bad[1]], []))
    assert found["own"]["alone"]["missed"] == 0
    assert found["other"]["alone"]["missed"] == 1
    found["run"] = {"date": "2026-11-30"}
    for language in ("en", "zh"):
        text = foreign.tables(found, language)
        assert text.count(f"`{bad[0].name}`") == 1
        assert f"`{bad[1].name}`" not in text
        assert text.count("| 1.000 |") >= 1
