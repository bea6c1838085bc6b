"""The one way to the services: what it does when they are slow, busy, broken or hostile."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from email.utils import formatdate

import pytest
from sources.answers import ATOM, atom, atom_entry, crossref, work
from sources.server import NOW, Answer, as_json

from surveykit.errors import MachineError, NotFoundError, ServiceError
from surveykit.net.guard import Guard
from surveykit.sources import arxiv, page
from surveykit.sources import crossref as crossref_module
from surveykit.sources.cache import Cache, Kept
from surveykit.sources.services import Service

find = crossref_module.find
DOI = "10.5555/ccs24.0001"
FEED = "{http://www.w3.org/2005/Atom}feed"
GOOD = as_json(crossref(work()))


def in_turn(*answers):
    """Each answer once, the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_a_fresh_answer_is_not_asked_for_again(desk, server):
    server.answers["/crossref"] = GOOD
    desk.ask(find, DOI)
    desk.now += 86_000
    desk.ask(find, DOI)
    assert len(server.asked) == 1


def test_an_old_answer_is_asked_for_with_its_etag(desk, server):
    tagged = Answer(
        GOOD.body,
        headers={"ETag": '"a1"', "Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT"},
    )
    server.answers["/crossref"] = in_turn(tagged, Answer(status=304))
    first = desk.ask(find, DOI).record
    desk.now += 90_000
    second = desk.ask(find, DOI).record
    assert second.title == first.title
    assert server.asked[1].headers["if-none-match"] == '"a1"'
    assert server.asked[1].headers["if-modified-since"].startswith("Wed, 01 Jan")
    desk.ask(find, DOI)
    assert len(server.asked) == 2  # 304 made it fresh


def test_every_request_says_who_asks_and_asks_for_plain_bytes(desk, server):
    server.answers["/crossref"] = GOOD
    desk.ask(find, DOI)
    headers = server.asked[0].headers
    assert (headers["user-agent"], headers["accept"]) == (
        "surveykit-test/1",
        "application/json",
    )
    assert headers["accept-encoding"] == "identity"
    assert "cookie" not in headers


def test_a_short_wait_is_kept(desk, server):
    server.answers["/crossref"] = in_turn(Answer("", 429, {"Retry-After": "7"}), GOOD)
    assert desk.ask(find, DOI).record.title
    assert desk.slept == [7.0]


def test_a_date_to_come_back_at_is_understood(desk, server):
    late = {"Retry-After": formatdate(NOW + 11, usegmt=True)}
    server.answers["/crossref"] = in_turn(Answer("", 503, late), GOOD)
    assert desk.ask(find, DOI).record.title
    assert desk.slept == [11.0]


def test_a_long_wait_is_told_and_remembered_by_the_next_run(desk, server):
    server.answers["/crossref"] = Answer("", 429, {"Retry-After": "3600"})
    with pytest.raises(
        ServiceError,
        match=r"Crossref: is busy or down \(it answered 429\); try again in 60 min",
    ) as caught:
        desk.ask(find, DOI)
    assert caught.value.retry_seconds == 3600
    server.answers["/crossref"] = GOOD
    with pytest.raises(
        ServiceError, match="asked to be left alone; try again in 60 min"
    ):
        desk.ask(find, DOI)
    assert len(server.asked) == 1
    desk.now += 3601
    assert desk.ask(find, DOI).record.title


def test_a_server_that_stays_down_is_asked_three_times_and_then_no_more(desk, server):
    server.answers["/crossref"] = Answer("", 502)

    async def two(client):
        for doi in (DOI, "10.5555/other"):
            with pytest.raises(ServiceError, match="it answered 502"):
                await find(client, doi)

    desk.ask(two)
    assert len(server.asked) == 3
    assert desk.slept == [2.0, 4.0]


def test_who_stands_in_line_behind_a_refusal_does_not_ask(desk, server):
    server.answers["/crossref"] = Answer("", 429, {"Retry-After": "600"})

    async def many(client):
        some = [find(client, f"10.5555/{n}") for n in range(8)]
        return await asyncio.gather(*some, return_exceptions=True)

    assert {type(error) for error in desk.ask(many)} == {ServiceError}
    assert len(server.asked) == 1


def test_silence_ends(desk, server):
    server.answers["/crossref"] = Answer("{}", seconds=30)
    with pytest.raises(ServiceError, match=r"did not answer \(\w+\)"):
        desk.ask(find, DOI)


def test_a_service_that_drips_is_given_up_after_a_total_time(desk, server):
    server.answers["/crossref"] = Answer("[1" + ",1" * 2000 + "]", drip=0.05)
    start = time.monotonic()

    async def two(client):
        for doi in (DOI, "10.5555/other"):  # the second is not asked any more
            with pytest.raises(ServiceError, match="gave no whole answer in 0 s"):
                await find(client, doi)

    desk.ask(two, question_seconds=0.4)
    assert time.monotonic() - start < 2.0
    assert len(server.asked) == 1


def test_attempts_and_redirects_share_the_total_time(desk, server):
    server.answers["/crossref"] = Answer("{}", seconds=30)
    start = time.monotonic()
    with pytest.raises(ServiceError, match="gave no whole answer in 1 s"):
        desk.ask(find, DOI, question_seconds=0.8)
    assert time.monotonic() - start < 2.5


def test_whether_anybody_answered_is_remembered(desk, server):
    async def ask(client):
        for url in ("http://127.0.0.1:9/api", f"{server.url}/crossref"):
            with pytest.raises((ServiceError, NotFoundError)):
                await client.text(Service("x", url, 0.0), url, accept="*/*")
            told.append(client.connected)

    told = []
    desk.ask(ask)
    assert told == [False, True]


def test_an_answer_of_this_run_is_not_asked_for_again_even_to_refresh(desk, server):
    server.answers["/crossref"] = GOOD

    async def twice(client):
        await find(client, DOI)
        await find(client, DOI)

    for runs in (1, 2):
        desk.ask(twice, max_age_seconds=0.0)
        assert len(server.asked) == runs


def test_nobody_listens(desk, server):
    service = Service("arXiv", "http://127.0.0.1:9/api", 0.0)

    async def ask(client):
        return await client.xml(service, service.url, accept=ATOM, roots=[FEED])

    with pytest.raises(ServiceError, match="arXiv: did not answer"):
        desk.ask(ask)


def test_an_old_answer_helps_out_and_says_so(desk, server):
    server.answers["/crossref"] = in_turn(GOOD, Answer("", 500))
    desk.ask(find, DOI)
    desk.now += 90_000
    assert desk.ask(find, DOI).record.title
    assert desk.client.notes == [
        "Crossref: is busy or down (it answered 500); its answer of 2026-11-18 is used"
    ]


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]><feed xmlns="http://www.w3.org/2005/Atom"><entry><title>&lol3;</title></entry></feed>"""
XXE = """<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]><feed xmlns="http://www.w3.org/2005/Atom"><entry><id>http://arxiv.org/abs/2401.00001v1</id><title>&x;</title></entry></feed>"""
REMOTE = """<?xml version="1.0"?><!DOCTYPE feed SYSTEM "http://127.0.0.1/evil.dtd"><feed xmlns="http://www.w3.org/2005/Atom"/>"""


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        XXE,
        REMOTE,
        "Rate exceeded.",
        "",
        "<feed><entry>",
        "<html><body>Sign in</body></html>",
        '<?xml version="1.0" encoding="latin-9000"?><feed/>',
        "<a>" * 100_000,
        b"\xff\xfe\x00garbage",
        atom(atom_entry())[:-30],
    ],
    ids=[
        "bomb",
        "xxe",
        "dtd",
        "text",
        "empty",
        "cut",
        "html",
        "charset",
        "deep",
        "bytes",
        "torn",
    ],
)
def test_bad_xml_is_an_error_of_the_service_and_is_not_kept(desk, server, body):
    server.answers["/arxiv"] = in_turn(Answer(body), Answer(atom(atom_entry())))
    with pytest.raises(ServiceError, match="arXiv: answered with") as caught:
        desk.ask(arxiv.find, "2401.00001")
    assert "root:" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert desk.ask(arxiv.find, "2401.00001").record.title


@pytest.mark.parametrize(
    "body",
    [
        "<!DOCTYPE html><title>Just a moment…</title>",
        "[]",
        '"x"',
        "{",
        "[" * 100_000,
        "\x00",
        "NaN",
    ],
)
def test_bad_json_is_an_error_of_the_service(desk, server, body):
    server.answers["/crossref"] = Answer(body)
    with pytest.raises(ServiceError, match=r"Crossref: (answered with|gave no title)"):
        desk.ask(find, DOI)


def test_a_web_page_in_the_place_of_data_is_called_so(desk, server):
    server.answers["/crossref"] = Answer("<!DOCTYPE html><title>Just a moment…</title>")
    with pytest.raises(ServiceError, match="answered with a web page instead of JSON"):
        desk.ask(find, DOI)


def test_a_huge_answer_is_cut_off(desk, server):
    server.answers["/crossref"] = Answer(b'{"x": "' + b"a" * (17 * 1024 * 1024) + b'"}')
    with pytest.raises(ServiceError, match="more than 16 MiB"):
        desk.ask(find, DOI)


def test_a_compressed_bomb_is_not_unpacked(desk, server):
    packed = gzip.compress(b"[" + b"0," * 40_000_000)
    server.answers["/crossref"] = Answer(packed, headers={"Content-Encoding": "gzip"})
    with pytest.raises(ServiceError, match="more than"):
        desk.ask(find, DOI)


@pytest.mark.parametrize("status", [401, 403, 418, 451])
def test_a_closed_door_is_not_an_unknown_paper(desk, server, status):
    server.answers["/crossref"] = Answer("", status)
    with pytest.raises(ServiceError, match=f"answered {status}"):
        desk.ask(find, DOI)


def test_an_unknown_paper_is_remembered(desk, server):
    server.answers["/crossref"] = Answer("Resource not found.", 404)
    for _ in range(2):
        with pytest.raises(NotFoundError):
            desk.ask(find, DOI)
    assert len(server.asked) == 1


def test_private_addresses_are_not_asked(desk, server):
    server.answers["/page"] = Answer("<meta name=citation_title content=x>")
    with pytest.raises(ServiceError, match="may not be asked"):
        desk.ask(page.find, f"{server.url}/page/x", guard=Guard())
    assert server.asked == []


@pytest.mark.parametrize(
    "there",
    [
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "http://[::1]:1/",
    ],
)
def test_a_redirect_to_a_private_address_is_not_followed(desk, server, there):
    server.answers["/page"] = Answer("", 302, {"Location": there})
    with pytest.raises(ServiceError, match="may not be asked"):
        desk.ask(page.find, f"{server.url}/page/x")


def test_redirects_are_followed_a_few_times(desk, server):
    server.answers["/crossref"] = Answer("", 301, {"Location": "/moved"})
    server.answers["/moved"] = GOOD
    assert desk.ask(find, DOI).record.title
    server.answers["/moved"] = Answer("", 302, {"Location": "/moved"})
    with pytest.raises(ServiceError, match="redirects more than 5 times"):
        desk.ask(find, "10.5555/loop")


def test_the_token_of_github_goes_nowhere_else(desk, server, running):
    from sources.server import Server

    other = Server()
    try:
        other.answers["/"] = Answer("# x")
        server.answers["/github"] = Answer("", 302, {"Location": f"{other.url}/readme"})

        async def ask(client):
            service = client.services.github
            return await client.text(service, f"{service.url}/a/b/readme", accept="*/*")

        desk.ask(ask, github_token="secret")
        assert server.asked[0].headers["authorization"] == "Bearer secret"
        assert "authorization" not in other.asked[0].headers
        server.answers["/crossref"] = GOOD
        desk.ask(find, DOI, github_token="secret")
        assert "authorization" not in server.asked[-1].headers
    finally:
        other.close()


def test_requests_to_one_service_keep_their_distance(desk, server):
    """The pause is that of the service, and a later run keeps it too."""
    service = Service("arXiv", f"{server.url}/arxiv", 3.0)
    server.answers["/arxiv"] = Answer(atom())

    async def ask(client, query):
        await client.xml(service, f"{service.url}?{query}", accept=ATOM, roots=[FEED])

    desk.ask(ask, "a")
    assert desk.cache.quiet_until(server.url.removeprefix("http://")) == NOW + 3
    desk.ask(ask, "b")
    assert desk.slept == [3.0]


def test_concurrent_questions_are_answered_one_after_the_other(desk, server):
    server.answers["/crossref"] = GOOD

    async def many(client):
        return await asyncio.gather(*(find(client, f"10.5555/{n}") for n in range(20)))

    assert len(desk.ask(many)) == 20


def test_a_torn_or_foreign_file_of_the_cache_counts_as_absent(tmp_path):
    cache = Cache(tmp_path)
    kept = Kept("https://x.org/a", b"body\nmore", 1.0, "e", "m", "t")
    cache.put(kept)
    (path,) = tmp_path.iterdir()
    assert cache.get(kept.url) == kept
    whole = path.read_bytes()
    for raw in (
        b"",
        whole[:10],
        whole[:-1],
        b"{}\n",
        b"[]\n",
        b"\xff\n",
        whole + b"x",
        whole.replace(b"x.org", b"y.org"),
    ):
        path.write_bytes(raw)
        assert cache.get(kept.url) is None
    assert cache.quiet_until("x.org") == 0.0


def test_a_cache_that_cannot_be_written_is_said(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with pytest.raises(MachineError, match="file"):
        Cache(blocked).put(Kept("https://x.org", b"", 1.0))


def test_offline_asks_nobody(desk, server):
    server.answers["/crossref"] = GOOD
    with pytest.raises(ServiceError, match="not in the cache"):
        desk.ask(find, DOI, offline=True)
    desk.ask(find, DOI)
    desk.now += 10**9
    assert desk.ask(find, DOI, offline=True).record.title
    assert len(server.asked) == 1


def test_the_kept_answer_is_the_answer(desk, server):
    server.answers["/crossref"] = GOOD
    desk.ask(find, DOI)
    (kept,) = [k for p in desk.cache.folder.iterdir() if (k := p.read_bytes())]
    assert json.loads(kept.partition(b"\n")[2]) == json.loads(GOOD.body)
