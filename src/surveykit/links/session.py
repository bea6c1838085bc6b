"""A run made ready: transport, rate limiter and services put together from settings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from surveykit.errors import MachineError
from surveykit.links.engine import Plan, Run
from surveykit.links.fetch import Checker
from surveykit.links.history import History
from surveykit.links.policy import Policy
from surveykit.links.proof import Endpoints, Prover
from surveykit.links.state import Result
from surveykit.net.connect import transport
from surveykit.net.guard import Guard
from surveykit.net.limiter import RateLimiter


@dataclass(frozen=True)
class Settings:
    """How to ask."""

    agent: str
    """User-Agent."""
    guard: Guard
    plan: Plan
    per_host: int
    """Requests that a host sees at once."""
    spacing: float
    """Seconds between two requests to a host."""
    at_once: int
    """Requests at once in all."""
    github_token: str | None
    """Without it, GitHub's pages are looked at like any other."""


@asynccontextmanager
async def session(
    settings: Settings,
    history: History,
    policy: Policy,
    seen: Callable[[Result], None],
) -> AsyncIterator[Run]:
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
        yield Run(checker, history, settings.plan, policy, services, seen=seen)
    finally:
        await way.aclose()
