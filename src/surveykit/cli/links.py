"""The command that checks the addresses in the catalog."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from surveykit.cli.terminal import (
    FINE,
    FOUND,
    INTERRUPTED,
    example,
    known,
    load,
    note,
    repository,
    say,
    warn,
)
from surveykit.errors import MachineError, Severity

if TYPE_CHECKING:
    from surveykit.catalog import Catalog
    from surveykit.links.address import Guard
    from surveykit.links.engine import Outcome, Plan
    from surveykit.links.gather import Link
    from surveykit.links.history import History
    from surveykit.links.policy import Policy
    from surveykit.links.state import Result

HISTORY = ".cache/links.jsonl"
FORMATS = ("text", "json", "github", "junit", "markdown")
KINDS = ("paper", "pdf", "code", "project", "slides", "video", "source", "survey")
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PLAIN_PROGRESS_SECONDS = 10.0


class Duration(click.ParamType[float]):
    """`90s`, `5m`, `1h`, `7d` as seconds."""

    name = "duration"

    def convert(
        self,
        value: str | float,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Seconds; a usage error for anything else."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d{1,6})([smhd])", str(value))
        if not found:
            self.fail(f"{value!r} is no duration; write 90s, 5m, 1h or 7d", param, ctx)
        return int(found[1]) * UNITS[found[2]]


@dataclass(frozen=True)
class _Options:
    """What was asked for besides the links."""

    plan: Plan
    guard: Guard
    history: Path
    policy: Policy
    agent: str
    per_host: int
    spacing: float
    at_once: int


@click.command(
    "check-links", epilog=example("surveykit check-links --only code --budget 5m")
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--since", metavar="REV", help="Only entries changed since a git revision."
)
@click.option(
    "--only",
    "kinds",
    multiple=True,
    type=click.Choice(KINDS),
    help="Only links of this kind; repeatable.",
)
@click.option(
    "--urls",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="Check a list, one address a line, without a catalog; - reads the input.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How the result is written; markdown is the body of one rolling issue.",
)
@click.option("--fix", is_flag=True, help="Rewrite moved links in the entries.")
@click.option(
    "--max-age",
    type=Duration(),
    default="1h",
    show_default=True,
    help="Good results younger than this are not asked for again.",
)
@click.option(
    "--budget",
    type=Duration(),
    help="Begin nothing new after this time; the longest unchecked come first.",
)
@click.option(
    "--strikes",
    type=click.IntRange(1, 12),
    default=2,
    show_default=True,
    help="Failing runs after which a link is broken; before, it is suspect.",
)
@click.option(
    "--strike-days",
    type=click.IntRange(0, 365),
    default=1,
    show_default=True,
    help="Days that those runs lie apart at least.",
)
@click.option(
    "--per-host",
    type=click.IntRange(1, 100),
    default=2,
    show_default=True,
    help="Requests that a host sees at once.",
)
@click.option(
    "--spacing",
    type=click.FloatRange(0, 60),
    default=0.5,
    show_default=True,
    help="Seconds between two requests to a host.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Requests at once in all.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="HOST|CIDR",
    help="Let a private address pass; repeatable. For tests and intranets.",
)
@click.option(
    "--history",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Where results are kept.  [default: {HISTORY}]",
)
@click.pass_obj
def check_links(
    root: Path | None,
    *,
    ids: tuple[str, ...],
    since: str | None,
    kinds: tuple[str, ...],
    urls: str | None,
    form: str,
    fix: bool,
    max_age: float,
    budget: float | None,
    strikes: int,
    strike_days: int,
    per_host: int,
    spacing: float,
    at_once: int,
    allow: tuple[str, ...],
    history: Path | None,
) -> int:
    """Say which links still lead to what they promise.

    Results come into a history as they arrive: a run that was cut off goes on where it stopped. Exit code 1 means that a
    link is broken or not allowed, 3 that there is no network, 130 that the run was interrupted.
    """
    from surveykit.links.engine import Plan

    if urls and (ids or since or kinds or fix):
        raise click.UsageError("--urls goes without IDs, --since, --only and --fix")
    home = None if urls else repository(root)
    catalog = load(root) if home else None
    policy, sound = _policy(home)
    options = _Options(
        plan=Plan(
            max_age_seconds=max_age,
            budget_seconds=budget,
            strikes=strikes,
            strike_days=strike_days,
        ),
        guard=_guard(allow),
        history=history or _history(home),
        policy=policy,
        agent=_agent(catalog),
        per_host=per_host,
        spacing=spacing,
        at_once=at_once,
    )
    if home and catalog:
        links = _chosen(catalog, home, ids, since, kinds)
    else:
        links = _listed(urls or "-")
    if home and not (ids or since or kinds):
        warn(policy.unused(link.url for link in links))
    outcome = _run(links, options)
    _tell(outcome, form)
    if fix and home:
        _fix(outcome, home)
    if outcome.interrupted:
        return INTERRUPTED
    return FOUND if outcome.failed or not sound else FINE


COMMANDS = (check_links,)


def _policy(home: Path | None) -> tuple[Policy, bool]:
    """The policy, and whether it is sound."""
    from surveykit.links.policy import Policy, read_policy

    if home is None:
        return Policy(), True
    policy, problems = read_policy(home)
    problems += policy.expired(datetime.now(UTC).date())
    warn(problems)
    return policy, not any(p.severity is Severity.ERROR for p in problems)


def _guard(allow: tuple[str, ...]) -> Guard:
    from surveykit.links.address import Guard

    try:
        return Guard.allowing(allow)
    except ValueError as error:
        raise click.UsageError(f"--allow: {error}") from None


def _history(home: Path | None) -> Path:
    if home:
        return home / HISTORY
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "surveykit" / "links.jsonl"


def _agent(catalog: Catalog | None) -> str:
    # Without the words "link" and "checker": common server rules answer those with 403.
    from surveykit import __version__
    from surveykit.links.gather import is_placeholder

    contact = catalog.survey.repository if catalog else ""
    if not contact or is_placeholder(contact):
        return f"surveykit/{__version__}"
    return f"surveykit/{__version__} (+{contact})"


def _listed(urls: str) -> tuple[Link, ...]:
    from surveykit.links.gather import from_lines

    name = "-" if urls == "-" else urls
    with click.open_file(urls, encoding="utf-8", errors="replace") as file:
        return from_lines(file, name)


def _chosen(
    catalog: Catalog,
    home: Path,
    ids: tuple[str, ...],
    since: str | None,
    kinds: tuple[str, ...],
) -> tuple[Link, ...]:
    from surveykit.links.gather import from_catalog

    wanted = {known(paper_id, catalog.by_id, "paper") for paper_id in ids}
    if since is not None:
        changed = _changed(home, since)
        touched = {i for i, path in catalog.paths.items() if path in changed}
        wanted = wanted & touched if wanted else touched
        if not wanted:
            return ()
    return from_catalog(catalog, home, ids=wanted, kinds=kinds)


def _changed(home: Path, revision: str) -> set[str]:
    """Files below `home` that differ from a revision. Raises MachineError, or a usage error."""
    command = ["git", "diff", "--name-only", "-z", "--relative", "--end-of-options"]
    try:
        done = subprocess.run(
            [*command, revision, "--", "catalog"],
            cwd=home,
            capture_output=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"--since needs git: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise click.UsageError(
            f"--since {revision!r}: {said[0] if said else 'git failed'}"
        )
    return set(done.stdout.decode(errors="replace").split("\0"))


def _run(links: tuple[Link, ...], options: _Options) -> Outcome:
    from surveykit.links.engine import Outcome
    from surveykit.links.history import History

    if not links:
        return Outcome(())
    with (
        History(options.history, time.time()) as history,
        _progress(len(links)) as seen,
    ):
        return asyncio.run(_checked(links, options, history, seen))


async def _checked(
    links: tuple[Link, ...],
    options: _Options,
    history: History,
    seen: Callable[[Result], None],
) -> Outcome:
    from surveykit.links.connect import transport
    from surveykit.links.engine import Run
    from surveykit.links.fetch import Fetcher
    from surveykit.links.gate import Gate
    from surveykit.links.identify import Identifier, Services

    try:
        way = transport(options.guard, total=options.at_once)
    except OSError as error:
        raise MachineError(f"SSL_CERT_FILE or SSL_CERT_DIR: {error}") from None
    gate = Gate(
        per_host=options.per_host,
        spacing=options.spacing,
        total=options.at_once,
        clock=time.monotonic,
        sleep=asyncio.sleep,
    )
    fetcher = Fetcher(way, options.guard, gate, options.agent)
    services = Services(github_token=os.environ.get("GITHUB_TOKEN"))
    run = Run(
        fetcher,
        history,
        options.plan,
        options.policy,
        Identifier(fetcher, services),
        seen=seen,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, run.interrupt)
    try:
        return await run.check(links)
    finally:
        await way.aclose()


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[Result], None]]:
    """Shows how far a run is: a bar for a reader, a line now and then for a log."""
    if not sys.stderr.isatty():
        yield _lines(total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    rate = TextColumn("{task.fields[rate]:.1f}/s  {task.fields[alarms]} failing")
    columns = (BarColumn(), MofNCompleteColumn(), rate, Remaining())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("links", total=total, rate=0.0, alarms=0)
        urls: set[str] = set()
        failing = 0
        start = time.monotonic()

        def seen(result: Result) -> None:
            nonlocal failing
            failing += result.state in ("broken", "blocked")
            urls.add(result.url)
            rate = len(urls) / max(time.monotonic() - start, 0.1)
            bar.update(task, completed=len(urls), rate=rate, alarms=failing)

        yield seen


def _lines(total: int) -> Callable[[Result], None]:
    start = told = time.monotonic()
    urls: set[str] = set()

    def seen(result: Result) -> None:
        nonlocal told
        urls.add(result.url)
        now = time.monotonic()
        if now - told >= PLAIN_PROGRESS_SECONDS:
            told = now
            note(f"{len(urls)} of {total} links, {len(urls) / (now - start):.1f}/s")

    return seen


def _tell(outcome: Outcome, form: str) -> None:
    from surveykit.links import report

    writers = {
        "text": report.text,
        "json": report.as_json,
        "github": report.github,
        "junit": report.junit,
        "markdown": report.markdown,
    }
    say(writers[form](outcome).rstrip("\n"))
    step = os.environ.get("GITHUB_STEP_SUMMARY")
    if form == "github" and step:
        with Path(step).open("a", encoding="utf-8") as file:
            file.write(report.markdown(outcome))


def _fix(outcome: Outcome, home: Path) -> None:
    from surveykit.links.repair import repair

    repairs = repair(outcome.findings, home)
    for edit in repairs.done:
        place = edit.place
        note(f"{place.path}:{place.line}: {place.written} -> {edit.new}")
    for place, why in repairs.refused:
        note(f"{place.path}:{place.line}: {place.written} stays: {why}")
    note(f"{len(repairs.done)} links rewritten, {len(repairs.refused)} left")
