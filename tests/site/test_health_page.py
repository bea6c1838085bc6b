"""The page of what became of the papers: findings with who says so, and how fresh the entries are."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest
from selectolax.lexbor import LexborHTMLParser

from surveykit.health import Health, HealthFinding
from surveykit.render.pages import health as module
from surveykit.render.pages import render_pages
from surveykit.render.pages.health import ages, who

DAY = date(2026, 11, 30)


def page(catalog, lang="en"):
    html = next(p for p in render_pages(catalog, lang) if p.uri == "health.md").html
    return LexborHTMLParser(html)


def look(*findings, **more):
    known = {"date": DAY, "papers": 9, "preprints": 3, "repositories": 2}
    return Health(**known | more, findings=findings)


def finding(paper, kind, says="ICCV 2025", by=("doi:10.5555/x",)):
    return HealthFinding(paper=paper.id, kind=kind, says=says, evidence=by, since=DAY)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_without_a_look_the_page_says_so_and_counts_the_entries(catalog, lang):
    tree = page(catalog, lang)
    assert not tree.css("ol.sk-list")
    cells = [int(td.text()) for td in tree.css("table")[0].css("td")]
    assert sum(cells) == len(catalog.papers)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_finding_stands_with_its_evidence(catalog, lang):
    paper = next(p for p in catalog.papers if catalog.venue(p).kind == "preprint")
    one = finding(paper, "published", "<i>gone</i>", ("doi:10.5555/<x>", "dblp:conf/a/b", "openreview:AbCdEf", "somebody"))  # fmt: skip
    tree = page(dataclasses.replace(catalog, health=look(one, silent=("DBLP",))), lang)
    (item,) = tree.css("ol.sk-list li")
    note = item.css_first(".sk-news__note")
    links = [a.attributes["href"] for a in note.css("a")]
    assert links == ["https://doi.org/10.5555/<x>", "https://dblp.org/rec/conf/a/b", "https://openreview.net/forum?id=AbCdEf"]  # fmt: skip
    assert "<i>gone</i>" in note.text()
    assert not note.css("i")
    assert "DBLP" in tree.css_first("header").text()
    assert str(DAY) in tree.css_first("header").text()


def test_findings_about_what_has_changed_since_are_left_out(catalog):
    papers = catalog.papers
    published = next(p for p in papers if catalog.venue(p).kind != "preprint")
    preprint = next(p for p in papers if catalog.venue(p).kind == "preprint")
    found = [finding(published, "published"), finding(preprint, "published")]
    gone = HealthFinding(paper="nobody2020gone", kind="retracted", evidence=("x",), since=DAY)  # fmt: skip
    tree = page(dataclasses.replace(catalog, health=look(*found, gone)))
    (item,) = tree.css("ol.sk-list li")
    assert preprint.id in item.html


def test_long_lists_are_cut_and_counted(catalog, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    found = [finding(p, "corrected") for p in catalog.papers[:5]]
    tree = page(dataclasses.replace(catalog, health=look(*found)))
    assert len(tree.css("ol.sk-list li")) == 2
    assert "and 3 more" in tree.text()


def test_each_entry_has_one_age(catalog):
    counts = dict(ages(catalog))
    assert sum(counts.values()) == len(catalog.papers)
    dated = [p for p in catalog.papers if p.verified]
    recent = sum(catalog.updated - p.verified.date <= timedelta(30) for p in dated)
    assert counts["within_30"] == recent
    assert counts["never"] == len(catalog.papers) - len(dated)


@pytest.mark.parametrize("text", ["dblp:", "doi:a b", "javascript:alert(1)", "x:y", ""])
def test_what_has_no_known_address_is_no_link(text):
    assert "<a" not in who(text)


def test_a_notice_speaks_for_itself_and_a_remark_is_shown(catalog):
    paper = catalog.papers[0]
    told = "doi:10.5555/x was retracted by doi:10.5555/n"
    found = [
        finding(paper, "retracted", told, ("doi:10.5555/x", "doi:10.5555/n")),
        finding(paper, "withdrawn", "arXiv:2401.00001 is withdrawn: an error", ("arXiv:2401.00001",)),
        finding(paper, "code-moved", "https://github.com/b/c", ("https://github.com/a/c",)),
    ]  # fmt: skip
    notes = page(dataclasses.replace(catalog, health=look(*found))).css(
        ".sk-news__note"
    )
    assert told not in notes[0].text()
    assert len(notes[0].css("a")) == 2
    assert "an error" in notes[1].text()
    assert "https://github.com/a/c → https://github.com/b/c" in notes[2].text()
