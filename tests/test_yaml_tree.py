"""Reading one YAML file: what is understood, what is refused, and where."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from surveykit import yaml_tree
from surveykit.yaml_tree import MAX_BYTES, RefusedError, decode, parse, read, shown


@pytest.fixture(params=["libyaml", "pure"], autouse=True)
def parser(request, monkeypatch):
    if request.param == "pure":
        monkeypatch.setattr(yaml_tree, "EventParser", yaml.SafeLoader)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("true", "true"),
        ("1e3", "1e3"),
        ("1.5", "1.5"),
        ("2303.15180", "2303.15180"),
        ("10.10", "10.10"),
        ("2026-11-20", "2026-11-20"),
        ("12:30:00", "12:30:00"),
        ("0o17", "0o17"),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("+5", "+5"),
        ("-0", "-0"),
        (".inf", ".inf"),
        ("=", "="),
        ("NULL", "NULL"),
        ("12345678901234567", "12345678901234567"),
        ("'12'", "12"),
        ("'null'", "null"),
        ("0", 0),
        ("2026", 2026),
        ("-5", -5),
        ("null", None),
        ("~", None),
        ("", None),
        ("[]", []),
        ("{}", {}),
        ("|-\n  12", "12"),
        (">-\n  a\n  b", "a b"),
    ],
)
def test_a_value_is_what_it_looks_like_and_nothing_is_guessed(text, value):
    tree = parse(f"key: {text}\n")
    assert tree.faults == []
    assert tree.data == {"key": value}
    assert type(tree.data["key"]) is type(value)


@pytest.mark.parametrize(
    ("text", "rule", "line", "column"),
    [
        ("a: &x 1\n", "SK109", 1, 4),
        ("a: 1\nb: *x\n", "SK109", 2, 4),
        ("&k a: 1\n", "SK109", 1, 1),
        ("a: !!python/object/apply:os.system [x]\n", "SK108", 1, 4),
        ("a:\n  - !local x\n", "SK108", 2, 5),
        ("a: ! 12\n", "SK108", 1, 4),
        ("!!set {a, b}\n", "SK108", 1, 1),
        ("a: !!binary aGk=\n", "SK108", 1, 4),
        ("a: 1\nb: 2\na: 3\n", "SK110", 3, 1),
        ("a:\n  b: 1\n  b: 2\n", "SK110", 3, 3),
        ("a: {b: 1, b: 2}\n", "SK110", 1, 11),
        ("? [a]\n: b\n", "SK112", 1, 3),
        ("{{ title }}: b\n", "SK112", 1, 1),
        ("a: 1\n---\nb: 2\n", "SK107", 2, 1),
        ("a: b: c\n", "SK106", 1, 5),
        ("a:\n  - b\n c: d\n", "SK106", 3, 2),
        ("a: - b\n", "SK106", 1, 4),
        ("a: @x\n", "SK106", 1, 4),
        ("a: 'x\n", "SK106", 1, 4),
        ("é: [甲, 'b\n", "SK106", 1, 8),
        ("a: 1\nb: %x\n", "SK106", 2, 4),
    ],
)
def test_what_facts_do_not_need_is_refused_at_its_place(text, rule, line, column):
    (fault,) = parse(text).faults
    assert (fault.rule, fault.line, fault.column) == (rule, line, column)
    assert "\n" not in fault.message


def test_every_duplicate_key_is_reported_and_the_first_value_counts():
    tree = parse("a: 1\na: 2\nb: {c: 1, c: 2}\n")
    assert [(f.rule, f.line) for f in tree.faults] == [("SK110", 2), ("SK110", 3)]
    assert tree.data == {"a": 1, "b": {"c": 1}}


def test_merge_keys_have_no_power():
    assert parse("<<: {a: 1}\nb: 2\n").data == {"<<": {"a": 1}, "b": 2}


def test_twelve_levels_are_read_and_the_thirteenth_is_not():
    assert parse("[" * 12 + "]" * 12).faults == []
    (fault,) = parse("[" * 13 + "]" * 13).faults
    assert (fault.rule, fault.line, fault.column) == ("SK111", 1, 13)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_nesting_as_deep_as_the_file_allows_ends_in_one_fault(opening):
    tree = parse(opening * (MAX_BYTES // len(opening)))
    assert len(tree.faults) == 1
    assert tree.faults[0].rule in ("SK106", "SK111", "SK112")


def test_a_billion_laughs_do_not_grow():
    lines = ["a0: &a0 ha"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    tree = parse("\n".join(lines))
    assert {fault.rule for fault in tree.faults} == {"SK109"}
    assert tree.data is None


@pytest.mark.parametrize(
    ("raw", "rule", "line", "column"),
    [
        (b"\xef\xbb\xbfid: a\n", "SK102", 1, 1),
        ("id: a\n".encode("utf-16"), "SK102", 1, 1),
        (b"id: a\nb: Rodr\xedguez\n", "SK101", 2, 8),
        ("甲: é".encode() + b"\xff\n", "SK101", 1, 5),
        (b"id: a\nb: \x00\n", "SK103", 2, 4),
        ("id: a\x85b\n".encode(), "SK103", 1, 6),
        ("id: a\u2028b: c\n".encode(), "SK103", 1, 6),
        ("id: a\ufeff\n".encode(), "SK103", 1, 6),
        (b"id: \x1b[31m\n", "SK103", 1, 5),
        (b"a:\n\tb: 1\n", "SK104", 2, 1),
        (b"a: b\tc\n", "SK104", 1, 5),
        (b"id: a\rvenue: b\r", "SK105", 1, 6),
        (b"id: a\r\nb: c\rd: e\n", "SK105", 2, 5),
    ],
)
def test_what_editors_hide_is_refused_at_its_place(raw, rule, line, column):
    with pytest.raises(RefusedError) as caught:
        decode(raw)
    fault = caught.value.fault
    assert (fault.rule, fault.line, fault.column) == (rule, line, column)
    assert fault.message.isprintable()


def test_windows_line_ends_are_read():
    assert parse(decode(b"a: 1\r\nb: c\r\n")).data == {"a": 1, "b": "c"}


def test_places_are_counted_in_characters():
    tree = parse("甲: [é, {乙: 'x', z: 丙}]\nlist:\n  - a\n  - b: c\n")
    assert tree.place(("甲",)) == (1, 4)
    assert tree.place(("甲",), key=True) == (1, 1)
    assert tree.place(("甲", 1, "乙")) == (1, 12)
    assert tree.place(("甲", 1, "z"), key=True) == (1, 17)
    assert tree.place(("list", 1)) == (4, 5)
    assert tree.place(("list", 1, "b")) == (4, 8)


def test_a_missing_place_is_the_key_of_its_nearest_parent():
    tree = parse("id: a\ntitle:\n  en: b\n")
    assert tree.place(("title", "zh")) == (2, 1)
    assert tree.place(("title", "zh", "deeper")) == (2, 1)
    assert tree.place(("year",)) == (1, 1)


def test_files_are_read_only_where_they_are_plain_and_small(tmp_path):
    good = tmp_path / "good.yaml"
    good.write_bytes(b"a: 1\n")
    link = tmp_path / "link.yaml"
    link.symlink_to(good)
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * (MAX_BYTES + 1))
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    rules = {
        path.name: [fault.rule for fault in read(path).faults]
        for path in (good, link, pipe, huge, folder, tmp_path / "none.yaml")
    }
    assert rules == {
        "good.yaml": [],
        "link.yaml": ["SK003"],
        "pipe.yaml": ["SK003"],
        "huge.yaml": ["SK002"],
        "folder.yaml": ["SK003"],
        "none.yaml": ["SK001"],
    }


def attempt(raw: bytes):
    """Data and faults of a file that was read from disk."""
    try:
        tree = parse(decode(raw))
    except RefusedError as error:
        return None, [error.fault]
    tree.place(("any", 0, "where"))
    return tree.data, tree.faults


@given(
    st.text(max_size=200).map(str.encode)
    | st.binary(max_size=80)
    | st.text(alphabet="ab:-[]{},&*!|>'\"#%@`?~ \n\\0x", max_size=120).map(str.encode)
)
def test_any_file_is_data_or_faults_with_a_place(raw):
    _, faults = attempt(raw)
    for fault in faults:
        assert fault.rule.startswith("SK1")
        assert 1 <= fault.line <= raw.count(b"\n") + 2
        assert 1 <= fault.column <= len(raw) + 1
        assert fault.message.isprintable()


_DATA = st.recursive(
    st.none()
    | st.integers(-(10**15), 10**15)
    | st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]),
        max_size=20,
    ).filter(lambda text: not set(text) & set("\ufeff\ufffe\uffff")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "é", "甲 乙"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(_DATA)
def test_what_another_program_writes_is_read_back(data):
    text = yaml.safe_dump(data, allow_unicode=True)
    tree = parse(decode(text.encode("utf-8")))
    assert tree.faults == []
    assert tree.data == data


def test_shown_values_are_short_and_harmless():
    text = shown("a\u202e\n" + "x" * 500)
    assert len(text) <= 80
    assert text.isprintable()


def test_the_fast_parser_is_the_one_in_use(request):
    if "libyaml" in request.node.name:
        assert yaml_tree.EventParser is not yaml.SafeLoader


def test_without_libyaml_the_pure_parser_is_used():
    program = (
        "import sys; sys.modules['yaml._yaml'] = None\n"
        "from surveykit.yaml_tree import EventParser, parse\n"
        "print(EventParser.__name__, parse('a: [no, 1]').data)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "SafeLoader {'a': ['no', 1]}\n"


def as_text(data):
    """Data with every scalar as PyYAML's BaseLoader gives it."""
    if isinstance(data, dict):
        return {key: as_text(value) for key, value in data.items()}
    if isinstance(data, list):
        return [as_text(value) for value in data]
    return str(data)


def test_the_real_entries_read_as_another_reader_reads_them():
    files = sorted((Path(__file__).parents[1] / "catalog").rglob("*.yaml"))[::7]
    assert files
    for file in files:
        tree = read(file, 2**21)
        assert tree.faults == []
        other = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CBaseLoader)
        assert as_text(tree.data) == other
