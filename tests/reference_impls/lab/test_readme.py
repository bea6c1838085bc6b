"""The part of a README that a command writes."""

import pytest

from reference_impls.lab.bilingual import Bilingual
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.study.readme import insert, row, table

START, END = "<!-- results -->", "<!-- end -->"


@pytest.fixture
def readme(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{START}\nold\n{END}\nafter\n", encoding="utf-8")
    return path


def test_a_table_is_in_the_language_that_is_asked_for():
    heads = [Bilingual("task", "任务"), "R@1"]
    rows = [[Bilingual("shape", "形状"), "0.5"], ["size", "–"]]
    assert table(heads, rows) == [
        "| task | R@1 |",
        "|---|---|",
        "| shape | 0.5 |",
        "| size | – |",
    ]
    assert table(heads, rows, "zh")[0] == "| 任务 | R@1 |"
    assert row(rows[0], "zh") == "| 形状 | 0.5 |"


def test_what_stood_between_the_markers_is_replaced_and_the_rest_stays(readme):
    insert(readme, "new\n", start=START, end=END)
    insert(readme, "更新\n", start=START, end=END)
    after = readme.read_text(encoding="utf-8")
    assert after == f"before\n{START}\n更新\n{END}\nafter\n"
    assert list(readme.parent.iterdir()) == [readme]


@pytest.mark.parametrize("missing", [START, END])
def test_a_readme_that_lost_a_marker_is_left_as_it_is(readme, missing):
    before = readme.read_text(encoding="utf-8").replace(missing, "")
    readme.write_text(before, encoding="utf-8")
    with pytest.raises(ConfigError, match=missing):
        insert(readme, "new\n", start=START, end=END)
    assert readme.read_text(encoding="utf-8") == before
