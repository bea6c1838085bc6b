"""A folder of files becomes a catalog or all of its problems."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
import yaml
from broken import BROKEN, ENTRY, PATH
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveykit.errors import CatalogError
from surveykit.files import TEMPORARY
from surveykit.intake import MOST_FAULTS, SHARED_BYTES
from surveykit.load import check, load_catalog
from surveykit.models import Paper
from surveykit.report import render
from surveykit.rules import BY_ID
from surveykit.yaml_tree import decode, parse

REPOSITORY = Path(__file__).parents[1]


def found(root, *paths):
    return [(p.path, p.rule, p.line, p.column) for p in check(root, paths).problems]


@pytest.fixture
def entry(catalog_dir):
    """The file of ENTRY in the invented catalog; `catalog_dir` is its repository."""
    path = catalog_dir / PATH
    path.write_text(ENTRY, encoding="utf-8")
    return path


def test_files_become_the_same_catalog_as_models(catalog_dir, catalog):
    assert load_catalog(catalog_dir) == catalog


def test_the_real_catalog_has_no_error_and_no_warning():
    checked = check(REPOSITORY)
    assert [str(problem) for problem in checked.problems] == []
    assert len(checked.catalog.papers) >= 353


def test_the_entry_that_the_broken_ones_start_from_is_right(catalog_dir, entry):
    assert found(catalog_dir) == []


@pytest.mark.parametrize("case", BROKEN, ids=lambda c: f"{c.rule}-{c.new[:30]!r}")
def test_a_broken_entry_gives_its_rule_line_and_column(case, catalog_dir, entry):
    text = ENTRY
    for old, new in ((case.old, case.new), *case.more):
        assert old in text
        text = text.replace(old, new, 1)
    entry.write_text(text, encoding="utf-8")
    checked = check(catalog_dir)
    here = [p for p in checked.problems if p.path == PATH]
    place = [(p.rule, p.line, p.column) for p in here]
    assert place == [(case.rule, case.line, case.column)]
    assert text.splitlines()[case.line - 1][case.column - 1 :].startswith(case.token)
    assert here[0].message.isprintable()
    assert here[0].severity is BY_ID[case.rule].severity
    assert (checked.catalog is None) == (not case.rule.startswith("SK4"))


def test_all_problems_of_a_run_are_shown_at_once(catalog_dir, entry):
    text = ENTRY.replace("zh: 检测预训练编码器中植入的后门", "zh:").replace(
        "orcid: 0000-0002-1825-0097", "orcid: a-b"
    )
    text = text.replace("month: 10", "month: 13\nmonth: 12").replace("[use]", "[usage]")
    entry.write_text(text, encoding="utf-8")
    other = catalog_dir / "catalog/papers/2025/chen2025breaking.yaml"
    other.write_text(
        other.read_text(encoding="utf-8").replace("- backdoor", "- backdor"),
        encoding="utf-8",
    )
    assert [(Path(p).stem, rule) for p, rule, *_ in found(catalog_dir)] == [
        ("feng2023detecting", "SK203"),
        ("feng2023detecting", "SK206"),
        ("feng2023detecting", "SK207"),
        ("feng2023detecting", "SK110"),
        ("chen2025breaking", "SK311"),
    ]


def test_a_broken_entry_is_still_known_to_the_others(catalog_dir, entry):
    entry.write_text("id: [", encoding="utf-8")
    assert [rule for _, rule, *_ in found(catalog_dir)] == ["SK106"]


def test_loading_a_wrong_catalog_raises_with_every_problem(catalog_dir, entry):
    entry.write_text(ENTRY.replace("year: 2023", "year: 1"), encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        load_catalog(catalog_dir)
    assert [problem.rule for problem in caught.value.problems] == ["SK207"]


def test_paths_limit_the_report_but_not_the_check(catalog_dir, entry):
    entry.write_text(
        ENTRY.replace("2303.00015", "2103.00001").replace("[use]", "[usage]"),
        encoding="utf-8",
    )
    twin = catalog_dir / "catalog/papers/2021"
    assert [(Path(p).name, r) for p, r, *_ in found(catalog_dir, twin)] == [
        ("rodriguez2021planting.yaml", "SK301")
    ]
    assert {r for _, r, *_ in found(catalog_dir, entry)} == {"SK301", "SK311"}
    assert len(found(catalog_dir, catalog_dir)) == len(found(catalog_dir)) == 3
    assert check(catalog_dir, [twin]).catalog is None
    outside = catalog_dir.parent / "elsewhere.yaml"
    assert [r for _, r, *_ in found(catalog_dir, outside)] == ["SK009"]


def test_a_missing_or_broken_central_file_is_the_only_problem(catalog_dir):
    for name in ("survey", "taxonomy", "venues"):
        path = catalog_dir / f"catalog/{name}.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text("[", encoding="utf-8")
        assert [r for _, r, *_ in found(catalog_dir)] == ["SK106"]
        path.unlink()
        assert [r for _, r, *_ in found(catalog_dir)] == ["SK008"]
        path.write_text(text, encoding="utf-8")
    assert found(catalog_dir) == []


def test_an_empty_folder_lacks_the_central_files(tmp_path):
    assert [rule for _, rule, *_ in found(tmp_path)] == ["SK008"] * 3


def test_what_is_no_entry_is_reported(catalog_dir):
    papers = catalog_dir / "catalog/papers"
    (papers / "2023/notes.txt").write_text("x")
    (papers / "2023/other2023entry.yml").write_text("x")
    (papers / "2023/folder.yaml").mkdir()
    (papers / "drafts").mkdir()
    (papers / "loose2023entry.yaml").write_text("x")
    assert [(Path(p).name, rule) for p, rule, *_ in found(catalog_dir)] == [
        ("folder.yaml", "SK004"),
        ("notes.txt", "SK004"),
        ("other2023entry.yml", "SK004"),
        ("drafts", "SK004"),
        ("loose2023entry.yaml", "SK004"),
    ]


def test_an_entry_lies_in_the_folder_of_its_year_and_once(catalog_dir, entry):
    wrong = catalog_dir / "catalog/papers/2022/feng2023detecting.yaml"
    wrong.write_text(ENTRY, encoding="utf-8")
    assert found(catalog_dir) == [
        ("catalog/papers/2022/feng2023detecting.yaml", "SK005", 11, 7),
        (PATH, "SK007", 1, 1),
    ]


def test_names_that_differ_in_capitals_only_are_one_name(catalog_dir, entry):
    twin = catalog_dir / "catalog/papers/2023/Feng2023Detecting.yaml"
    twin.write_text(ENTRY, encoding="utf-8")
    assert [rule for _, rule, *_ in found(catalog_dir)] == ["SK006", "SK007"]


def test_links_and_pipes_are_not_followed(catalog_dir, entry):
    papers = catalog_dir / "catalog/papers"
    outside = catalog_dir.parent / "outside"
    outside.mkdir()
    (outside / "secret2023entry.yaml").write_text(ENTRY, encoding="utf-8")
    (papers / "2024/secret2023entry.yaml").symlink_to(outside / "secret2023entry.yaml")
    (papers / "2019").symlink_to(outside)
    os.mkfifo(papers / "2023/pipe2023entry.yaml")
    assert [(Path(p).name, rule) for p, rule, *_ in found(catalog_dir)] == [
        ("2019", "SK003"),
        ("pipe2023entry.yaml", "SK003"),
        ("secret2023entry.yaml", "SK003"),
    ]


def test_a_linked_catalog_is_not_followed(catalog_dir, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "catalog").symlink_to(catalog_dir / "catalog")
    assert ("catalog/papers", "SK003", 1, 1) in found(other)
    through = tmp_path / "through"
    through.symlink_to(catalog_dir)
    assert found(through) == []


def test_strange_file_names_are_reported_in_one_line(catalog_dir, entry):
    strange = b"a\n::error::\xff\xe2\x80\xae.yaml"
    (entry.parent / os.fsdecode(strange)).write_text(ENTRY, encoding="utf-8")
    problems = check(catalog_dir).problems
    assert [problem.rule for problem in problems] == ["SK006"]
    for form in ("text", "json", "github", "sarif"):
        assert render(problems, form).encode("utf-8")
    assert render(problems, "github").count("\n") == 1


def test_a_message_is_never_as_long_as_a_file(catalog_dir, entry):
    for length, rule in ((9_000, "SK320"), (200_000, "SK002")):
        entry.write_text(ENTRY.replace("iccv", "x" * length), encoding="utf-8")
        problem = check(catalog_dir).problems[0]
        assert problem.rule == rule
        assert len(str(problem)) < 600


def test_of_a_file_with_thousands_of_faults_a_hundred_are_shown(catalog_dir, entry):
    entry.write_text(ENTRY + "wrong: 1\n" * 3_000, encoding="utf-8")
    rules = Counter(rule for path, rule, *_ in found(catalog_dir) if path == PATH)
    assert rules == {"SK110": MOST_FAULTS, "SK011": 1}
    last = next(p for p in check(catalog_dir).problems if p.rule == "SK011")
    assert last.message.startswith("2900 more faults")


def test_a_linked_file_or_folder_is_named_wherever_it_lies(catalog_dir, tmp_path):
    paths = (
        "catalog/link_policy.yaml",
        "catalog/venues.yaml",
        "catalog/papers/2023",
        "reference_impls/badseeds/results.json",
        "reference_impls/arena.json",
    )
    for number, path in enumerate(paths):
        there, elsewhere = catalog_dir / path, tmp_path / str(number)
        if there.exists():
            there.rename(elsewhere)
        there.symlink_to(elsewhere)
    told = {(p, rule) for p, rule, *_ in found(catalog_dir) if rule == "SK003"}
    assert told == {(path, "SK003") for path in paths}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name")
def test_a_pipe_is_named_and_not_waited_for_wherever_it_lies(catalog_dir):
    paths = (
        "catalog/link_policy.yaml",
        "catalog/survey.yaml",
        "catalog/taxonomy.yaml",
        "reference_impls/badseeds/results.json",
        "reference_impls/arena.json",
    )
    for path in paths:
        (catalog_dir / path).unlink(missing_ok=True)
        os.mkfifo(catalog_dir / path)
    told = {(p, rule) for p, rule, *_ in found(catalog_dir) if rule == "SK003"}
    assert told == {(path, "SK003") for path in paths}


def test_a_folder_in_between_that_is_a_link_is_named(catalog_dir, tmp_path):
    (catalog_dir / "reference_impls").rename(tmp_path / "impls")
    (catalog_dir / "reference_impls").symlink_to(tmp_path / "impls")
    (catalog_dir / "catalog").rename(tmp_path / "catalog")
    (catalog_dir / "catalog").symlink_to(tmp_path / "catalog")
    told = {(p, rule) for p, rule, *_ in found(catalog_dir)}
    files = ("survey.yaml", "taxonomy.yaml", "venues.yaml", "papers", "text")
    assert told == {
        ("reference_impls", "SK003"),
        *((f"catalog/{name}", "SK003") for name in files),
    }


def test_unfinished_files_of_another_run_are_passed_over(catalog_dir):
    for folder in ("", "catalog/papers", "catalog/papers/2023", "reference_impls"):
        (catalog_dir / folder / f"{TEMPORARY}1-00").write_text("half", encoding="utf-8")
    assert found(catalog_dir) == []


def test_an_exception_for_links_that_cannot_be_read_is_an_error(catalog_dir):
    policy = catalog_dir / "catalog/link_policy.yaml"
    policy.write_text("# none yet\n", encoding="utf-8")
    assert found(catalog_dir) == []
    policy.write_text("- prefix: ftp://e.org/\n", encoding="utf-8")
    rules = [rule for path, rule, *_ in found(catalog_dir) if "policy" in path]
    assert "SK211" in rules
    assert check(catalog_dir).catalog is None


def test_a_huge_file_is_refused_before_it_is_parsed(catalog_dir, entry):
    entry.write_text(ENTRY + "#" * 256 * 1024, encoding="utf-8")
    venues = catalog_dir / "catalog/venues.yaml"
    with venues.open("a", encoding="utf-8") as file:
        file.write("# fine\n" * 100_000)
    assert [(p, r) for p, r, *_ in found(catalog_dir)] == [(PATH, "SK002")]
    with venues.open("a", encoding="utf-8") as file:
        file.write("#" * SHARED_BYTES)
    assert {r for _, r, *_ in found(catalog_dir)} == {"SK002"}


def test_a_file_that_cannot_be_opened_is_reported(catalog_dir, monkeypatch):
    def refuse(path, flags):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    problems = check(catalog_dir).problems
    assert {problem.rule for problem in problems} == {"SK001"}
    assert "Permission denied" in problems[0].message


@pytest.mark.parametrize(
    "raw", [b"\xef\xbb\xbf" + ENTRY.encode(), ENTRY.encode("utf-16")]
)
def test_a_byte_order_mark_is_reported(raw, catalog_dir, entry):
    entry.write_bytes(raw)
    assert found(catalog_dir) == [(PATH, "SK102", 1, 1)]


def test_other_encodings_and_line_ends_are_reported(catalog_dir, entry):
    entry.write_bytes(ENTRY.replace("José", "Jos\xe9").encode("gb18030"))
    assert found(catalog_dir) == [(PATH, "SK101", 5, 7)]
    entry.write_bytes(ENTRY.replace("\n", "\r").encode())
    assert found(catalog_dir) == [(PATH, "SK105", 1, 50)]
    entry.write_bytes(ENTRY.replace("\n", "\r\n").encode())
    assert found(catalog_dir) == []


def test_an_empty_file_is_no_entry(catalog_dir, entry):
    entry.write_text("# nothing yet\n", encoding="utf-8")
    assert found(catalog_dir) == [(PATH, "SK203", 1, 1)]


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[click](javascript:alert(1))",
    "{{ config.items() }}",
    "{% include '/etc/passwd' %}",
    "`rm -rf /` | ![x](//evil)",
    r"\input{/etc/passwd} \write18{id} %",
    "$(id) ; `id` && ${IFS}",
    "::error file=a::b",
    "</td></tr>--> <!-- ]]>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_kept_as_text_and_nothing_else(text, catalog_dir, entry):
    document = parse(ENTRY).data
    document["notes"] = {"en": text, "zh": f"注 {text}"}
    entry.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    paper = load_catalog(catalog_dir).get("feng2023detecting")
    assert paper.notes.en == text


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("id", "../../../etc/passwd", "SK206"),
        ("id", "feng2023<script>", "SK206"),
        ("venue", "../venues", "SK320"),
        ("implementations", ["../../bin"], "SK206"),
        ("pages", r"1\input{x}", "SK206"),
        ("volume", "{{1}}", "SK206"),
        ("workshop", "a\u202eb", "SK208"),
        ("workshop", "a\u200bb", "SK208"),
        ("workshop", "a\u2066b", "SK208"),
        ("workshop", "a\U000e0041b", "SK208"),
    ],
)
def test_hostile_codes_are_refused(field, value, rule, catalog_dir, entry):
    document = parse(ENTRY).data
    document[field] = value
    entry.write_text(yaml.safe_dump(document), encoding="utf-8")
    problems = check(catalog_dir).problems
    assert [p.rule for p in problems if p.path == PATH] == [rule]
    assert all(str(p).isprintable() for p in problems)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "//evil.example/x",
        "https://good.example\\@evil.example",
        "https://a.example/\"onmouseover='x'",
        "https://a.example/`id`",
        "https://user@evil.example/",
        "http://localhost:8000/",
        "https://пример.example/я",
    ],
)
def test_addresses_that_could_do_something_are_refused(url, catalog_dir, entry):
    document = parse(ENTRY).data
    document["links"]["project"] = url
    entry.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    assert [rule for _, rule, *_ in found(catalog_dir)] == ["SK211"]


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z", "M"]), min_size=1
).map(lambda text: f"x{text}"[:40])


@st.composite
def papers(draw):
    """Valid entries as data, strange texts included."""
    both = st.fixed_dictionaries({"en": TEXT, "zh": TEXT})
    person = st.fixed_dictionaries(
        {"family": TEXT}, optional={"given": TEXT, "particle": TEXT, "suffix": TEXT}
    )
    document = {
        "id": draw(st.from_regex(r"[a-z]{1,9}[0-9]{4}[a-z0-9]{1,9}", fullmatch=True)),
        "title": draw(both),
        "authors": draw(
            st.lists(
                person
                | st.fixed_dictionaries({"literal": TEXT})
                | st.tuples(TEXT, TEXT).map(" ".join),
                min_size=1,
                max_size=4,
            )
        ),
        "venue": "iccv",
        "year": draw(st.integers(1950, 2100)),
        "month": draw(st.none() | st.integers(1, 12)),
        "pages": draw(
            st.none() | st.from_regex(r"[1-9][0-9]{0,4}-[0-9]+", fullmatch=True)
        ),
        "links": {"paper": "https://example.org/a?b=c&d=%20#e"},
        "terms": {
            "role": draw(st.lists(st.sampled_from(["attack", "no", "1"]), max_size=3))
        },
        "added": draw(st.dates(date(2000, 1, 1))).isoformat(),
    }
    return document | draw(st.fixed_dictionaries({}, optional={"notes": both}))


@given(papers())
def test_a_valid_paper_survives_being_written_and_read(document):
    try:
        paper = Paper.model_validate(document)
    except ValueError:
        return  # not NFC, or an invisible character that the strategy knows nothing of
    plain = paper.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(plain, allow_unicode=True, sort_keys=False)
    tree = parse(decode(text.encode("utf-8")))
    assert tree.faults == []
    assert Paper.model_validate(tree.data) == paper


LINES = st.lists(st.sampled_from(ENTRY.splitlines()), max_size=40)
WORDS = st.sampled_from(
    ["", "- ", "  ", ": ", "[", "}", "'", "null", "7", "甲", "\u202e", "x: y"]
)


@given(LINES, WORDS, st.integers(0, 2000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_shuffled_entry_never_raises(catalog_dir, lines, word, position):
    text = "\n".join(lines)
    (catalog_dir / PATH).write_text(text[:position] + word + text[position:], "utf-8")
    for problem in check(catalog_dir).problems:
        assert problem.rule in BY_ID
        assert problem.message.isprintable()
        assert problem.line >= 1
        assert problem.column >= 1


def declined(root: Path, *papers: dict) -> None:
    (root / "catalog/declined.yaml").write_text(yaml.safe_dump(list(papers)), "utf-8")


def left_out(title: str, **identifiers: str) -> dict:
    out = {"title": title, "reason": "no encoder", "date": "2026-11-30"}
    return out | ({"identifiers": identifiers} if identifiers else {})


def test_papers_that_stay_out_are_read(catalog_dir):
    assert load_catalog(catalog_dir).declined == ()
    declined(catalog_dir, left_out("A Plain Classifier", arxiv="2401.00001"))
    (paper,) = load_catalog(catalog_dir).declined
    assert (paper.title, paper.identifiers.arxiv) == ("A Plain Classifier", "2401.00001")  # fmt: skip


def test_a_paper_that_stays_out_is_no_entry_and_stands_once(catalog_dir, catalog):
    paper = next(p for p in catalog.papers if p.identifiers.arxiv)
    declined(
        catalog_dir,
        left_out(paper.title.en.upper()),
        left_out("Another Title", arxiv=paper.identifiers.arxiv),
        left_out("A Plain Classifier"),
        left_out("A plain classifier"),
    )
    at = [(rule, line) for _, rule, line, _ in found(catalog_dir)]
    assert [rule for rule, _ in at] == ["SK366"] * 3
    text = (catalog_dir / "catalog/declined.yaml").read_text("utf-8").split("\n")
    said = [text[line - 1].partition("title: ")[2] for _, line in at]
    assert said == [paper.title.en.upper(), "Another Title", "A plain classifier"]


def test_a_paper_that_stays_out_without_a_reason_is_an_error(catalog_dir):
    declined(catalog_dir, {"title": "A Plain Classifier", "date": "2026-11-30"})
    assert [rule for _, rule, _, _ in found(catalog_dir)] == ["SK201"]
