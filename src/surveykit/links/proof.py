"""Proof that a paper or a repository exists where its page cannot be read: doi.org, arXiv, GitHub."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from surveykit.links.gather import Link
from surveykit.links.state import Hop, Reason, Result, State
from surveykit.net.fetch import FAILURES, Fetcher, Reply
from surveykit.net.guard import BlockedError

MOST_BYTES = 16 * 1024 * 1024
"""Of an answer: a list of 300 arXiv records has about one megabyte."""
MOST_IDS = 1000
"""arXiv ids in one request."""
REPOSITORY = re.compile(
    r"https?://(?:www\.)?github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?"
)


@dataclass(frozen=True)
class Endpoints:
    """Where the services are asked."""

    doi: str = "https://doi.org/api/handles/"
    arxiv: str = "https://export.arxiv.org/api/query"
    github: str = "https://api.github.com/repos/"
    github_token: str | None = None
    """Without it, GitHub's pages are looked at like any other."""


@dataclass(frozen=True)
class Prover:
    """Asks the services, through the same rate limiter as everything else."""

    fetcher: Fetcher
    services: Endpoints = Endpoints()

    async def prove(
        self, links: Iterable[Link], results: Mapping[str, Result]
    ) -> list[Result]:
        """`ok` results for the unverifiable links whose entry's DOI or arXiv id exists."""
        unproven = [
            (link, result)
            for link in links
            if (result := results.get(link.url))
            and result.state is State.UNVERIFIABLE
            and (link.doi or link.arxiv)
        ]
        proofs = await asyncio.gather(*(self._by_doi(link) for link, _ in unproven))
        proven, left = [], []
        for (link, result), proof in zip(unproven, proofs, strict=True):
            if proof:
                proven.append(_ok(result, Reason.BY_DOI, proof))
            elif link.arxiv:
                left.append((link, result))
        existing = await self._arxiv([str(link.arxiv) for link, _ in left])
        return proven + [
            _ok(result, Reason.BY_ARXIV, f"arXiv:{link.arxiv} exists")
            for link, result in left
            if link.arxiv in existing
        ]

    async def _by_doi(self, link: Link) -> str | None:
        """What the handle record of the link's DOI says; None when there is no record."""
        if not link.doi:
            return None
        data = await self._json(self.services.doi + quote(link.doi, safe="/"))
        if not isinstance(data, dict) or data.get("responseCode") != 1:
            return None
        same = _hostname(link.url) in {_hostname(url) for url in _targets(data)}
        where = "and leads to this host" if same else "and leads elsewhere"
        return f"doi:{link.doi} is registered {where}"

    async def _arxiv(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids that exist, asked for in one request."""
        found: set[str] = set()
        for start in range(0, len(ids), MOST_IDS):
            some = ids[start : start + MOST_IDS]
            url = f"{self.services.arxiv}?id_list={','.join(some)}&max_results={len(some)}"
            reply = await self._ask(url, {"Accept": "application/atom+xml"})
            if reply and reply.status == 200 and reply.page:
                text = reply.page.raw.decode("utf-8", errors="replace")
                pattern = r"<id>https?://arxiv\.org/abs/([\w./-]+?)(?:v\d+)?</id>"
                found |= set(re.findall(pattern, text))
        return found

    async def repository(self, url: str) -> Result | None:
        """What GitHub's interface says of a repository; None without token, for other links, or on trouble."""
        known = REPOSITORY.fullmatch(url)
        if not known or not self.services.github_token:
            return None
        asked = f"{self.services.github}{known[1]}/{known[2]}"
        hops = []
        for _ in range(3):
            reply = await self._github(asked)
            if reply is None:
                return None
            hops.append(Hop(asked, reply.status))
            there = reply.headers.get("location", "")
            if reply.status not in (301, 302, 307, 308):
                return await self._repository(url, reply, tuple(hops))
            if not there.startswith(_origin(self.services.github)):
                return None  # the token goes nowhere else
            asked = there
        return None

    async def _repository(
        self, url: str, reply: Reply, hops: tuple[Hop, ...]
    ) -> Result | None:
        def result(
            state: State, reason: Reason, detail: str = "", target: str | None = None
        ) -> Result:
            return Result(url, state, reason, detail, hops, target, thorough=True)

        if reply.status in (404, 451):
            return result(State.BROKEN, Reason.REPOSITORY_GONE)
        data = _parsed(reply)
        if reply.status != 200 or not isinstance(data, dict):
            return None
        home = str(data.get("html_url", ""))
        if (
            home.lower() != url.lower().rstrip("/").removesuffix(".git")
            and home.startswith("https://github.com/")
            and len(hops) > 1
        ):
            return result(State.MOVED, Reason.REPOSITORY_RENAMED, target=home)
        if data.get("size") == 0 and await self._is_empty(hops[-1].url):
            return result(
                State.BROKEN, Reason.REPOSITORY_EMPTY, "nothing was ever pushed"
            )
        if data.get("archived"):
            return result(State.OK, Reason.REPOSITORY_ARCHIVED, "read-only")
        return result(State.OK, Reason.REACHED)

    async def _is_empty(self, api_url: str) -> bool:
        """Size 0 is also said of small repositories; a list of commits is refused for empty ones alone."""
        reply = await self._github(f"{api_url}/commits?per_page=1")
        return reply is not None and reply.status == 409

    async def _github(self, url: str) -> Reply | None:
        fields = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.services.github_token}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        return await self._ask(url, fields)

    async def _json(self, url: str) -> Any:
        reply = await self._ask(url, {"Accept": "application/json"})
        return _parsed(reply) if reply else None

    async def _ask(self, url: str, headers: Mapping[str, str]) -> Reply | None:
        """Reply of a service; None when it gives none, which proves nothing."""
        try:
            return await self.fetcher.ask(url, headers=headers, most_bytes=MOST_BYTES)
        except (BlockedError, *FAILURES):
            return None


def named(result: Result) -> Result:
    """The same result in GitHub's words, where it is about a repository's page."""
    if not REPOSITORY.fullmatch(result.url):
        return result
    if result.reason is Reason.PERMANENT_REDIRECT and REPOSITORY.fullmatch(
        result.target or ""
    ):
        return replace(result, reason=Reason.REPOSITORY_RENAMED)
    if result.reason is Reason.NOT_FOUND:
        return replace(result, reason=Reason.REPOSITORY_GONE)
    return result


def _ok(result: Result, reason: Reason, proof: str) -> Result:
    detail = f"{proof}; the page itself: {result.reason}"
    return replace(result, state=State.OK, reason=reason, detail=detail)


def _parsed(reply: Reply) -> Any:
    try:
        return json.loads(reply.page.raw) if reply.page else None
    except ValueError:
        return None


def _targets(record: Mapping[str, Any]) -> Iterable[str]:
    """Addresses in a handle record."""
    for value in record.get("values") or ():
        if isinstance(value, dict) and value.get("type") == "URL":
            data = value.get("data")
            if isinstance(data, dict):
                yield str(data.get("value", ""))


def _hostname(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"
