"""Atom feeds: what RFC 4287 asks for, read by an independent parser; ids that stay."""

from __future__ import annotations

import dataclasses
import re
from datetime import date
from xml.etree import ElementTree

import feedparser
import pytest

from surveykit.models import Bilingual, Verification
from surveykit.render.feeds import MOST, feeds

ATOM = "{http://www.w3.org/2005/Atom}"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
IRI = re.compile(r"(https?://|urn:uuid:)[!-~]+")
# RFC 4287, 4.1.1 and 4.1.2: element -> (least, most) times.
FEED = {"id": (1, 1), "title": (1, 1), "updated": (1, 1), "subtitle": (0, 1), "rights": (0, 1),
        "link": (1, 9), "author": (0, 99), "entry": (0, MOST)}  # fmt: skip
ENTRY = {"id": (1, 1), "title": (1, 1), "updated": (1, 1), "published": (0, 1), "summary": (0, 1),
         "link": (1, 9), "author": (0, 999), "category": (0, 99)}  # fmt: skip


@pytest.fixture(params=["en", "zh"])
def lang(request):
    return request.param


def follows(node, rules):
    """The rules of RFC 4287 that concern a feed or an entry."""
    names = [child.tag.removeprefix(ATOM) for child in node]
    assert set(names) <= set(rules)
    for name, (least, most) in rules.items():
        assert least <= names.count(name) <= most, name
    for tag in ("updated", "published"):
        for moment in node.findall(ATOM + tag):
            assert MOMENT.fullmatch(moment.text)
    assert IRI.fullmatch(node.findtext(f"{ATOM}id"))
    assert node.findtext(f"{ATOM}title").strip()
    kinds = []
    for link in node.findall(f"{ATOM}link"):
        assert IRI.fullmatch(link.attrib["href"])
        kinds.append((link.get("rel", "alternate"), link.get("type")))
    assert len(kinds) == len(set(kinds))  # not two alternates of one type
    assert any(rel == "alternate" for rel, _ in kinds)
    for author in node.findall(f"{ATOM}author"):
        assert author.findtext(f"{ATOM}name").strip()
    for category in node.findall(f"{ATOM}category"):
        assert category.attrib["term"]


def test_feeds_follow_the_standard(any_catalog, lang):
    for path, text in feeds(any_catalog, lang).items():
        root = ElementTree.fromstring(text)
        assert root.tag == f"{ATOM}feed"
        follows(root, FEED)
        (self_link,) = root.findall(f"{ATOM}link[@rel='self']")
        assert self_link.attrib["href"].endswith(path)
        entries = root.findall(f"{ATOM}entry")
        for entry in entries:
            follows(entry, ENTRY)
            named = entry.findall(f"{ATOM}author") or root.findall(f"{ATOM}author")
            assert named
        ids = [entry.findtext(f"{ATOM}id") for entry in entries]
        assert len(ids) == len(set(ids))
        days = [entry.findtext(f"{ATOM}updated") for entry in entries]
        assert days == sorted(days, reverse=True)
        assert root.findtext(f"{ATOM}updated") == max(days, default=root.findtext(f"{ATOM}updated"))  # fmt: skip


def test_another_parser_reads_them_without_complaint(any_catalog, lang):
    for text in feeds(any_catalog, lang).values():
        read = feedparser.parse(text.encode())
        assert not read.bozo, read.get("bozo_exception")
        assert read.version == "atom10"


def test_a_feed_for_all_for_new_and_for_each_term(catalog, lang):
    paths = set(feeds(catalog, lang))
    terms = {f"feeds/{axis}/{t.id}.atom" for axis in ("threat", "technique") for t in catalog.axes[axis].terms}  # fmt: skip
    names = [a.name for p in catalog.papers for a in p.authors]
    authors = {path for path in paths if path.startswith("feeds/author/")}
    assert len(authors) == len({name for name in names if names.count(name) > 1})
    assert paths == terms | authors | {"feeds/all.atom", "feeds/new.atom"}
    read = feedparser.parse(feeds(catalog, lang)["feeds/threat/privacy.atom"])
    told = {entry.title for entry in read.entries}
    assert told == {p.title.in_(lang) for p in catalog.having("threat", "privacy")}


def changed(catalog, id_, **update):
    papers = tuple(p.model_copy(update=update) if p.id == id_ else p for p in catalog.papers)  # fmt: skip
    return dataclasses.replace(catalog, papers=papers)


def test_a_verified_entry_comes_up_again_but_is_not_new(catalog, lang):
    checked = Verification(date=date(2027, 1, 5), by=("DBLP",))
    after = changed(catalog, "saito2021early", verified=checked)
    first = feedparser.parse(feeds(after, lang)["feeds/all.atom"]).entries[0]
    assert first.link.endswith("papers/saito2021early/")
    assert first.updated == "2027-01-05T00:00:00Z"
    assert first.published < first.updated
    assert feeds(after, lang)["feeds/new.atom"] == feeds(catalog, lang)["feeds/new.atom"]  # fmt: skip


def test_ids_stay_when_the_site_moves_and_when_an_entry_is_renamed(catalog, lang):
    def ids(held):
        return {e.id for e in feedparser.parse(feeds(held, lang)["feeds/all.atom"]).entries}  # fmt: skip

    survey = catalog.survey.model_copy(update={"site": "https://elsewhere.example/"})
    assert ids(dataclasses.replace(catalog, survey=survey)) == ids(catalog)
    renamed = changed(
        catalog, "garcia2025benchmark", id="garcia2025wild", former_ids=("garcia2025benchmark",)
    )  # fmt: skip
    assert ids(renamed) == ids(catalog)


def test_hostile_words_stay_words(catalog, lang):
    evil = "<b>&amp;]]><script>\"'"
    after = changed(catalog, "saito2021early", title=Bilingual.model_construct(en=evil, zh=evil))  # fmt: skip
    root = ElementTree.fromstring(feeds(after, lang)["feeds/all.atom"])
    assert evil in {entry.findtext(f"{ATOM}title") for entry in root.iter(f"{ATOM}entry")}  # fmt: skip
