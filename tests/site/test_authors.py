"""Pages of names: who has one, where it lies, and what it says."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from datetime import date
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from surveykit.models import Author
from surveykit.render.pages.authors import author_pages
from surveykit.render.pages.page import Press
from surveykit.render.pages.paper import paper_pages
from surveykit.render.people import people

ORCID = "0000-0002-1825-0097"
NAMES = (
    st.text("abAB eéÉ-'.łß冯世Я7", min_size=1, max_size=90)
    .map(lambda t: " ".join(t.split()))
    .filter(bool)
)


def signed(catalog, *authors):
    """The catalog with these authors on its first papers, one list a paper, and nobody on the others."""
    lists = [*authors, *[["Only Once"]] * len(catalog.papers)]
    papers = tuple(
        paper.model_copy(update={"authors": tuple(map(Author.model_validate, listed))})
        for paper, listed in zip(catalog.papers, lists, strict=False)
    )
    return dataclasses.replace(catalog, papers=papers)


def pages(catalog, lang="en"):
    return {p.uri: LexborHTMLParser(p.html) for p in author_pages(Press(catalog, lang))}


def literal(*names):
    return [{"literal": name} for name in names]


@given(st.lists(NAMES, min_size=1, max_size=12, unique=True))
def test_every_name_has_an_address_of_its_own_in_ascii(catalog, names):
    slugs = [p.slug for p in people(signed(catalog, literal(*names))).values()]
    assert len(set(slugs)) == len(slugs)
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", slug) for slug in slugs)
    assert all(len(slug) < 80 and slug != "index" for slug in slugs)


def test_an_address_stays_when_another_name_with_its_letters_comes(catalog):
    catalog = signed(
        catalog, ["José Álvarez"], ["José Álvarez"], ["Jose Alvarez"], literal("冯世伟")
    )
    first, *others = catalog.papers
    old = {
        n: p.slug
        for n, p in people(dataclasses.replace(catalog, papers=(first,))).items()
    }
    later = [p.model_copy(update={"added": date(2030, 1, 1)}) for p in others]
    now = {
        n: p.slug
        for n, p in people(dataclasses.replace(catalog, papers=(first, *later))).items()
    }
    assert now["José Álvarez"] == old["José Álvarez"] == "jose-alvarez"
    assert re.fullmatch("jose-alvarez-[0-9a-f]{8}", now["Jose Alvarez"])
    assert re.fullmatch("name-[0-9a-f]{8}", now["冯世伟"])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_name_on_two_papers_has_a_page_and_the_list_has_all(catalog, lang):
    both = {"given": "Ada", "family": "Example", "han": "安例"}
    catalog = signed(catalog, [both, "Bob Other"], [both, "Zoë Third"])
    made = pages(catalog, lang)
    count = len(catalog.papers) - 2
    assert ("authors/only-once.md" in made) == (count > 1)
    listed = made.pop("authors/index.md")
    assert {a.attributes["href"] for a in listed.css("li a")} == {
        uri.removeprefix("authors/").replace(".md", "/") for uri in made
    }
    text = listed.body.text()
    assert "Ada Example 安例 2" in " ".join(text.split())
    assert "Bob Other" in text
    assert "Zoë Third" in text
    ada = made["authors/ada-example.md"]
    assert {a.attributes["href"] for a in ada.css(".sk-title")} == {
        f"../../papers/{paper.id}/" for paper in catalog.papers[:2]
    }
    assert {e.text() for e in ada.css(".sk-with li > *")} == {"Bob Other", "Zoë Third"}
    threats = Counter(catalog.topic(paper) for paper in catalog.papers[:2])
    assert [int(b.text()) for b in ada.css(".sk-tally b")] == sorted(
        threats.values(), reverse=True
    )
    assert [unquote(a.attributes["href"]) for a in ada.css(".sk-actions a")] == [
        "../../papers/?author=Ada Example",
        "../../feeds/author/ada-example.atom",
    ]


@pytest.mark.parametrize(
    ("one", "two", "sure"),
    [
        (ORCID, ORCID, True),
        (ORCID, None, False),
        (ORCID, "0000-0001-5109-3700", False),
        (None, None, False),
    ],
)
def test_a_page_says_whether_one_person_is_meant(catalog, one, two, sure):
    ada = {"given": "Ada", "family": "Example"}
    page = pages(
        signed(catalog, *[[ada | ({"orcid": o} if o else {})] for o in (one, two)])
    )["authors/ada-example.md"]
    head = page.css_first("header").text()
    assert ("by one person" in head) == sure
    assert ("different people" in head) != sure
    links = {
        a.attributes["href"] for a in page.css("header a[href^='https://orcid.org/']")
    }
    assert links == {f"https://orcid.org/{o}" for o in (one, two) if o}


def test_authors_of_a_paper_lead_to_their_page_or_to_the_table(catalog):
    catalog = signed(catalog, ["Ada Example", "Bob Ö'Ther"], ["Ada Example"])
    page = next(iter(paper_pages(Press(catalog, "en"))))
    links = [
        a.attributes["href"] for a in LexborHTMLParser(page.html).css(".sk-authors a")
    ]
    assert links == [
        "../../authors/ada-example/",
        "../../papers/?author=Bob%20%C3%96%27Ther",
    ]


def test_the_list_stays_small(catalog):
    """Like 1,041 papers: 3,600 names, of which 870 stand on two papers or more."""
    several = [f"Given{n} Familyname{n:03}" for n in range(870)]
    once = [f"Given{n:04} Familyname" for n in range(2_730)]
    press = Press(signed(catalog, [*several, *once], several), "en")
    listed = next(author_pages(press))
    assert len(press.people) >= 3_600
    assert (
        len(listed.html.encode()) < 130_000
    )  # invented names are a third longer than real ones
