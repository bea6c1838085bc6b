"""One address -> Result: every hop checked, every wait and every byte counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast
from urllib.parse import urldefrag, urljoin

import aiohttp
import httpx

from surveykit.links.address import BlockedError, Guard
from surveykit.links.gate import Clock, Gate, retry_after
from surveykit.links.judge import (
    PERMANENT,
    REDIRECTS,
    Reply,
    Verdict,
    failed,
    judge,
    words,
)
from surveykit.links.page import MOST_BYTES, Page, read_page
from surveykit.links.state import Hop, Reason, Result, State

FAILURES = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError)
"""What a request may fail with for reasons of the address, the host or the network."""


@dataclass(frozen=True)
class Limits:
    """How long and how far one check goes."""

    hops: int = 10
    """Redirects that are followed."""
    connect_seconds: float = 10.0
    """Wait for a connection."""
    read_seconds: float = 20.0
    """Wait for the next bytes."""
    whole_seconds: float = 60.0
    """Longest time of one check, its redirects included, whatever trickles in."""


@dataclass(slots=True)
class _Way:
    """Where one check stands. Cookies live as long as it: some publishers hand one out and redirect back."""

    url: str
    here: str
    hops: list[Hop] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    cookies: httpx.Cookies | None = None
    target: str | None = None
    permanent: bool = True
    seconds: float = 0.0
    slow: bool = False

    def spend(self, seconds: float, limits: Limits, body: _Body) -> None:
        """Count the time of one request; one that ran out of it is not made again."""
        self.seconds += seconds
        waited = isinstance(body.fault, TimeoutError | httpx.TimeoutException)
        self.slow = waited or self.seconds >= limits.whole_seconds

    def result(self, verdict: Verdict, wait: float | None = None) -> Result:
        state, reason, detail = verdict
        target = self.target if self.target != self.url else None
        if state is State.OK and target:
            state, reason = State.MOVED, Reason.PERMANENT_REDIRECT
        return Result(
            url=self.url,
            state=state,
            reason=reason,
            detail=detail,
            hops=tuple(self.hops),
            target=target if state is State.MOVED else None,
            seconds=round(self.seconds, 3),
            retry_after=wait,
            slow=self.slow,
        )

    def turn(self, status: int, location: str, most: int) -> Verdict | None:
        """Go on to `location`; a verdict when the way ends here."""
        try:
            there = _written(urljoin(self.here, location))
        except ValueError as error:
            return State.BROKEN, Reason.REDIRECT_WITHOUT_TARGET, str(error)[:200]
        self.permanent = self.permanent and status in PERMANENT
        if self.permanent:
            self.target = there
        self.here = urldefrag(there).url
        jar = (
            sorted(f"{c.name}={c.value}" for c in self.cookies.jar)
            if self.cookies
            else []
        )
        if (step := (self.here, ";".join(jar))) in self.seen:
            return State.BROKEN, Reason.REDIRECT_LOOP, f"back at {self.here}"
        if len(self.hops) > most:
            return State.BROKEN, Reason.TOO_MANY_REDIRECTS, f"more than {most}"
        self.seen.add(step)
        return None


def _written(url: str) -> str:
    """The address as it goes over the wire; one that is not understood stays for the guard to judge."""
    try:
        return str(httpx.URL(url))
    except httpx.InvalidURL:
        return url


@dataclass(frozen=True)
class Fetcher:
    """Asks for one address after the other over one transport."""

    transport: httpx.AsyncBaseTransport
    guard: Guard
    gate: Gate
    agent: str
    """User-Agent."""
    limits: Limits = Limits()
    clock: Clock = time.monotonic
    wall_clock: Callable[[], float] = time.time
    """Unix time, for Retry-After dates."""

    async def look(
        self, url: str, *, thorough: bool = True, pdf: bool = False
    ) -> Result:
        """Result of one check; `thorough` reads the first bytes of the page, else HEAD may do.

        What HEAD says counts only when it is good news: many hosts refuse it, or lie.
        """
        if not thorough:
            result = await self._walk(url, "HEAD", pdf)
            good = result.state in (State.OK, State.MOVED, State.BLOCKED)
            if good or result.reason is Reason.RATE_LIMITED:
                return result
        return replace(await self._walk(url, "GET", pdf), thorough=True)

    async def _walk(self, url: str, method: str, pdf: bool) -> Result:
        way = _Way(url, url, seen={(url, "")})
        while True:
            try:
                self.guard.check_url(way.here)
                reply = await self._send(self._request(method, way.here), way)
            except BlockedError as error:
                return way.result((State.BLOCKED, error.reason, error.detail))
            except FAILURES as error:
                return way.result(failed(error))
            way.hops.append(Hop(way.here, reply.status))
            location = reply.headers.get("location")
            if reply.status not in REDIRECTS or not location:
                return way.result(judge(url, reply, pdf=pdf), self._wait(reply))
            if verdict := way.turn(reply.status, location, self.limits.hops):
                return way.result(verdict)

    def _wait(self, reply: Reply) -> float | None:
        if reply.status not in (429, 503):
            return None
        return retry_after(reply.headers.get("retry-after"), self.wall_clock())

    async def ask(
        self, url: str, *, headers: Mapping[str, str], most_bytes: int = MOST_BYTES
    ) -> Reply:
        """One GET without following redirects. Raises one of FAILURES or BlockedError."""
        self.guard.check_url(url)
        return await self._send(self._request("GET", url, headers), None, most_bytes)

    @cached_property
    def _fields(self) -> httpx.Headers:
        return httpx.Headers(
            {
                "User-Agent": self.agent,
                "Accept": "text/html,application/xhtml+xml,application/pdf;q=0.9,*/*;q=0.8",
                "Accept-Language": "en,zh;q=0.8",
                "Accept-Encoding": "identity",
            }
        )

    def _request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None
    ) -> httpx.Request:
        limits = self.limits
        waits = {"connect": limits.connect_seconds, "read": limits.read_seconds}
        request = httpx.Request(
            method, url, headers=self._fields, extensions={"timeout": waits}
        )
        request.headers.encoding = "ascii"  # else it is guessed anew at each use
        if headers:
            request.headers.update(headers)
        return request

    async def _send(
        self, request: httpx.Request, way: _Way | None, most: int = MOST_BYTES
    ) -> Reply:
        if way and way.cookies:
            way.cookies.set_cookie_header(request)
        response, body = None, _Body(most)
        async with self.gate.slot(request.url.host):
            start = self.clock()
            try:
                async with asyncio.timeout(self._left(way)):
                    response = await self.transport.handle_async_request(request)
                    await body.read(response, request.method)
            except FAILURES as error:
                if response is None:
                    raise
                body.fault = error
            finally:
                if way:
                    way.spend(self.clock() - start, self.limits, body)
        if way and "set-cookie" in response.headers:
            response.request = request
            way.cookies = way.cookies or httpx.Cookies()
            way.cookies.extract_cookies(response)
        status, headers = response.status_code, response.headers
        return Reply(str(request.url), status, headers, await body.page(headers))

    def _left(self, way: _Way | None) -> float:
        """Seconds that are left for one check."""
        spent = way.seconds if way else 0.0
        return max(self.limits.whole_seconds - spent, 0.0)


@dataclass(slots=True)
class _Body:
    """What came of a reply's body, and what ended it too early."""

    most: int
    raw: bytearray = field(default_factory=bytearray)
    asked: bool = False
    whole: bool = True
    fault: Exception | None = None

    async def read(self, response: httpx.Response, method: str) -> None:
        """Read the beginning; nothing after a HEAD, and nothing of a redirect, whose target decides."""
        leads_on = response.status_code in REDIRECTS and "location" in response.headers
        self.asked = method != "HEAD" and not leads_on
        try:
            if self.asked:
                await self._chunks(cast(httpx.AsyncByteStream, response.stream))
        finally:
            await response.aclose()

    async def _chunks(self, stream: httpx.AsyncByteStream) -> None:
        chunks = cast(AsyncGenerator[bytes], stream.__aiter__())
        async with aclosing(chunks):
            async for chunk in chunks:
                self.raw += chunk
                if len(self.raw) >= self.most:
                    self.whole = False
                    break

    async def page(self, headers: httpx.Headers) -> Page | None:
        """The page, taken apart beside the event loop; None where none was asked for."""
        if not self.asked:
            return None
        cut = words(self.fault) if self.fault else ""
        raw, whole = bytes(self.raw[: self.most]), self.whole and not self.fault
        return await asyncio.to_thread(read_page, headers, raw, whole=whole, cut=cut)
