"""The way out: an httpx transport whose sockets go to addresses that the guard has passed, and nowhere else."""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError
from httpx_aiohttp import AiohttpTransport

from surveykit.net.guard import BlockedError, Guard
from surveykit.net.hosts import literal

Lookup = Callable[[str], Awaitable[list[str]]]
"""Host name -> addresses as text; raises OSError when there are none."""

LOOKUP_SECONDS = 10.0
HEADER_BYTES = 64 * 1024
"""Longest header line; content policies of well-known hosts pass the usual 8 KiB."""


class SystemLookup:
    """Addresses that the system's resolver gives; 32 at a time, so that a slow zone holds nobody up."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(32, thread_name_prefix="lookup")

    async def __call__(self, host: str) -> list[str]:
        """Addresses of a host. Raises OSError."""
        loop = asyncio.get_running_loop()
        infos = await loop.run_in_executor(self._threads, _addresses, host)
        return list(dict.fromkeys(str(info[4][0]) for info in infos))


def _addresses(host: str) -> list[Any]:
    return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)


class GuardedResolver(AbstractResolver):
    """Looks a host up once, checks all its addresses, and hands out the checked ones alone."""

    def __init__(self, guard: Guard, lookup: Lookup) -> None:
        self._guard = guard
        self._lookup = lookup
        self._passed: set[str] = set()

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        """Checked addresses of `host`. Raises BlockedError or OSError."""
        async with asyncio.timeout(LOOKUP_SECONDS):
            found = self._guard.check(host, await self._lookup(host))
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        self._passed.update(found)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    def open_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for one address, checked a last time.

        aiohttp asks no resolver for hosts that it takes for numbers, so this is the gate that none gets around.
        """
        family, kind, protocol, _, where = info
        if where[0] not in self._passed:
            address = literal(where[0])
            if address is None:
                raise BlockedError("private-address", f"{where[0]} was never checked")
            self._guard.check(where[0], [str(address)])
        opened = socket.socket(family, kind, protocol)
        opened.setblocking(False)
        return opened

    async def close(self) -> None:
        """Nothing is held."""


_HEAD_END = re.compile(rb"(?:\A\r?|\n\r?)\n")
_LENGTH = re.compile(rb"^content-length:([^\r\n]*)\r?\n", re.IGNORECASE | re.MULTILINE)
_CODING = re.compile(rb"^transfer-encoding:", re.IGNORECASE | re.MULTILINE)


class _HeadFirst(ResponseHandler):
    """Hands the parser each head alone: what follows it may be no HTTP, and the status counts all the same."""

    def data_received(self, data: bytes) -> None:
        start = 0
        for found in itertools.islice(_HEAD_END.finditer(data), 4):  # hints, then one
            super().data_received(_framed(data[start : found.end()]))
            start = found.end()
        if start < len(data) or not data:
            super().data_received(data[start:])

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        super().set_exception(exc, *cause)
        body = self._payload  # its reader would wait for what the parser refused
        if isinstance(exc, HttpProcessingError) and body and not body.is_eof():
            body.set_exception(aiohttp.ClientPayloadError(str(exc)))


def _framed(head: bytes) -> bytes:
    """A head without lengths that say nothing; its body ends with the connection, as in browsers."""
    lengths = {value.strip() for value in _LENGTH.findall(head)}
    if not lengths or not head.startswith(b"HTTP/"):
        return head
    first, _, rest = _LENGTH.sub(b"", head).partition(b"\n")
    known = len(lengths) == 1 and re.fullmatch(rb"[0-9]{1,18}", *lengths)
    if known and not _CODING.search(head):
        rest = b"content-length: %b\r\n%b" % (known[0], rest)
    return b"%b\n%b" % (first, rest)


def trusted() -> ssl.SSLContext:
    """Authorities of `SSL_CERT_FILE` or `SSL_CERT_DIR` where set, else the bundled ones. Raises OSError."""
    return httpx.create_ssl_context(trust_env=True)


def transport(
    guard: Guard,
    *,
    total: int,
    lookup: Lookup | None = None,
    context: ssl.SSLContext | None = None,
) -> httpx.AsyncBaseTransport:
    """Transport with at most `total` connections; it keeps no cookies and follows no redirect.

    Proxies of the environment are not used: behind one, nobody could say which address is reached.
    """
    context = context or trusted()
    resolver = GuardedResolver(guard, lookup or SystemLookup())
    connector = aiohttp.TCPConnector(
        resolver=resolver,
        ssl=context,
        limit=total,
        ttl_dns_cache=300,
        socket_factory=resolver.open_socket,
        keepalive_timeout=5,
    )
    # No public name for it; the tests of bodies that break off fail when it goes.
    first = partial(_HeadFirst, loop=asyncio.get_running_loop())
    connector._factory = cast("partial[ResponseHandler]", first)
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        max_line_size=HEADER_BYTES,
        max_field_size=HEADER_BYTES,
    )
    return AiohttpTransport(verify=context, trust_env=False, client=session)
