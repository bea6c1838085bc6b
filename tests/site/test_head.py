"""What the head tells programs: Zotero gets the entry back, nothing escapes, pictures are drawn the same."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from surveykit.load import load_catalog
from surveykit.models import Bilingual
from surveykit.render import social
from surveykit.render.csl import item
from surveykit.render.pages import render_pages
from surveykit.render.pages.page import COINS_MOST

ROOT = Path(__file__).parents[2]
TYPES = {
    "citation_journal_title": "article-journal",
    "citation_conference_title": "paper-conference",
    "citation_technical_report_institution": "article",
}


@pytest.fixture(scope="module", params=["invented", "real"])
def any_catalog(request, catalog):
    return catalog if request.param == "invented" else load_catalog(ROOT)


@pytest.fixture(scope="module")
def heads(any_catalog):
    """Paper id -> the parsed head of its page."""
    return {
        page.uri.removeprefix("papers/").removesuffix(".md"): LexborHTMLParser(
            f"<html><head>{page.head}</head></html>"
        )
        for page in render_pages(any_catalog, "zh")
        if page.head
    }


def cleaned(author):
    """A name as Zotero's `cleanAuthor` takes it apart: at the comma, else at the last blank."""
    author = re.sub(r"[\s\u00a0]+", " ", author)
    if "," in author:
        last, first, *suffix = (part.strip() for part in author.split(","))
        return {"last": last, "first": ", ".join([first, *suffix])}
    first, _, last = author.rpartition(" ")
    return {"last": last, "first": first}


def zotero(document):
    """What Zotero's translator Embedded Metadata makes of `citation_*` tags, told by its behaviour."""
    tags = [
        (node.attributes["name"], node.attributes["content"])
        for node in document.css("meta[name^=citation_]")
    ]
    one = dict(tags)
    creators = []
    for text in (content for name, content in tags if name == "citation_author"):
        parts = re.split(r"\s*;\s*", text)
        if len(parts) == 1:
            by_comma = re.split(r"\s*,\s*", text.replace("\u00a0", "\0"))
            if len(by_comma) > 1 and " " in by_comma[0] and " " in by_comma[1]:
                parts = by_comma  # it takes them for two people
        creators += [cleaned(part.replace("\0", " ")) for part in parts]
    kinds = [TYPES[name] for name, _ in tags if name in TYPES]
    assert len(kinds) == 1
    first, last = one.get("citation_firstpage"), one.get("citation_lastpage")
    return {
        "type": kinds[0],
        "title": one["citation_title"],
        "creators": creators,
        "date": one["citation_publication_date"],
        "container": next(one[name] for name in TYPES if name in one),
        "volume": one.get("citation_volume"),
        "issue": one.get("citation_issue"),
        "pages": "-".join(filter(None, (first, last))) or None,
        "publisher": one.get("citation_publisher"),
        "DOI": one.get("citation_doi"),
        "URL": one.get("citation_public_url"),
        "number": one.get("citation_technical_report_number"),
    }


def test_zotero_gets_the_entry_back(heads, any_catalog):
    assert set(heads) == set(any_catalog.by_id)
    for id_, document in heads.items():
        paper = any_catalog.get(id_)
        got, want = zotero(document), item(paper, any_catalog)
        assert got["type"] == want["type"]
        assert got["title"] == want["title"]
        assert got["container"] == want.get("container-title", want.get("publisher"))
        for key in ("volume", "issue", "DOI", "URL", "number"):
            assert got[key] == want.get(key), (id_, key)
        assert got["pages"] == paper.pages
        year, *month = (int(part) for part in got["date"].split("/"))
        assert [[year, *month]] == want["issued"]["date-parts"]
        assert len(got["creators"]) == len(paper.authors)
        for creator, author in zip(got["creators"], paper.authors, strict=True):
            if author.literal:  # the tags have no way to say that a name is one piece
                assert f"{creator['first']} {creator['last']}".strip() == author.literal
            else:
                given = ", ".join(filter(None, (author.given, author.suffix)))
                assert creator == {"last": author.last, "first": given}


def test_names_with_blanks_on_both_sides_stay_one_person(catalog):
    paper = catalog.get("zhang2024workshop")
    author = {"given": "Laurens J. P.", "particle": "van der", "family": "Maaten"}
    paper = paper.model_validate(
        paper.model_dump(mode="json") | {"authors": [author, "Anna Example"]}
    )
    changed = dataclasses.replace(catalog, papers=(paper,))
    changed = dataclasses.replace(changed, papers=tuple(p if p.id != paper.id else paper for p in catalog.papers))  # fmt: skip
    page = next(p for p in render_pages(changed, "en") if p.uri == f"papers/{paper.id}.md")  # fmt: skip
    got = zotero(LexborHTMLParser(f"<head>{page.head}</head>"))
    assert got["creators"][0] == {"last": "van der Maaten", "first": "Laurens J. P."}
    assert len(got["creators"]) == 2


def test_json_ld_cannot_end_its_script(catalog):
    paper = catalog.papers[0]
    evil = "</script><script>alert(1)</script><!-- \u2028 & ' \""
    title = Bilingual.model_construct(en=evil, zh=evil)
    papers = tuple(p.model_copy(update={"title": title}) if p is paper else p for p in catalog.papers)  # fmt: skip
    changed = dataclasses.replace(catalog, papers=papers)
    for page in render_pages(changed, "en"):
        if page.uri == f"papers/{paper.id}.md":
            document = LexborHTMLParser(f"<head>{page.head}</head>")
            (script,) = document.css("script")
            assert json.loads(script.text())["headline"] == evil
            assert "alert" not in document.css_first("body").text()


def test_json_ld_names_the_page_that_tells_of_the_paper(heads, any_catalog):
    site = any_catalog.survey.site
    for id_, document in heads.items():
        data = json.loads(document.css_first("script").text())
        assert data["@type"] == "ScholarlyArticle"
        assert data["mainEntityOfPage"] == f"{site}zh/papers/{id_}/"
        assert all(url.startswith("https://") for url in data.get("sameAs", ()))


def test_lists_hand_their_papers_to_zotero_and_paper_pages_do_not(any_catalog):
    told = 0
    for page in render_pages(any_catalog, "en"):
        spans = LexborHTMLParser(page.html).css("span.Z3988")
        if page.uri.startswith("papers/"):
            assert not spans
        for span in spans:
            fields = parse_qs(span.attributes["title"], strict_parsing=True)
            assert fields["ctx_ver"] == ["Z39.88-2004"]
            assert fields["rft.atitle"][0]
            assert fields["rft.au"]
        told += len(spans)
        assert len(spans) <= COINS_MOST
    assert told >= len(any_catalog.papers)


def test_every_page_names_a_picture_that_is_drawn(any_catalog):
    drawn = {card.path for card in social.cards(any_catalog)}
    named = {page.image for page in render_pages(any_catalog, "zh")}
    assert named == drawn
    assert {social.path(paper) for paper in any_catalog.papers} < drawn


def test_a_picture_has_its_size_its_colour_and_the_same_bytes(catalog):
    cards = list(social.cards(catalog))
    assert len({card.key for card in cards}) == len(cards)
    for card in cards[:4]:
        data = social.draw(card)
        assert data == social.draw(card)
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.size == (social.WIDTH, social.HEIGHT)
            assert picture.format == "PNG"
            rgb = picture.convert("RGB")
            assert rgb.getpixel((5, 300)) == social._COLOURS[card.color - 1]  # fmt: skip
            inked = sum(rgb.convert("L").histogram()[:80])
        assert inked > 5000


def test_the_longest_and_strangest_titles_fit(catalog):
    card = next(iter(social.cards(catalog)))
    for title in ("W" * 300, "word " * 200, "ẞẽŁőş ﬁ 后门", "a"):
        assert social.draw(dataclasses.replace(card, title=title, below=title))


def test_the_colours_of_the_pictures_are_those_of_the_pages():
    css = (ROOT / "site/assets/css/10-tokens.css").read_text("utf-8")
    light = css.partition("slate")[0]
    told = dict(re.findall(r"--t-([0-9]): #([0-9a-f]{6});", light))
    told = {int(k): tuple(bytes.fromhex(v)) for k, v in told.items()}
    assert told == dict(enumerate(social._COLOURS, 1))
