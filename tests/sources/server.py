"""The services on loopback: answers in their documented formats, hand-written about papers nobody wrote."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from surveykit.net.connect import SystemLookup, transport
from surveykit.net.fetch import Limits
from surveykit.net.guard import Guard
from surveykit.sources.cache import Cache
from surveykit.sources.client import Client
from surveykit.sources.services import Service, Services

LIMITS = Limits(connect_seconds=2.0, read_seconds=0.5, whole_seconds=1.0)
NOW = 1_795_000_000.0  # 18 November 2026


@dataclass
class Answer:
    """What the server gives to one request."""

    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """Silence before it."""
    drip: float = 0.0
    """Silence before each byte of the body."""


@dataclass
class Asked:
    """What a client sent."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Server:
    """Gives the answer of the longest known beginning of a path; else 404."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Asked], Answer] | Answer] = {}
        self.asked: list[Asked] = []
        self.stop = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else each answer waits 40 ms

            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        # whoever waited long enough hangs up
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=self._http.serve_forever, args=(0.05,)).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self.site = f"http://papers.test:{self._http.server_port}"
        """The same under a name, where an address of this machine would be refused."""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        path = unquote(parts.path)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        asked = Asked(path, query, {k.lower(): v for k, v in request.headers.items()})
        self.asked.append(asked)
        known = [start for start in self.answers if path.startswith(start)]
        found = self.answers[max(known, key=len)] if known else Answer(status=404)
        answer = found(asked) if callable(found) else found
        if answer.seconds:
            self.stop.wait(answer.seconds)
        raw = answer.body.encode() if isinstance(answer.body, str) else answer.body
        try:
            request.send_response(answer.status)
            for name, value in answer.headers.items():
                request.send_header(name, value)
            request.send_header("Content-Length", str(len(raw)))
            request.end_headers()
            for at in range(len(raw)) if answer.drip else ():
                self.stop.wait(answer.drip)
                request.wfile.write(raw[at : at + 1])
            request.wfile.write(b"" if answer.drip else raw)
        except OSError:
            request.close_connection = True

    def close(self) -> None:
        self.stop.set()
        self._http.shutdown()
        self._http.server_close()

    def services(self) -> Services:
        names = {
            "arxiv": "arXiv",
            "crossref": "Crossref",
            "datacite": "DataCite",
            "doi": "doi.org",
            "dblp": "DBLP",
            "acl": "ACL Anthology",
            "openreview": "OpenReview",
            "openreview_before_2024": "OpenReview",
            "github": "GitHub",
            "openalex": "OpenAlex",
            "page": "page",
        }
        return Services(
            **{k: Service(name, f"{self.url}/{k}", 0.0) for k, name in names.items()}
        )

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


_system = SystemLookup()


async def _lookup(host: str) -> list[str]:
    return ["127.0.0.1"] if host == "papers.test" else await _system(host)


class Desk:
    """Questions to the server over the transport that the commands use."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.cache = Cache(folder / "cache")
        self.slept: list[float] = []
        self.now = NOW
        self.client: Client | None = None

    @asynccontextmanager
    async def open(self, **more: Any) -> Any:
        guard = more.pop("guard", Guard.allowing(["127.0.0.0/8"]))
        way = transport(guard, total=4, lookup=_lookup)

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            self.now += seconds

        settings: dict[str, Any] = {
            "services": self.server.services(),
            "limits": LIMITS,
            "now": lambda: self.now,
            "sleep": sleep,
        }
        client = Client(way, guard, self.cache, "surveykit-test/1", **settings | more)
        self.client = client
        try:
            yield client
        finally:
            await way.aclose()

    def ask(self, find: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """What one function of a service gives."""

        async def run() -> Any:
            async with self.open(**more) as client:
                return await find(client, *args)

        return asyncio.run(run())


def as_json(data: object, **more: Any) -> Answer:
    return Answer(
        json.dumps(data), headers={"content-type": "application/json"}, **more
    )
