"""A link that answers is not broken, and no page holds up a run: bodies that are cut, slow, wrong or made to stall."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import pytest
from links.hostile import BODIES, answer, begun, hang, trickling
from links.test_command import POLITE, run, site  # noqa: F401  # a fixture

from surveykit.links.engine import Plan
from surveykit.net.page import MOST_BYTES, read_page

FULL = MOST_BYTES


@pytest.mark.parametrize("name", BODIES)
def test_a_good_status_counts_whatever_becomes_of_the_body(world, hostile, name):
    (finding,) = world.check([f"http://{name}.test:{hostile.port}/{name}"]).findings
    assert (finding.result.state, finding.result.status) == ("ok", 200)
    assert len(hostile.requests) == 1


def test_a_body_that_breaks_off_is_said(world, hostile):
    urls = [f"http://{n}.test:{hostile.port}/{n}" for n in ("body-cut", "body-drips")]
    details = [f.result.detail for f in world.check(urls).findings]
    assert all(detail.startswith("the page breaks off: ") for detail in details)


def test_bodies_that_fail_are_no_missing_network(world, hostile):
    """With nothing else to ask, and nobody else who would answer."""
    urls = [f"http://{name}.test:{hostile.port}/{name}" for name in BODIES]
    for first in range(
        0, len(urls), 8
    ):  # all at once, a busy machine is late with each
        some = urls[first : first + 8]
        outcome = world.check(some, canaries=["http://nx.test/"])
        assert outcome.counts["ok"] == len(some)


@pytest.mark.parametrize("status", [200, 404, 500, 503])
@pytest.mark.parametrize("slow", ["drips", "hangs"])
def test_a_slow_body_ends_at_the_limit_once(world, hostile, status, slow):
    then = trickling(b"x") if slow == "drips" else hang
    hostile.handlers["/slow"] = begun("", b"<html>", then, status)
    start = time.monotonic()
    world.check([f"http://slow{status}.test:{hostile.port}/slow"])
    assert time.monotonic() - start < 1.9  # the limit is 1.2 s
    assert len(hostile.requests) == 1


def test_redirects_share_the_time_of_one_check(world, hostile):
    """Ten slow heads behind each other take no longer than one."""

    def late(step: int):
        async def handle(request, reader, out):
            await asyncio.sleep(0.5)
            out.write(b"HTTP/1.1 302 On\r\nlocation: /late%d\r\n\r\n" % (step + 1))

        return handle

    for step in range(9):
        hostile.handlers[f"/late{step}"] = late(step)
    start = time.monotonic()
    world.check([f"http://late.test:{hostile.port}/late0"])
    assert time.monotonic() - start < 1.9
    assert len(hostile.requests) == 3


def test_bytes_behind_a_short_body_do_not_spoil_the_next_answer(world, hostile):
    site = f"http://spoilt.test:{hostile.port}"
    hostile.handlers["/more"] = begun("content-length: 2\r\n", b"abcdefgh" * 99, hang)
    urls = [f"{site}/more", *(f"{site}/plain?{n}" for n in range(5))]
    outcome = world.check(urls, limiter={"per_host": 1})
    assert outcome.counts["ok"] == 6


def test_the_command_calls_no_answering_link_broken(run, hostile):  # noqa: F811
    """Its own limits are long, so bodies that come to an end by themselves."""
    names = [n for n in BODIES if not {"hangs", "drips", "never"} & {*n.split("-")}]
    names = [n for n in names if n not in ("drips.pdf", "length-twice")]
    lines = [f"{site(hostile)}/{name}" for name in names]
    args = ["--urls", "-", *POLITE, "--strikes", "1", "--per-host", "50"]
    done = run(*args, "--format", "json", lines=lines)
    states = {row["url"]: row["state"] for row in json.loads(done.stdout)["links"]}
    assert (done.returncode, states) == (0, dict.fromkeys(lines, "ok"))


HTML = httpx.Headers({"content-type": "text/html"})
PUMPED = (
    *("<!--", "<div>", "<a>", "<b>", "<p>", "<p a=", "<a b='", "<", "</", "<!", "<?"),
    *("<script>", "<script><!--<script>", "<style>", "<title>", "<title ", "<noscript>"),
    *("<template>", "<table>", "<select><option>", "<svg><title>", "<font><b>", "<li>"),
    *("<form><button>", "<body a>", "<meta charset", "&", "&#", "&lt", "\0", " ", "<a\n"),
    *("<noframes>", "</noframes>", "<title></title>", "<style></style>x", "</br>", "x "),
)  # fmt: skip
ATTRIBUTES = "<title " + " ".join(f"a{n:x}" for n in range(12_000))


@pytest.mark.parametrize("piece", [*PUMPED, ATTRIBUTES], ids=lambda p: p[:20])
def test_no_page_takes_long_to_read(piece):
    raw = (piece * (FULL // len(piece) + 1))[:FULL].encode()
    start = time.process_time()
    read_page(HTML, raw, whole=True)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("charset", ["punycode", "idna", "hz", "utf-7", "gb18030"])
def test_no_charset_takes_long_to_read(charset):
    headers = httpx.Headers({"content-type": f"text/html; charset={charset}"})
    start = time.process_time()
    read_page(headers, b"a" * FULL, whole=True)
    assert time.process_time() - start < 0.3


def test_of_a_long_answer_no_more_is_taken_for_a_page():
    page = read_page(HTML, b"<p>word</p>" * FULL, whole=True)
    assert len(page.all) < 2 * FULL


def test_pages_made_to_stall_hold_nobody_up(world, hostile):
    urls = []
    for n, piece in enumerate(("<!--", "<div>", "<noscript>", "<template>") * 2):
        hostile.handlers[f"/stall{n}"] = answer(200, (piece * FULL)[:FULL])
        urls.append(f"http://stall{n}.test:{hostile.port}/stall{n}")
    urls += [f"http://good{n}.test:{hostile.port}/plain" for n in range(20)]
    start = time.monotonic()
    outcome = world.check(urls, plan=Plan(strikes=1))
    assert time.monotonic() - start < 4
    assert outcome.counts["broken"] == 0
    assert outcome.counts["ok"] >= 20


@pytest.mark.parametrize(
    ("source", "title", "text"),
    [
        ("<title>A &amp; B</title><p>one<b>two</b></p>", "A & B", "A & B one two"),
        ("<p>a<!-- b --><script>c</script><style>d</style>e", "", "a e"),
        ("<noscript><p>no</p></noscript><template>no</template>yes", "", "yes"),
        ("<TITLE class='x'>T</TITLE><svg><title>no</title></svg>x", "T", "T no x"),
        ("<title>never closed", "never closed", "never closed"),
        ("<p>seen<script>never closed", "", "seen"),
        ("<p>a</p><div title='<b>'>c</div> 1 < 2", "", "a c 1 < 2"),
    ],
)
def test_what_a_reader_sees_of_a_page(source, title, text):
    page = read_page(HTML, source.encode(), whole=True)
    assert (page.title, page.text) == (title, text)
