"""One address -> Result: every hop checked, every wait and every byte counted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import urldefrag, urljoin

import httpx

from surveykit.links.judge import Judgment, failed, judge
from surveykit.links.state import Hop, Reason, Result, State
from surveykit.net.fetch import FAILURES, PERMANENT, REDIRECTS, Fetcher, Reply, Visit
from surveykit.net.guard import BlockedError
from surveykit.net.limiter import retry_after


@dataclass(slots=True)
class _Way(Visit):
    """Where one check stands."""

    url: str = ""
    here: str = ""
    hops: list[Hop] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    target: str | None = None
    permanent: bool = True

    def result(self, verdict: Judgment, wait: float | None = None) -> Result:
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

    def turn(self, status: int, location: str, most: int) -> Judgment | None:
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


class Checker(Fetcher):
    """Says of one address after the other whether it leads to what it promises."""

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
        way = _Way(url=url, here=url, seen={(url, "")})
        while True:
            try:
                reply = await self.send(method, way.here, way)
            except BlockedError as error:
                verdict = State.BLOCKED, Reason(error.kind), error.detail
                return way.result(verdict)
            except FAILURES as error:
                return way.result(failed(error))
            way.hops.append(Hop(way.here, reply.status))
            location = reply.headers.get("location")
            if reply.status not in REDIRECTS or not location:
                return way.result(judge(url, reply, pdf=pdf), self._wait(reply))
            if end := way.turn(reply.status, location, self.limits.hops):
                return way.result(end)

    def _wait(self, reply: Reply) -> float | None:
        if reply.status not in (429, 503):
            return None
        return retry_after(reply.headers.get("retry-after"), self.wall_clock())
