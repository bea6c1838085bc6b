"""`surveykit news` and the digest of a month, read from the dates in the entries alone."""

from __future__ import annotations

import dataclasses
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.news import days
from surveykit.render import digest as module
from surveykit.render.digest import counted, digest, month_of, period
from surveykit.vocabulary import Declined

DECEMBER = date(2026, 12, 1), date(2026, 12, 31)
NOTE = {"en": "Now at <b>ICCV</b> 2025.", "zh": "已在 <b>ICCV</b> 2025 发表。"}


@pytest.fixture(scope="module")
def month(catalog):
    """A December in which one paper came, one was published, one retracted, and two were declined."""
    news = {
        "saito2021early": {"history": [{"kind": "published", "date": "2026-12-03", "note": NOTE}]},
        catalog.papers[0].id: {"added": "2026-12-31"},
        catalog.papers[1].id: {"history": [{"kind": "retracted", "date": "2026-12-01", "note": {"en": "By the journal.", "zh": "期刊撤稿。"}}]},
    }  # fmt: skip
    papers = [
        Paper.model_validate(p.model_dump(mode="json", exclude_none=True) | news.get(p.id, {}))
        for p in catalog.papers
    ]  # fmt: skip
    out = [Declined(title=f"Paper {n}", reason="scope", date=date(2026, 12, n)) for n in (2, 9)]  # fmt: skip
    return dataclasses.replace(catalog, papers=Catalog.ordered(papers), declined=tuple(out))  # fmt: skip


def test_a_month_is_told_in_both_languages(month):
    en, zh = (digest(month, lang, *DECEMBER) for lang in ("en", "zh"))
    short = month.survey.short_title
    assert en.startswith(f"# {short.en}: December 2026\n")
    assert zh.startswith(f"# {short.zh}：2026 年 12 月\n")
    assert "1 retracted, 1 published, 1 added, 2 looked at and left out" in en
    assert "撤稿 1 篇、正式发表 1 篇、收录 1 篇、审阅后未收录 2 篇" in zh
    for text, heads in ((en, ("New papers", "Preprints that have been published", "Retracted")), (zh, ("新收录论文", "已正式发表的预印本", "撤稿"))):  # fmt: skip
        assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == list(heads)  # fmt: skip
    assert (
        month.papers[0].title.zh in zh or month.get(month.papers[0].id).title.zh in zh
    )
    assert "&lt;b&gt;ICCV&lt;/b&gt;" in en
    assert "<b>" not in en + zh


def test_only_the_days_asked_for_are_told(month):
    assert counted("en", days(month, date(2026, 12, 2), date(2026, 12, 3))) == "1 published, 1 looked at and left out"  # fmt: skip
    assert counted("en", days(month, date(2031, 1, 1), date(2031, 1, 2))) == ""
    text = digest(month, "en", date(2031, 1, 1), date(2031, 1, 31))
    assert "Nothing came in" in text
    assert "## " not in text


def test_declined_papers_move_the_date_of_the_catalog(month, catalog):
    assert str(month.updated) == "2026-12-31"
    late = Declined(title="x", reason="scope", date=date(2030, 1, 1))
    assert dataclasses.replace(catalog, declined=(late,)).updated == late.date


def test_long_lists_are_cut_and_counted(catalog, monkeypatch):
    monkeypatch.setattr(module, "MOST", 1)
    first, last = date(2000, 1, 1), date(2100, 1, 1)
    text = digest(catalog, "en", first, last)
    total = sum(map(int, re.findall(r"^### .* \((\d+)\)$", text, re.M)))
    assert total == len(catalog.papers)
    rest = sum(map(int, re.findall(r"^- and (\d+) more", text, re.M)))
    heads = len(re.findall("^### ", text, re.M))
    assert rest + heads == total


def test_every_link_leads_to_the_site(month):
    for lang in ("en", "zh"):
        html = MarkdownIt().render(digest(month, lang, *DECEMBER))
        links = re.findall(r'href="([^"]+)"', html)
        assert links
        assert all(link.startswith(month.survey.site) for link in links)


@given(st.dates(min_value=date(1, 1, 1), max_value=date(9999, 11, 30)))
def test_a_month_has_its_days_and_no_other(day):
    first, last = month_of(day)
    assert first <= day <= last
    assert (first.month, last.month, first.day) == (day.month, day.month, 1)
    assert "–" not in period("en", first, last)
    assert period("zh", first, last) == f"{day.year} 年 {day.month} 月"


def test_the_command_tells_lines_markdown_and_json(run, catalog):
    done = run("news", "--since", "2020-01-01")
    assert done.code == 0
    assert len(done.out.splitlines()) >= len(catalog.papers)
    assert re.match(r"\d{4}-\d\d-\d\d [a-z-]+ ", done.out)
    rows = run("news", "--since", "2020-01-01", "--json").json()
    ids = {p["id"] for day in rows for p in day["papers"] if p["kind"] == "added"}
    assert ids == {paper.id for paper in catalog.papers}
    text = run("news", "--month", "2026-11", "--format", "markdown", "--lang", "zh")
    assert "2026 年 11 月" in text.out


@pytest.mark.parametrize(
    "words",
    [
        ("--since", "yesterday"),
        ("--since", "2026-02-30"),
        ("--month", "2026-13"),
        ("--month", "0000-01"),
        ("--month", "2026-11", "--since", "2026-11-01"),
        ("--since", "2026-12-01", "--until", "2026-11-01"),
    ],
)
def test_what_is_no_day_is_refused(run, words):
    done = run("news", *words)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
