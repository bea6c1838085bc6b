"""The client for every service: cached, rate-limited, patient for a while, and never sent to a private address."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import httpx
from defusedxml import DefusedXmlException

from surveykit.errors import NotFoundError, OddAnswerError, ServiceError
from surveykit.net.fetch import FAILURES, REDIRECTS, Fetcher, Limits, Reply
from surveykit.net.guard import BlockedError, Guard
from surveykit.net.limiter import RateLimiter, retry_after
from surveykit.sources.cache import Cache, Kept
from surveykit.sources.services import Service, Services

MOST_BYTES = 16 * 1024 * 1024
"""Of one answer: 500 records of arXiv have about two megabytes."""
ATTEMPTS = 3
PATIENCE_SECONDS = 20.0
"""Longest wait for a service that asks for one; beyond, the reader is told when to come back."""
HOPS = 5
SERVICES = Services()
LIMITS = Limits()
Read = TypeVar("Read")
BUSY = frozenset({408, 429, 500, 502, 503, 504})
GONE = frozenset({400, 404, 410})


@dataclass
class Client:
    """Asks services for one run of a program."""

    transport: httpx.AsyncBaseTransport
    guard: Guard
    cache: Cache
    agent: str
    """User-Agent: who asks, and where to complain."""
    services: Services = SERVICES
    mailto: str | None = None
    """Address that Crossref's polite pool may write to."""
    github_token: str | None = None
    openalex_key: str | None = None
    """Key of OpenAlex, which gives without one little a day."""
    offline: bool = False
    """Whether the cache alone may answer, however old it is."""
    max_age_seconds: float = 86400.0
    """Answers younger than this are not asked for again."""
    limits: Limits = LIMITS
    """Of one request."""
    question_seconds: float = 90.0
    """Longest time for one question with all its attempts and redirects, whatever trickles in."""
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    notes: list[str] = field(default_factory=list)
    """What a reader should know of the answers: an old one was used."""
    connected: bool | None = None
    """Whether any host has answered in this run; None while none was asked."""
    _new: set[str] = field(default_factory=set)
    _down: dict[str, ServiceError] = field(default_factory=dict)
    _fetchers: dict[float, Fetcher] = field(default_factory=dict)
    _lines: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def json(
        self, service: Service, url: str, *, accept: str = "application/json"
    ) -> Mapping[str, Any]:
        """A JSON object. Raises NotFoundError or ServiceError."""
        return await self.get(service, url, accept, _json)

    async def xml(
        self, service: Service, url: str, *, accept: str, roots: Collection[str]
    ) -> Element:
        """The root, named like one of `roots`, of an XML document without document type.

        Raises NotFoundError or ServiceError.
        """
        return await self.get(service, url, accept, partial(as_xml, roots))

    async def text(self, service: Service, url: str, *, accept: str) -> str:
        """A text in UTF-8. Raises NotFoundError or ServiceError."""
        return await self.get(service, url, accept, _text)

    async def get(
        self, service: Service, url: str, accept: str, read: Callable[[Kept], Read]
    ) -> Read:
        """What `read` makes of the answer to one GET, from the cache while it is fresh.

        Only answers that can be read are kept. A service that does not answer is forgiven where an older answer is
        at hand; `notes` says so. `read` raises ValueError; this raises NotFoundError or ServiceError.
        """
        kept = self.cache.get(url)
        if kept and self._fresh(kept):
            return _read(service, kept, read)
        if self.offline:
            raise ServiceError(
                service.name, "not in the cache; omit --offline to ask for it"
            )
        try:
            fresh = await self._fetched(service, url, accept, kept)
            if fresh.missing:
                self.keep(fresh)
            found = _read(service, fresh, read)
        except ServiceError as error:
            if kept is None:
                raise
            day = time.strftime("%Y-%m-%d", time.gmtime(kept.fetched))
            self.notes.append(f"{error}; its answer of {day} is used")
            return _read(service, kept, read)
        self.keep(fresh)
        return found

    def knows(self, url: str) -> bool:
        """Whether an address need not be asked, because its answer is kept."""
        kept = self.cache.get(url)
        return kept is not None and self._fresh(kept)

    def keep(self, kept: Kept) -> None:
        """Let an answer be the answer for the rest of this run, and for later ones while it is young."""
        self.cache.put(kept)
        self._new.add(kept.url)

    def _fresh(self, kept: Kept) -> bool:
        young = self.now() - kept.fetched < self.max_age_seconds
        return self.offline or young or kept.url in self._new

    async def _fetched(
        self, service: Service, url: str, accept: str, kept: Kept | None
    ) -> Kept:
        asked = self._keyed(url)
        reply = await self._patiently(service, asked, self._fields(url, accept, kept))
        if reply.status == 304 and kept:
            return replace(kept, fetched=self.now())
        if reply.status in GONE:
            return Kept(url, b"", self.now(), missing=True)
        if reply.status != 200 or reply.page is None:
            hint = "; give its DOI or arXiv id" if service is self.services.page else ""
            raise ServiceError(service.name, f"answered {reply.status} at {url}{hint}")
        if not reply.page.whole:
            limit = MOST_BYTES // 1024**2
            raise ServiceError(service.name, f"answered with more than {limit} MiB")
        get = reply.headers.get
        told = get("etag", ""), get("last-modified", ""), get("content-type", "")
        where = reply.url if asked == url else url  # a key is for nobody else to read
        return Kept(url, reply.page.raw, self.now(), *told, where=where)

    def _keyed(self, url: str) -> str:
        """The address with the key that its service wants to see in it."""
        if not self.openalex_key or not url.startswith(self.services.openalex.url):
            return url
        return f"{url}&{urlencode({'api_key': self.openalex_key})}"

    def _fields(self, url: str, accept: str, kept: Kept | None) -> dict[str, str]:
        fields = {"Accept": accept}
        if kept:
            fields["If-None-Match"] = kept.etag
            fields["If-Modified-Since"] = kept.modified
        if self.github_token and url.startswith(f"{self.services.github.url}/"):
            fields["Authorization"] = f"Bearer {self.github_token}"
        return {name: value for name, value in fields.items() if value}

    async def _patiently(
        self, service: Service, url: str, fields: Mapping[str, str]
    ) -> Reply:
        """The first reply that is not a sign of being busy. Raises ServiceError.

        One question to a host at a time: who stands in line behind one that failed hears of it instead of asking.
        """
        host = urlsplit(url).netloc
        async with self._lines.setdefault(host, asyncio.Lock()):
            try:
                async with asyncio.timeout(self.question_seconds):
                    return await self._in_turn(service, url, host, fields)
            except TimeoutError:
                fault = f"gave no whole answer in {self.question_seconds:.0f} s"
                self._down[host] = ServiceError(service.name, fault)
                raise self._down[host] from None

    async def _in_turn(
        self, service: Service, url: str, host: str, fields: Mapping[str, str]
    ) -> Reply:
        if host in self._down:
            raise self._down[host]
        await self._when_due(service, host)
        wait, fault = None, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await self.sleep(2.0**attempt if wait is None else wait)
            try:
                reply = await self._through(service, url, fields)
            except BlockedError as error:
                fault = f"leads to an address that may not be asked: {error}"
                raise ServiceError(service.name, fault) from None
            except FAILURES as error:
                wait, fault = None, f"did not answer ({type(error).__name__})"
                self.connected = self.connected or False
                continue
            finally:
                if service.spacing >= 1:
                    self.cache.keep_quiet(host, self.now() + service.spacing)
            self.connected = True
            if reply.status not in BUSY:
                return reply
            fault = f"is busy or down (it answered {reply.status})"
            wait = retry_after(reply.headers.get("retry-after"), self.now())
            if wait is not None and wait > PATIENCE_SECONDS:
                self.cache.keep_quiet(host, self.now() + wait)
                break
        self._down[host] = ServiceError(service.name, fault, wait)
        raise self._down[host]

    async def _when_due(self, service: Service, host: str) -> None:
        """Wait until the host may be asked, for what earlier runs know of it."""
        wait = self.cache.quiet_until(host) - self.now()
        if wait > PATIENCE_SECONDS:
            raise ServiceError(service.name, "asked to be left alone", wait)
        if wait > 0:
            await self.sleep(wait)

    async def _through(
        self, service: Service, url: str, fields: Mapping[str, str]
    ) -> Reply:
        """The reply at the end of at most HOPS redirects, each checked like the first."""
        fetcher, here = self._fetcher(service.spacing), url
        for _ in range(HOPS):
            reply = await fetcher.ask(here, headers=fields, most_bytes=MOST_BYTES)
            location = reply.headers.get("location")
            if reply.status not in REDIRECTS or not location:
                return reply
            there = str(httpx.URL(urljoin(here, location)))
            if urlsplit(there).netloc != urlsplit(here).netloc:  # no token for others
                fields = {k: v for k, v in fields.items() if k != "Authorization"}
            here = there
        raise ServiceError(service.name, f"redirects more than {HOPS} times at {url}")

    def _fetcher(self, spacing: float) -> Fetcher:
        """The fetcher of all hosts that want so long a pause."""
        if spacing not in self._fetchers:
            limiter = RateLimiter(1, spacing, 8, time.monotonic, self.sleep)
            own = self.transport, self.guard, limiter, self.agent, self.limits
            self._fetchers[spacing] = Fetcher(*own)
        return self._fetchers[spacing]


def _read(service: Service, kept: Kept, read: Callable[[Kept], Read]) -> Read:
    if kept.missing:
        raise NotFoundError(service.name, f"knows nothing at {kept.url}")
    try:
        return read(kept)
    except ValueError as error:
        start = " ".join(kept.body[:60].decode("utf-8", "replace").split())
        page = kept.body.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html"))
        what = f"{'a web page' if page else ascii(start)} instead of {error}"
        raise OddAnswerError(service.name, f"answered with {what}") from None


def _json(kept: Kept) -> Mapping[str, Any]:
    try:
        data = json.loads(kept.body)
    except (ValueError, RecursionError):
        raise ValueError("JSON") from None
    if not isinstance(data, dict):
        raise ValueError("a JSON object")
    return data


def as_xml(roots: Collection[str], kept: Kept) -> Element:
    """The root of a kept answer. Raises ValueError where it is no XML of these kinds."""
    try:
        root: Element = defusedxml.ElementTree.fromstring(kept.body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise ValueError("XML that may be read") from None
    if root.tag not in roots:
        raise ValueError(f"XML of its own kind: {root.tag[:80]!r}")
    return root


def _text(kept: Kept) -> str:
    return kept.body.decode("utf-8", "replace")
