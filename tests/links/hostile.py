"""A server on loopback that behaves as badly as the web does, over real sockets and TLS."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import socket
import ssl
import struct
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import trustme

from surveykit.links.gather import Link, Place
from surveykit.links.state import Reason, State

OK, MOVED, WALL, BROKEN, BLOCKED = (
    State.OK,
    State.MOVED,
    State.UNVERIFIABLE,
    State.BROKEN,
    State.BLOCKED,
)
TEXT = "A paper about encoders and what became of them. " * 30
PAGE = f"<html><head><title>A paper</title></head><body><p>{TEXT}</p></body></html>"


@dataclass
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def host(self) -> str:
        return self.headers.get("host", "").partition(":")[0]


Handler = Callable[
    [Request, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]
]


def answer(status: int, body: str | bytes = "", **headers: str) -> Handler:
    """A handler that gives one well-formed reply."""
    raw = body.encode() if isinstance(body, str) else body
    fields = {"content-type": "text/html; charset=utf-8"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = f"HTTP/1.1 {status} Whatever\r\ncontent-length: {len(raw)}\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in fields.items()
    )

    async def handle(request: Request, _: object, out: asyncio.StreamWriter) -> None:
        out.write(head.encode() + b"\r\n" + (raw if request.method != "HEAD" else b""))
        await out.drain()

    return handle


def link(url: str, kind: str = "paper", **more: Any) -> Link:
    """A link in some entry."""
    path = "catalog/papers/2024/a2024b.yaml"
    place = Place(path, 7, 10, kind, url, ("links", kind), "a2024b")
    return Link(url, (place,), **more)


def page(title: str, text: str = TEXT, status: int = 200, **headers: str) -> Handler:
    body = (
        f"<html><head><title>{title}</title></head><body><h1>{text}</h1></body></html>"
    )
    return answer(status, body, **headers)


def to(location: str, status: int = 301) -> Handler:
    return answer(status, location=location)


def raw(data: bytes) -> Handler:
    """Bytes as they are, then the end."""

    async def handle(_: Request, __: object, out: asyncio.StreamWriter) -> None:
        out.write(data)
        await out.drain()
        out.close()

    return handle


def by_method(head: Handler, get: Handler) -> Handler:
    async def handle(
        request: Request, reader: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        await (head if request.method == "HEAD" else get)(request, reader, out)

    return handle


async def reset(_: Request, __: object, out: asyncio.StreamWriter) -> None:
    """The connection is torn down."""
    sock = out.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    out.transport.abort()


async def close(_: Request, __: object, out: asyncio.StreamWriter) -> None:
    out.close()


def begun(fields: str, part: bytes, then: Handler, status: int = 200) -> Handler:
    """A head, the beginning of a body, and what becomes of the rest."""
    kind = "" if "content-type" in fields else "content-type: text/html\r\n"
    head = f"HTTP/1.1 {status} Whatever\r\n{kind}{fields}\r\n"

    async def handle(
        request: Request, reader: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        out.write(head.encode() + part)
        await out.drain()
        await asyncio.sleep(0.05)  # a reset may overtake what is on its way
        await then(request, reader, out)

    return handle


def trickling(byte: bytes) -> Handler:
    """The same byte again and again, without an end."""

    async def handle(_: Request, __: object, out: asyncio.StreamWriter) -> None:
        while True:
            out.write(byte)
            await out.drain()
            await asyncio.sleep(0.05)

    return handle


async def hang(_: Request, __: object, ___: object) -> None:
    await asyncio.sleep(60)


async def endless(_: Request, __: object, out: asyncio.StreamWriter) -> None:
    """A body that never ends, as fast as it goes."""
    out.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<title>Big</title>")
    while True:
        out.write(b"text " * 4096)
        await out.drain()


def times(count: int, first: Handler, then: Handler) -> Handler:
    """`first` for so many requests, then `then`."""
    seen = 0

    async def handle(
        request: Request, reader: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        nonlocal seen
        seen += 1
        await (first if seen <= count else then)(request, reader, out)

    return handle


async def needs_cookie(
    request: Request, reader: asyncio.StreamReader, out: asyncio.StreamWriter
) -> None:
    """As some publishers do: hand out a cookie, redirect to the same page, expect the cookie."""
    good = "seen=1" in request.headers.get("cookie", "")
    handler = (
        answer(200, PAGE)
        if good
        else answer(302, location=request.path, set_cookie="seen=1; Path=/")
    )
    await handler(request, reader, out)


PACKED = gzip.compress(PAGE.encode())
PDF = "content-type: application/pdf\r\n"
CHUNKED = "transfer-encoding: chunked\r\n"
# What goes wrong behind a good head: name -> handler.
BODIES = {
    "body-cut": begun("content-length: 5000\r\n", b"<html>", close),
    "body-missing": begun("content-length: 5000\r\n", b"", close),
    "body-resets": begun("content-length: 5000\r\n", b"<html>", reset),
    "body-hangs": begun("content-length: 5000\r\n", b"<html>", hang),
    "body-never-comes": begun("content-length: 5000\r\n", b"", hang),
    "body-drips": begun("", b"<html>", trickling(b"x")),
    "body-drips-chunks": begun(CHUNKED, b"", trickling(b"1\r\nx\r\n")),
    "length-too-small": begun("content-length: 2\r\n", PAGE.encode(), close),
    "length-of-words": begun("content-length: much\r\n", PAGE.encode(), close),
    "length-negative": begun("content-length: -5\r\n", PAGE.encode(), close),
    "length-endless": begun(f"content-length: {'9' * 30}\r\n", PAGE.encode(), close),
    "length-listed": begun("content-length: 6, 6\r\n", PAGE.encode(), close),
    "length-twice": begun("content-length: 6\r\n" * 2, b"<html>", hang),
    "two-lengths": begun(
        "content-length: 6\r\nContent-Length: 7\r\n", PAGE.encode(), close
    ),
    "length-and-chunks": begun(
        f"content-length: 3\r\n{CHUNKED}", b"6\r\n<html>\r\n0\r\n\r\n", hang
    ),
    "chunk-of-words": begun(CHUNKED, b"zz\r\n<html>\r\n0\r\n\r\n", close),
    "chunk-bad-later": begun(CHUNKED, b"6\r\n<html>\r\nzz\r\n", close),
    "chunk-too-small": begun(CHUNKED, b"3\r\n<html>\r\n0\r\n\r\n", close),
    "chunk-endless": begun(CHUNKED, b"f" * 40 + b"\r\n<html>", close),
    "chunk-cut": begun(CHUNKED, b"50\r\n<html>", close),
    "chunk-resets": begun(CHUNKED, b"50\r\n<html>", reset),
    "chunk-without-end": begun(CHUNKED, b"6\r\n<html>\r\n", close),
    "gzip-is-none": begun("content-encoding: gzip\r\n", PAGE.encode(), close),
    "gzip-cut": begun("content-encoding: gzip\r\n", PACKED[:40], close),
    "gzip-damaged": begun(
        "content-encoding: gzip\r\n", PACKED[:30] + b"\xff" * 30, close
    ),
    "deflate-is-none": begun("content-encoding: deflate\r\n", b"\0\xff" * 50, close),
    "cut.pdf": begun(f"{PDF}content-length: 5000\r\n", b"%PDF-1.7", close),
    "resets.pdf": begun(f"{PDF}content-length: 5000\r\n", b"%PDF-1.7", reset),
    "drips.pdf": begun(PDF, b"%PDF-1.7", trickling(b"x")),
}


BOMB = gzip.compress(b"<title>Bomb</title>" + b"0" * 50_000_000, 9)


def behaviours(  # noqa: PLR0915  # a table, written as calls
    port: int, tls: dict[str, int], dead: int
) -> dict[str, tuple[str, Handler | None, State, Reason]]:
    """Name -> (address, handler for its path, expected state, expected reason)."""
    table: dict[str, tuple[str, Handler | None, State, Reason]] = {}

    def case(
        name: str, handler: Handler | None, state: State, reason: Reason, url: str = ""
    ) -> None:
        site = f"http://host{len(table)}.test:{port}"  # a host each: none is left alone for another
        table[name] = (url or f"{site}/{name}", handler, state, reason)

    R = Reason
    # fine
    case("plain", answer(200, PAGE), OK, R.REACHED)
    case(
        "deep/paper.pdf",
        answer(200, b"%PDF-1.7 and more", content_type="application/pdf"),
        OK,
        R.REACHED,
    )
    case("no-content", answer(204), OK, R.REACHED)
    case("no-type", raw(b"HTTP/1.1 200 OK\r\n\r\n" + PAGE.encode()), OK, R.REACHED)
    case(
        "http10",
        raw(b"HTTP/1.0 200 OK\r\ncontent-type: text/html\r\n\r\n" + PAGE.encode()),
        OK,
        R.REACHED,
    )
    case("head-refused", by_method(answer(405), answer(200, PAGE)), OK, R.REACHED)
    case("head-lies", by_method(answer(404), answer(200, PAGE)), OK, R.REACHED)
    case("head-breaks", by_method(reset, answer(200, PAGE)), OK, R.REACHED)
    case("endless", endless, OK, R.REACHED)
    case("bomb", answer(200, BOMB, content_encoding="gzip"), OK, R.REACHED)
    case(
        "deflated",
        answer(200, zlib.compress(PAGE.encode()), content_encoding="deflate"),
        OK,
        R.REACHED,
    )
    case("brotli", answer(200, b"\x8b\x02\x80", content_encoding="br"), OK, R.REACHED)
    case(
        "long-header",
        answer(200, PAGE, content_security_policy="x" * 20_000),
        OK,
        R.REACHED,
    )
    case("temporary", to("/plain", 302), OK, R.REACHED)
    case("cookie-dance", needs_cookie, OK, R.REACHED)
    case(
        "paper-on-404",
        page("Why 404 pages matter: a study of error pages"),
        OK,
        R.REACHED,
    )
    case(
        "paper-not-found",
        page("Data not found in the wild: on missing training sets"),
        OK,
        R.REACHED,
    )
    case(
        "captcha-paper",
        page(
            "Breaking CAPTCHA: are you a robot? | Journal of Tests",
            f"{TEXT} just a moment",
        ),
        WALL,
        R.CHALLENGE,
    )
    case(
        "long-mention",
        page("A survey", f"{TEXT} the page was not found {TEXT} domain parking {TEXT}"),
        OK,
        R.REACHED,
    )
    case("busy-once", times(1, answer(503), answer(200, PAGE)), OK, R.REACHED)
    case("reset-once", times(1, reset, answer(200, PAGE)), OK, R.REACHED)
    case(
        "limited-once",
        times(1, answer(429, retry_after="0"), answer(200, PAGE)),
        OK,
        R.REACHED,
    )
    case(
        "good-tls",
        answer(200, PAGE),
        OK,
        R.REACHED,
        f"https://tls.test:{tls['good']}/plain",
    )
    case("escaped%20path/%E8%AE%BA%E6%96%87", answer(200, PAGE), OK, R.REACHED)
    case(
        "early-hints",
        raw(
            b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
        ),
        OK,
        R.REACHED,
    )
    case(
        "bad-cookies",
        answer(
            302,
            location="/plain",
            set_cookie="=; Domain=\x7f.test; Expires=never; a=b;;;",
        ),
        OK,
        R.REACHED,
    )
    case("bare-host", None, OK, R.REACHED, f"http://bare.test:{port}")
    case(
        "not-html",
        answer(200, "404 not found", content_type="text/plain"),
        OK,
        R.REACHED,
    )
    case(
        "two-addresses",
        None,
        BROKEN,
        R.REFUSED,
        f"http://two.test:{dead}/",
    )
    # a good head, and a body that is none
    for name, handler in BODIES.items():
        case(name, handler, OK, R.REACHED)
    cut = "content-length: 5000\r\n"
    gone = b"<title>404 Not Found</title>"
    case("soft-cut", begun(cut, gone, close), WALL, R.SOFT_404)
    case("sold-resets", begun(cut, b"This domain is for sale", reset), OK, R.REACHED)
    case("html-cut.pdf", begun(cut, b"<html>", close), WALL, R.NOT_PDF)
    case("wall-drips", begun("", b"<html>", trickling(b"x"), 403), WALL, R.FORBIDDEN)
    case("missing-cut", begun(cut, b"<html>", close, 404), BROKEN, R.NOT_FOUND)
    case("missing-resets", begun(cut, b"<html>", reset, 404), BROKEN, R.NOT_FOUND)
    case("error-drips", begun("", b"x", trickling(b"x"), 500), BROKEN, R.SERVER_ERROR)
    moved = begun("location: /plain\r\n", b"x", trickling(b"x"), 301)
    case("moved-drips", moved, MOVED, R.PERMANENT_REDIRECT)
    # moved
    case("moved", to("/plain"), MOVED, R.PERMANENT_REDIRECT)
    case("moved-308", to("/plain", 308), MOVED, R.PERMANENT_REDIRECT)
    case("moved-twice", to("/moved"), MOVED, R.PERMANENT_REDIRECT)
    case("moved-then-temporary", to("/temporary"), MOVED, R.PERMANENT_REDIRECT)
    case(
        "to-tls",
        to(f"https://tls.test:{tls['good']}/plain"),
        MOVED,
        R.PERMANENT_REDIRECT,
    )
    case("other-front", to(f"http://other.test:{port}/"), MOVED, R.PERMANENT_REDIRECT)
    # closed to programs
    case("login", answer(401), WALL, R.LOGIN)
    case("forbidden", answer(403, "Forbidden"), WALL, R.FORBIDDEN)
    case("teapot", answer(418), WALL, R.BOT_BLOCKED)
    case(
        "linkedin",
        raw(b"HTTP/1.1 999 Request denied\r\ncontent-length: 0\r\n\r\n"),
        WALL,
        R.BOT_BLOCKED,
    )
    case("not-acceptable", answer(406), WALL, R.BOT_BLOCKED)
    case("legal", answer(451), WALL, R.LEGAL)
    case("limited", answer(429), WALL, R.RATE_LIMITED)
    case(
        "limited-long",
        answer(429, retry_after="86400"),
        WALL,
        R.RATE_LIMITED,
        f"http://limited.test:{port}/limited-long",
    )
    case("cloudflare", answer(403, "x", cf_mitigated="challenge"), WALL, R.CHALLENGE)
    case(
        "cloudflare-503",
        page("Just a moment...", "Checking your browser", 503),
        WALL,
        R.CHALLENGE,
    )
    case("cloudflare-200", page("Just a moment...", "wait"), WALL, R.CHALLENGE)
    case(
        "akamai",
        page("Access Denied", "Reference #18.2d351ab8.1557333295.a4e16ab", 403),
        WALL,
        R.CHALLENGE,
    )
    case(
        "datadome",
        answer(
            403,
            "<html><script src='https://ct.captcha-delivery.com/c.js'></script></html>",
        ),
        WALL,
        R.CHALLENGE,
    )
    case(
        "perimeterx",
        answer(403, "<html><div id='px-captcha'></div></html>"),
        WALL,
        R.CHALLENGE,
    )
    case("aws-waf", answer(202, "", x_amzn_waf_action="challenge"), WALL, R.CHALLENGE)
    case("accepted-empty", answer(202), WALL, R.CHALLENGE)
    case(
        "anubis",
        page("Making sure you&#39;re not a bot!", "Loading"),
        WALL,
        R.CHALLENGE,
    )
    case("chinese-wall", page("百度安全验证", "请完成验证"), WALL, R.CHALLENGE)
    case("to-login", to("/user/login?next=/to-login", 302), WALL, R.LOGIN)
    case("user/login", page("Log in"), OK, R.REACHED)
    case("empty-page", answer(200), WALL, R.EMPTY_PAGE)
    case("html.pdf", answer(200, PAGE), WALL, R.NOT_PDF)
    # broken
    case("missing", answer(404, "gone"), BROKEN, R.NOT_FOUND)
    case("gone", answer(410), BROKEN, R.GONE)
    case("bad-request", answer(400), BROKEN, R.BAD_STATUS)
    case("error", answer(500), BROKEN, R.SERVER_ERROR)
    case("origin-down", answer(521), BROKEN, R.SERVER_ERROR)
    case("soft", page("404 Not Found"), BROKEN, R.SOFT_404)
    case("soft-part", page("Page not found | Lab of Things"), BROKEN, R.SOFT_404)
    case(
        "soft-short",
        page("Lab of Things", "Sorry, the page you requested could not be found."),
        BROKEN,
        R.SOFT_404,
    )
    case("soft-zh", page("页面不存在 - 某某大学"), BROKEN, R.SOFT_404)
    case(
        "soft-zh-short",
        page("某某大学", "抱歉，您访问的页面不存在"),
        BROKEN,
        R.SOFT_404,
    )
    case(
        "soft-gbk",
        answer(
            200,
            "<title>找不到页面</title>".encode("gbk"),
            content_type="text/html; charset=gbk",
        ),
        BROKEN,
        R.SOFT_404,
    )
    case("people/someone/paper", to("/", 302), BROKEN, R.SOFT_404)
    case("to-error-page", to("/404.html", 302), BROKEN, R.SOFT_404)
    case("404.html", page("Nothing", "here"), OK, R.REACHED)
    case("parked", page("example.org - This domain is for sale"), BROKEN, R.PARKED)
    case("parked-zh", page("该域名正在出售", "联系我们"), BROKEN, R.PARKED)
    case("loop", to("/loop"), BROKEN, R.REDIRECT_LOOP)
    case("ping", to("/pong", 302), BROKEN, R.REDIRECT_LOOP)
    case("pong", to("/ping", 302), BROKEN, R.REDIRECT_LOOP)
    case("nowhere", answer(302), BROKEN, R.REDIRECT_WITHOUT_TARGET)
    case("bad-target", to("http://[::1/x"), BROKEN, R.REDIRECT_WITHOUT_TARGET)
    case("hangs", hang, BROKEN, R.TIMEOUT)
    case("resets", reset, BROKEN, R.RESET)
    case("closes", raw(b""), BROKEN, R.EMPTY_REPLY)
    case("garbage", raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), BROKEN, R.BAD_REPLY)
    case(
        "header-bomb",
        raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 500_000 + b"\r\n\r\n"),
        BROKEN,
        R.BAD_REPLY,
    )
    for index in range(14):
        case(
            f"chain-{index}",
            to(f"/chain-{index + 1}", 302),
            BROKEN if index < 4 else OK,
            R.TOO_MANY_REDIRECTS if index < 4 else R.REACHED,
        )
    case("chain-14", answer(200, PAGE), OK, R.REACHED)
    case("dns", None, BROKEN, R.DNS, f"http://nx.test:{port}/")
    case("refused", None, BROKEN, R.REFUSED, f"http://refused.test:{dead}/")
    case(
        "tls-expired",
        None,
        BROKEN,
        R.TLS_EXPIRED,
        f"https://tls.test:{tls['expired']}/",
    )
    case(
        "tls-self", None, BROKEN, R.TLS_SELF_SIGNED, f"https://tls.test:{tls['self']}/"
    )
    case("tls-host", None, BROKEN, R.TLS_HOST, f"https://wrong.test:{tls['good']}/")
    case("tls-chain", None, BROKEN, R.TLS_CHAIN, f"https://tls.test:{tls['chain']}/")
    case(
        "tls-unknown", None, BROKEN, R.TLS_CHAIN, f"https://tls.test:{tls['unknown']}/"
    )
    case("tls-plain", None, BROKEN, R.TLS_OTHER, f"https://host.test:{port}/")
    case("to-bad-tls", to(f"https://tls.test:{tls['expired']}/"), BROKEN, R.TLS_EXPIRED)
    # not allowed
    case("to-file", to("file:///etc/passwd"), BLOCKED, R.SCHEME)
    case("to-script", to("javascript:alert(1)"), BLOCKED, R.SCHEME)
    case(
        "to-metadata",
        to("http://169.254.169.254/latest/meta-data/"),
        BLOCKED,
        R.ADDRESS,
    )
    case("to-decimal", to("http://167772161/"), BLOCKED, R.ADDRESS)
    case("to-octal", to("http://012.0.0.1/"), BLOCKED, R.ADDRESS)
    case("to-mapped", to("http://[::ffff:10.0.0.1]/"), BLOCKED, R.ADDRESS)
    case("to-private-name", to("http://private.test/"), BLOCKED, R.ADDRESS)
    case(
        "to-user",
        to(f"http://user:pass@host.test:{port}/plain"),
        BLOCKED,
        R.CREDENTIALS,
    )
    case("ftp", None, BLOCKED, R.SCHEME, "ftp://host.test/x")
    case("private", None, BLOCKED, R.ADDRESS, "http://private.test/x")
    case("mixed", None, BLOCKED, R.ADDRESS, "http://mixed.test/x")
    case("loopback6", None, BLOCKED, R.ADDRESS, "http://[::1]/x")
    case("user", None, BLOCKED, R.CREDENTIALS, f"http://me@host.test:{port}/plain")
    case("no-host", None, BLOCKED, R.BAD_ADDRESS, "http:///x")
    return table


ADDRESSES = {
    "private.test": ["10.1.2.3"],
    "two.test": ["127.0.0.1", "127.0.0.2"],
    "mixed.test": ["93.184.216.34", "192.168.0.1"],
}


async def lookup(host: str) -> list[str]:
    """Names of this test world; whatever ends in .test is here unless said otherwise."""
    if host in ADDRESSES:
        return ADDRESSES[host]
    if host.endswith(".test") and not host.startswith("nx"):
        return ["127.0.0.1"]
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@dataclass
class Watch:
    """What the server saw of one host."""

    now: int = 0
    most: int = 0
    starts: list[float] = field(default_factory=list)


class Hostile:
    """The server, in a thread of its own."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {"/": answer(200, PAGE)}
        self.watch: dict[str, Watch] = defaultdict(Watch)
        self.requests: list[Request] = []
        self.delay = 0.0
        self.tls: dict[str, int] = {}
        self._servers: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.authority = trustme.CA()
        self.trusted = ssl.create_default_context()
        self.authority.configure_trust(self.trusted)
        self.port = self._call(self._listen())
        for name, context in self._contexts().items():
            self.tls[name] = self._call(self._listen(context))
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.dead = sock.getsockname()[1]
        self.cases = behaviours(self.port, self.tls, self.dead)
        for name, (_, handler, _, _) in self.cases.items():
            if handler:
                self.handlers[f"/{name}"] = handler

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _contexts(self) -> dict[str, ssl.SSLContext]:
        past = datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC)
        before = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        child = self.authority.create_child_ca()
        alone = trustme.CA()
        made = {
            "good": self.authority.issue_cert("tls.test"),
            "expired": self.authority.issue_cert(
                "tls.test", not_before=before, not_after=past
            ),
            "unknown": alone.issue_cert("tls.test"),
            "local": self.authority.issue_cert("127.0.0.1"),
        }
        contexts = {}
        for name, certificate in made.items():
            contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(contexts[name])
        leaf = child.issue_cert("tls.test")
        contexts["chain"] = _context(
            leaf.private_key_pem.bytes(), leaf.cert_chain_pems[0].bytes()
        )
        contexts["self"] = _context(
            alone.private_key_pem.bytes(), alone.cert_pem.bytes()
        )
        return contexts

    async def _listen(self, context: ssl.SSLContext | None = None) -> int:
        server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=context, limit=1 << 20
        )
        self._servers.append(server)
        return server.sockets[0].getsockname()[1]

    async def _serve(
        self, reader: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        try:
            while (request := await _request(reader)) is not None:
                await self._answer(request, reader, out)
                if out.is_closing():
                    return
        except (ConnectionError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            out.close()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        watch = self.watch[request.host]
        watch.now += 1
        watch.most = max(watch.most, watch.now)
        watch.starts.append(time.monotonic())
        self.requests.append(request)
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            path = request.path.partition("?")[0]
            handler = self.handlers.get(path) or answer(404, "no such page")
            await handler(request, reader, out)
        finally:
            watch.now -= 1

    def close(self) -> None:
        async def end() -> None:
            for server in self._servers:
                server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._call(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def _context(key: bytes, certificate: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with trustme.Blob(key + certificate).tempfile() as path:
        context.load_cert_chain(path)
    return context


async def _request(reader: asyncio.StreamReader) -> Request | None:
    first = await reader.read(1)
    if not first:
        return None
    # A client that speaks TLS hears plain HTTP; its hello is random and may hold no end of line to wait for.
    line = b"" if first == b"\x16" else first + await reader.readline()
    try:
        method, path, _ = line.decode("latin-1").split(" ", 2)
    except ValueError:
        return Request("GET", "/bad-request", {})
    headers = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return Request(method, path, headers)
