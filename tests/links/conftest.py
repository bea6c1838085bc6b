"""The hostile server, and runs against it over the transport that the command line uses."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from links.hostile import Hostile, link, lookup

from surveykit.links.engine import CheckRun, Outcome, Plan
from surveykit.links.fetch import Checker
from surveykit.links.gather import Link
from surveykit.links.history import History
from surveykit.net.connect import transport
from surveykit.net.fetch import Limits
from surveykit.net.guard import Guard
from surveykit.net.limiter import RateLimiter

LIMITS = Limits(connect_seconds=2.0, read_seconds=0.6, whole_seconds=1.2)


class World:
    """Runs over lists of links in one folder, on days that the test chooses."""

    def __init__(self, server: Hostile, folder: Path) -> None:
        self.server = server
        self.history = folder / "links.jsonl"
        self.now = 1_700_000_000.0

    async def _check(
        self,
        links: list[Link],
        plan: Plan,
        limiter: dict[str, Any],
        more: dict[str, Any],
    ) -> Outcome:
        guard = Guard.allowing(["127.0.0.0/8"])
        total = limiter.get("total", 50)
        holder = more.pop("holder", [])
        clock, sleep = time.monotonic, asyncio.sleep
        way = transport(
            guard,
            total=total,
            lookup=more.pop("lookup", lookup),
            context=self.server.trusted,
        )
        fetcher = Checker(
            way,
            guard,
            RateLimiter(
                **{
                    "per_host": 20,
                    "spacing": 0.0,
                    "total": total,
                    "clock": clock,
                    "sleep": sleep,
                }
                | limiter
            ),
            agent="surveykit-test/1 (+https://example.org/)",
            limits=more.pop("limits", LIMITS),
            wall_clock=lambda: self.now,
        )
        try:
            with History(self.history, self.now) as history:
                run = CheckRun(fetcher, history, plan, chance=random.Random(1), **more)
                holder.append(run)
                return await run.check(links)
        finally:
            await way.aclose()

    def check(
        self,
        urls: Iterable[str | Link],
        *,
        limiter: dict[str, Any] | None = None,
        plan: Plan | None = None,
        **more: Any,
    ) -> Outcome:
        """Outcome of one run with the history of the earlier ones."""
        links = [url if isinstance(url, Link) else link(url) for url in urls]
        plan = plan or Plan(strikes=1, backoff_seconds=0.01)
        return asyncio.run(self._check(links, plan, limiter or {}, more))


@pytest.fixture(scope="session")
def hostile() -> Iterator[Hostile]:
    server = Hostile()
    yield server
    server.close()


@pytest.fixture
def world(hostile: Hostile, tmp_path: Path) -> World:
    hostile.watch.clear()
    hostile.requests.clear()
    hostile.delay = 0.0
    return World(hostile, tmp_path)
