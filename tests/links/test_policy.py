"""Exceptions have a reason and an end, and do not outlive their use."""

from __future__ import annotations

from datetime import date

import pytest

from surveykit.errors import Severity
from surveykit.links.policy import FILE, Policy
from surveykit.links.policy_file import WrittenRule, read_policy

GOOD = """\
# exceptions
- prefix: https://a.example/x/
  treat: skip
  reason: Asked us not to.
  until: '2026-12-31'
- prefix: https://a.example/x/deep/
  treat: unverifiable
  reason: Answers 500 to programs.
  until: '2026-06-30'
"""


def policy(tmp_path, text: str):
    path = tmp_path / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_policy(tmp_path)


def test_no_file_and_an_empty_file_mean_no_rules(tmp_path):
    assert read_policy(tmp_path) == (Policy(), [])
    for text in ("", "# nothing yet\n", "[]\n"):
        assert policy(tmp_path, text)[0].rules == ()
        assert policy(tmp_path, text)[1] == []


def test_the_longest_prefix_wins(tmp_path):
    found, problems = policy(tmp_path, GOOD)
    assert problems == []
    assert found.rule("https://a.example/x/1").treat == "skip"
    assert found.rule("https://a.example/x/deep/1").treat == "unverifiable"
    assert found.rule("https://a.example/y") is None
    assert found.skipped("https://a.example/x/1").detail == "Asked us not to."
    assert found.skipped("https://a.example/x/deep/1") is None


def test_expired_rules_are_errors_with_their_line(tmp_path):
    found, _ = policy(tmp_path, GOOD)
    (problem,) = found.expired(date(2026, 11, 20))
    assert (problem.line, problem.severity) == (6, Severity.ERROR)
    assert "2026-06-30" in problem.message
    assert found.expired(date(2026, 6, 30)) == []


def test_unused_rules_are_warnings(tmp_path):
    found, _ = policy(tmp_path, GOOD)
    (problem,) = found.unused(["https://a.example/x/1", "https://b.example/"])
    assert (problem.line, problem.severity) == (6, Severity.WARNING)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        (
            "https://a.example/x/\n",
            "https://a.example\n",
            2,
            "ends inside the host name",
        ),
        ("https://a.example/x/\n", "ftp://a.example/\n", 2, "only http and https"),
        ("skip", "ignore", 3, "not one of skip, unverifiable"),
        ("  reason: Asked us not to.\n", "", 2, "`reason` is missing"),
        ("until: '2026-12-31'", "until: someday", 5, "not a day"),
        ("treat: skip", "treats: skip", 3, "unknown field"),
        ("- prefix: https://a.example/x/\n", "- prefix: [\n", 2, ""),
    ],
)
def test_faults_have_a_place_and_words(tmp_path, old, new, line, words):
    found, problems = policy(tmp_path, GOOD.replace(old, new, 1))
    assert found == Policy()
    texts = [p.message for p in problems if line <= p.line <= line + 2]
    assert any(words in text.replace("[0].", "") for text in texts), problems


def test_the_fields_are_documented():
    assert all(field.description for field in WrittenRule.model_fields.values())
