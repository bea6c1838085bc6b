"""One key changes, and nothing else: not a comment, not a byte of another line."""

from __future__ import annotations

import pytest
from broken import ENTRY
from hypothesis import given
from hypothesis import strategies as st

from surveykit.edit import with_key
from surveykit.yaml_tree import parse

COMMENTED = ENTRY.replace(
    "venue: iccv\n", "# where\nvenue: iccv  # that year\n"
).replace("added:", "\n# when\nadded:")


@pytest.mark.parametrize("text", [ENTRY, COMMENTED])
def test_a_key_changes_in_its_place(text):
    value = {"arxiv": "2303.00015", "doi": "10.5555/other"}
    new = with_key(text, "identifiers", value)
    assert parse(new).data == parse(text).data | {"identifiers": value}
    old_lines, new_lines = text.splitlines(), new.splitlines()
    at = old_lines.index("identifiers:")
    assert new_lines[: at + 1] == old_lines[: at + 1]
    assert new_lines[at + 3 :] == old_lines[at + 4 :]


def test_an_absent_key_comes_where_the_format_has_it():
    new = with_key(COMMENTED, "notes", {"en": "A note.", "zh": "说明。"})
    lines = new.splitlines()
    assert lines[lines.index("notes:") - 1].startswith("  source: arXiv")
    assert lines[lines.index("relations:") - 1] == "  zh: 说明。"
    last = with_key(
        ENTRY.partition("verified:")[0], "verified", {"date": "2026-11-21", "by": ["x"]}
    )
    assert last.startswith(ENTRY.partition("verified:")[0])
    assert parse(last).data["verified"] == {"date": "2026-11-21", "by": ["x"]}


def test_the_same_value_changes_nothing():
    assert with_key(ENTRY, "year", 2023) == ENTRY


@pytest.mark.parametrize(
    "text",
    [
        "{id: x, year: 2023}\n",
        "id: x\nyear: [\n",
        "- id\n",
        "id: x\nyear:\n  # why\n  a: 1\n",
        "id: x\nyear: # why\n  a: 1\n",
        "",
    ],
)
def test_what_cannot_be_done_safely_is_not_done(text):
    assert with_key(text, "year", 2024) is None


keys = st.sampled_from(
    ["title", "year", "pages", "identifiers", "notes", "verified", "month"]
)
values = st.recursive(
    st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)
    | st.integers(0, 9999),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(keys, values)
def test_an_edit_is_proven_or_refused(key, value):
    new = with_key(COMMENTED, key, value)
    if new is not None:
        assert parse(new).data == parse(COMMENTED).data | {key: value}
        for comment in ("# where", "# that year", "# when"):
            assert new.count(comment) == 1
