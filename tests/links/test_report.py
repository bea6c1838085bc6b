"""The same findings for people, programs, and one rolling issue; nothing in an address gets out of its place."""

from __future__ import annotations

import json
import re
from datetime import date
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from links.hostile import link

from surveykit.links import report
from surveykit.links.engine import LinkFinding, Outcome
from surveykit.links.state import Hop, Reason, Result, State

SITE = "https://example.org"


def finding(
    name: str, state: State, reason: Reason, status: int = 200, *, days=(), **more
) -> LinkFinding:
    url = f"{SITE}/{name}"
    return LinkFinding(
        link(url), Result(url, state, reason, hops=(Hop(url, status),), **more), days
    )


BROKEN = finding(
    "gone",
    State.BROKEN,
    Reason.NOT_FOUND,
    404,
    days=(date(2026, 11, 1), date(2026, 11, 8)),
    seconds=0.3,
)
OUTCOME = Outcome(
    (
        finding("fine", State.OK, Reason.REACHED),
        finding("walled", State.UNVERIFIABLE, Reason.FORBIDDEN, 403),
        finding("moved", State.MOVED, Reason.PERMANENT_REDIRECT, target=f"{SITE}/new"),
        BROKEN,
        finding("shaky", State.SUSPECT, Reason.TIMEOUT, days=(date(2026, 11, 8),)),
        finding("inside", State.BLOCKED, Reason.ADDRESS),
        finding("left", State.SKIPPED, Reason.BY_POLICY),
    )
)
WELL = Outcome((finding("fine", State.OK, Reason.REACHED),))


def test_the_count_holds_what_was_not_checked():
    half = Outcome(OUTCOME.findings, 5)
    assert report.summary(half).startswith("12 links: ")
    assert report.summary(half).endswith(", 5 not checked")
    assert report.summary(Outcome(())) == "0 links: nothing to check"


def test_text_has_a_place_the_evidence_and_the_counts_with_the_worst_first():
    lines = report.text(OUTCOME).splitlines()
    assert lines[0] == (
        "catalog/papers/2024/a2024b.yaml:7:10: broken not-found 404 https://example.org/gone [2 failing runs since 2026-11-01]"
    )
    assert [line.split()[1] for line in lines[:-1]] == [
        "broken",
        "blocked",
        "suspect",
        "moved",
        "unverifiable",
    ]
    assert (
        lines[-1]
        == "7 links: 1 ok, 1 moved, 1 unverifiable, 1 suspect, 1 broken, 1 blocked, 1 skipped"
    )


def test_json_holds_everything():
    data = json.loads(report.as_json(OUTCOME))
    assert data["counts"] == dict.fromkeys(State, 1)
    gone = data["links"][3]
    assert gone["state"] == "broken"
    assert gone["hops"] == [{"url": f"{SITE}/gone", "status": 404}]
    assert gone["failing_days"] == ["2026-11-01", "2026-11-08"]
    assert gone["places"] == [
        {
            "path": "catalog/papers/2024/a2024b.yaml",
            "line": 7,
            "column": 10,
            "entry": "a2024b",
            "kind": "paper",
        }
    ]


def test_github_shows_the_first_ten_errors_and_says_how_many_more():
    many = Outcome(
        tuple(finding(str(n), State.BROKEN, Reason.GONE, 410) for n in range(25))
    )
    lines = report.github(many).splitlines()
    assert sum(line.startswith("::error file=") for line in lines) == 10
    assert "15 more errors" in lines[-1]
    lines = report.github(OUTCOME).splitlines()
    assert sum(line.startswith("::error") for line in lines) == 2


def test_junit_is_well_formed_and_counts():
    suite = ElementTree.fromstring(report.junit(OUTCOME).encode())
    assert suite.attrib["tests"] == "7"
    assert len(suite.findall("testcase/failure")) == int(suite.attrib["failures"]) == 2
    assert len(suite.findall("testcase/skipped")) == int(suite.attrib["skipped"]) == 3


def test_the_issue_is_the_same_whatever_the_order_time_and_error_text():
    def disturbed(one: LinkFinding) -> LinkFinding:
        from dataclasses import replace

        result = replace(one.result, seconds=9.9, detail="other words this time")
        return replace(one, result=result)

    again = Outcome(tuple(map(disturbed, reversed(OUTCOME.findings))))
    assert report.markdown(again) == report.markdown(OUTCOME)


def test_the_issue_of_a_sound_catalog_says_so():
    assert (
        report.markdown(WELL)
        == "# Links\n\nAll is well: no link of the catalog is broken.\n"
    )


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_in_an_address_leaves_its_place(url, detail):
    hop = Hop(url, 404)
    result = Result(
        url, State.BROKEN, Reason.NOT_FOUND, detail, hops=(hop,), target=None
    )
    outcome = Outcome((LinkFinding(link(url), result),))
    assert len(report.text(outcome).splitlines()) == 2
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", report.text(outcome))
    commands = [line for line in report.github(outcome).splitlines() if "::" in line]
    assert [line.partition(" ")[0] for line in commands] == ["::error", "::notice::1"]
    ElementTree.fromstring(report.junit(outcome).encode("utf-8", "surrogatepass"))
    rows = [
        line for line in report.markdown(outcome).splitlines() if line.startswith("| `")
    ]
    assert len(rows) == 1
    assert rows[0].count("`") == 6
    assert rows[0].count("|") == 4
    json.loads(report.as_json(outcome))
