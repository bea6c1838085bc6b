"""Addresses that papers had before lead to where they are now; the error page speaks both languages."""

from __future__ import annotations

import dataclasses

import pytest
from selectolax.lexbor import LexborHTMLParser

from surveykit.render.pages import render_files

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def moved(catalog):
    papers = tuple(
        p.model_copy(update={"former_ids": ("feng2022scanning",)})
        if p.id == "feng2023detecting"
        else p
        for p in catalog.papers
    )
    return dataclasses.replace(catalog, papers=papers)


def test_a_former_address_sends_its_readers_on(moved, build_site, tmp_path, serve, browser):  # fmt: skip
    site = build_site(moved, tmp_path)
    with serve(site) as address:
        page = browser.new_page(java_script_enabled=False)
        for folder in ("", "zh/"):
            page.goto(f"{address}{folder}papers/feng2022scanning/")
            page.wait_for_url(f"{address}{folder}papers/feng2023detecting/")
            assert "Detecting" in page.locator("h1").inner_text()
        page.close()


def test_the_page_at_a_former_address_is_not_indexed_and_names_the_new_one(moved):
    made = render_files(moved, "zh")
    document = LexborHTMLParser(made["papers/feng2022scanning/index.html"])
    assert document.css_first("meta[name=robots]").attributes["content"] == "noindex"
    canonical = document.css_first("link[rel=canonical]").attributes["href"]
    assert canonical == f"{moved.survey.site}zh/papers/feng2023detecting/"
    paths = [path for path in made if "feng2022" in path]
    assert paths == ["papers/feng2022scanning/index.html"]


def test_the_error_page_speaks_both_languages(site):
    for path, first in (("404.html", "No such page"), ("zh/404.html", "页面不存在")):
        document = LexborHTMLParser((site / path).read_text("utf-8"))
        headings = [node.text() for node in document.css("h1, h2[id=other-h]")]
        assert headings[0] == first
        assert set(headings) == {"No such page", "页面不存在"}


def test_robots_may_read_and_find_both_sitemaps(site):
    lines = (site / "robots.txt").read_text("utf-8").splitlines()
    assert "Disallow" not in "".join(lines)
    maps = [line.partition(": ")[2] for line in lines if line.startswith("Sitemap")]
    assert [url.rpartition("any/path/")[2] for url in maps] == ["sitemap.xml", "zh/sitemap.xml"]  # fmt: skip
