"""How fast `check-links` is, against what 100 requests at once could reach, and against linkinator.

python benchmarks/links.py [--linkinator PATH]     all traffic stays on 127.0.0.0/8

One server in a process of its own answers every request after 50 ms. The same 2,000 links over 20 host names are
checked by our engine (a whole run: guard, gate, history, verdicts) and, where it is installed, by npm's linkinator
(over 20 addresses, since it takes host names from the system). Rates are links a second, the median of three runs.
The last figure is the peak memory of a fresh process that checks 20,000 links.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from surveykit.links.address import Guard
from surveykit.links.connect import transport
from surveykit.links.engine import Run
from surveykit.links.fetch import Fetcher
from surveykit.links.gate import Gate
from surveykit.links.gather import from_lines
from surveykit.links.history import History
from surveykit.links.state import State

HOSTS, LINKS, MANY, AT_ONCE, LATENCY_SECONDS = 20, 2_000, 20_000, 100, 0.05
BODY = b"<html><head><title>A paper</title></head><body>" + b"<p>Words.</p>" * 40
REPLY = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: %d\r\n\r\n"
    % len(BODY)
)


class Server(asyncio.Protocol):
    """Answers each request of a connection after the latency; as little work as can be."""

    pages: dict[bytes, bytes] = {}  # noqa: RUF012  # filled once, before the first request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.out = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
        loop = asyncio.get_running_loop()
        for request in requests:
            loop.call_later(LATENCY_SECONDS, self.answer, request)

    def answer(self, request: bytes) -> None:
        method, path, _ = request.split(b" ", 2)
        if page := self.pages.get(path):
            head = REPLY.replace(b"%d" % len(BODY), b"%d" % len(page), 1)
            self.out.write(head + page)
        else:
            self.out.write(REPLY if method == b"HEAD" else REPLY + BODY)


def serve(pipe: Connection) -> None:
    """The server process: sends its port, runs until it is ended."""

    async def forever() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        addresses = [f"127.0.0.{host + 1}" for host in range(HOSTS)]
        await loop.create_server(Server, addresses, port, backlog=1000)
        links = "".join(f'<a href="{url}">x</a>' for url in urls(port, "127.0.0.{}"))
        Server.pages[b"/list"] = links.encode()
        pipe.send(port)
        await asyncio.Event().wait()

    asyncio.run(forever())


def urls(port: int, host: str, count: int = LINKS) -> list[str]:
    """Addresses, one host after the other; `host` holds a place for the number 1 to 20."""
    return [
        f"http://{host.format(number % HOSTS + 1)}:{port}/p{number}"
        for number in range(count)
    ]


async def named(host: str) -> list[str]:
    """host7.test -> 127.0.0.7."""
    return ["127.0.0." + re.sub(r"\D", "", host)]


async def check(port: int, count: int) -> float:
    """Seconds of one whole run over host names, without the start of the interpreter."""
    guard = Guard.allowing(["127.0.0.0/8"])
    way = transport(guard, total=AT_ONCE, lookup=named)
    gate = Gate(AT_ONCE // HOSTS, 0.0, AT_ONCE, time.monotonic, asyncio.sleep)
    fetcher = Fetcher(way, guard, gate, "surveykit-bench")
    links = from_lines(urls(port, "host{}.test", count), "-")
    with (
        tempfile.TemporaryDirectory() as folder,
        History(Path(folder) / "links.jsonl", time.time()) as history,
    ):
        start = time.perf_counter()
        outcome = await Run(fetcher, history).check(links)
        seconds = time.perf_counter() - start
    await way.aclose()
    assert outcome.counts[State.OK] == count, outcome.counts
    return seconds


def fresh_run(port: int, count: int) -> tuple[float, float]:
    """Links a second and peak memory in MB of a run in a process of its own."""
    command = [sys.executable, __file__, "--child", str(port), str(count)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate, memory = said.split()
    return float(rate), float(memory)


def whole(command: list[str]) -> float:
    """Links a second of a program, its start included."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]
    return LINKS / seconds


def ours(port: int, folder: Path) -> list[str]:
    """Our command line over the 20 addresses that linkinator is given too."""
    listed = folder / "links.txt"
    listed.write_text("\n".join(urls(port, "127.0.0.{}")))
    history = folder / f"{time.time_ns()}.jsonl"
    options = f"--allow 127.0.0.0/8 --per-host {AT_ONCE // HOSTS} --spacing 0 --at-once {AT_ONCE}"
    program = [sys.executable, "-m", "surveykit.cli", "check-links"]
    return [
        *program,
        "--urls",
        str(listed),
        "--history",
        str(history),
        *options.split(),
    ]


def theirs(program: str, port: int) -> list[str]:
    """linkinator over a page that lists the same links."""
    return [
        program,
        f"http://127.0.0.1:{port}/list",
        "--concurrency",
        str(AT_ONCE),
        "--verbosity",
        "error",
    ]


def measure(port: int, linkinator: str | None) -> bool:
    """Print all figures; whether all targets are met."""
    ideal = AT_ONCE / LATENCY_SECONDS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rate = statistics.median(fresh_run(port, LINKS)[0] for _ in range(3))
        good = rate >= 0.75 * ideal
        print(
            f"run over {HOSTS} host names   {rate:6.0f} links/s = {rate / ideal:.0%} of the ideal {ideal:.0f} (target 75%)"
        )
        if linkinator:
            pairs = [
                (whole(ours(port, folder)), whole(theirs(linkinator, port)))
                for _ in range(3)
            ]
            we, they = (statistics.median(side) for side in zip(*pairs, strict=True))
            good &= we >= they
            print(
                f"whole program         {we:6.0f} links/s, linkinator {they:.0f} = {we / they:.2f} times (target 1)"
            )
        else:
            print(
                "linkinator            not installed: npm i linkinator, then --linkinator PATH"
            )
        _, memory = fresh_run(port, MANY)
        print(f"peak memory           {memory:6.0f} MB for {MANY} links (target 120)")
    return good and memory <= 120


def main() -> None:
    """Start the server, measure, end the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--linkinator", default=shutil.which("linkinator"))
    parser.add_argument("--child", nargs=2, type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        port, count = given.child
        seconds = asyncio.run(check(port, count))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(count / seconds, memory)
        return
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        sys.exit(0 if measure(here.recv(), given.linkinator) else 1)
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
