"""`--fix` changes the bytes of one value, or nothing."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from links.hostile import link
from pydantic import TypeAdapter, ValidationError

from surveykit.links.engine import LinkFinding
from surveykit.links.gather import Link, Place
from surveykit.links.repair import repair, rewritten
from surveykit.links.state import Reason, Result, State
from surveykit.scalars import Url

OLD, NEW = "https://old.example/a", "https://new.example/b"
ENTRY = """\
# a remark that stays
id: a2024b   # and this one
title: {en: "A: title", zh: 标题}

links:
  paper: {value}
  pdf:   'https://old.example/a.pdf'
terms:
    role:   [attack]
"""
LOC = ("links", "paper")


def is_url(text: str) -> bool:
    try:
        TypeAdapter(Url).validate_python(text)
    except ValidationError:
        return False
    return True


paths = st.text("abcXYZ0129-._~:/?#[]@!$&'()*+,;=%", max_size=30)
urls = st.builds(
    "https://{}.example/{}".format, st.sampled_from(["old", "new"]), paths
).filter(is_url)


def quoted(url: str, style: str) -> str | None:
    text = {
        "plain": url,
        "single": "'" + url.replace("'", "''") + "'",
        "double": f'"{url}"',
    }[style]
    try:
        return text if yaml.safe_load(f"a: {text}") == {"a": url} else None
    except yaml.YAMLError:
        return None


@given(
    urls,
    urls,
    st.sampled_from(["plain", "single", "double"]),
    st.sampled_from(["", "  # why", " "]),
)
def test_all_other_bytes_stay(old, new, style, tail):
    value = quoted(old, style)
    assume(value is not None)
    before, after = ENTRY.split("{value}")
    text = before + value + tail + after
    changed = rewritten(text, LOC, old, new)
    assert changed is not None
    assert changed.startswith(before)
    assert changed.endswith(tail + after)
    middle = changed[len(before) : len(changed) - len(tail + after)]
    assert yaml.safe_load(f"a: {middle}") == {"a": new}
    assert yaml.safe_load(changed)["links"]["paper"] == new
    assert rewritten(changed, LOC, new, old) is not None


@given(urls, urls)
def test_flow_mappings_are_understood(old, new):
    value = quoted(old, "single")
    text = f"links: {{paper: {value}, pdf: x}}\n"
    changed = rewritten(text, LOC, old, new)
    assert changed is not None
    assert yaml.safe_load(changed) == {"links": {"paper": new, "pdf": "x"}}


def test_what_is_not_one_value_on_one_line_stays():
    for value in (
        f">-\n    {OLD}",
        f'"{OLD[:10]}\\\n    {OLD[10:]}"',
        f"&x {OLD}",
        '"https:\\/\\/old.example/a"',
    ):
        assert rewritten(ENTRY.replace("{value}", value), LOC, OLD, NEW) is None


def test_a_value_that_changed_meanwhile_stays():
    assert (
        rewritten(ENTRY.replace("{value}", "https://third.example/"), LOC, OLD, NEW)
        is None
    )
    assert rewritten("[]", LOC, OLD, NEW) is None


def moved(place_url: str, target: str, path: str = "a.yaml") -> LinkFinding:
    place = Place(path, 6, 10, "paper", place_url, LOC, "a2024b")
    result = Result(place_url, State.MOVED, Reason.PERMANENT_REDIRECT, target=target)
    return LinkFinding(Link(place_url.partition("#")[0], (place,)), result)


def test_a_moved_link_is_rewritten_in_its_file(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(ENTRY.replace("{value}", f"{OLD}#top  # why"), encoding="utf-8")
    file.chmod(0o640)
    repairs = repair([moved(f"{OLD}#top", NEW)], tmp_path)
    assert file.read_text(encoding="utf-8") == ENTRY.replace(
        "{value}", f"{NEW}#top  # why"
    )
    assert [edit.new for edit in repairs.done] == [f"{NEW}#top"]
    assert file.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["a.yaml"]


def test_windows_line_ends_stay(tmp_path):
    file = tmp_path / "a.yaml"
    raw = ENTRY.replace("{value}", OLD).replace("\n", "\r\n").encode()
    file.write_bytes(raw)
    assert repair([moved(OLD, NEW)], tmp_path).done
    assert file.read_bytes() == raw.replace(OLD.encode() + b"\r", NEW.encode() + b"\r")


def test_moves_that_a_person_should_decide_are_left(tmp_path):
    file = tmp_path / "a.yaml"
    cases = {
        "https://doi.org/10.1/1": "https://publisher.example/1",
        "https://a.example/secure": "http://a.example/open",
        "https://a.example/x": "https://user:pw@a.example/",
        "https://a.example/y": "https://localhost/",
    }
    for old, new in cases.items():
        text = ENTRY.replace("{value}", old)
        file.write_text(text, encoding="utf-8")
        repairs = repair([moved(old, new)], tmp_path)
        assert not repairs.done
        assert len(repairs.refused) == 1
        assert file.read_text(encoding="utf-8") == text


OF_ONE_VISIT = [
    *("?utm_source=x", "?a=1&UTM_Campaign=x", "?gclid=1", "?fbclid=1", "?msclkid=1", "?mc_cid=1", "?_gl=1"),
    *("?sid=4711", "?PHPSESSID=1", ";jsessionid=0A1B", ";JSESSIONID=0A1B?x=1", "?ASPSESSIONIDAB=1", "?session_id=1"),
    *("?token=1", "?access_token=1", "#access_token=1&x=2", "?X-Amz-Signature=1", "?casa_token=1", "?sso_ticket=1&ticket=1"),
    "?q=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    "?a=1;sid=2",
]  # fmt: skip
LASTING = [
    *("?id=iC4UHbQ01Mp", "?v=dQw4w9WgXcQ&t=10", "?author=x&assessment=1", "#L120", "/hash/0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
    *("?download=inline&p=3", "?arnumber=9872528", ";v=2"),
]  # fmt: skip


@pytest.mark.parametrize("tail", OF_ONE_VISIT)
def test_what_belongs_to_one_visit_is_never_written(tmp_path, tail):
    file = tmp_path / "a.yaml"
    text = ENTRY.replace("{value}", OLD)
    file.write_text(text, encoding="utf-8")
    repairs = repair([moved(OLD, NEW + tail)], tmp_path)
    assert repairs.done == ()
    assert "belongs to one visit" in repairs.refused[0][1]
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("tail", LASTING)
def test_parameters_that_last_are_written(tmp_path, tail):
    file = tmp_path / "a.yaml"
    file.write_text(ENTRY.replace("{value}", OLD), encoding="utf-8")
    assert repair([moved(OLD, NEW + tail)], tmp_path).refused == ()


def test_a_parameter_that_the_entry_had_before_may_stay(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(ENTRY.replace("{value}", f"{OLD}?sid=7"), encoding="utf-8")
    repairs = repair([moved(f"{OLD}?sid=7", f"{NEW}?sid=7")], tmp_path)
    assert len(repairs.done) == 1


def test_only_moved_links_of_entries_are_touched(tmp_path):
    state = LinkFinding(link(OLD), Result(OLD, State.BROKEN, Reason.GONE))
    listed = LinkFinding(
        Link(OLD, (Place("list.txt", 1, 1, "", OLD),)),
        Result(OLD, State.MOVED, Reason.PERMANENT_REDIRECT, target=NEW),
    )
    repairs = repair([state, listed], tmp_path)
    assert repairs.done == repairs.refused == ()


def test_a_file_that_is_gone_is_said_and_not_fatal(tmp_path):
    assert "cannot be read" in repair([moved(OLD, NEW)], tmp_path).refused[0][1]
