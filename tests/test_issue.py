"""Issues become changes; nothing that an issue holds becomes anything else."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveykit.forms import forms
from surveykit.issue import IssueError, branch, changed, parsed, target
from surveykit.render.issue_forms import render_forms
from surveykit.yaml_tree import parse

LICENCE = "### Licence · 许可\n\n- [x] I give this under CC-BY-4.0\n"


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
        ("title.en", "```\ncode\n```"),
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
