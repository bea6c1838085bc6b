"""What's new is what the entries say, on the page, on the home page and in the feeds."""

from __future__ import annotations

import dataclasses
from datetime import date

import feedparser
import pytest
from selectolax.lexbor import LexborHTMLParser

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.news import days
from surveykit.render.pages import render_files, render_pages

LATER = "2026-12-03"
NOTE = {"en": "Now at <b>ICML</b>.", "zh": "已在 <b>ICML</b> 发表。"}


def changed(catalog, paper_id, **update):
    paper = catalog.get(paper_id)
    data = paper.model_dump(mode="json", exclude_none=True) | update
    others = [p for p in catalog.papers if p.id != paper_id]
    papers = Catalog.ordered([*others, Paper.model_validate(data)])
    return dataclasses.replace(catalog, papers=papers)


@pytest.fixture(scope="module")
def moved(catalog):
    history = [{"kind": "published", "date": LATER, "note": NOTE}]
    return changed(catalog, "saito2021early", history=history)


def page(catalog, uri, lang="en"):
    return LexborHTMLParser(next(p for p in render_pages(catalog, lang) if p.uri == uri).html)  # fmt: skip


def test_every_paper_came_on_the_day_its_entry_says(catalog):
    told = {one.paper.id: one.date for day in days(catalog) for g in day.groups if g.kind == "added" for one in g.items}  # fmt: skip
    assert told == {paper.id: paper.added for paper in catalog.papers}
    assert [day.date for day in days(catalog)] == sorted({d.date for d in days(catalog)}, reverse=True)  # fmt: skip


def test_a_comparison_is_news_only_after_the_day_the_entry_came(catalog):
    paper = next(
        p for p in catalog.papers if p.corrections
    )  # of older lists: no news of their own
    for day, kinds in ((paper.added, {"added"}), (date(2027, 1, 1), {"added", "verified"})):  # fmt: skip
        verified = {"date": str(day), "by": ["arXiv:2401.99999"]}
        found = days(changed(catalog, paper.id, verified=verified))
        mine = {g.kind for d in found for g in d.groups for one in g.items if one.paper.id == paper.id}  # fmt: skip
        assert mine == kinds


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_event_stands_on_the_page_on_the_home_page_and_in_the_feeds(moved, lang):
    first = page(moved, "new.md", lang).css_first("section")
    assert first.css_first("time").text() == LATER
    assert first.css_first(".sk-news__note").text() == NOTE[lang]
    assert page(moved, "index.md", lang).css_first(".sk-strip time").text() == LATER
    files = render_files(moved, lang)
    for name in ("all", "technique/universal-perturbation", "threat/adversarial"):
        (newest, *_) = feedparser.parse(files[f"feeds/{name}.atom"]).entries
        assert newest.updated.startswith(LATER)
        assert f"{LATER}: " in newest.summary
    new = feedparser.parse(files["feeds/new.atom"]).entries
    assert not any(entry.updated.startswith(LATER) for entry in new)
    assert str(moved.updated) == LATER


def test_long_lists_are_cut_and_counted(catalog, monkeypatch):
    monkeypatch.setattr("surveykit.render.pages.news.MOST", 3)
    found = page(catalog, "new.md")
    longest = max(len(g.items) for d in days(catalog) for g in d.groups)
    assert longest > 3
    assert f"and {longest - 3} more" in found.text()
    assert all(len(ol.css("li")) <= 3 for ol in found.css("ol"))
