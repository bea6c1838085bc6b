"""Both READMEs: counts add up, links and anchors resolve, nothing in a title is markup."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from faults import FAULTS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from surveykit.catalog import Catalog
from surveykit.load import load_catalog
from surveykit.models import Paper
from surveykit.render.picture import path as picture_path
from surveykit.render.picture import render_picture
from surveykit.render.readme import own_citation, public, render_readme, sections
from surveykit.text.markdown import Outline, address, escape, slug

ROOT = Path(__file__).parents[1]
GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


class Shown(HTMLParser):
    """What a browser would make of a page: text, elements, headings, targets."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.text, self.tags, self.links, self.ids = "", [], [], []
        self.headings: list[str] = []
        self._in_heading = False
        self.feed(GITHUB.render(markdown))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attributes = dict(attrs)
        for name in ("href", "src", "srcset"):
            if name in attributes:
                self.links.append(attributes[name])
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append("")
            self._in_heading = True

    def handle_endtag(self, tag):
        if re.fullmatch("h[1-6]", tag):
            self._in_heading = False

    def handle_data(self, data):
        self.text += data
        if self._in_heading:
            self.headings[-1] += data

    def anchors(self) -> set[str]:
        """Heading anchors by GitHub's published rule, written down a second time."""
        found: list[str] = list(self.ids)
        for heading in self.headings:
            kept = [
                c
                for c in heading.lower()
                if c in "- _" or unicodedata.category(c)[0] in "LM" or c.isdecimal()
            ]
            base = "".join(kept).replace(" ", "-")
            earlier = sum(
                re.fullmatch(re.escape(base) + r"(-\d+)?", a) is not None for a in found
            )
            found.append(f"{base}-{earlier}" if earlier else base)
        return set(found)


def readme(catalog: Catalog, lang: str) -> str:
    return render_readme(catalog, lang)


# What GitHub shows for these headings, from the published fixtures of github-slugger, which were read off github.com,
# and from READMEs in use.
KNOWN_SLUGS = [
    ("alpha", "alpha"),
    ("bravoCharlieDelta", "bravocharliedelta"),
    ("__proto__", "__proto__"),
    ("heading with a - dash", "heading-with-a---dash"),
    ("heading with an _ underscore", "heading-with-an-_-underscore"),
    ("heading with a period.txt", "heading-with-a-periodtxt"),
    ("exchange.bind_headers(exchange, routing [, bindCallback])", "exchangebind_headersexchange-routing--bindcallback"),
    (" a ", "-a-"),
    ("apostrophe’s should be trimmed", "apostrophes-should-be-trimmed"),
    ("I ♥ unicode", "i--unicode"),
    ("en–dash", "endash"),
    ("😄 unicode emoji", "-unicode-emoji"),
    ("Привет non-latin 你好", "привет-non-latin-你好"),
    ("Профили пользователей", "профили-пользователей"),
    ("a〇b Ⅳ", "a〇b-ⅳ"),
    ("The Other Security Issues", "the-other-security-issues"),
    ("Backdoor & poisoning", "backdoor--poisoning"),
    ("后门与投毒：攻击", "后门与投毒攻击"),
    ("语言模型的权重、词嵌入与分词器投毒", "语言模型的权重词嵌入与分词器投毒"),
    ("灰盒（准黑盒）", "灰盒准黑盒"),
    ("视觉-语言模型", "视觉-语言模型"),
]  # fmt: skip


@pytest.mark.parametrize(("heading", "expected"), KNOWN_SLUGS)
def test_anchors_are_those_of_github(heading, expected):
    assert slug(heading) == expected


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (["echo", "echo", "echo 1", "echo-1", "echo"], ["echo", "echo-1", "echo-1-1", "echo-1-2", "echo-2"]),
        (["foxtrot-1", "foxtrot", "foxtrot"], ["foxtrot-1", "foxtrot", "foxtrot-2"]),
        (["隐私", "隐私", "隐私"], ["隐私", "隐私-1", "隐私-2"]),
    ],
)  # fmt: skip
def test_repeated_headings_are_numbered_as_github_does(headings, expected):
    outline = Outline()
    for heading in headings:
        outline.heading(2, heading)
    assert [heading.anchor for heading in outline.headings] == expected


ODD = st.text(
    st.one_of(
        st.sampled_from("\\`*_{}[]()#+-.!|<>&~$@:/='\"^%;?0 1aW后，"),
        st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]),
    ),
    min_size=1,
    max_size=40,
).map(lambda text: " ".join(text.split()) or "x")


@settings(max_examples=500, deadline=None)
@given(ODD)
@example("$x$ and $y$")
@example("1. one")
@example("- one")
@example("=== x")
@example("<script>alert(1)</script>")
@example("[a](javascript:alert(1))")
@example("![x](https://evil.invalid/x.png)")
@example("see www.evil.invalid and https://evil.invalid")
@example("| a | b |")
@example("&amp; &lt; &#36;")
@example("~~gone~~ ~also~")
@example("*_**x**_*")
@example("`code` ``more``")
@example("{{ 7*7 }} {% raw %}")
@example("<!-- contents -->")
@example("@everyone mail me@example.org")
@example("[^1]")
@example("# heading #")
def test_escaped_text_shows_itself_and_nothing_else(text):
    for line in (
        escape(text),
        f"- {escape(text)}",
        f"## {escape(text)}",
        f"**{escape(text)}**<br>",
    ):
        shown = Shown(f"{line}\n")
        assert shown.text.strip() == text
        assert set(shown.tags) <= {"p", "ul", "li", "h2", "strong", "br", "span"}
        assert shown.links == []


def test_bare_addresses_in_a_title_are_not_linked():
    # GitHub links them in any text node; so no text node may hold a whole one.
    shown = GITHUB.render(
        escape("x https://evil.invalid www.evil.invalid a@evil.invalid")
    )
    assert not re.search(r"https?://|www\.|[\w.]+@\w", shown)


def test_an_address_keeps_its_link_whole():
    url = "https://example.org/a_(b)?x=1&y=[2"
    (link,) = Shown(f"[x]({address(url)})").links
    assert unquote(link) == url


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_catalog_without_papers_has_a_readme_too(catalog, lang):
    empty = Catalog(catalog.survey, catalog.taxonomy, catalog.venues, ())
    assert Shown(readme(empty, lang)).ids == []
    assert ET.fromstring(render_picture(empty, lang, "light")) is not None


@pytest.mark.parametrize("lang", ["en", "zh"])
class TestOfTheInventedCatalog:
    def test_every_paper_is_listed_once(self, catalog, lang):
        shown = Shown(readme(catalog, lang))
        assert sorted(shown.ids) == sorted(catalog.by_id)
        for paper in catalog.papers:
            assert shown.text.count(paper.title.en) == 1

    def test_the_table_adds_up(self, catalog, lang):
        check_table(readme(catalog, lang), catalog)

    def test_every_anchor_resolves(self, catalog, lang):
        check_anchors(readme(catalog, lang))

    def test_contents_lead_to_every_section(self, catalog, lang):
        text = readme(catalog, lang)
        for section in sections(catalog):
            assert f"](#{slug(section.topic.label.in_(lang))})" in text

    def test_a_second_threat_is_mentioned_where_it_belongs(self, catalog, lang):
        for section in sections(catalog):
            for paper in section.mentions:
                assert section.topic.id in paper.terms["threat"][1:]
        text = readme(catalog, lang)
        assert text.count("](#garcia2025benchmark)") == 1
        assert text.count("](#zhang2024workshop)") == 1

    def test_links_are_those_of_the_entry(self, catalog, lang):
        links = Shown(readme(catalog, lang)).links
        for paper in catalog.papers:
            assert paper.links.paper in links
            assert paper.links.code is None or paper.links.code in links
        assert "reference_impls/badseeds/" in links

    def test_the_text_is_the_same_twice(self, catalog, lang):
        assert readme(catalog, lang) == readme(catalog, lang)

    @pytest.mark.parametrize(
        "title",
        [
            "<img src=x onerror=alert(1)>",
            "[click](javascript:alert(1))",
            "</a></li><script>alert(1)</script>",
            "**bold** `code` | cell $x$",
            "{{ config.items() }} {% include '/etc/passwd' %}",
            "<!-- contents -->",
        ],
    )
    def test_a_hostile_title_is_only_text(self, catalog, lang, title):
        shown, honest = (
            Shown(readme(with_title(catalog, title), lang)),
            Shown(readme(catalog, lang)),
        )
        assert title in shown.text
        without = [tag for tag in shown.tags if tag != "span"]
        assert without == [tag for tag in honest.tags if tag != "span"]
        assert shown.links == honest.links

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_picture_has_one_mark_for_each_paper(self, catalog, lang, scheme):
        tree = ET.fromstring(render_picture(catalog, lang, scheme))
        svg = "{http://www.w3.org/2000/svg}"
        marks = [e for e in tree if e.tag in (f"{svg}circle", f"{svg}rect")]
        assert len(marks) == len(catalog.papers)
        width, height = float(tree.get("width")), float(tree.get("height"))
        for mark in marks:
            assert 0 < float(mark.get("cx", mark.get("x"))) < width
            assert 0 < float(mark.get("cy", mark.get("y"))) < height
        places = [(m.get("cx", m.get("x")), m.get("cy", m.get("y"))) for m in marks]
        assert len(set(places)) == len(places)


def with_title(catalog: Catalog, title: str) -> Catalog:
    first, *others = catalog.papers
    data = first.model_dump()
    data["title"] = {"en": title, "zh": title}
    papers = (Paper.model_validate(data), *others)
    return Catalog(
        catalog.survey,
        catalog.taxonomy,
        catalog.venues,
        papers,
        catalog.cards,
        catalog.paths,
    )


def check_table(text: str, catalog: Catalog) -> None:
    rows = [
        [cell.strip("* ") for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if re.match(r"\| (\d{4}|\*\*)", line)
    ]
    *years, total = rows
    numbers = [[0 if cell == "·" else int(cell) for cell in row[1:]] for row in years]
    assert [int(row[0]) for row in years] == list(catalog.years)
    for row, (year, papers) in zip(numbers, catalog.years.items(), strict=True):
        assert row[-1] == sum(row[:-1]) == len(papers), year
    assert [int(cell) for cell in total[1:]] == [
        sum(column) for column in zip(*numbers, strict=True)
    ]
    assert int(total[-1]) == len(catalog.papers)


def check_anchors(text: str) -> None:
    shown = Shown(text)
    wanted = {unquote(link[1:]) for link in shown.links if link.startswith("#")}
    assert wanted
    assert wanted <= shown.anchors()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_github_shows_it_whole_also_with_1200_papers(lang):
    """GitHub cuts a file at 500 KB; the list grows by as much for each paper."""
    catalog = load_catalog(ROOT)
    size = len(readme(catalog, lang).encode())
    assert size / len(catalog.papers) * max(1200, len(catalog.papers)) <= 400 * 1024


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://example.org/surveykit/", False),
        ("https://github.com/example/surveykit", False),
        ("https://docs.example.com/", False),
        ("https://example.github.io/x/", True),
        ("https://survey.dev/example", True),
    ],
)
def test_addresses_reserved_for_examples_are_not_shown(url, kept):
    assert public(url) == (url if kept else "")


def test_the_survey_is_cited_with_a_key(catalog):
    assert own_citation(catalog).startswith("@misc{inventedsurvey2026,\n")


# ---- the READMEs in the repository, made from the real catalog ----

TWICE = ["2312.09481", "2407.14971"]
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}
GENERATED = [*READMES.values(), ROOT / "survey.bib"]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_of_the_first_lists_is_left(fault):
    for path in GENERATED:
        assert fault not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize("arxiv", TWICE)
def test_an_arxiv_id_belongs_to_one_paper(arxiv):
    bib = (ROOT / "survey.bib").read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"\n(?=@)", bib) if arxiv in entry]
    assert len(entries) == 1
    for path in READMES.values():
        lines = [
            line
            for line in path.read_text(encoding="utf-8").splitlines()
            if arxiv in line
        ]
        assert len(lines) <= 1


@pytest.mark.parametrize("lang", READMES)
class TestInTheRepository:
    def test_relative_links_and_anchors_resolve(self, lang):
        text = READMES[lang].read_text(encoding="utf-8")
        check_anchors(text)
        for link in Shown(text).links:
            target, _, anchor = link.partition("#")
            if target and not urlsplit(link).scheme:
                assert (ROOT / target).exists(), link
            if target == "survey.bib" and anchor:
                check_lines(anchor)

    def test_pictures_are_there(self, lang):
        for scheme in ("light", "dark"):
            assert (ROOT / picture_path(lang, scheme)).is_file()

    def test_github_would_show_all_of_it(self, lang):
        # GitHub cuts a rendered file off at 500 KiB.
        assert READMES[lang].stat().st_size < 500 * 1024


def check_lines(anchor: str) -> None:
    first, last = (int(number[1:]) for number in anchor.split("-"))
    lines = (ROOT / "survey.bib").read_text(encoding="utf-8").splitlines()
    assert lines[first - 1].startswith("@")
    assert lines[last - 1] == "}"
    assert "}" not in lines[first : last - 1]
