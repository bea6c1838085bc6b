"""What was learned survives a kill, a torn line and a file that grows."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.errors import MachineError
from surveykit.links.history import KEEP, History, strikes
from surveykit.links.state import Hop, Reason, Result, State

DAY = 86400.0
NOW = 1_700_000_000.0


def ok(url: str, **more) -> Result:
    return Result(
        url, State.OK, Reason.REACHED, hops=(Hop(url, 200),), thorough=True, **more
    )


def bad(url: str) -> Result:
    return Result(url, State.BROKEN, Reason.NOT_FOUND, hops=(Hop(url, 404),))


URLS = st.sampled_from([f"https://example.org/{n}" for n in range(4)])
RESULTS = st.builds(
    Result,
    url=URLS,
    state=st.sampled_from([State.OK, State.MOVED, State.BROKEN, State.UNVERIFIABLE]),
    reason=st.sampled_from(list(Reason)),
    detail=st.text(max_size=40),
    hops=st.lists(st.builds(Hop, URLS, st.integers(100, 999)), max_size=3).map(tuple),
    target=st.none() | URLS,
    seconds=st.floats(0, 100),
    thorough=st.booleans(),
)


@given(st.lists(RESULTS, max_size=12))
def test_what_is_written_is_read_back(tmp_path_factory, results):
    path = tmp_path_factory.mktemp("h") / "links.jsonl"
    with History(path, NOW) as history:
        for result in results:
            history.add(result, NOW)
        said = history.past
    with History(path, NOW) as history:
        assert {u: p.result for u, p in history.past.items()} == {
            u: p.result for u, p in said.items()
        }
        assert {u: p.failures for u, p in history.past.items()} == {
            u: p.failures for u, p in said.items()
        }


@given(st.integers(0, 400), st.binary(max_size=30))
def test_a_file_cut_anywhere_loses_at_most_the_line_that_was_cut(
    tmp_path_factory, cut, noise
):
    path = tmp_path_factory.mktemp("h") / "links.jsonl"
    with History(path, NOW) as history:
        for n in range(3):
            history.add(ok(f"https://example.org/{n}"), NOW)
    whole = path.read_bytes()
    kept = whole[: min(cut, len(whole))]
    path.write_bytes(kept + noise.replace(b"\n", b""))
    lines = kept.count(b"\n")
    with History(path, NOW) as history:
        found = set(history.past)
        history.add(ok("https://example.org/new"), NOW)
    assert len(found) in (
        max(lines - 1, 0),
        lines,
    )  # the first line says that a run begins
    with History(path, NOW) as history:
        assert set(history.past) == found | {"https://example.org/new"}


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"null",
        b"3",
        b'{"url":1}',
        b"\xff\xfe",
        b'{"run":"x","at":"never"}',
        b'{"run":"x","at":1,"url":"u","state":"fine","reason":"dns","hops":[]}',
    ],
)
def test_foreign_lines_are_passed_over(tmp_path, line):
    path = tmp_path / "links.jsonl"
    path.write_bytes(line + b"\n")
    with History(path, NOW) as history:
        assert history.past == {}


def test_two_runs_at_once_are_refused(tmp_path):
    with (
        History(tmp_path / "h", NOW),
        pytest.raises(MachineError, match="another check"),
        History(tmp_path / "h", NOW),
    ):
        pass


def test_the_file_stays_small_and_forgets_nothing_that_counts(tmp_path):
    path = tmp_path / "links.jsonl"
    urls = [f"https://example.org/{n}" for n in range(120)]
    for run in range(60):
        with History(path, NOW + run * DAY) as history:
            for url in urls:
                broken = run >= 50 and url.endswith("7")
                history.add(bad(url) if broken else ok(url), NOW + run * DAY)
            history.finish(NOW + run * DAY)
            before = {u: (p.result, p.failures) for u, p in history.past.items()}
    assert path.read_bytes().count(b"\n") <= 2 * KEEP * len(urls) + len(urls)
    with History(path, NOW) as history:
        assert {u: (p.result, p.failures) for u, p in history.past.items()} == before


def test_good_results_are_fresh_for_a_while_and_failures_never(tmp_path):
    with History(tmp_path / "h", NOW) as history:
        history.add(ok("a"), NOW)
        history.add(bad("b"), NOW)
        history.finish(NOW)
    with History(tmp_path / "h", NOW + 100) as history:
        assert history.fresh("a", 200) == ok("a")
        assert history.fresh("a", 50) is None
        assert history.fresh("b", 200) is None


def test_a_run_that_was_cut_off_is_gone_on_with_for_a_day(tmp_path):
    for urls in ("ab", "cd"):  # cut off twice
        with History(tmp_path / "h", NOW) as history:
            for url in urls:
                history.add(bad(url), NOW)
    with History(tmp_path / "h", NOW + 0.9 * DAY) as history:
        assert all(history.fresh(url, 0) for url in "abcd")
    with History(tmp_path / "h", NOW + 1.1 * DAY) as history:
        assert not any(history.fresh(url, 0) for url in "abcd")
    with History(tmp_path / "h", NOW) as history:
        history.add(ok("e"), NOW)
        history.finish(NOW)
    with History(tmp_path / "h", NOW) as history:
        assert not any(history.fresh(url, 0) for url in "abcde")


def test_pages_are_looked_at_again_after_90_days(tmp_path):
    with History(tmp_path / "h", NOW) as history:
        assert history.thorough("a")
        history.add(ok("a"), NOW)
    with History(tmp_path / "h", NOW + 89 * DAY) as history:
        assert not history.thorough("a")
    with History(tmp_path / "h", NOW + 91 * DAY) as history:
        assert history.thorough("a")


def test_success_takes_all_strikes_away_and_a_wall_none(tmp_path):
    with History(tmp_path / "h", NOW) as history:
        history.add(bad("a"), NOW)
        history.add(bad("a"), NOW + 1)  # the same run counts once
        assert len(history.failures("a")) == 1
        history.add(Result("a", State.UNVERIFIABLE, Reason.FORBIDDEN), NOW)
        assert len(history.failures("a")) == 1
        history.add(ok("a"), NOW)
        assert history.failures("a") == ()


def test_strikes_lie_apart():
    days = [date(2026, 1, d) for d in (1, 1, 2, 3, 8, 9)]
    assert strikes(days, 0) == 6
    assert strikes(days, 1) == 5
    assert strikes(days, 3) == 2
    assert strikes([], 1) == 0


WRITER = """
import sys, time
from pathlib import Path
from surveykit.links.history import History
from surveykit.links.state import *
with History(Path(sys.argv[1]), time.time()) as history:
    print("go", flush=True)
    n = 0
    while True:
        history.add(Result(f"https://example.org/{n}", State.OK, Reason.REACHED, "x" * 200), time.time())
        print(n, flush=True)
        n += 1
"""


def test_kill_9_at_any_point_keeps_everything_that_was_acknowledged(tmp_path):
    path = tmp_path / "links.jsonl"
    for attempt in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout.readline() == "go\n"
        time.sleep(0.004 * attempt)
        writer.send_signal(signal.SIGKILL)
        said = [
            int(line)
            for line in writer.stdout.read().splitlines()
            if line.endswith(tuple("0123456789"))
        ]
        writer.wait()
        writer.stdout.close()
        with History(path, time.time()) as history:
            known = set(history.past)
            assert {f"https://example.org/{n}" for n in said[:-1]} <= known
            assert all(history.fresh(url, 0) for url in known)
    whole = path.read_bytes().splitlines()
    assert sum(1 for line in whole if not _parses(line)) <= 12


def _parses(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
