"""One request to one address: guarded, spaced out, limited in time and bytes. It follows no redirect."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import aiohttp
import httpx

from surveykit.net.guard import Guard
from surveykit.net.limiter import Clock, RateLimiter
from surveykit.net.page import MOST_BYTES, FetchedPage, read_page

PERMANENT = frozenset({301, 308})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
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


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: status, header fields, and what was read of the page (nothing after a HEAD)."""

    url: str
    status: int
    headers: httpx.Headers
    page: FetchedPage | None = None


@dataclass(slots=True)
class Visit:
    """What the requests of one check share. Cookies live as long as it: some publishers hand one out and redirect back."""

    cookies: httpx.Cookies | None = None
    seconds: float = 0.0
    slow: bool = False
    """Whether it ran out of its time, so that another try would, too."""


@dataclass(frozen=True)
class Fetcher:
    """Asks for one address after the other over one transport."""

    transport: httpx.AsyncBaseTransport
    guard: Guard
    limiter: RateLimiter
    agent: str
    """User-Agent."""
    limits: Limits = Limits()
    clock: Clock = time.monotonic
    wall_clock: Callable[[], float] = time.time
    """Unix time, for Retry-After dates."""

    async def ask(
        self, url: str, *, headers: Mapping[str, str], most_bytes: int = MOST_BYTES
    ) -> Reply:
        """One GET. Raises one of FAILURES or BlockedError."""
        return await self.send("GET", url, Visit(), headers, most_bytes)

    async def send(
        self,
        method: str,
        url: str,
        visit: Visit,
        headers: Mapping[str, str] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> Reply:
        """The reply to one request of a check. Raises one of FAILURES or BlockedError."""
        self.guard.check_url(url)
        request = self._request(method, url, headers)
        if visit.cookies:
            visit.cookies.set_cookie_header(request)
        response, body = None, _Body(most_bytes)
        async with self.limiter.slot(request.url.host):
            start = self.clock()
            try:
                async with asyncio.timeout(self._left(visit)):
                    response = await self.transport.handle_async_request(request)
                    await body.read(response, request.method)
            except FAILURES as error:
                if response is None:
                    raise
                body.fault = error
            finally:
                visit.seconds += self.clock() - start
                visit.slow = body.timed_out or self._left(visit) == 0
        if "set-cookie" in response.headers:
            response.request = request
            visit.cookies = visit.cookies or httpx.Cookies()
            visit.cookies.extract_cookies(response)
        status, fields = response.status_code, response.headers
        return Reply(str(request.url), status, fields, body.page(fields))

    def _left(self, visit: Visit) -> float:
        """Seconds that are left for one check."""
        return max(self.limits.whole_seconds - visit.seconds, 0.0)

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
        self, method: str, url: str, headers: Mapping[str, str] | None
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


@dataclass(slots=True)
class _Body:
    """What came of a reply's body, and what ended it too early."""

    most: int
    raw: bytearray = field(default_factory=bytearray)
    asked: bool = False
    whole: bool = True
    fault: Exception | None = None

    @property
    def timed_out(self) -> bool:
        return isinstance(self.fault, TimeoutError | httpx.TimeoutException)

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

    def page(self, headers: httpx.Headers) -> FetchedPage | None:
        """The page; None where none was asked for."""
        if not self.asked:
            return None
        cut = words(self.fault) if self.fault else ""
        raw, whole = bytes(self.raw[: self.most]), self.whole and not self.fault
        return read_page(headers, raw, whole=whole, cut=cut)


def words(error: BaseException) -> str:
    """What an error says, on one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(said).split())[:200]
