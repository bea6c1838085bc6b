"""Every internal link, anchor and file of the built site exists; the sitemap pairs the languages."""

from __future__ import annotations

import json
import posixpath
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
from selectolax.lexbor import LexborHTMLParser

ATTRIBUTES = {"href": "a[href], link[href], use[href]", "src": "[src]"}
DATA = {
    "data-cite": "[data-cite]",
    "data-csl": "[data-csl]",
    "action": "form[action]",
}


@pytest.fixture(scope="module")
def pages(site):
    """Path of a page -> its document."""
    return {
        path.relative_to(site).as_posix(): LexborHTMLParser(path.read_text("utf-8"))
        for path in sorted(site.rglob("*.html"))
        if path.name != "404.html"  # its links are made for a server's root
    }


def _targets(document):
    for attribute, selector in (ATTRIBUTES | DATA).items():
        for node in document.css(selector):
            if value := node.attributes.get(attribute):
                yield value


def _resolve(page, path):
    found = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path)))
    return "" if found == "." else found


def older(folder):
    """Rows of the paper table that a script brings."""
    text = (folder / "older.js").read_text("utf-8")
    rows = json.loads(text.removeprefix("sk.take('older',").rstrip(")\n"))
    return LexborHTMLParser(f"<table>{''.join(rows)}</table>")


def test_every_internal_link_and_anchor_resolves(site, pages):
    broken = []

    @cache
    def anchors(path):
        return {n.attributes["id"] for n in pages[path].css("[id]")}

    @cache
    def file(path):
        target = site / path
        return target / "index.html" if target.is_dir() else target

    for name, document in pages.items():
        for url in set(_targets(document)):
            parts = urlsplit(url)
            if parts.scheme or url.startswith("//"):
                continue
            target = file(_resolve(name, parts.path)) if parts.path else site / name
            if not target.is_file() or not target.is_relative_to(site):
                broken.append(f"{name}: {url}")
                continue
            path = target.relative_to(site).as_posix()
            if parts.fragment and path in pages and parts.fragment not in anchors(path):
                broken.append(f"{name}: {url} has no such anchor")
    assert not broken


def test_links_outside_are_http_and_nothing_is_fetched_from_there(pages):
    for name, document in pages.items():
        for node in document.css("[src], link[rel~=stylesheet], link[rel=icon]"):
            url = node.attributes.get("src") or node.attributes.get("href")
            assert not urlsplit(url).netloc, f"{name} loads {url}"
        for node in document.css("a[href]"):
            url = node.attributes["href"]
            assert urlsplit(url).scheme in ("", "http", "https"), f"{name}: {url}"


def test_ids_are_unique_on_every_page(pages):
    for name, document in pages.items():
        ids = [node.attributes["id"] for node in document.css("[id]")]
        assert len(ids) == len(set(ids)), name


def test_each_page_has_one_title_one_description_and_one_h1(pages):
    for name, document in pages.items():
        assert len(document.css("head > title")) == 1, name
        description = document.css_first("head > meta[name=description]")
        assert description.attributes["content"].strip(), name
        assert len(document.css("h1")) == 1, name


def moved(document):
    """Whether a page only leads on, from the former address of a paper."""
    return bool(document.css("meta[http-equiv=refresh]"))


def test_the_sitemap_names_every_page_with_its_twin(site, pages):
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    link = "{http://www.w3.org/1999/xhtml}link"
    told = set()
    for folder in ("", "zh/"):
        tree = ElementTree.parse(site / folder / "sitemap.xml")
        for url in tree.getroot():
            address = url.find(f"{space}loc").text
            told.add(address)
            twins = {n.attrib["hreflang"]: n.attrib["href"] for n in url.iter(link)}
            assert set(twins) == {"en", "zh-CN"}
            assert address == twins["zh-CN" if folder else "en"]
    root = next(a for a in sorted(told, key=len))
    own = {name for name, document in pages.items() if not moved(document)}
    assert told == {root + re.sub(r"index\.html$", "", name) for name in own}


def test_both_languages_have_the_same_pages(pages):
    english = {name for name in pages if not name.startswith("zh/")}
    chinese = {name.removeprefix("zh/") for name in pages if name.startswith("zh/")}
    assert english == chinese


def test_the_explorer_links_of_the_map_find_as_many_papers_as_the_map_counts(
    site, pages
):
    table = pages["papers/index.html"]
    boxes = [
        (node.attributes["name"], node.attributes["value"])
        for node in table.css(".sk-facet input")
    ]
    rows = [
        {boxes[int(number)] for number in row.attributes["data-f"].split(",")}
        for row in [*table.css("tr.r"), *older(site / "papers").css("tr.r")]
    ]
    cells = pages["index.html"].css(".sk-map td a")
    assert len(cells) > 5
    for cell in cells:
        query = {
            tuple(part.split("="))
            for part in urlsplit(cell.attributes["href"]).query.split("&")
        }
        found = [row for row in rows if query <= row]
        assert len(cell.css("[data-y]")) == len(found), cell.attributes["href"]


def test_no_error_of_the_first_lists_is_on_the_site(site):
    forbidden = re.compile("Rodr√|King‚Äô|√°|Ã©|â€™|\ufffd")
    for path in site.rglob("*"):
        shows_one = "docs/format" in path.as_posix()  # of what a rule refuses
        if path.suffix in (".html", ".bib", ".json", ".ris") and not shows_one:
            assert not forbidden.search(path.read_text("utf-8")), path


def paper_ids(pages):
    return {
        name.split("/")[1]
        for name, document in pages.items()
        if re.fullmatch(r"papers/[^/]+/index\.html", name) and not moved(document)
    }


def test_every_paper_is_in_the_table_once(site, pages):
    for folder in ("", "zh/"):
        first = pages[f"{folder}papers/index.html"].css("tr.r")
        rows = [*first, *older(site / folder / "papers").css("tr.r")]
        links = [row.css_first("a.sk-title").attributes["href"] for row in rows]
        assert sorted(link.removesuffix("/") for link in links) == sorted(paper_ids(pages))  # fmt: skip


def test_without_a_script_the_table_and_the_years_it_leads_to_hold_every_paper(pages):
    for folder in ("", "zh/"):
        path = f"{folder}papers/index.html"
        links = {a.attributes["href"] for a in pages[path].css("tr.r a.sk-title")}
        found = {link.removesuffix("/") for link in links}
        assert found
        for year in pages[path].css(".sk-older a"):
            held = pages[_resolve(path, year.attributes["href"]) + "/index.html"]
            titles = held.css("ol.sk-list a.sk-title")
            found |= {a.attributes["href"].split("/")[-2] for a in titles}
        assert found == paper_ids(pages)


def test_the_other_builds_files_are_reached_from_chinese_pages(site):
    assert Path(site / "survey.bib").is_file()
    assert not (site / "zh" / "survey.bib").exists()
