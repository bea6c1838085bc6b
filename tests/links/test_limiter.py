"""Hosts see no more than their limit, and are left alone when they ask for it."""

from __future__ import annotations

import asyncio
import email.utils
import heapq
import itertools

from hypothesis import given
from hypothesis import strategies as st
from links.hostile import answer, times

from surveykit.links.engine import Plan
from surveykit.links.state import Reason, State
from surveykit.net.limiter import RateLimiter, retry_after


def gaps(starts: list[float]) -> list[float]:
    return [b - a for a, b in itertools.pairwise(starts)]


def test_no_host_sees_more_than_its_limit(world, hostile):
    hostile.delay = 0.03
    urls = [f"http://polite{n % 3}.test:{hostile.port}/plain?{n}" for n in range(36)]
    outcome = world.check(urls, limiter={"per_host": 2})
    assert outcome.counts[State.OK] == 36
    for host in range(3):
        watch = hostile.watch[f"polite{host}.test"]
        assert len(watch.starts) == 12
        assert watch.most == 2


def test_a_host_sees_requests_as_far_apart_as_it_is_allowed(world, hostile):
    """Exact to the last bit below, with a clock of its own; here, that it reaches the wire."""
    urls = [f"http://spaced.test:{hostile.port}/plain?{n}" for n in range(12)]
    outcome = world.check(urls, limiter={"per_host": 12, "spacing": 0.05})
    assert outcome.counts[State.OK] == 12
    starts = hostile.watch["spaced.test"].starts
    # A busy machine serves some late, and so closer to the next; eleven gaps together hold.
    assert starts[-1] - starts[0] > 11 * 0.05 / 2


def test_redirects_count_for_the_host_they_lead_to(world, hostile):
    hostile.delay = 0.05
    hostile.handlers["/far"] = answer(
        302, location=f"http://far.test:{hostile.port}/plain"
    )
    urls = [f"http://near{n}.test:{hostile.port}/far" for n in range(8)]
    world.check(urls, limiter={"per_host": 1})
    assert hostile.watch["far.test"].most == 1
    assert len(hostile.watch["far.test"].starts) == 8


def test_a_slow_host_keeps_nobody_waiting(world, hostile):
    urls = [f"http://slow.test:{hostile.port}/hangs?{n}" for n in range(3)]
    urls += [f"http://fast{n}.test:{hostile.port}/plain" for n in range(20)]
    order = []
    world.check(
        urls,
        limiter={"per_host": 1, "total": 2},
        seen=lambda r: order.append(r.url),
        plan=Plan(tries=1),
    )
    assert all("fast" in url for url in order[:10])


def test_requests_at_once_are_bounded_in_all(world, hostile):
    hostile.delay = 0.03
    urls = [f"http://all{n}.test:{hostile.port}/plain" for n in range(30)]
    now = most = 0
    world.check(urls, limiter={"total": 4})
    moments = [(t, 1) for w in hostile.watch.values() for t in w.starts]
    moments += [(t + 0.025, -1) for t, _ in moments]
    for _, step in sorted(moments):
        now += step
        most = max(most, now)
    assert most <= 4


def test_a_host_that_asks_for_a_pause_gets_it_and_the_others_go_on(world, hostile):
    hostile.handlers["/pause"] = times(
        1, answer(429, retry_after="1"), answer(200, "<title>A paper</title> text")
    )
    urls = [f"http://pause.test:{hostile.port}/pause"]
    urls += [f"http://other{n}.test:{hostile.port}/plain" for n in range(5)]
    outcome = world.check(urls)
    assert outcome.counts[State.OK] == 6
    assert gaps(hostile.watch["pause.test"].starts)[0] > 0.9


def test_a_host_that_asks_for_a_day_is_left_alone_for_the_run(world, hostile):
    urls = [f"http://day.test:{hostile.port}/limited-long?{n}" for n in range(9)]
    outcome = world.check(urls, limiter={"per_host": 1})
    assert {f.result.reason for f in outcome.findings} == {Reason.RATE_LIMITED}
    assert len(hostile.watch["day.test"].starts) == 1


class Time:
    """A clock that jumps to the next sleeper when all sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleepers: list[tuple[float, int, asyncio.Event]] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        event = asyncio.Event()
        heapq.heappush(self.sleepers, (self.now + seconds, id(event), event))
        await event.wait()

    async def run(self) -> None:
        while True:
            for _ in range(20):
                await asyncio.sleep(0)
            if self.sleepers:
                self.now, _, event = heapq.heappop(self.sleepers)
                event.set()


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.floats(0, 3)), min_size=1, max_size=25
    ),
    st.integers(1, 3),
    st.floats(0, 2),
    st.integers(1, 5),
)
def test_the_gate_keeps_all_limits_whatever_comes(work, per_host, spacing, total):
    time = Time()
    log: list[tuple[float, str, int]] = []

    async def one(limiter: RateLimiter, host: str, seconds: float) -> None:
        async with limiter.slot(host):
            log.append((time.now, host, 1))
            await time.sleep(seconds)
            log.append((time.now, host, -1))

    async def everything() -> None:
        limiter = RateLimiter(per_host, spacing, total, time.clock, time.sleep)
        driver = asyncio.create_task(time.run())
        await asyncio.gather(*(one(limiter, host, s) for host, s in work))
        driver.cancel()

    asyncio.run(everything())
    now = dict.fromkeys("abc", 0)
    last: dict[str, float] = {}
    for moment, host, step in log:
        now[host] += step
        assert now[host] <= per_host
        assert sum(now.values()) <= total
        if step > 0:
            assert moment - last.get(host, -10.0) >= spacing - 1e-9
            last[host] = moment


@given(st.integers(0, 10**7))
def test_retry_after_in_seconds(seconds):
    assert retry_after(f" {seconds} ", now=1e9) == seconds


@given(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
def test_retry_after_as_a_date(moment, now):
    text = email.utils.formatdate(moment, usegmt=True)
    assert retry_after(text, now) == max(0, moment - now)


@given(st.text())
def test_any_other_retry_after_is_no_crash(text):
    found = retry_after(text, now=1e9)
    assert found is None or found >= 0


def test_retry_after_that_says_nothing():
    for text in (
        None,
        "",
        "-5",
        "soon",
        "1.5",
        "²",
        "٣",
        "Wed, 99 Foo 2026 99:99:99 GMT",
    ):
        assert retry_after(text, now=1e9) is None
