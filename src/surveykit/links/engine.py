"""All links of a run: hosts side by side, retries, a budget of time, and an end whenever one is asked for."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from surveykit.errors import MachineError, plural
from surveykit.links.fetch import Checker
from surveykit.links.gather import Link
from surveykit.links.history import History, strikes
from surveykit.links.judge import Judgment
from surveykit.links.policy import Policy
from surveykit.links.proof import Prover, named
from surveykit.links.state import SILENCE, TRANSIENT, Reason, Result, State
from surveykit.net.limiter import Sleep

ACTIVE_HOSTS = 1000
"""Hosts that are worked on at once."""
PROBED_HOSTS = 12
"""Hosts that are asked first, to see whether there is a network at all."""
FEWEST_HOSTS = 3
"""From fewer silent hosts nothing is concluded about the network."""
OFFLINE = SILENCE - {Reason.REFUSED, Reason.RESET}
"""Reasons that a machine without a network gives for every host."""
BAD_CHECKS = 3
"""Checks in a row without an answer, or too many requests, after which a host is left alone."""
CANARIES = ("https://doi.org/", "https://arxiv.org/", "https://github.com/")


class NetworkUnreachableError(MachineError):
    """No host could be reached: nothing can be said about any link."""


@dataclass(frozen=True)
class Plan:
    """How a run goes."""

    max_age_seconds: float = 0.0
    """Good results younger than this are not asked for again."""
    budget_seconds: float | None = None
    """After so long nothing new is begun."""
    tries: int = 3
    """Requests for one link where the reason may pass."""
    backoff_seconds: float = 1.0
    """Wait before the second try; doubled for each further one, with jitter."""
    longest_wait_seconds: float = 60.0
    """A host that asks for more is left alone for the run."""
    strikes: int = 2
    """Failing runs after which a link is broken."""
    strike_days: int = 1
    """Days that these runs lie apart at least."""


@dataclass(frozen=True, slots=True)
class LinkFinding:
    """A link and what is known of it after the run."""

    link: Link
    result: Result
    """With `suspect` in place of `broken` while the strikes do not suffice."""
    failures: tuple[date, ...] = ()
    """Days of failing runs since it last worked."""


@dataclass(frozen=True)
class Outcome:
    """What a run found."""

    findings: tuple[LinkFinding, ...]
    """In the order of the links."""
    unchecked: int = 0
    """Links of which nothing is known: the time did not suffice, in this run and before."""
    interrupted: bool = False
    """Whether somebody stopped the run."""

    @property
    def counts(self) -> dict[State, int]:
        """State -> links, all states in their order."""
        found = Counter(finding.result.state for finding in self.findings)
        return {state: found[state] for state in State}

    @property
    def failed(self) -> bool:
        """Whether something is broken or blocked."""
        return bool(self.counts[State.BROKEN] or self.counts[State.BLOCKED])


@dataclass
class CheckRun:
    """One run over a set of links."""

    checker: Checker
    history: History
    plan: Plan = Plan()
    policy: Policy = field(default_factory=Policy)
    prover: Prover | None = None
    canaries: Sequence[str] = CANARIES
    """Asked when too few hosts are silent to say whether there is a network."""
    sleep: Sleep = asyncio.sleep
    chance: random.Random = field(default_factory=random.Random)
    seen: Callable[[Result], None] = lambda _: None
    """Told each result as it comes."""
    _results: dict[str, Result] = field(default_factory=dict)
    _bad_row: Counter[str] = field(default_factory=Counter)
    _left_alone: dict[str, Judgment] = field(default_factory=dict)
    _work: asyncio.Task[None] | None = None
    _interrupted: bool = False
    _deadline: float = math.inf

    def interrupt(self) -> None:
        """Leave what is in flight and end with what is known."""
        self._interrupted = True
        if self._work:
            self._work.cancel()

    async def check(self, links: Sequence[Link]) -> Outcome:
        """Outcome for the links. Raises NetworkUnreachableError, and then history is as it was."""
        if self.plan.budget_seconds is not None:
            self._deadline = self.checker.clock() + self.plan.budget_seconds
        self._work = asyncio.create_task(self._all(links))
        try:
            await self._work
            self.history.finish(self.checker.wall_clock())
        except asyncio.CancelledError:
            if not self._interrupted:
                raise
        findings = tuple(
            self._finding(link, result)
            for link in links
            if (result := self._last(link.url))
        )
        return Outcome(findings, len(links) - len(findings), self._interrupted)

    def _last(self, url: str) -> Result | None:
        """What this run found, or the last one that came so far."""
        past = self.history.past.get(url)
        return self._results.get(url) or (past.result if past else None)

    def _finding(self, link: Link, result: Result) -> LinkFinding:
        if result.state is not State.BROKEN:
            return LinkFinding(link, result)
        if rule := self.policy.rule(link.url):
            known = f"{rule.reason} (seen: {result.reason})"
            return LinkFinding(
                link,
                replace(
                    result,
                    state=State.UNVERIFIABLE,
                    reason=Reason.BY_POLICY,
                    detail=known,
                ),
            )
        failures = self.history.failures(link.url)
        if strikes(failures, self.plan.strike_days) < self.plan.strikes:
            result = replace(result, state=State.SUSPECT)
        return LinkFinding(link, result, failures)

    async def _all(self, links: Sequence[Link]) -> None:
        queues = self._queues([link for link in links if not self._known(link)])
        per_host = self.checker.limiter.per_host
        turns = deque(q for turn in range(per_host) for q in queues if len(q) > turn)
        self._network = _Network(min(len(queues), PROBED_HOSTS), self._canaries_answer)
        workers = min(len(turns), ACTIVE_HOSTS * per_host)
        await _together(self._worker(turns) for _ in range(workers))
        if self.prover:
            for proven in await self.prover.prove(links, self._results):
                self._note(proven)

    def _known(self, link: Link) -> bool:
        """Whether the policy or history answers without a request."""
        result = self.policy.skipped(link.url) or self.history.fresh(
            link.url, self.plan.max_age_seconds
        )
        if result:
            self._results[link.url] = result
            self.seen(result)
        return result is not None

    def _queues(self, links: Iterable[Link]) -> list[deque[Link]]:
        """Links by host, the stalest first; then hosts with many links, for they take longest."""
        hosts: dict[str, deque[Link]] = {}
        for link in sorted(links, key=lambda link: self.history.asked_at(link.url)):
            hosts.setdefault(_host(link.url), deque()).append(link)

        def order(queue: deque[Link]) -> tuple[float, int]:
            return self.history.asked_at(queue[0].url), -len(queue)

        return sorted(hosts.values(), key=order)

    async def _worker(self, turns: deque[deque[Link]]) -> None:
        while turns:
            queue = turns.popleft()
            if not queue:
                continue
            host = _host(queue[0].url)
            await self._network.turn(host)
            while queue and self.checker.clock() < self._deadline:
                link = queue.popleft()
                self._note(self._spared(link, host) or await self._tried(link, host))
            await self._network.report(host)

    def _spared(self, link: Link, host: str) -> Result | None:
        """Result without a request, where the host has been left alone."""
        verdict = self._left_alone.get(host)
        return Result(link.url, *verdict) if verdict else None

    async def _tried(self, link: Link, host: str) -> Result:
        """Result of as many tries as it takes and the plan allows."""
        for attempt in itertools.count(1):
            result = await self._look(link)
            if result.reason in OFFLINE and not result.hops:
                await self._network.report(host, silent=True)
            elif result.state is not State.BLOCKED:
                self._network.prove()
            wait = self._wait(result, attempt)
            if wait is None:
                self._watch(host, result)
                return result
            if result.retry_after is not None:
                self.checker.limiter.quiet(_host(result.last), wait)
            else:
                await self.sleep(wait)
        raise AssertionError("the loop ends by itself")

    async def _look(self, link: Link) -> Result:
        if self.prover and (result := await self.prover.repository(link.url)):
            return result
        thorough = self.history.thorough(link.url)
        return named(await self.checker.look(link.url, thorough=thorough, pdf=link.pdf))

    def _wait(self, result: Result, attempt: int) -> float | None:
        """Seconds until the next try; None when there is none."""
        passing = result.reason in TRANSIENT and not result.slow
        if not passing or attempt >= self.plan.tries:
            return None
        if result.retry_after is not None:
            longest = self.plan.longest_wait_seconds
            return result.retry_after if result.retry_after <= longest else None
        jitter = 0.5 + self.chance.random()
        return self.plan.backoff_seconds * 2.0 ** (attempt - 1) * jitter

    def _watch(self, host: str, result: Result) -> None:
        """Leave a host alone that answers nothing, or asks for it, several times in a row."""
        if result.reason not in SILENCE | {Reason.RATE_LIMITED}:
            self._bad_row[host] = 0
            return
        self._bad_row[host] += 1
        long = (result.retry_after or 0) > self.plan.longest_wait_seconds
        if long or self._bad_row[host] >= BAD_CHECKS:
            why = f"{host} was left alone after the same for other links"
            self._left_alone[host] = result.state, result.reason, why

    def _note(self, result: Result) -> None:
        self._results[result.url] = result
        if result.state is not State.BLOCKED:  # decided anew each time, at no cost
            self.history.add(result, self.checker.wall_clock())
        self.seen(result)

    async def _canaries_answer(self) -> bool:
        results = [
            await self.checker.look(url, thorough=False) for url in self.canaries
        ]
        return any(r.hops or r.reason not in OFFLINE for r in results)


class _Network:
    """Whether there is a network: some hosts are asked first, and silence from all of them means no."""

    def __init__(self, probes: int, ask_others: Callable[[], Awaitable[bool]]) -> None:
        self._probes = probes
        self._ask_others = ask_others
        self._turns: set[str] = set()
        self._reported: set[str] = set()
        self._silent: set[str] = set()
        self._known = asyncio.Event()

    def prove(self) -> None:
        """Somebody answered."""
        self._known.set()

    async def turn(self, host: str) -> None:
        """Wait until this host may be asked: at once for the first ones."""
        if host in self._turns or len(self._turns) >= self._probes:
            await self._known.wait()
        self._turns.add(host)

    async def report(self, host: str, *, silent: bool = False) -> None:
        """Say that a host was asked; a silent one waits for the others. Raises NetworkUnreachableError."""
        if self._known.is_set():
            return
        self._reported.add(host)
        if silent:
            self._silent.add(host)
        if len(self._reported) >= self._probes:
            await self._conclude()
        if silent:
            await self._known.wait()

    async def _conclude(self) -> None:
        few = len(self._silent) < FEWEST_HOSTS
        if self._silent and not (few and await self._ask_others()):
            names = ", ".join(sorted(self._silent)[:4])
            raise NetworkUnreachableError(
                f"the network is unreachable: none of {plural(len(self._silent), 'host')} answered ({names} …); nothing was judged or recorded"
            )
        self._known.set()


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all; the first failure ends all and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
