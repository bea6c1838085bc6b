"""`surveykit coverage`: other lists beside the catalog."""

from __future__ import annotations

import dataclasses
import json
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from surveykit.comparing import compared
from surveykit.coverage import ListCoverage, ListedCounts
from surveykit.load import check
from surveykit.models import Identifiers
from surveykit.record import Record
from surveykit.render.pages import render_pages
from surveykit.vocabulary import Declined

OUT = Declined(
    title="A Paper That Nobody Wanted to Have Here",
    identifiers=Identifiers(arxiv="2401.09999"),
    reason="scope",
    date=date(2026, 11, 30),
)


@pytest.fixture(scope="module")
def known(catalog):
    return dataclasses.replace(catalog, declined=(OUT,))


def record(title, **more):
    return Record.model_validate({"title": title, "source": "x", **more})


def of(paper, **more):
    return record(paper.title.en, authors=paper.authors, year=paper.year, **more)


def test_have_declined_and_missing_are_told_apart(known):
    paper = known.papers[0]
    new = record("Something Entirely New About Invented Things", arxiv="2401.00777")
    records = [
        of(paper),
        record(OUT.title),
        record("A Paper Nobody Wanted Here", arxiv="2401.09999"),
        new,
    ]
    counts, missing = compared(known, {"mine": records})
    one = counts["mine"]
    assert (one.have, one.declined, one.missing) == ([paper.id], [OUT.title], 1)
    assert one.papers == 3
    assert one.recall == 0.5
    assert [m.record.arxiv for m in missing] == ["2401.00777"]


def test_a_paper_counts_once_in_a_list_and_joins_over_lists(known):
    title = "Something Entirely New About Invented Things"
    lists = {
        "a": [record(title), record(title, year=2024)],
        "b": [record(title, doi="10.5555/new.1"), of(known.papers[0]), of(known.papers[0])],
    }  # fmt: skip
    counts, missing = compared(known, lists)
    assert [counts[n].missing for n in "ab"] == [1, 1]
    assert counts["b"].papers == 2
    (one,) = missing
    assert one.lists == ["a", "b"]
    assert one.record.doi == "10.5555/new.1"


def test_a_wrong_identifier_in_a_list_does_not_hide_a_paper(known):
    paper = next(p for p in known.papers if p.identifiers.arxiv)
    counts, _ = compared(known, {"mine": [record(paper.title.en, arxiv="2401.00888")]})
    assert counts["mine"].have == [paper.id]


@given(st.data())
def test_every_paper_of_a_list_is_counted_once(known, data):
    some = data.draw(st.lists(st.sampled_from(known.papers), max_size=12))
    new = data.draw(st.lists(st.integers(1, 30), max_size=12))
    records = [of(p) for p in some] + [record(f"Invented study of thing {n} and more words", arxiv=f"2401.{n:05}") for n in new]  # fmt: skip
    counts, missing = compared(known, {"x": records})
    one = counts["x"]
    assert set(one.have) == {p.id for p in some}
    assert one.missing == len(missing) == len(set(new))
    assert one.papers == len(set(new)) + len({p.id for p in some})


MARKDOWN = """# A list

- [{title}](https://arxiv.org/abs/{arxiv}), 2023
- [An Attack on Encoders That Nobody Knows Yet](https://arxiv.org/abs/2401.00777), 2024
"""
BIBTEX = "@article{a, title={An Attack on Encoders That Nobody Knows Yet}, author={Li, Wei}, year={2024}, eprint={2401.00777}, archiveprefix={arXiv}}\n"
CSV = "title,year\nAn Attack on Encoders That Nobody Knows Yet,2024\n"


@pytest.fixture
def lists(tmp_path, catalog):
    paper = next(p for p in catalog.papers if p.identifiers.arxiv)
    files = {
        "list.md": MARKDOWN.format(title=paper.title.en, arxiv=paper.identifiers.arxiv),
        "refs.bib": BIBTEX,
        "sheet.csv": CSV,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {name: tmp_path / name for name in files}


def test_lists_of_all_forms_are_compared_in_one_run(run, lists):
    done = run("coverage", *lists.values())
    assert done.code == 1
    assert done.out.startswith("list.md: 2 papers: 1 have, 0 declined, 1 missing, recall 0.50\n")  # fmt: skip
    assert "in list.md, refs.bib, sheet.csv;" in done.out
    assert done.out.rstrip().endswith("surveykit add 2401.00777")
    data = run("coverage", *lists.values(), "--json").json()
    assert [m["lists"] for m in data["missing"]] == [list(lists)]


def test_counts_are_kept_by_name_and_shown(run, lists, catalog_dir):
    run("coverage", f"First={lists['list.md']}", "--write")
    run("coverage", f"Second={lists['refs.bib']}", "--write")
    kept = json.loads((catalog_dir / "catalog/coverage.json").read_text("utf-8"))
    assert [one["name"] for one in kept["lists"]] == ["First", "Second"]
    read = check(catalog_dir).readable
    assert read.coverage.lists[0].recall == 0.5
    for lang, word in (("en", "Recall"), ("zh", "召回率")):
        page = next(p for p in render_pages(read, lang) if p.uri == "methodology.md")
        assert word in page.html
        assert "<td>0.50</td>" in page.html


@pytest.mark.parametrize("words", [("missing.md",), ("a=missing.md",)])
def test_a_list_that_is_not_there_is_named(run, words):
    done = run("coverage", *words)
    assert done.code == 2
    assert "missing.md: no such file" in done.err


def test_two_lists_need_two_names(run, lists):
    assert run("coverage", lists["list.md"], lists["list.md"]).code == 2


def test_a_broken_file_is_a_problem_with_its_place(catalog_dir):
    path = catalog_dir / "catalog/coverage.json"
    path.write_text('{"lists": [{"name": "x", "have": -1}]}', encoding="utf-8")
    problems = [p for p in check(catalog_dir).problems if p.path == "catalog/coverage.json"]  # fmt: skip
    assert problems


def test_newer_counts_take_the_place_of_older_ones():
    def one(name, have):
        return ListedCounts(name=name, date=date(2026, 1, have), papers=9, have=have, declined=0, missing=9 - have)  # fmt: skip

    first = ListCoverage(lists=(one("a", 1), one("b", 2)))
    both = first.with_lists([one("b", 5), one("0", 3)])
    assert [(x.name, x.have) for x in both.lists] == [("0", 3), ("a", 1), ("b", 5)]


def test_the_entry_of_the_file_is_plain_data(run, lists, catalog_dir):
    run("coverage", lists["refs.bib"], "--write")
    text = (catalog_dir / "catalog/coverage.json").read_text("utf-8")
    assert yaml.safe_load(text)["lists"][0]["missing"] == 1
