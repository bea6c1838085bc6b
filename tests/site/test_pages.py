"""Pages and files as data, without a site generator and without a browser."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
import yaml
from selectolax.lexbor import LexborHTMLParser

from surveykit import news
from surveykit.render import digest
from surveykit.render import pages as package
from surveykit.render.bibtex import bibliography
from surveykit.render.pages import (
    as_markdown,
    explorer,
    reading,
    render_files,
    render_pages,
)
from surveykit.render.pages.page import Press
from surveykit.render.pages.paper import paper_pages
from surveykit.render.people import people
from surveykit.words import _both, words

LANGS = ("en", "zh")


@pytest.fixture(scope="module", params=LANGS)
def pages(request, catalog):
    return {page.uri: page for page in render_pages(catalog, request.param)}


def document(page):
    return LexborHTMLParser(page.html)


def test_every_paper_term_year_and_venue_has_its_page(pages, catalog):
    wanted = {f"papers/{paper.id}.md" for paper in catalog.papers}
    wanted |= {f"terms/{axis}/{term}.md" for axis, term in catalog.terms}
    wanted |= {f"terms/{axis}/index.md" for axis in catalog.axes}
    wanted |= {f"years/{year}.md" for year in catalog.years}
    wanted |= {f"venues/{venue}.md" for venue in catalog.by_venue}
    wanted |= {f"methods/{card}.md" for card in catalog.cards}
    wanted |= {f"authors/{p.slug}.md" for p in people(catalog).values() if p.path}
    lists = ("papers", "terms", "years", "venues", "methods", "authors")
    wanted |= {f"{name}/index.md" for name in lists}
    wanted |= {f"{name}.md" for name in reading.pages(catalog)}
    wanted |= {"health.md", "leaderboards.md", "new.md"}
    assert set(pages) == wanted | {"index.md", "lifecycle.md", "matrix.md"}


def test_the_same_catalog_gives_the_same_bytes(catalog):
    for lang in LANGS:
        assert list(render_pages(catalog, lang)) == list(render_pages(catalog, lang))
        assert render_files(catalog, lang) == render_files(catalog, lang)


def test_a_paper_page_names_its_entry_to_edit(pages, catalog):
    for paper in catalog.papers:
        page = pages[f"papers/{paper.id}.md"]
        assert page.source == catalog.paths.get(paper.id)


def test_a_short_name_is_shown_where_the_title_does_not_say_it(catalog):
    paper = catalog.papers[0].model_copy(
        update={"aka": ("Wild", "TeCoA", "A Name That Is Longer Than Others")}
    )
    assert "Wild" in paper.title.en
    press = Press(
        dataclasses.replace(catalog, papers=(paper, *catalog.papers[1:])), "en"
    )
    page = document(next(iter(paper_pages(press))))
    (said,) = (n for n in page.css(".sk-meta") if n.text().startswith("Known as"))
    assert said.css_first("b").text() == "TeCoA, A Name That Is Longer Than Others"
    assert press.short(paper) == "Wild"
    assert press.short(catalog.papers[1]) == "Chen et al."


def test_relations_are_told_at_both_ends(pages, catalog):
    told = 0
    for paper in catalog.papers:
        section = document(pages[f"papers/{paper.id}.md"]).css_first(".sk-rel")
        found = section.css("a[href^='../../papers/']") if section else []
        links = [a.attributes["href"] for a in found]
        wanted = [f"../../papers/{link.other.id}/" for link in catalog.links(paper)]
        assert sorted(links) == sorted(wanted)
        told += len(links)
    assert told > 0


def test_the_map_counts_each_cell_once(pages, catalog):
    map_ = document(pages["index.md"]).css_first(".sk-map")
    marks = len(map_.css("[data-y]"))
    wanted = 0
    for threat in catalog.children("threat", None):
        for stage in catalog.children("stage", None):
            here, there = (
                {paper.id for paper in catalog.having(axis, term.id)}
                for axis, term in (("threat", threat), ("stage", stage))
            )
            wanted += len(here & there)
    assert marks == wanted > 0


def test_the_timeline_counts_attacks_and_defenses_of_every_year(pages, catalog):
    home = document(pages["index.md"])
    rows = home.css(".sk-more tbody tr")
    told = sum(int(td.text()) for tr in rows for td in tr.css("td") if td.text() != "·")
    assert told == sum(catalog.side(p) != "beside" for p in catalog.papers)


def test_front_matter_of_a_page_is_yaml_whatever_its_title(pages):
    for page in pages.values():
        _, front, body = as_markdown(page).split("---\n", 2)
        assert yaml.safe_load(front) == {
            "title": page.title,
            "description": page.description,
        }
        style = f"<style>{page.style}</style>" if page.style else ""
        assert body.strip().removeprefix(style).strip() == page.html.strip()


def test_json_ld_is_json_and_tells_the_title(pages, catalog):
    for paper in catalog.papers:
        head = LexborHTMLParser(pages[f"papers/{paper.id}.md"].head)
        script = head.css_first("script[type='application/ld+json']")
        data = json.loads(script.text())
        assert data["headline"] == paper.title.en
        assert [a["name"] for a in data["author"]] == [a.name for a in paper.authors]


def test_the_bibliography_of_the_site_is_that_of_the_repository(catalog):
    files = render_files(catalog, "en")
    assert files["survey.bib"] == bibliography(catalog.papers, catalog)
    cite = json.loads(files["papers/cite.json"])
    assert {f"papers/{id_}.bib" for id_ in cite} <= set(files)


def test_a_large_catalog_keeps_the_newest_rows_and_hands_out_the_rest(
    catalog, monkeypatch
):
    monkeypatch.setattr(explorer, "STATIC", 5)
    monkeypatch.setattr(explorer, "NEWEST", 3)
    page = next(p for p in render_pages(catalog, "en") if p.uri == "papers/index.md")
    shown = document(page).css("tr.r")
    files = render_files(catalog, "en")
    older = json.loads(
        files[explorer.OLDER].removeprefix("sk.take('older',").rstrip(")\n")
    )
    rest = LexborHTMLParser(f"<table>{''.join(older)}</table>").css("tr.r")
    links = [row.css_first("a").attributes["href"] for row in [*shown, *rest]]
    assert len(shown) == 3
    assert links == [f"{paper.id}/" for paper in catalog.papers]
    assert len(older) == len(rest)
    known = document(page).css_first(".sk-older").attributes["data-f"].split()
    assert [row.attributes["data-f"] for row in rest] == known
    assert document(page).css(".sk-older a")


def test_every_word_of_the_interface_is_used():
    folder = Path(package.__file__).parent
    root = folder.parents[3]
    sources = [*folder.rglob("*.html"), *folder.glob("*.py")]
    sources.append(Path(digest.__file__))
    sources += (root / "site" / "overrides").rglob("*.html")
    sources += (folder.parent / "templates").glob("*.jinja")
    sources += folder.parent.glob("*.py")
    text = "".join(path.read_text("utf-8") for path in sources)
    computed = re.compile(
        r"^(basis|track|gap|has|col|better)_|_long$|^(above|below|beside|conference|journal|preprint"
        r"|pdf|code|project|slides|video|keys)$"
        r"|^(n|k|a)_|^(start|paths|milestones|open|datasets|glossary|methodology)(_lead)?$"
    )
    unused = [
        f"{section}.{key}"
        for section, pairs in _both().items()
        for key in pairs
        if (section, key) not in {("news", kind) for kind in news.KINDS}
        and (section, key) not in {("digest", kind) for kind in digest.TOLD}
        and f"{section}.{key}" not in text
        and f"say.{key}" not in text
        and not computed.search(key)
    ]
    assert not unused


def test_placeholders_are_the_same_in_both_languages():
    for section, pairs in _both().items():
        for key, (en, zh) in pairs.items():
            if key == "authors_more":  # English counts the rest, Chinese everybody
                continue
            fields = [set(re.findall(r"\{(\w+)\}", text)) for text in (en, zh)]
            assert fields[0] == fields[1], f"{section}.{key}"


def test_chinese_words_use_full_width_punctuation_and_spaces():
    for section, pairs in _both().items():
        for key, (_, zh) in pairs.items():
            plain = re.sub(r"\{\w+\}", "", zh)
            assert not re.search(r"[\u4e00-\u9fff][,;:?!]", plain), f"{section}.{key}"
            assert not re.search(
                r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", plain
            ), f"{section}.{key}: {zh}"
    assert words("zh").nav.home != words("en").nav.home


def test_a_kind_of_page_styles_no_class_of_another():
    """One rule for a bare class in two sheets of pages (4x) is two people's use of one name."""
    owners = {}
    for sheet in sorted((Path(package.__file__).parents[4] / "site/assets/css").glob("4*.css")):  # fmt: skip
        for name in re.findall(r"^(\.sk-[\w-]+) \{", sheet.read_text("utf-8"), re.M):
            assert owners.setdefault(name, sheet.name) == sheet.name, name


def test_chinese_pages_lead_to_the_chinese_guide_and_put_chinese_in_wide_brackets(catalog):  # fmt: skip
    for page in render_pages(catalog, "zh"):
        assert "/CONTRIBUTING.md" not in page.html, page.uri
        notes = [small.text() for small in document(page).css("small")]
        assert not [t for t in notes if re.search(r"\([\u4e00-\u9fff]", t)], page.uri
