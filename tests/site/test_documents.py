"""The documentation: every document is reached, every link leads somewhere, and no text becomes HTML."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser

from surveykit.documents import CONTENTS, Document, divided
from surveykit.intake import Intake
from surveykit.load_documents import read_documents
from surveykit.render.api import shape
from surveykit.render.api.reference import api_doc
from surveykit.render.pages import interface, render_files, render_pages
from surveykit.render.pages.documents import contents, document_pages, searched
from surveykit.render.pages.page import Press
from tests.site.test_search import engine

ROOT = Path(__file__).parents[2]
LANGS = ("en", "zh")
READ_BY_USERS = ("install", "faq", "migrate", "tutorials/")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def anchors(document):
    """What a link into a document may lead to."""
    own = re.findall(r'<a id="([^"<>]+)">', document.body)
    return {*own, *(heading.anchor for heading in document.outline)}


@pytest.fixture(scope="module")
def documented(whole_catalog):
    return whole_catalog


@pytest.fixture(scope="module")
def documents(documented):
    return documented.documents


def with_document(catalog, text, zh=None):
    """The catalog with one document, and its page in a language."""
    front = "# Contents\n\n## All\n\n- [One](one.md): A document.\n"
    both = {"en": Document("one", "docs/one.md", text)}
    if zh:
        both["zh"] = Document("one", "docs/one.zh-CN.md", zh)
    first = {"en": Document(CONTENTS, "docs/README.md", front)}
    changed = dataclasses.replace(catalog, documents={CONTENTS: first, "one": both})
    pages = {
        lang: {p.uri: p for p in document_pages(Press(changed, lang))} for lang in LANGS
    }
    return changed, {lang: made["docs/one.md"] for lang, made in pages.items()}


def test_the_contents_name_every_document_once_and_in_both_languages(documented):
    named = {}
    for lang in LANGS:
        lines = [e for _, entries in contents(Press(documented, lang)) for e in entries]
        named[lang] = [line.name for line in lines]
        assert all(line.words for line in lines)
    assert named["en"] == named["zh"]
    assert sorted(named["en"]) == sorted(documented.documents.keys() - {CONTENTS})
    assert set(documented.documents[CONTENTS]) == set(LANGS)


def test_a_line_of_the_contents_is_its_link_and_what_stands_behind_it():
    text = "# T\n\n## A\n\n- [x: y](x.md): z: `w`\n- [q](q.md)：甲\n- no link\n\n## B\n"
    found = Document(CONTENTS, "docs/README.md", text).groups()
    assert found == [("A", [("x: y", "x.md", "z: w"), ("q", "q.md", "甲")]), ("B", [])]


def test_what_users_read_is_there_in_chinese(documents):
    lacking = {
        name
        for name, both in documents.items()
        if name.startswith(READ_BY_USERS) and set(both) != set(LANGS)
    }
    assert not lacking


def test_links_from_file_to_file_lead_somewhere(documents):
    """As they stand, for readers of the repository."""
    broken = []
    for both in documents.values():
        for document in both.values():
            for href in LINK.findall(CODE.sub("", document.body)):
                parts = urlsplit(href)
                if parts.scheme:
                    continue
                here = ROOT / document.path
                target = here if not parts.path else here.parent / parts.path
                if not target.exists():
                    broken.append(f"{document.path}: {href}")
                elif parts.fragment and target.suffix == ".md":
                    text = target.read_text("utf-8")
                    path = target.resolve().relative_to(ROOT).as_posix()
                    known = {a for _, d in divided(path, text) for a in anchors(d)}
                    if unquote(parts.fragment) not in known:
                        broken.append(f"{document.path}: {href} has no such anchor")
    assert not broken


@pytest.mark.parametrize("lang", LANGS)
def test_links_from_page_to_page_lead_somewhere(documented, lang):
    known = {page.url: page for page in render_pages(documented, lang)}
    ids = {u: set(re.findall(r' id="([^"]+)"', p.html)) for u, p in known.items()}
    count = 0
    for page in document_pages(Press(documented, lang)):
        for node in LexborHTMLParser(page.html).css("a[href]"):
            parts = urlsplit(node.attributes["href"])
            if parts.scheme:
                continue
            path = posixpath.normpath(posixpath.join(page.url, parts.path)) if parts.path else page.url.rstrip("/")  # fmt: skip
            assert f"{path}/" in known, f"{page.url}: {node.attributes['href']}"
            assert not parts.fragment or unquote(parts.fragment) in ids[f"{path}/"], f"{page.url}: {node.attributes['href']}"  # fmt: skip
            count += 1
    assert count > 500


def test_links_to_files_of_the_repository_go_to_the_forge_or_nowhere(catalog):
    text = "# T\n\nL.\n\n[a](../catalog/taxonomy.yaml) [b](two/) [c](../../x) [d](../CONTRIBUTING.md#a)\n"
    changed, pages = with_document(catalog, text)
    hrefs = [a.attributes.get("href") for a in LexborHTMLParser(pages["en"].html).css(".sk-essay a")]  # fmt: skip
    home = changed.survey.repository
    assert hrefs == [f"{home}/blob/main/catalog/taxonomy.yaml", f"{home}/tree/main/docs/two", None, f"{home}/blob/main/CONTRIBUTING.md#a"]  # fmt: skip
    homeless = catalog.survey.model_copy(update={"repository": ""})
    _, pages = with_document(dataclasses.replace(catalog, survey=homeless), text)
    assert not LexborHTMLParser(pages["en"].html).css(".sk-essay a[href]")


def test_a_link_to_a_method_goes_to_its_page(documented):
    card = next(iter(documented.cards))
    text = f"# T\n\nL.\n\n[a](../reference_impls/{card}/README.md) [b](../reference_impls/{card}/) [c](../reference_impls/{card}/method.py)\n"
    _, pages = with_document(documented, text)
    hrefs = [a.attributes["href"] for a in LexborHTMLParser(pages["en"].html).css(".sk-essay a")]  # fmt: skip
    assert hrefs[:2] == [f"../../methods/{card}/"] * 2
    assert hrefs[2].endswith(f"/blob/main/reference_impls/{card}/method.py")


def test_nothing_in_a_document_becomes_an_element_or_runs(catalog):
    evil = "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) ![y](https://evil.test/x.png)"
    text = f"# {evil}\n\n{evil}\n\n## {evil}\n\n<script>\nalert(1)\n</script>\n\n| {evil} |\n|---|\n| {evil} |\n\n```sh\n{evil}\n```\n\n```{evil}\nx\n```\n"
    changed, pages = with_document(catalog, text, text)
    for page in pages.values():
        document = LexborHTMLParser(page.html)
        assert not document.css("script, img, [onerror]")
        assert not document.css("a[href^=javascript]")
        assert "alert(1)" in document.text()
        assert "evil" in page.title or "alert" in page.title
    files = render_files(changed, "en")
    assert "</script" not in files["search-index.js"]


def test_comments_go_anchors_stay_and_the_way_to_the_other_language_is_the_sites(
    catalog,
):
    text = '# T\n\n[中文](#t-1)\n\n<!-- hidden -->\n\nLead **here**.\n\n<a id="own"></a>\n\nSee [it](#own).\n\n---\n\n# 题\n\n[English](#t)\n\n首段\n续行。\n'
    found = dict(divided("docs/one.md", text))
    assert found["en"].title == "T"
    assert found["zh"].title == "题"
    assert found["en"].lead == "Lead here."
    _, pages = with_document(catalog, found["en"].body, found["zh"].body)
    english, chinese = (LexborHTMLParser(pages[lang].html) for lang in LANGS)
    assert "hidden" not in pages["en"].html
    assert english.css_first("#own")
    assert english.css_first(".sk-lead").text() == "Lead here."
    assert "中文" not in english.css_first(".sk-manual__text").text()
    assert chinese.css_first(".sk-lead").text() == "首段续行。"


def test_a_title_in_a_block_of_code_divides_nothing():
    text = "# T\n\n```sh\n# no title\n```\n\n~~~\n# nor this\n~~~\n"
    assert [lang for lang, _ in divided("docs/one.md", text)] == ["en"]


def test_a_chinese_reader_of_an_english_document_is_told_so(catalog):
    _, pages = with_document(catalog, "# T\n\nLead.\n\nText.\n")
    note = LexborHTMLParser(pages["zh"].html).css_first(".sk-note")
    assert "尚无中文版" in note.text()
    assert note.attributes["lang"] == "zh-CN"
    assert LexborHTMLParser(pages["zh"].html).css_first(".sk-manual__text").attributes["lang"] == "en"  # fmt: skip
    assert not LexborHTMLParser(pages["en"].html).css(".sk-note")


def test_a_table_keeps_its_sides_without_styles_and_has_no_empty_head(catalog):
    _, pages = with_document(catalog, "# T\n\nL.\n\n| | n |\n|---|--:|\n| a | 1 |\n")
    table = LexborHTMLParser(pages["en"].html).css_first("table")
    assert not table.css("[style]")
    assert [n.text() for n in table.css(".sk-end")] == ["n", "1"]
    assert [n.text() for n in table.css("th")] == ["n"]
    assert len(table.css("tr")[0].css("th, td")) == 2


def test_only_a_block_with_a_language_has_a_button_to_copy(catalog):
    _, pages = with_document(catalog, "# T\n\nL.\n\n```sh\na\n```\n\n```\nb\n```\n")
    first, second = LexborHTMLParser(pages["en"].html).css(".sk-essay .sk-cmd")
    assert first.css_first(".sk-copy")
    assert not second.css_first(".sk-copy")
    assert first.css_first("pre").text() == "a"


def test_a_folder_without_contents_is_no_documentation(catalog_dir):
    folder = catalog_dir / "docs"
    folder.mkdir(exist_ok=True)
    (folder / "one.md").write_text("# One\n", "utf-8")
    assert read_documents(Intake(catalog_dir)) == {}
    (folder / "README.md").write_text("# All\n\n## A\n\n- [One](one.md)\n", "utf-8")
    (folder / "broken.md").write_bytes(b"# \xff\n")
    (folder / "two.zh-CN.md").write_text("# 二\n", "utf-8")
    (folder / "deep.md").mkdir()
    found = read_documents(Intake(catalog_dir))
    assert set(found) == {CONTENTS, "one", "broken"}


def test_without_documents_there_is_neither_a_page_nor_a_link_to_one(catalog):
    assert not catalog.documents
    assert not [p for p in render_pages(catalog, "en") if p.uri.startswith("docs/")]
    assert not interface(catalog, "en").documented


def test_a_document_is_searched_by_its_headings_and_only_where_it_is_named(documented):
    rows = {url: row for url, *row in searched(Press(documented, "en"))}
    assert "surveykit check-links" in rows["docs/cli/"][2]
    assert "docs/" not in rows


@pytest.mark.browser
def test_the_search_finds_documents(visit):
    page = visit("")
    found = engine(page, ["install", "add a paper", "migrate awesome list", "command line check-links"])  # fmt: skip
    for hits, wanted in zip(found, ("install", "tutorials/add-a-paper", "migrate", "cli"), strict=True):  # fmt: skip
        assert f"docs/{wanted}/" in hits


def test_the_page_of_the_api_has_every_field():
    text = api_doc()
    for model in (shape.Index, shape.PaperList, shape.PaperBrief, shape.PaperFull):
        for name, field in model.model_fields.items():
            assert f"`{field.alias or name}`" in text
    formats = (ROOT / "docs/format.md").read_text("utf-8")
    known = anchors(dict(divided("docs/format.md", formats))["en"])
    led = set(re.findall(r"\(format\.md#([a-z]+)\)", text))
    assert led
    assert led <= known
