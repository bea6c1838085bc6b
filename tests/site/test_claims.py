"""What papers claim: on their own pages and side by side for a technique, as text, and apart from what was measured here."""

from __future__ import annotations

import dataclasses

import pytest
from selectolax.lexbor import LexborHTMLParser

from surveykit.models import Claim
from surveykit.render.pages import render_pages

PAPER, OTHER, TECHNIQUE = "feng2023detecting", "muller2024journal", "model-scanning"
CLAIM = Claim(
    encoder="CLIP <b>ViT-B/32</b>",
    metric="AUC",
    value="from 0.50 to 0.99",
    source="arXiv:2303.00015, abstract",
)


@pytest.fixture(scope="module", params=["en", "zh"])
def pages(request, catalog):
    papers = [
        p.model_copy(update={"claims": (CLAIM,)}) if p.id == PAPER else p
        for p in catalog.papers
    ]
    claimed = dataclasses.replace(catalog, papers=tuple(papers))
    return {page.uri: page for page in render_pages(claimed, request.param)}


def section(pages, uri):
    tree = LexborHTMLParser(pages[uri].html)
    return tree.css_first("section[aria-labelledby='claims-h']")


def test_a_paper_shows_its_claims_with_their_source(pages):
    (line,) = section(pages, f"papers/{PAPER}.md").css("li")
    assert line.css_first("b").text() == CLAIM.value
    assert [s.text() for s in line.css("span")] == [CLAIM.encoder, CLAIM.source]
    assert line.css_first("span a").attributes["href"].endswith("2303.00015")


def test_a_paper_without_claims_has_no_such_section(pages):
    assert section(pages, f"papers/{OTHER}.md") is None


def test_a_technique_lists_every_claim_in_one_row(pages, catalog):
    table = section(pages, f"terms/technique/{TECHNIQUE}.md").css_first("table")
    (row,) = table.css("tbody tr")
    assert row.css_first("a").attributes["href"].endswith(f"papers/{PAPER}/")
    cells = [cell.text() for cell in row.css("td")]
    assert cells == [CLAIM.encoder, "", "", CLAIM.metric, CLAIM.value, CLAIM.source]
    assert len(table.css("thead th")) == len(cells) + 1


def test_claims_stand_only_with_techniques_that_have_some(pages):
    uris = {uri for uri in pages if uri.startswith("terms/") and section(pages, uri)}
    assert f"terms/technique/{TECHNIQUE}.md" in uris
    assert all(uri.startswith("terms/technique/") for uri in uris)
