"""Words of pages and errors of systems, judged without a network."""

from __future__ import annotations

import errno
import socket
import ssl
from types import SimpleNamespace

import aiohttp
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from surveykit.links.judge import failed, judge
from surveykit.links.state import Reason, State
from surveykit.net.fetch import Reply
from surveykit.net.page import MOST_BYTES, read_page

URL = "https://lab.example/papers/deep/paper"
LONG = "Pre-trained encoders are attacked and defended in many ways. " * 20


def said(title: str, text: str = LONG, status: int = 200, at: str = URL):
    headers = httpx.Headers({"content-type": "text/html; charset=utf-8"})
    body = f"<html><head><title>{title}</title></head><body>{text}</body></html>"
    page = read_page(headers, body.encode(), whole=True)
    return judge(URL, Reply(at, status, headers, page))[:2]


@pytest.mark.parametrize(
    "title",
    [
        "404",
        "404 Not Found",
        "404 - Not Found",
        "404: Page Not Found",
        "404 Error",
        "Error 404",
        "HTTP 404",
        "HTTP Status 404",
        "Page not found",
        "Page Not Found | University of Somewhere",
        "Page not found · GitHub Pages",
        "Site not found · GitHub Pages",
        "Not Found",
        "File not found",
        "Oops! That page can’t be found.",
        "Sorry, the page you requested was not found",
        "The requested URL was not found",
        "This page does not exist",
        "This page no longer exists",
        "Page not found - Lab of Things",
        "404错误",
        "404 页面不存在",
        "页面不存在",
        "页面不存在_某某大学",
        "抱歉，您访问的页面不存在",
        "找不到页面",
        "您访问的页面不存在或已删除",
    ],
)
def test_titles_that_say_that_there_is_nothing(title):
    assert said(title) == (State.BROKEN, Reason.SOFT_404)


@pytest.mark.parametrize(
    "title",
    [
        "",
        "A 404-parameter model",
        "[2404.00404] Something New",
        "Paper 404 | Conference",
        "CVPR 2024 Poster 404",
        "Not Found in Translation: Missing Data in Vision-Language Models",
        "Page Not Found Errors: A Study of the Scholarly Web",
        "Lost and not found",
        "Where did the page go? Attacks on retrieval",
        "When the Model Is Not Found Guilty",
        "Domain for Sale: Generalization across Domains",
        "This Person Does Not Exist",
        "Hidden Trigger Backdoor Attacks | Papers | Lab",
        "对抗样本不存在？论鲁棒性",
        "页面布局分析的对抗攻击",
        "Human verification of neural networks",
        "Just a Minute",
    ],
)
def test_titles_of_pages_that_are_there(title):
    expected = (
        (State.UNVERIFIABLE, Reason.CHALLENGE)
        if title.startswith("Human verif")
        else (State.OK, Reason.REACHED)
    )
    assert said(title) == expected


@pytest.mark.parametrize(
    ("reached", "expected"),
    [
        ("https://lab.example/", Reason.SOFT_404),
        ("https://www.lab.example/index.html", Reason.SOFT_404),
        ("https://lab.example/errors/404", Reason.SOFT_404),
        ("https://lab.example/page-not-found/", Reason.SOFT_404),
        ("https://www.hugedomains.com/domain_profile.cfm?d=lab", Reason.PARKED),
        ("https://sso.example/login?next=x", Reason.LOGIN),
        ("https://lab.example/users/sign_in", Reason.REACHED),
        ("https://new-lab.example/", Reason.REACHED),
        ("https://lab.example/?paper=deep", Reason.REACHED),
        ("https://lab.example/papers/deep/paper/", Reason.REACHED),
        ("https://lab.example/blog/login-attacks", Reason.REACHED),
    ],
)
def test_where_a_redirect_leads_counts(reached, expected):
    assert said("A title", at=reached)[1] is expected


def test_short_addresses_may_lead_to_the_front_page():
    headers = httpx.Headers({"content-type": "text/html"})
    page = read_page(headers, LONG.encode(), whole=True)
    for asked in (
        "https://lab.example/en",
        "https://lab.example/index.php",
        "https://lab.example/home",
    ):
        assert (
            judge(asked, Reply("https://lab.example/", 200, headers, page))[0]
            is State.OK
        )


@given(
    st.binary(max_size=3000),
    st.sampled_from(
        [
            "text/html",
            "text/html; charset=gbk",
            "text/html; charset=\u00fc",
            "application/pdf",
            "",
        ]
    ),
    st.sampled_from(["", "gzip", "deflate", "br", "gzip, gzip"]),
    st.sampled_from([200, 202, 403, 404, 503]),
)
def test_no_body_is_a_crash(raw, kind, packing, status):
    headers = httpx.Headers(
        [(b"content-type", kind.encode()), (b"content-encoding", packing.encode())]
    )
    page = read_page(headers, raw, whole=True)
    assert len(page.raw) <= max(MOST_BYTES, len(raw))
    judge(URL, Reply(URL, status, headers, page), pdf=True)


PIECES = (
    "<html><head>",
    "<title>First paper</title>",
    "<TITLE lang=en>Second\npaper</TITLE >",
    "<title>No end",
    "</title",
    "<!-- <title>Hidden</title> -->",
    "<script>'<title>Hidden</title>'</script>",
    "<script>",
    "<style></title></style>",
    "<body><p>Words",
    "<titles>Names</titles>",
)


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_the_title_is_the_one_a_parser_finds_in_the_whole_page(pieces):
    source = "".join(pieces)
    headers = httpx.Headers({"content-type": "text/html"})
    found = LexborHTMLParser(source).css_first("title")
    title = read_page(headers, source.encode(), whole=True).title
    # a title without an end holds the tags after it, which are renamed by then
    words = [
        text.partition("<")[0].split()
        for text in (title, found.text() if found else "")
    ]
    assert words[0] == words[1]


@given(st.integers(100, 999))
def test_every_status_has_a_verdict_with_and_without_a_page(status):
    headers = httpx.Headers({"content-type": "text/html"})
    for page in (None, read_page(headers, LONG.encode(), whole=False)):
        state, _, _ = judge(URL, Reply(URL, status, headers, page))
        assert state in (State.OK, State.UNVERIFIABLE, State.BROKEN)
        if 200 <= status < 300:
            assert state is State.OK


KEY = SimpleNamespace(host="a.example", port=443, ssl=True, is_ssl=True)


def connector(error: OSError, kind=aiohttp.ClientConnectorError) -> httpx.ConnectError:
    """As it comes out of the transport: wrapped twice."""
    try:
        try:
            raise kind(KEY, error) from error
        except aiohttp.ClientError as inner:
            raise httpx.ConnectError(str(inner)) from inner
    except httpx.ConnectError as outer:
        return outer


def certificate(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "words"
    return error


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (
            connector(ConnectionRefusedError(errno.ECONNREFUSED, "refused")),
            State.BROKEN,
            Reason.REFUSED,
        ),
        (
            connector(OSError(errno.ENETUNREACH, "unreachable")),
            State.BROKEN,
            Reason.UNREACHABLE,
        ),
        (
            connector(OSError("Multiple exceptions: [Errno 101] x, [Errno 111] y")),
            State.BROKEN,
            Reason.REFUSED,
        ),
        (
            connector(OSError("Multiple exceptions: [Errno 101] x, [Errno 113] y")),
            State.BROKEN,
            Reason.UNREACHABLE,
        ),
        (
            connector(socket.gaierror(-2, "x"), aiohttp.ClientConnectorDNSError),
            State.BROKEN,
            Reason.DNS,
        ),
        (connector(TimeoutError("x")), State.BROKEN, Reason.TIMEOUT),
        (connector(certificate(10)), State.BROKEN, Reason.TLS_EXPIRED),
        (connector(certificate(18)), State.BROKEN, Reason.TLS_SELF_SIGNED),
        (connector(certificate(20)), State.BROKEN, Reason.TLS_CHAIN),
        (connector(certificate(62)), State.BROKEN, Reason.TLS_HOST),
        (connector(certificate(23)), State.BROKEN, Reason.TLS_OTHER),
        (
            connector(ssl.SSLError(1, "[SSL: DH_KEY_TOO_SMALL] dh key too small")),
            State.UNVERIFIABLE,
            Reason.TLS_OLD,
        ),
        (
            connector(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]")),
            State.BROKEN,
            Reason.TLS_OTHER,
        ),
        (aiohttp.ServerDisconnectedError(), State.BROKEN, Reason.EMPTY_REPLY),
        (ConnectionResetError(errno.ECONNRESET, "x"), State.BROKEN, Reason.RESET),
        (httpx.ReadTimeout("x"), State.BROKEN, Reason.TIMEOUT),
        (UnicodeError("label too long"), State.BROKEN, Reason.DNS),
        (httpx.InvalidURL("x"), State.BROKEN, Reason.BAD_REPLY),
        (ValueError("x"), State.BROKEN, Reason.BAD_REPLY),
    ],
    ids=lambda value: str(value)[:40],
)
def test_errors_have_their_class(error, state, reason):
    assert failed(error)[:2] == (state, reason)
    assert "\n" not in failed(error)[2]
