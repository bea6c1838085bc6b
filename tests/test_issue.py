"""Issues become changes; nothing that an issue holds becomes anything else."""

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveykit.errors import IssueError
from surveykit.forms import forms
from surveykit.issue import branch, changed, parsed, target
from surveykit.render.issue_forms import render_forms
from surveykit.yaml_tree import parse

LICENCE = "### License · 许可\n\n- [x] I give this under CC-BY-4.0\n"


def body(catalog, kind, **answers):
    form = next(f for f in forms(catalog.taxonomy) if f.kind == kind)
    parts = [
        f"### {q.label}\n\n{answers.get(q.id, '_No response_')}\n"
        for q in form.questions
    ]
    return "\n".join([*parts, LICENCE])


def fix(catalog, **answers):
    paper = catalog.papers[0]
    given_ = {
        "id": paper.id,
        "field": "year",
        "value": "2019",
        "source": "arXiv:1",
    } | answers
    return parsed(body(catalog, "fix-entry", **given_), catalog)


def file_of(catalog, catalog_dir, request):
    return (catalog_dir / target(request, catalog)).read_text(encoding="utf-8")


def test_an_answered_form_is_understood(catalog):
    request = parsed(body(catalog, "new-paper", identifier="2303.15180"), catalog)
    assert (request.kind, request.values) == ("new-paper", {"identifier": "2303.15180"})


@pytest.mark.parametrize(
    ("field", "value", "key", "expected"),
    [
        ("year", "2019", "year", 2019),
        ("title.en", "Never: Say `never`", "title", "Never: Say `never`"),
        ("authors", "Ana Cruz\n\n Bo  Ito", "authors", ["Ana Cruz", "Bo Ito"]),
        ("links.code", "https://github.com/a/b", "links", "https://github.com/a/b"),
        ("pages", "1-9", "pages", "1-9"),
    ],
)
def test_a_field_is_changed_and_nothing_else(
    catalog, catalog_dir, field, value, key, expected
):
    request = fix(catalog, field=field, value=value)
    text = file_of(catalog, catalog_dir, request)
    before, after = parse(text).data, parse(changed(request, text)).data
    inner = field.partition(".")[2]
    assert (after[key][inner] if inner else after[key]) == expected
    if inner:
        before.setdefault(key, {})[inner] = expected
    assert after == before | {key: after[key]}
    assert (
        list(after.get(key)) == list(before.get(key))
        if isinstance(after[key], dict)
        else True
    )


def test_a_broken_link_with_a_replacement_is_mended(catalog, catalog_dir):
    paper = catalog.papers[0]
    answers = {
        "id": paper.id,
        "link": paper.links.paper,
        "replacement": "https://example.com/new",
    }
    request = parsed(body(catalog, "broken-link", **answers), catalog)
    after = parse(changed(request, file_of(catalog, catalog_dir, request))).data
    assert after["links"]["paper"] == "https://example.com/new"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("year", "nineteen"),
        ("year", "99"),
        ("links.code", "javascript:alert(1)"),
        ("identifiers.doi", "not a doi"),
        ("title.en", "x" * 5000),
        ("title.en", "a <!-- b -->"),
        ("title.en", "${{ secrets.TOKEN }}"),
        ("title.en", "a\u202eb"),
        ("title.en", "a ``` b"),
        ("title.en", "```\ncode"),
        ("authors", "Cher"),
        ("terms.role", "../../etc/passwd"),
        ("nothing", "x"),
        ("added", "2020-01-01"),
    ],
)
def test_a_value_that_no_entry_may_hold_is_refused(catalog, catalog_dir, field, value):
    def attempt():
        request = fix(catalog, field=field, value=value)
        return changed(request, file_of(catalog, catalog_dir, request))

    with pytest.raises(IssueError):
        attempt()


@pytest.mark.parametrize(
    "id_",
    [
        "../../../etc/passwd",
        "nobody2020none",
        "a\nb",
        "$(id)",
        "feng2023detecting.yaml",
    ],
)
def test_an_unknown_entry_is_refused(catalog, id_):
    with pytest.raises(IssueError):
        target(fix(catalog, id=id_), catalog)


def test_a_second_heading_cannot_be_smuggled_in(catalog):
    with pytest.raises(IssueError):
        fix(catalog, value="x\n\n### Field · 字段\n\nid")


NEW = {"identifier": "2303.15180"}


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "  \n"),
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text.replace("\n\n", "\n\n\n"),
        lambda text: text.replace("### Identifier · 标识", "### Identifier"),
        lambda text: text.replace("### Identifier · 标识", "### 标识"),
        lambda text: text.replace("### Identifier · 标识", "## identifier・标识："),
        lambda text: text.replace("### Identifier · 标识", "###  Identifier · 标识 ###"),
        lambda text: text.replace("2303.15180", "\u200b2303.15180\ufeff"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("2303.15180", "```text\n2303.15180\n```"),
        lambda text: text.replace("_No response_", "*No response*"),
        lambda text: text.replace("_No response_", "None"),
        lambda text: text.replace("_No response_", "-"),
        lambda text: text.replace("_No response_", "无"),
        lambda text: text.replace("### Program · 代码\n\n_No response_\n", ""),
        lambda text: text.replace("- [x]", "- [X]"),
        lambda text: text.replace("- [x]", "* [x]"),
        lambda text: text + "\nThanks for the survey!\n",
    ],
)  # fmt: skip
def test_what_the_forge_and_people_do_to_a_form_does_not_matter(catalog, edit):
    text = edit(body(catalog, "new-paper", **NEW))
    assert parsed(text, catalog).values == NEW


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text.replace("[x]", "[ ]"), "tick the form's last box"),
        (lambda text: text.replace(LICENCE, ""), "tick the form's last box"),
        (lambda text: text.replace("Identifier · 标识", "Title"), "'### Title' is not a heading of the form; delete the line"),
        (lambda text: text.replace("### Identifier · 标识\n\n2303.15180", ""), "'Identifier · 标识' is missing; put it back"),
        (lambda text: text.replace("Program · 代码", "Entry · 条目"), "open a new issue through a form"),
        (lambda text: text.replace("2303.15180", "_No response_"), "is not answered; arxiv, doi"),
        (lambda text: text.replace("2303.15180", "a\nb"), "takes one line"),
        (lambda text: text.replace("2303.15180", "a\u202eb"), "U+202E; type it anew"),
        (lambda text: text.replace("2303.15180", "a\u2067b"), "U+2067; type it anew"),
        (lambda text: text.replace("2303.15180", "a\ufffdb"), "U+FFFD; type it anew"),
        (lambda text: text + "x" * 20_001, "longer than 20000 characters"),
        (lambda text: "Dear all,\n\n" + text, "'Dear all,' stands before the first heading; delete it"),
        (lambda text: text + "\n### Program · 代码\n\nx", "stands there twice; delete one"),
        (lambda text: "", "tick the form's last box"),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_read_says_what_to_do(catalog, edit, said):
    with pytest.raises(IssueError) as caught:
        parsed(edit(body(catalog, "new-paper", **NEW)), catalog)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_was_left_out_is_reported(catalog):
    text = body(catalog, "new-paper", identifier="\u200b2303.\u00ad15180")
    notes = parsed(text + "\nPlease hurry.", catalog).notes
    assert notes == [
        "2 invisible characters left out",
        "what stands below the license was not read",
    ]


def test_text_around_the_form_is_refused(catalog):
    with pytest.raises(IssueError):
        parsed("hello\n" + body(catalog, "new-paper", identifier="2303.15180"), catalog)


def test_windows_line_ends_are_understood(catalog):
    text = body(catalog, "new-paper", identifier="2303.15180").replace("\n", "\r\n")
    assert parsed(text, catalog).values == {"identifier": "2303.15180"}


SIGNS = st.text(alphabet="abz09`'\"\\$({<>!-#*\r\n \t;|&~/.:中", max_size=60)


@given(SIGNS, SIGNS)
def test_whatever_is_asked_the_branch_is_a_plain_name(catalog, identifier, value):
    try:
        request = parsed(
            body(catalog, "new-paper", identifier=identifier, code=value), catalog
        )
    except IssueError:
        return
    name = branch(request, 7)
    assert re.fullmatch("issue-7/new-paper(-[a-z0-9]+)*", name)
    assert name == branch(request, 7)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(SIGNS)
def test_whatever_a_title_is_set_to_the_file_holds_that_and_the_rest(
    catalog, catalog_texts, value
):
    try:
        request = fix(catalog, field="title.en", value=value)
        text = catalog_texts[target(request, catalog)]
        after = parse(changed(request, text))
    except IssueError:
        return
    expected = parse(text).data
    expected["title"]["en"] = " ".join(value.split())
    assert (after.faults, after.data) == ([], expected)


@pytest.fixture
def catalog_texts(catalog, catalog_dir):
    return {
        path: (catalog_dir / path).read_text(encoding="utf-8")
        for path in catalog.paths.values()
    }


def test_the_forms_ask_for_what_the_website_fills_in(catalog):
    texts = render_forms(catalog)
    for name in ("id", "field", "value", "source"):
        assert f"id: {name}\n" in texts[".github/ISSUE_TEMPLATE/fix-entry.yml"]
    assert "- terms.role" in texts[".github/ISSUE_TEMPLATE/fix-entry.yml"]


def test_labels_of_a_form_are_unlike_each_other(catalog):
    for form in forms(catalog.taxonomy):
        labels = [question.label for question in form.questions]
        assert len(set(labels)) == len(labels)


def entry(catalog, catalog_dir, **answers):
    """The entry before and after an issue, as data, and what was noted."""
    request = fix(catalog, **answers)
    text = file_of(catalog, catalog_dir, request)
    return parse(text).data, parse(changed(request, text)).data, request.notes


@pytest.mark.parametrize("said", ["-", "(remove)", "（删除）", " `-` "])
@pytest.mark.parametrize(
    ("id_", "field"),
    [
        ("muller2024journal", "month"),
        ("muller2024journal", "pages"),
        ("muller2024journal", "links.code"),
        ("muller2024journal", "identifiers.doi"),
        ("oconnor2022universal", "terms.scope"),
    ],
)
def test_a_value_is_removed(catalog, catalog_dir, id_, field, said):
    before, after, _ = entry(catalog, catalog_dir, id=id_, field=field, value=said)
    key, _, inner = field.partition(".")
    assert inner or key not in after
    assert not inner or inner not in after.get(key, {})
    assert {k: v for k, v in before.items() if k != key} == {
        k: v for k, v in after.items() if k != key
    }


@pytest.mark.parametrize(
    "field",
    ["title.en", "title.zh", "authors", "venue", "year", "links.paper", "terms.role"],
)
def test_what_every_entry_has_is_not_removed(catalog, catalog_dir, field):
    with pytest.raises(IssueError, match="would remove what every entry has"):
        entry(catalog, catalog_dir, field=field, value="-")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_notes_are_removed_in_both_languages_at_once(catalog, catalog_dir, lang):
    id_ = "oconnor2022universal"
    _, after, notes = entry(
        catalog, catalog_dir, id=id_, field=f"notes.{lang}", value="-"
    )
    assert "notes" not in after
    assert notes == [f"notes: removed as a whole, as it cannot lack {lang}"]


def test_a_note_in_one_language_leaves_the_other_to_a_person(catalog, catalog_dir):
    id_ = "muller2024journal"
    _, after, notes = entry(
        catalog, catalog_dir, id=id_, field="notes.en", value="See also."
    )
    assert after["notes"] == {"en": "See also.", "zh": "TODO"}
    assert notes == ["notes.zh: left to the author, marked TODO"]


def test_both_languages_fit_into_one_answer(catalog, catalog_dir):
    id_ = "muller2024journal"
    said = "en: See also.\r\nzh：另见。"
    _, after, notes = entry(catalog, catalog_dir, id=id_, field="notes.zh", value=said)
    assert (after["notes"], notes) == ({"en": "See also.", "zh": "另见。"}, [])


def test_a_new_summary_takes_its_source_from_the_issue(catalog, catalog_dir):
    asked = {
        "id": "muller2024journal",
        "field": "tldr.en",
        "source": "arXiv:2401.00001",
    }
    said = "en: It scans.\nzh: 它会扫描。\nbasis: abstract"
    _, after, _ = entry(catalog, catalog_dir, value=said, **asked)
    assert after["tldr"] == {
        "en": "It scans.",
        "zh": "它会扫描。",
        "basis": "abstract",
        "source": "arXiv:2401.00001",
    }
    with pytest.raises(IssueError, match="`basis: abstract` or `basis: paper`"):
        entry(catalog, catalog_dir, value="It scans.", **asked)


def test_former_ids_are_set_and_lead_to_the_entry(catalog, catalog_dir):
    said = "saito2020early, saito2020patches"
    _, after, _ = entry(
        catalog, catalog_dir, id="saito2021early", field="former_ids", value=said
    )
    assert after["former_ids"] == ["saito2020early", "saito2020patches"]
    paper = catalog.get("saito2021early").model_copy(
        update={"former_ids": ("saito2020early",)}
    )
    renamed = replace(catalog, papers=(paper,))
    request = fix(catalog, id="saito2020early")
    assert target(request, renamed).endswith("saito2021early.yaml")


@pytest.mark.parametrize(
    "said",
    [
        "https://example.org/papers/feng2023detecting/",
        "<https://example.org/zh/papers/feng2023detecting/?x=1#top>",
        "`feng2023detecting`",
        "Feng2023Detecting",
    ],
)
def test_an_entry_is_named_by_its_page_too(catalog, said):
    request = fix(catalog, id=said)
    assert target(request, catalog).endswith("/feng2023detecting.yaml")
    assert branch(request, 3) == "issue-3/fix-entry-feng2023detecting"


def test_an_unknown_entry_is_answered_with_near_ones(catalog):
    with pytest.raises(IssueError, match=r"did you mean feng2023detecting\?"):
        target(fix(catalog, id="feng2023detection"), catalog)


@pytest.mark.parametrize(
    ("link", "replacement", "expected"),
    [
        ("https://github.com/example/guard", "[new](https://github.com/example/guard2)", "https://github.com/example/guard2"),
        ("http://www.github.com/example/guard/", "github.com/example/guard2", "https://github.com/example/guard2"),
        ("<https://github.com/example/guard>", "<https://github.com/example/guard2>", "https://github.com/example/guard2"),
        ("code", "https://github.com/example/guard2", "https://github.com/example/guard2"),
        ("https://github.com/example/guard", "-", None),
    ],
)  # fmt: skip
def test_a_broken_link_is_found_as_people_write_it(
    catalog, catalog_dir, link, replacement, expected
):
    answers = {"id": "muller2024journal", "link": link, "replacement": replacement}
    request = parsed(body(catalog, "broken-link", **answers), catalog)
    after = parse(changed(request, file_of(catalog, catalog_dir, request))).data
    assert after["links"].get("code") == expected


@pytest.mark.parametrize(
    ("link", "replacement", "said"),
    [
        ("https://example.org/gone", "https://example.org/here", "copy one of paper: https://doi.org"),
        ("code", "_No response_", "answer `-` to remove the link"),
        ("code", "somewhere else", "is not an address; write one, like https://"),
        ("paper", "(remove)", "would remove what every entry has"),
    ],
)  # fmt: skip
def test_a_broken_link_that_cannot_be_mended_says_why(
    catalog, catalog_dir, link, replacement, said
):
    answers = {"id": "muller2024journal", "link": link, "replacement": replacement}
    request = parsed(body(catalog, "broken-link", **answers), catalog)
    with pytest.raises(IssueError) as caught:
        changed(request, file_of(catalog, catalog_dir, request))
    assert said in str(caught.value)
