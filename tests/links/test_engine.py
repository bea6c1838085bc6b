"""A whole run: each address once, retries, strikes, the budget, and no network at all."""

from __future__ import annotations

import random
import socket
from datetime import date
from urllib.parse import urlsplit

import pytest
from links.hostile import answer, raw, times

from surveykit.links.engine import NetworkUnreachableError, Plan
from surveykit.links.gather import from_lines
from surveykit.links.policy import Policy, PolicyRule
from surveykit.links.state import Hop, Reason, Result, State

DAY = 86400.0
ONE = Plan(strikes=1, backoff_seconds=0.01)
TWO = Plan(strikes=2, strike_days=7, backoff_seconds=0.01)


def states(outcome) -> list[str]:
    return [str(f.result.state) for f in outcome.findings]


def test_each_address_is_asked_for_once_whatever_its_fragment(world, hostile):
    url = f"http://once.test:{hostile.port}/plain"
    links = from_lines([url, f"{url}#a", "", "# a remark", f"  {url}#b  "], "list.txt")
    outcome = world.check(links)
    assert len(hostile.watch["once.test"].starts) == 1
    (finding,) = outcome.findings
    assert [(p.line, p.column, p.written) for p in finding.link.places] == [
        (1, 1, url),
        (2, 1, f"{url}#a"),
        (5, 3, f"{url}#b"),
    ]


def test_the_first_look_reads_the_page_and_later_ones_ask_for_its_head(world, hostile):
    urls = [f"http://head.test:{hostile.port}/plain"]
    world.check(urls)
    world.now += DAY
    world.check(urls)
    world.now += 100 * DAY
    world.check(urls)
    assert [r.method for r in hostile.requests] == ["GET", "HEAD", "GET"]


def test_a_head_that_is_refused_or_lies_is_followed_by_a_get(world, hostile):
    for name in ("head-refused", "head-lies", "head-breaks"):
        url = hostile.cases[name][0]
        world.check([url])
        world.now += DAY
        hostile.requests.clear()
        assert states(world.check([url])) == ["ok"]
        assert [r.method for r in hostile.requests][-1] == "GET"
        assert hostile.requests[0].method == "HEAD"


def test_what_may_pass_is_tried_again_and_what_may_not_is_not(world, hostile):
    hostile.handlers["/twice"] = times(
        2, answer(502), answer(200, "<title>A paper</title> text")
    )
    urls = [
        f"http://again.test:{hostile.port}/twice",
        f"http://again.test:{hostile.port}/missing",
    ]
    assert states(world.check(urls)) == ["ok", "broken"]
    assert sum(r.path == "/missing" for r in hostile.requests) == 1


def test_the_user_agent_says_who_asks_without_words_that_servers_refuse(world, hostile):
    world.check([f"http://agent.test:{hostile.port}/plain"])
    (request,) = hostile.requests
    assert request.headers["user-agent"].startswith("surveykit")
    assert not {"link", "checker", "bot"} & set(
        request.headers["user-agent"].lower().split("/")
    )
    assert request.headers["accept-encoding"] == "identity"
    assert "cookie" not in request.headers


def test_a_failure_is_suspect_until_it_failed_on_enough_days(world, hostile):
    url = [f"http://strikes.test:{hostile.port}/missing"]
    assert states(world.check(url, plan=TWO)) == ["suspect"]
    world.now += DAY
    assert states(world.check(url, plan=TWO)) == ["suspect"]
    world.now += 6 * DAY
    outcome = world.check(url, plan=TWO)
    assert states(outcome) == ["broken"]
    assert outcome.failed
    assert len(outcome.findings[0].failures) == 3


def test_an_outage_is_no_alarm(world, hostile):
    hostile.handlers["/outage"] = times(
        3, answer(500), answer(200, "<title>A paper</title> text")
    )
    url = [f"http://outage.test:{hostile.port}/outage"]
    assert states(world.check(url, plan=TWO)) == ["suspect"]
    world.now += 8 * DAY
    assert states(world.check(url, plan=TWO)) == ["ok"]
    hostile.handlers["/outage"] = answer(500)
    world.now += 8 * DAY
    assert states(world.check(url, plan=TWO)) == ["suspect"]


def test_blocked_needs_no_second_strike(world):
    assert states(world.check(["http://10.0.0.1/"], plan=TWO)) == ["blocked"]


def test_good_results_are_not_asked_for_again_within_the_age(world, hostile):
    urls = [
        f"http://age.test:{hostile.port}/{name}"
        for name in ("plain", "missing", "forbidden")
    ]
    plan = Plan(max_age_seconds=3600, strikes=1)
    world.check(urls, plan=plan)
    hostile.requests.clear()
    world.now += 1800
    assert states(world.check(urls, plan=plan)) == ["ok", "broken", "unverifiable"]
    assert {r.path for r in hostile.requests} == {"/missing"}
    world.now += 3600
    hostile.requests.clear()
    world.check(urls, plan=plan)
    assert {r.path for r in hostile.requests} == {"/plain", "/missing", "/forbidden"}


def test_a_budget_takes_the_stalest_first_and_says_what_is_left(world, hostile):
    urls = [f"http://budget.test:{hostile.port}/plain?{n}" for n in range(12)]
    world.check(urls[6:])
    world.now += DAY
    hostile.requests.clear()
    hostile.delay = 0.05
    outcome = world.check(urls, limiter={"per_host": 1}, plan=Plan(budget_seconds=0.25))
    asked = [r.path for r in hostile.requests]
    assert 0 < len(asked) < 12
    fresh = {f.link.url for f in outcome.findings} - set(urls[6:])
    assert outcome.unchecked == 6 - len(fresh)
    assert asked[:6] == [f"/plain?{n}" for n in range(len(asked[:6]))]


def test_what_was_not_reached_keeps_its_last_known_state(world, hostile):
    urls = [f"http://known.test:{hostile.port}/{name}" for name in ("missing", "plain")]
    world.check(urls[:1])
    outcome = world.check(urls, plan=Plan(strikes=1, budget_seconds=0.0))
    assert states(outcome) == ["broken"]
    assert outcome.unchecked == 1


def test_no_budget_at_all_ends_at_once(world, hostile):
    outcome = world.check(
        [f"http://b{n}.test:{hostile.port}/plain" for n in range(30)],
        plan=Plan(budget_seconds=0.0),
    )
    assert outcome.unchecked == 30


def test_a_silent_host_is_not_asked_for_all_its_links(world, hostile):
    urls = [f"http://silent.test:{hostile.dead}/{n}" for n in range(30)]
    urls.append(f"http://loud.test:{hostile.port}/plain")
    outcome = world.check(urls, limiter={"per_host": 1})
    assert outcome.counts[State.BROKEN] == 30
    details = [f.result.detail for f in outcome.findings]
    assert sum("left alone" in detail for detail in details) == 27


class TestNoNetwork:
    """Offline, nothing is judged and nothing recorded."""

    @staticmethod
    async def nobody(_: str) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    def test_many_silent_hosts_mean_no_network(self, world, hostile):
        good = [f"http://host{n}.test:{hostile.port}/plain" for n in range(5)]
        world.check(good)
        before = world.history.read_bytes()
        world.now += DAY
        with pytest.raises(NetworkUnreachableError, match="unreachable"):
            world.check(
                good
                + [f"https://h{n}.example/{m}" for n in range(50) for m in range(3)],
                lookup=self.nobody,
            )
        assert world.history.read_bytes() == before

    def test_four_of_the_silent_hosts_are_named(self, world):
        with pytest.raises(NetworkUnreachableError) as told:
            world.check(
                [f"https://h{n}.example/" for n in range(6)], lookup=self.nobody
            )
        assert "none of 6 hosts answered (h0.example, h1.example, h2.example, h3.example …)" in str(told.value)  # fmt: skip

    def test_blocked_links_among_silent_hosts_are_no_answer(self, world):
        urls = ["http://10.0.0.1/", "ftp://x.example/"] + [
            f"https://h{n}.example/" for n in range(4)
        ]
        with pytest.raises(NetworkUnreachableError):
            world.check(urls, lookup=self.nobody)
        assert b"state" not in world.history.read_bytes()

    def test_few_silent_hosts_make_us_ask_well_known_ones(self, world, hostile):
        dead = "http://nx.test/"
        with pytest.raises(NetworkUnreachableError):
            world.check([dead], canaries=["http://nx2.test/"])
        up = f"http://canary.test:{hostile.port}/plain"
        assert states(world.check([dead], canaries=[up])) == ["broken"]

    def test_one_host_that_answers_is_enough(self, world, hostile):
        urls = [f"http://nx{n}.test/" for n in range(11)] + [
            f"http://up.test:{hostile.port}/missing"
        ]
        outcome = world.check(urls)
        assert {f.result.reason for f in outcome.findings} == {
            Reason.DNS,
            Reason.NOT_FOUND,
        }
        assert world.history.read_bytes().count(b'"dns"') == 11

    def test_only_blocked_links_need_no_network(self, world):
        assert states(world.check(["http://10.0.0.1/", "ftp://a.example/"])) == [
            "blocked",
            "blocked",
        ]


def test_a_rule_of_the_policy_skips_or_takes_a_failure_for_a_wall(world, hostile):
    site = f"http://policy.test:{hostile.port}"
    rules = [
        {
            "prefix": f"{site}/",
            "treat": "unverifiable",
            "reason": "Refuses programs.",
            "until": date(2027, 1, 1),
        },
        {
            "prefix": f"{site}/missing/",
            "treat": "skip",
            "reason": "Asked us not to.",
            "until": date(2027, 1, 1),
        },
    ]
    policy = Policy(tuple(PolicyRule(**rule) for rule in rules), (1, 2))
    outcome = world.check(
        [f"{site}/missing", f"{site}/missing/x", f"{site}/plain"], policy=policy
    )
    assert states(outcome) == ["unverifiable", "skipped", "ok"]
    assert len(hostile.watch["policy.test"].starts) == 2


def test_an_interrupted_run_ends_with_what_is_known_and_is_gone_on_with(world, hostile):
    hostile.delay = 0.02
    urls = [f"http://stop.test:{hostile.port}/plain?{n}" for n in range(40)]
    seen = []

    def count(result) -> None:
        seen.append(result.url)
        if len(seen) == 10:
            run[0].interrupt()

    run = []
    outcome = world.check(urls, limiter={"per_host": 2}, seen=count, holder=run)
    assert outcome.interrupted
    known = len(outcome.findings)
    assert known == len(seen) < 13
    assert outcome.unchecked == 40 - known
    hostile.requests.clear()
    again = world.check(urls, limiter={"per_host": 2})
    assert states(again) == ["ok"] * 40
    # A request that was in flight may reach a busy server late, so paths are compared, not counts.
    asked = {request.path for request in hostile.requests}
    found = {
        urlsplit(f.link.url).path + "?" + urlsplit(f.link.url).query
        for f in outcome.findings
    }
    assert asked == {f"/plain?{n}" for n in range(40)} - found


def test_no_reply_whatever_ends_the_run(world, hostile):
    chance = random.Random(7)
    good = b"HTTP/1.1 302 Found\r\nContent-Type: text/html; charset=x\r\nLocation: /plain\r\nSet-Cookie: a=b\r\nRetry-After: 3\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    for n in range(150):
        bytes_ = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(bytes_))
            bytes_[place : place + chance.randint(0, 5)] = chance.randbytes(
                chance.randint(0, 6)
            )
        hostile.handlers[f"/fuzz{n}"] = raw(bytes(bytes_))
    urls = [f"http://fuzz{n}.test:{hostile.port}/fuzz{n}" for n in range(150)]
    outcome = world.check(urls, plan=Plan(tries=1, strikes=1))
    assert len(outcome.findings) == 150
    assert len(outcome.counts) == len(State)


def test_the_last_address_asked_is_that_of_the_last_hop():
    hops = tuple(Hop(f"https://h{n}.example/", 302 if n < 2 else 429) for n in range(3))
    result = Result("https://h0.example/", State.UNVERIFIABLE, Reason.RATE_LIMITED, hops=hops)  # fmt: skip
    assert (result.last, result.status) == ("https://h2.example/", 429)
    silent = Result("https://h0.example/", State.BROKEN, Reason.DNS)
    assert (silent.last, silent.status) == ("https://h0.example/", None)
