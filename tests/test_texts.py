"""Texts: what they may hold, and what is said of what they may not, with its place."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from surveykit.load import check
from surveykit.prose import count, read_prose
from surveykit.render.pages import render_pages

HEAD = "---\ntitle: Planted\nlead: How it is planted.\nkind: {kind}\n{more}---\n\n"
PAPER = "feng2023detecting"
LONG = "plain words " * 12
FILL = f"Some words about what was found [@{PAPER}]. " * 12
EN, ZH = "catalog/text/en/{}.md", "catalog/text/zh/{}.md"


def put(root: Path, name: str, body: str, kind: str = "primer", more: str = "of: backdoor\n", zh: str | None = None) -> None:  # fmt: skip
    head = HEAD.format(kind=kind, more=more)
    filled = f"后门的植入方式与检测方法[@{PAPER}]。" * 14
    for path, text in ((EN, body), (ZH, filled if zh is None else zh)):
        file = root / path.format(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(head + text, encoding="utf-8")


def found(root: Path) -> list[tuple[str, str, int, int]]:
    return [(p.path, p.rule, p.line, p.column) for p in check(root).problems]


def test_a_text_in_both_languages_is_read(catalog_dir):
    put(catalog_dir, "planted", FILL)
    checked = check(catalog_dir)
    assert checked.problems == ()
    both = checked.catalog.texts["planted"]
    assert [both[lang].head.of for lang in ("en", "zh")] == ["backdoor"] * 2
    assert read_prose(both["en"].body).cited == (PAPER,)


BAD = {  # what stands in the English text below the filled paragraph -> rule, line of the file, column
    "an unknown paper": ("Then [@feng2023detectin].", "SK381", 10, 7),
    "a citation that is none": ("Then [@Feng 2023].", "SK386", 10, 6),
    "a title": ("# Title", "SK386", 10, 1),
    "a block of code": ("```\nx\n```", "SK386", 10, 1),
    "a rule": ("***", "SK386", 10, 1),
    "a page that is not there": ("[a](page:papers/nobody2020nothing/)", "SK385", 10, 5),
    "a heading that is not there": ("[a](#s9)", "SK385", 10, 5),
    "a relative address": ("[a](../papers/)", "SK385", 10, 5),
    "a private address": ("[a](http://127.0.0.1/)", "SK385", 10, 5),
    "a picture from elsewhere": ("![a](https://example.org/a.png)", "SK385", 10, 6),
    "a picture no method has": ("![a](method:badseeds/a.svg)", "SK385", 10, 6),
    "figures of no method": ("![a](measured:badseed/1)", "SK385", 10, 6),
    "a long paragraph without a citation": (LONG, "SK420", 10, 1),
    "a long section": (f"## Two\n\n{FILL * 6}", "SK421", 10, 1),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_a_text_may_not_hold_is_said_with_its_place(case, catalog_dir):
    body, *want = BAD[case]
    put(catalog_dir, "planted", f"{FILL}\n\n{body}\n")
    got = [p for p in found(catalog_dir) if p[0] == EN.format("planted")]
    assert (EN.format("planted"), *want) in got
    assert {rule for _, rule, *_ in got} <= {want[0], "SK383", "SK421"}


@pytest.mark.parametrize("body", [f"{LONG}{{own}}", f"{LONG} [a](page:papers/)", "A few words."])  # fmt: skip
def test_a_paragraph_may_go_without_a_citation(body, catalog_dir):
    put(catalog_dir, "planted", f"{FILL}\n\n{body}\n")
    assert found(catalog_dir) == []


def test_front_matter_is_read_as_strictly_as_an_entry(catalog_dir):
    path = EN.format("planted")
    put(catalog_dir, "planted", FILL)
    text = (catalog_dir / path).read_text(encoding="utf-8")

    def with_head(old: str, new: str) -> list[tuple[str, str, int, int]]:
        (catalog_dir / path).write_text(text.replace(old, new), encoding="utf-8")
        return [p for p in found(catalog_dir) if p[0] == path]

    assert with_head("---\ntitle", "title") == [(path, "SK380", 1, 1)]
    assert with_head("kind: primer", "kind: poem") == [(path, "SK205", 4, 7)]
    assert (path, "SK202", 3, 1) in with_head("lead:", "leed:")
    assert with_head("of: backdoor", "of: backdor") == [
        (path, "SK384", 5, 5),
    ]
    assert with_head("title: Planted", "title: a: b")[0][:3] == (path, "SK106", 2)
    assert with_head("Some words", "Some\u200bwords")[0][:3] == (path, "SK208", 8)
    assert with_head(FILL, FILL * 80) == [(path, "SK002", 1, 1)]


def test_a_text_has_a_place_of_its_own(catalog_dir):
    put(catalog_dir, "planted", FILL)
    put(catalog_dir, "sown", FILL)
    put(catalog_dir, "unheard", FILL, "page", "")
    rules = {(path, rule) for path, rule, *_ in found(catalog_dir)}
    assert (EN.format("sown"), "SK384") in rules
    assert (EN.format("unheard"), "SK384") in rules


def test_both_languages_are_there_and_cite_the_same(catalog_dir):
    put(catalog_dir, "planted", FILL)
    (catalog_dir / ZH.format("planted")).unlink()
    assert found(catalog_dir) == [(EN.format("planted"), "SK382", 2, 8)]
    put(catalog_dir, "planted", f"{FILL}\n\nAnd [@saito2021early].")
    assert found(catalog_dir) == [(EN.format("planted"), "SK383", 10, 6)]


def test_a_milestone_is_cited(catalog_dir):
    put(catalog_dir, "planted", FILL, more="of: backdoor\nmilestones: [saito2021early]\n")  # fmt: skip
    assert {p[1:] for p in found(catalog_dir)} == {("SK381", 6, 14)}


def test_what_lies_among_the_texts_is_named_and_links_are_not_followed(catalog_dir):
    put(catalog_dir, "planted", FILL)
    folder = catalog_dir / "catalog/text"
    (folder / "fr").mkdir()
    (folder / "en/Big Name.md").write_text("x", encoding="utf-8")
    (folder / "en/linked.md").symlink_to("/etc/passwd")
    assert {(path, rule) for path, rule, *_ in found(catalog_dir)} == {
        ("catalog/text/fr", "SK004"),
        ("catalog/text/en/Big Name.md", "SK004"),
        ("catalog/text/en/linked.md", "SK003"),
    }


def test_the_glossary_is_checked(catalog_dir):
    word = {
        "id": "trigger",
        "term": {"en": "trigger", "zh": "触发器"},
        "definition": {"en": "A sign.", "zh": "一个标记。"},
        "see": ["triger"],
        "papers": ["nobody2020nothing"],
    }
    path = catalog_dir / "catalog/glossary.yaml"
    path.write_text(json.dumps([word, word | {"see": [], "papers": []}]), "utf-8")  # fmt: skip
    rules = {rule for _, rule, *_ in found(catalog_dir)}
    assert rules == {"SK381", "SK385", "SK387"}


@pytest.mark.parametrize("sign", ["[", "[@", "*a ", "> ", "![", "`", "|", "[a](", "- "])
def test_no_text_can_stall_a_run(sign, catalog_dir):
    put(catalog_dir, "planted", (sign * 32_000)[:31_000])
    start = time.process_time()
    check(catalog_dir)
    assert time.process_time() - start < 5


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '[x](javascript:alert(1)) [y](<data:text/html,x>) [z](https://a.example/"onclick="x)',
    '![x" onerror="x](method:badseeds/a.svg "</figcaption><script>")',
    "`</code><script>` **<b>** &lt;script&gt;",
    "| <script> | b |\n|--|--|\n| <i>x</i> | [@nobody2020nothing] |",
]


def test_nothing_in_a_text_becomes_an_element_or_an_attribute(catalog_dir):
    put(catalog_dir, "planted", f"{FILL}\n\n" + "\n\n".join(HOSTILE))
    catalog = check(catalog_dir).readable
    page = next(p for p in render_pages(catalog, "en") if p.uri == "terms/threat/backdoor.md")  # fmt: skip
    text = LexborHTMLParser(page.html).css_first("section[aria-labelledby='planted-h']")
    assert not text.css("script, img, i, b, [onerror], [onclick]")
    assert all(a.attributes["href"].startswith(("../", "https://", "#")) for a in text.css("a"))  # fmt: skip
    assert "<script>alert(1)</script>" in text.text()


def test_a_page_shows_its_text_with_everything_that_it_cites(catalog_dir):
    put(catalog_dir, "planted", f"## One\n\n{FILL}\n\n## Two\n\nAs [they](@saito2021early) say.", zh="## 一\n\n" + f"后门的植入方式与检测方法[@{PAPER}; @saito2021early]。" * 12)  # fmt: skip
    catalog = check(catalog_dir).catalog
    for lang in ("en", "zh"):
        page = next(p for p in render_pages(catalog, lang) if p.uri == "terms/threat/backdoor.md")  # fmt: skip
        document = LexborHTMLParser(page.html)
        refs = {a.attributes["data-ref"] for a in document.css(".sk-ref")}
        listed = {li.attributes["id"] for li in document.css(".sk-refs > li")}
        assert listed == {f"ref-{id_}" for id_ in refs} == {f"ref-{PAPER}", "ref-saito2021early"}  # fmt: skip
        ids = {node.attributes["id"] for node in document.css("[id]")}
        links = [a.attributes["href"][1:] for a in document.css(".sk-contents a")]
        assert links
        assert set(links) <= ids
        assert page.html.index('class="sk-texts"') < page.html.index('id="lists-h"')
    assert "Feng et al., 2023" in next(p.html for p in render_pages(catalog, "en") if p.uri == "terms/threat/backdoor.md")  # fmt: skip


def test_words_are_counted_in_both_languages():
    assert count("a well-known state-of-the-art model’s 3.5 words") == 6
    assert count("预训练编码器 CLIP") == 7


@pytest.mark.parametrize(
    ("kind", "of", "least", "most"),
    [("primer", "of: backdoor\n", 60, 280), ("technique", "of: model-scanning\n", 100, 400)],
)  # fmt: skip
def test_lengths_end_where_the_guide_says_and_count_words_or_characters(
    kind, of, least, most, catalog_dir
):
    def said(words: int, signs: int) -> list[str]:
        english = f"word [@{PAPER}]" + " word" * (words - 1)
        chinese = f"字[@{PAPER}]" + "字" * (signs - 1)
        put(catalog_dir, "planted", english, kind, of, chinese)
        return [p.message for p in check(catalog_dir).problems if p.rule == "SK421" and "kind" in p.message]  # fmt: skip

    small, large = round(least * 1.8), round(most * 1.8)
    assert said(least, small) == said(most, large) == []
    limits = f"a text of kind `{kind}` has"
    assert said(least - 1, small) == [f"{least - 1} words; {limits} {least} to {most}"]
    assert said(most + 1, large) == [f"{most + 1} words; {limits} {least} to {most}"]
    assert said(least, small - 1) == [f"{small - 1} characters; {limits} {small} to {large}"]  # fmt: skip
    assert said(most, large + 1) == [f"{large + 1} characters; {limits} {small} to {large}"]  # fmt: skip
