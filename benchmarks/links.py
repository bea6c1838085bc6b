"""How fast `check-links` is, beside what 100 requests at once could reach, and beside linkinator.

One server in a process of its own answers every request after 50 ms; all traffic stays on 127.0.0.0/8. The same 2,000
links over 20 host names are checked by our engine (a whole run: guard, limiter, history, verdicts) and, where it is
installed (`npm i -g linkinator`, or LINKINATOR=path), by linkinator: over 20 addresses, since it takes names from the
system, and without each program's start. The last figure is the peak memory of a process that checks 20,000 links.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from surveykit.links.engine import CheckRun
from surveykit.links.fetch import Checker
from surveykit.links.gather import from_lines
from surveykit.links.history import History
from surveykit.links.state import State
from surveykit.net.connect import transport
from surveykit.net.guard import Guard
from surveykit.net.limiter import RateLimiter

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
        Server.pages[b"/one"] = links[: links.index("</a>")].encode()
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
    limiter = RateLimiter(AT_ONCE // HOSTS, 0.0, AT_ONCE, time.monotonic, asyncio.sleep)
    fetcher = Checker(way, guard, limiter, "surveykit-bench")
    links = from_lines(urls(port, "host{}.test", count), "-")
    with (
        tempfile.TemporaryDirectory() as folder,
        History(Path(folder) / "links.jsonl", time.time()) as history,
    ):
        start = time.perf_counter()
        outcome = await CheckRun(fetcher, history).check(links)
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


def seconds(command: list[str]) -> float:
    """Wall clock of a program that finds nothing wrong."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]
    return time.perf_counter() - start


def ours(port: int, folder: Path, count: int) -> list[str]:
    """Our command line over the 20 addresses that linkinator is given too."""
    listed = folder / "links.txt"
    listed.write_text("\n".join(urls(port, "127.0.0.{}", count)))
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


def theirs(program: str, port: int, count: int) -> list[str]:
    """Their command line, over a page that lists the same links."""
    page = f"http://127.0.0.1:{port}/{'list' if count > 1 else 'one'}"
    return [program, page, "--concurrency", str(AT_ONCE), "--verbosity", "error"]


def beside(port: int, program: str, folder: Path, runs: int) -> tuple[Speed, Speed]:
    """Our speed and theirs, measured in turns, so that a busy moment of the machine hits both."""
    times: dict[tuple[str, int], list[float]] = defaultdict(list)
    for _ in range(runs):
        for count in (1, LINKS):
            times["we", count].append(seconds(ours(port, folder, count)))
            times["they", count].append(seconds(theirs(program, port, count)))
    middle = {key: statistics.median(values) for key, values in times.items()}
    we, they = (
        Speed(
            LINKS / middle[who, LINKS],
            (LINKS - 1) / (middle[who, LINKS] - middle[who, 1]),
        )
        for who in ("we", "they")
    )
    return we, they


@dataclass(frozen=True)
class Speed:
    """Links a second of a program."""

    whole: float
    """With its start."""
    links: float
    """Without: what 1,999 more links cost."""


@dataclass(frozen=True)
class Figures:
    """Links a second, medians of several runs; megabytes."""

    rate: float
    """Of a run, without the start of the interpreter."""
    ours: Speed | None
    """Of our program; None without linkinator to compare with."""
    linkinator: Speed | None
    memory: float
    """Peak for 20,000 links."""

    @property
    def of_ideal(self) -> float:
        """Share of what 100 requests at once could reach at this latency."""
        return self.rate / (AT_ONCE / LATENCY_SECONDS)


def measure(runs: int = 5) -> Figures:
    """All figures, against a server that lives as long as this takes."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        return _measured(here.recv(), runs)
    finally:
        server.terminate()


def _measured(port: int, runs: int) -> Figures:
    rate = statistics.median(fresh_run(port, LINKS)[0] for _ in range(runs))
    program = os.environ.get("LINKINATOR") or shutil.which("linkinator")
    we = they = None
    if program:
        with tempfile.TemporaryDirectory() as name:
            we, they = beside(port, program, Path(name), runs)
    return Figures(rate, we, they, fresh_run(port, MANY)[1])


def _peak_megabytes() -> float:
    """Largest memory of this program; `ru_maxrss` would count that of its parent before exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Print the figures; 1 when a target is missed."""
    if sys.argv[1:2] == ["--child"]:
        port, count = map(int, sys.argv[2:])
        seconds = asyncio.run(check(port, count))
        memory = _peak_megabytes()
        sys.stdout.write(f"{count / seconds} {memory}\n")
        return
    found = measure()
    we, they = found.ours, found.linkinator
    sys.stdout.write(
        f"run         {found.rate:.0f} links/s, {found.of_ideal:.0%} of the ideal (target 75%)\n"
    )
    if we and they:
        sys.stdout.write(
            f"linkinator  {they.links:.0f} links/s, ours {we.links:.0f}: ratio {we.links / they.links:.2f} (target 1); "
            f"with start {they.whole:.0f}, ours {we.whole:.0f}: ratio {we.whole / they.whole:.2f}\n"
        )
    sys.stdout.write(
        f"memory      {found.memory:.0f} MB for {MANY} links (target 120)\n"
    )
    slower = bool(we and they and we.links < they.links)
    sys.exit(found.of_ideal < 0.75 or slower or found.memory > 120)


if __name__ == "__main__":
    main()
