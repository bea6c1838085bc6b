"""A run made ready: transport, rate limiter and services put together from settings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from surveykit.errors import MachineError
from surveykit.links.engine import CheckRun, Outcome, Plan
from surveykit.links.fetch import Checker
from surveykit.links.gather import Link
from surveykit.links.history import History
from surveykit.links.policy import Policy
from surveykit.links.proof import Endpoints, Prover
from surveykit.links.state import Result
from surveykit.net.agent import user_agent
from surveykit.net.connect import transport
from surveykit.net.guard import Guard
from surveykit.net.limiter import RateLimiter


@dataclass(frozen=True)
class LinkSettings:
    """How to ask."""

    agent: str = field(default_factory=user_agent)
    """User-Agent."""
    guard: Guard = field(default_factory=Guard)
    plan: Plan = field(default_factory=Plan)
    per_host: int = 2
    """Requests that a host sees at once."""
    spacing: float = 0.5
    """Seconds between two requests to a host."""
    at_once: int = 100
    """Requests at once in all."""
    github_token: str | None = None
    """Without it, GitHub's pages are looked at like any other."""


def check_links(
    links: Sequence[Link],
    settings: LinkSettings | None = None,
    *,
    history: Path,
    policy: Policy | None = None,
    seen: Callable[[Result], None] = lambda _: None,
    signals: Iterable[int] = (),
) -> Outcome:
    """Ask for each link and keep what was found in the file `history`, from which the next run goes on.

    `seen` is told each result as it comes; one of `signals` ends the run with what is known. Raises MachineError.
    """

    async def checked(kept: History) -> Outcome:
        async with _run(
            settings or LinkSettings(), kept, policy or Policy(), seen
        ) as run:
            loop = asyncio.get_running_loop()
            for number in signals:
                with suppress(NotImplementedError):  # Windows
                    loop.add_signal_handler(number, run.interrupt)
            return await run.check(links)

    if not links:
        return Outcome(())
    with History(history, time.time()) as kept:
        return asyncio.run(checked(kept))


@asynccontextmanager
async def _run(
    settings: LinkSettings,
    history: History,
    policy: Policy,
    seen: Callable[[Result], None],
) -> AsyncIterator[CheckRun]:
    """A run that may begin. Raises MachineError when there are no authorities to trust."""
    try:
        way = transport(settings.guard, total=settings.at_once)
    except OSError as error:
        raise MachineError(f"SSL_CERT_FILE or SSL_CERT_DIR: {error}") from None
    limiter = RateLimiter(
        settings.per_host,
        settings.spacing,
        settings.at_once,
        time.monotonic,
        asyncio.sleep,
    )
    checker = Checker(way, settings.guard, limiter, settings.agent)
    services = Prover(checker, Endpoints(github_token=settings.github_token))
    try:
        yield CheckRun(checker, history, settings.plan, policy, services, seen=seen)
    finally:
        await way.aclose()
