"""What a check can find: a closed set of states, from which text, JSON and exit code derive."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What is known of a link."""

    OK = "ok"
    """It leads somewhere, or an identifier proves the paper exists."""
    MOVED = "moved"
    """A permanent redirect leads to a new address; `Result.final` is the target."""
    UNVERIFIABLE = "unverifiable"
    """The host turns programs away; the link may be fine."""
    SUSPECT = "suspect"
    """It fails, but not yet on enough runs to be called broken."""
    BROKEN = "broken"
    """It fails, on enough runs and days."""
    BLOCKED = "blocked"
    """Its scheme or address is not allowed; nothing was sent."""
    SKIPPED = "skipped"
    """A rule of the link policy says not to check it."""


class Reason(StrEnum):
    """Why a link has its state."""

    REACHED = "reached"
    BY_DOI = "by-doi"
    BY_ARXIV = "by-arxiv"
    BY_POLICY = "by-policy"
    PERMANENT_REDIRECT = "permanent-redirect"
    REPOSITORY_RENAMED = "repository-renamed"
    REPOSITORY_ARCHIVED = "repository-archived"
    REPOSITORY_EMPTY = "repository-empty"
    REPOSITORY_GONE = "repository-gone"
    LOGIN = "login"
    FORBIDDEN = "forbidden"
    BOT_BLOCKED = "bot-blocked"
    CHALLENGE = "challenge"
    RATE_LIMITED = "rate-limited"
    LEGAL = "legal"
    SERVER_ERROR = "server-error"
    TIMEOUT = "timeout"
    NOT_FOUND = "not-found"
    GONE = "gone"
    SOFT_404 = "soft-404"
    PARKED = "parked"
    BAD_STATUS = "bad-status"
    DNS = "dns"
    REFUSED = "refused"
    RESET = "reset"
    EMPTY_REPLY = "empty-reply"
    EMPTY_PAGE = "empty-page"
    BAD_REPLY = "bad-reply"
    TLS_EXPIRED = "tls-expired"
    TLS_SELF_SIGNED = "tls-self-signed"
    TLS_HOST = "tls-wrong-host"
    TLS_CHAIN = "tls-chain"
    TLS_OTHER = "tls"
    TLS_OLD = "tls-outdated"
    REDIRECT_LOOP = "redirect-loop"
    TOO_MANY_REDIRECTS = "too-many-redirects"
    REDIRECT_WITHOUT_TARGET = "redirect-without-target"
    NOT_PDF = "not-a-pdf"
    SCHEME = "scheme"
    CREDENTIALS = "credentials"
    ADDRESS = "private-address"
    BAD_ADDRESS = "bad-address"
    UNREACHABLE = "network-unreachable"


TRANSIENT = frozenset(
    {
        Reason.DNS,
        Reason.RATE_LIMITED,
        Reason.SERVER_ERROR,
        Reason.TIMEOUT,
        Reason.RESET,
        Reason.EMPTY_REPLY,
        Reason.BAD_REPLY,
    }
)
"""Reasons worth another try in the same run."""

SILENCE = frozenset(
    {Reason.DNS, Reason.UNREACHABLE, Reason.TIMEOUT, Reason.REFUSED, Reason.RESET}
)
"""Reasons without any answer: the host is down, or we are offline."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One request on the way."""

    url: str
    status: int


@dataclass(frozen=True, slots=True)
class Result:
    """What one check of one address found."""

    url: str
    state: State
    reason: Reason
    detail: str = ""
    """More, in one line: the error's own words, the policy's reason, the proof."""
    hops: tuple[Hop, ...] = ()
    """Requests in order; the last one decided."""
    target: str | None = None
    """Where permanent redirects lead, when the state is `moved`."""
    seconds: float = 0.0
    """Time of the requests, without waiting for the rate limiter."""
    thorough: bool = False
    """Whether the page itself was looked at, and not only its status."""
    retry_after: float | None = None
    """Seconds the host asked to wait."""
    slow: bool = False
    """Whether the page took all the time that it may: another try would, too."""

    @property
    def last(self) -> str:
        """Address of the last request."""
        return self.hops[-1].url if self.hops else self.url

    @property
    def status(self) -> int | None:
        """Status of the last reply; None when there was none."""
        return self.hops[-1].status if self.hops else None
