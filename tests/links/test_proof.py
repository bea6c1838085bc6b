"""An identifier proves that a paper exists where its page is walled off."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from links.hostile import link

from surveykit.links.fetch import Checker
from surveykit.links.proof import Endpoints, Prover, named
from surveykit.links.state import Hop, Reason, Result, State
from surveykit.net.guard import Guard
from surveykit.net.limiter import RateLimiter

SERVICES = Endpoints(
    "https://doi.example/api/handles/",
    "https://arxiv.example/api/query",
    "https://github.example/repos/",
)
TOKEN = Endpoints(SERVICES.doi, SERVICES.arxiv, SERVICES.github, "secret-token")


def run(answer, work, services=SERVICES):
    """Result of `work(identifier)` where `answer` plays the services; also the requests."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    async def all_of_it():
        limiter = RateLimiter(2, 0.0, 10, time.monotonic, asyncio.sleep)
        fetcher = Checker(
            httpx.MockTransport(handle), Guard(), limiter, "surveykit-test"
        )
        return await work(Prover(fetcher, services))

    return asyncio.run(all_of_it()), asked


def walled(url: str) -> Result:
    return Result(url, State.UNVERIFIABLE, Reason.FORBIDDEN, hops=(Hop(url, 403),))


def prove(answer, *links, services=SERVICES):
    results = {one.url: walled(one.url) for one in links}
    return run(answer, lambda i: i.prove(links, results), services)


def record(code: int, *urls: str) -> httpx.Response:
    values = [
        {"type": "URL", "data": {"format": "string", "value": url}} for url in urls
    ]
    return httpx.Response(
        200 if code == 1 else 404, json={"responseCode": code, "values": values}
    )


class TestDoi:
    def test_a_registered_doi_proves_the_paper(self):
        url = "https://dl.acm.example/doi/10.1145/1"
        (proven,), asked = prove(
            lambda _: record(1, url), link(url, doi="10.1145/1.(x)<y>")
        )
        assert (proven.state, proven.reason, proven.status) == (
            State.OK,
            Reason.BY_DOI,
            403,
        )
        assert "leads to this host" in proven.detail
        assert "forbidden" in proven.detail
        assert asked[0].url.raw_path == b"/api/handles/10.1145/1.%28x%29%3Cy%3E"

    def test_a_record_that_leads_elsewhere_says_so(self):
        (proven,), _ = prove(
            lambda _: record(1, "https://other.example/"),
            link("https://a.example/x", doi="10.1/1"),
        )
        assert "leads elsewhere" in proven.detail

    @pytest.mark.parametrize(
        "reply",
        [
            record(100),
            record(200),
            httpx.Response(200, text="<html>not json"),
            httpx.Response(200, json=[1]),
            httpx.Response(500),
            httpx.Response(302, headers={"location": "http://169.254.169.254/"}),
        ],
    )
    def test_anything_else_proves_nothing(self, reply):
        proven, _ = prove(lambda _: reply, link("https://a.example/x", doi="10.1/1"))
        assert proven == []

    def test_a_service_that_fails_proves_nothing(self):
        def fail(request):
            raise httpx.ConnectError("no route")

        assert (
            prove(fail, link("https://a.example/x", doi="10.1/1", arxiv="2101.00001"))[
                0
            ]
            == []
        )

    def test_nothing_is_asked_for_links_that_are_fine_or_broken(self):
        one = link("https://a.example/x", doi="10.1/1")
        for state in (
            State.OK,
            State.MOVED,
            State.BROKEN,
            State.BLOCKED,
            State.SKIPPED,
        ):
            results = {one.url: Result(one.url, state, Reason.REACHED)}
            assert run(lambda _: record(1), lambda i, r=results: i.prove([one], r)) == (
                [],
                [],
            )


FEED = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">
<entry><id>http://arxiv.org/abs/2101.00001v3</id><title>x</title></entry>
<entry><id>http://arxiv.org/abs/cs/9901001v1</id></entry></feed>"""


def test_one_request_asks_arxiv_for_all_ids():
    links = [
        link("https://a.example/1", arxiv="2101.00001"),
        link("https://a.example/2", arxiv="cs/9901001"),
        link("https://a.example/3", arxiv="2101.99999"),
    ]
    proven, asked = prove(lambda _: httpx.Response(200, text=FEED), *links)
    assert [(r.url[-1], r.reason) for r in proven] == [
        ("1", Reason.BY_ARXIV),
        ("2", Reason.BY_ARXIV),
    ]
    (request,) = asked
    assert request.url.params["id_list"] == "2101.00001,cs/9901001,2101.99999"


def test_arxiv_is_asked_only_where_no_doi_has_proven_the_paper():
    def answer(request):
        return (
            record(1) if "doi" in request.url.host else httpx.Response(200, text=FEED)
        )

    links = [
        link("https://a.example/1", doi="10.1/1", arxiv="2101.00002"),
        link("https://a.example/2", arxiv="2101.00001"),
    ]
    proven, asked = prove(answer, *links)
    assert {r.reason for r in proven} == {Reason.BY_DOI, Reason.BY_ARXIV}
    assert asked[-1].url.params["id_list"] == "2101.00001"


REPO = "https://github.com/Someone/tool"


def repository(answer, url=REPO, services=TOKEN):
    return run(answer, lambda i: i.repository(url), services)


def data(**more) -> httpx.Response:
    return httpx.Response(
        200, json={"html_url": REPO, "archived": False, "size": 12} | more
    )


class TestGitHub:
    def test_a_repository_is_asked_for_with_the_token(self):
        result, asked = repository(lambda _: data(), f"{REPO.lower()}.git")
        assert (result.state, result.reason) == (State.OK, Reason.REACHED)
        assert asked[0].headers["authorization"] == "Bearer secret-token"
        assert str(asked[0].url) == "https://github.example/repos/someone/tool"

    def test_without_token_or_for_other_pages_nothing_is_asked(self):
        assert repository(lambda _: data(), services=SERVICES) == (None, [])
        for url in (
            f"{REPO}/tree/main",
            "https://github.com/someone",
            "https://gist.github.com/a/b",
        ):
            assert repository(lambda _: data(), url) == (None, [])

    def test_gone(self):
        result, _ = repository(lambda _: httpx.Response(404))
        assert (result.state, result.reason) == (State.BROKEN, Reason.REPOSITORY_GONE)

    def test_archived(self):
        result, _ = repository(lambda _: data(archived=True))
        assert (result.state, result.reason) == (State.OK, Reason.REPOSITORY_ARCHIVED)

    @pytest.mark.parametrize("home", ["New/name", "Zoe/tool"])
    def test_renamed(self, home):
        def answer(request):
            if request.url.path.endswith("tool"):
                return httpx.Response(
                    301, headers={"location": "https://github.example/repositories/7"}
                )
            return data(html_url=f"https://github.com/{home}")

        result, _ = repository(answer)
        assert (result.state, result.reason, result.target) == (
            State.MOVED,
            Reason.REPOSITORY_RENAMED,
            f"https://github.com/{home}",
        )

    def test_the_token_follows_no_redirect_to_another_host(self):
        result, asked = repository(
            lambda _: httpx.Response(
                301, headers={"location": "https://evil.example/x"}
            )
        )
        assert result is None
        assert [r.url.host for r in asked] == ["github.example"]

    @pytest.mark.parametrize(
        ("commits", "reason"), [(409, Reason.REPOSITORY_EMPTY), (200, Reason.REACHED)]
    )
    def test_empty_is_what_has_no_commits_and_not_what_is_small(self, commits, reason):
        def answer(request):
            return (
                httpx.Response(commits, json=[])
                if "commits" in request.url.path
                else data(size=0)
            )

        assert repository(answer)[0].reason is reason

    @pytest.mark.parametrize(
        "reply",
        [httpx.Response(403), httpx.Response(500), httpx.Response(200, text="?")],
    )
    def test_on_trouble_the_page_itself_is_looked_at(self, reply):
        assert repository(lambda _: reply)[0] is None

    def test_without_token_pages_and_redirects_get_githubs_words(self):
        gone = named(Result(REPO, State.BROKEN, Reason.NOT_FOUND))
        assert gone.reason is Reason.REPOSITORY_GONE
        moved = Result(
            REPO,
            State.MOVED,
            Reason.PERMANENT_REDIRECT,
            target="https://github.com/New/name",
        )
        assert named(moved).reason is Reason.REPOSITORY_RENAMED
        other = Result("https://a.example/x", State.BROKEN, Reason.NOT_FOUND)
        assert named(other) is other
