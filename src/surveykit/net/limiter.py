"""The rate limiter: how many requests a host sees at once, how far apart, and when it asked to be left alone."""

from __future__ import annotations

import asyncio
import email.utils
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC
from types import TracebackType

Clock = Callable[[], float]
"""Seconds; only differences count."""
Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class _Host:
    slots: asyncio.Semaphore
    next_start: float = 0.0
    quiet_until: float = 0.0


@dataclass
class RateLimiter:
    """Lets requests through one by one; waiting for one host keeps nobody else waiting."""

    per_host: int
    """Requests that one host sees at once."""
    spacing: float
    """Seconds between two starts on one host."""
    total: int
    """Requests at once in all."""
    clock: Clock
    sleep: Sleep
    _hosts: dict[str, _Host] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._all = asyncio.Semaphore(self.total)

    def host(self, name: str) -> _Host:
        """What is known of a host."""
        if name not in self._hosts:
            self._hosts[name] = _Host(asyncio.Semaphore(self.per_host))
        return self._hosts[name]

    def slot(self, host: str) -> _Slot:
        """Context in which one request to `host` may run."""
        return _Slot(self, self.host(host))

    def quiet(self, host: str, seconds: float) -> None:
        """Send nothing to `host` for so long."""
        known = self.host(host)
        known.quiet_until = max(known.quiet_until, self.clock() + seconds)

    async def _enter(self, host: _Host) -> None:
        while True:
            while (wait := self._wait(host)) > 0:
                await self.sleep(wait)
            await self._all.acquire()
            if self._wait(host) <= 0:  # nobody else came first while we stood in line
                host.next_start = self.clock() + self.spacing
                return
            self._all.release()

    def _wait(self, host: _Host) -> float:
        return max(host.next_start, host.quiet_until) - self.clock()


@dataclass(slots=True)
class _Slot:
    limiter: RateLimiter
    host: _Host

    async def __aenter__(self) -> None:
        await self.host.slots.acquire()
        try:
            await self.limiter._enter(self.host)
        except BaseException:
            self.host.slots.release()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.limiter._all.release()
        self.host.slots.release()


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait that a Retry-After field asks for, given Unix time; None when it says nothing."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = email.utils.parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
