"""Canonical form: the data stays, comments stay, a second pass changes nothing."""

from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from surveykit.canon import MODELINE, entry_text, format_text
from surveykit.yaml_tree import RefusedError, parse

ROOT = Path(__file__).parents[1]
ENTRIES = sorted((ROOT / "catalog" / "papers").rglob("*.yaml"))

NASTY = ["no", "1e3", "0x1F", "012", "1_000", "2026-11-20", "1:30", "~", "<<", "=", "---", "... x",
         "- a", "? b", ": c", "a: b", "a #b", "#b", "'", '"', "''", "[x", "{y", "*z", "&z", "!t", "|",
         ">", "%", "@", "`", " lead", "trail ", "two  spaces", "a\nb", "tab\there", "", "end:", "🔐", "冯世伟"]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=30),
    st.lists(
        st.sampled_from([*NASTY, "backdoor", "encoder", "pre-trained"]), max_size=40
    ).map(" ".join),
)
KEYS = st.one_of(st.sampled_from(["id", "title", "en", "zh", "authors", "terms", "family", "given"]), TEXTS)  # fmt: skip
VALUES = st.recursive(
    st.one_of(TEXTS, st.none(), st.integers(-(10**15), 10**15)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)
DATA = st.dictionaries(KEYS, VALUES, max_size=6)


@given(DATA)
def test_what_is_written_is_read_back(data):
    text = entry_text(data)
    tree = parse(text)
    assert (tree.faults, tree.data or {}) == ([], data)
    assert format_text(text) == text if data else True


@given(DATA)
def test_another_yaml_program_reads_the_same_texts(data):
    assert (yaml.safe_load(entry_text(data)) or {}) == data


@st.composite
def commented(draw):
    """A text with comments in places that a writer chose, some of them odd."""
    data = draw(DATA.filter(bool))
    lines = (
        draw(st.sampled_from([entry_text, _flowing, _unordered]))(data)
    ).splitlines()
    names = []
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(lines) - 1))
        names.append(f"# note{len(names)}.")
        if draw(st.booleans()):
            lines[at] += f" {names[-1]}"
        else:
            lines.insert(at, " " * draw(st.integers(0, 6)) + names[-1])
    return data, "\n".join(lines) + "\n", names


def _flowing(data):
    return yaml.safe_dump(data, default_flow_style=True, width=20, allow_unicode=True)


def _unordered(data):
    return yaml.safe_dump(dict(reversed(data.items())), sort_keys=False)


@given(commented())
def test_comments_and_data_stay_and_a_second_pass_changes_nothing(case):
    data, text, names = case
    before = parse(text)
    assume(not before.faults and before.data == data)  # else it fell inside a text
    after = format_text(text)
    assert parse(after).data == data
    for name in names:
        assert after.count(name) == 1, after
    assert format_text(after) == after


@pytest.mark.parametrize("path", ENTRIES, ids=lambda path: path.stem)
def test_the_catalog_is_canonical(path):
    text = path.read_text(encoding="utf-8")
    assert format_text(text) == text


BEFORE = """\
# yaml-language-server: $schema=../../schema.json
year: 2024   # of the proceedings
# family name first
id: duong2024planting
title: {en: "Planting Seeds: Backdoors", zh: 播下种子}
authors:   # in printed order
- {family: Cruz, given: Ana}  # checked
- Linh Duong
identifiers:
    arxiv: "2401.00000"
    # doi: not yet
venue: cvpr
"""
AFTER = """\
# yaml-language-server: $schema=../../schema.json
# family name first
id: duong2024planting
title:
  en: 'Planting Seeds: Backdoors'
  zh: 播下种子
authors:  # in printed order
  - {given: Ana, family: Cruz}  # checked
  - Linh Duong
venue: cvpr
year: 2024  # of the proceedings
identifiers:
  arxiv: '2401.00000'
  # doi: not yet
"""


def test_keys_get_their_order_and_take_their_comments_along():
    assert format_text(BEFORE) == AFTER


def test_an_entry_without_modeline_gets_it():
    assert format_text("id: a2020b\n") == f"{MODELINE}\nid: a2020b\n"


def test_windows_line_ends_become_plain_ones():
    assert format_text("id: a2020b\r\n# end\r\n") == f"{MODELINE}\nid: a2020b\n# end\n"


@pytest.mark.parametrize("text", ["- a\n", "a: [\n", "a: 1\na: 2\n", "&x a: b\n", ""])
def test_what_is_no_entry_is_refused(text):
    with pytest.raises(RefusedError):
        format_text(text)
