"""`surveykit check-links`: which links still lead to what they promise."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from surveykit import files
from surveykit.changes import changed_since, kept
from surveykit.cli.duration import Duration
from surveykit.cli.lazy import asked_for
from surveykit.cli.progress import progress
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    INTERRUPTED,
    example,
    known,
    note,
    repository,
    say,
    warn,
)
from surveykit.errors import GitError, Severity, plural
from surveykit.links import report, session
from surveykit.links.engine import Outcome, Plan
from surveykit.links.gather import LINK_KINDS, Link, catalog_links, from_lines
from surveykit.links.policy import Policy
from surveykit.net.agent import user_agent
from surveykit.net.guard import Guard

if TYPE_CHECKING:  # a list of addresses is checked without the catalog
    from surveykit.catalog import Catalog

HISTORY = ".cache/links.jsonl"


FORMATS = ("text", "json", "github", "junit", "markdown")


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
    type=click.Choice(LINK_KINDS),
    help="Only links of this kind; repeatable.",
)
@click.option(
    "--urls",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="Check a list of addresses, one per line, without a catalog; - reads standard input.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="Output format; markdown is the body of a rolling issue.",
)
@click.option("--fix", is_flag=True, help="Rewrite moved links in the entries.")
@click.option(
    "--max-age",
    type=Duration(),
    default="1h",
    show_default=True,
    help="Reuse good results that are younger than this.",
)
@click.option(
    "--budget",
    type=Duration(),
    help="Start no new requests after this time; the longest unchecked links go first.",
)
@click.option(
    "--strikes",
    type=click.IntRange(1, 12),
    default=2,
    show_default=True,
    help="Failed runs before a link counts as broken; until then it is suspect.",
)
@click.option(
    "--strike-days",
    type=click.IntRange(0, 365),
    default=1,
    show_default=True,
    help="Minimum number of days between those runs.",
)
@click.option(
    "--per-host",
    type=click.IntRange(1, 100),
    default=2,
    show_default=True,
    help="Concurrent requests per host.",
)
@click.option(
    "--spacing",
    type=click.FloatRange(0, 60),
    default=0.5,
    show_default=True,
    help="Seconds between requests to the same host.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Concurrent requests in total.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="HOST|CIDR",
    help="Allow a private address; repeatable. For tests and intranets.",
)
@click.option(
    "--history",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"File that keeps the results.  [default: {HISTORY}]",
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
    """Check that links still lead where they should.

    Results are saved as they arrive, so an interrupted run resumes where it stopped. Exit code 1 means that a link is
    broken or blocked, 3 that there is no network, 130 that the run was interrupted.
    """
    if urls and (ids or since or kinds or fix):
        raise click.UsageError("--urls goes without IDs, --since, --only and --fix")
    home = None if urls else repository(root)
    catalog = asked_for("catalog:open_catalog")(root) if home else None
    policy, sound = _policy(home)
    settings = session.LinkSettings(
        agent=user_agent(catalog.survey.repository if catalog else ""),
        guard=_guard(allow),
        plan=Plan(
            max_age_seconds=max_age,
            budget_seconds=budget,
            strikes=strikes,
            strike_days=strike_days,
        ),
        per_host=per_host,
        spacing=spacing,
        at_once=at_once,
        github_token=os.environ.get("GITHUB_TOKEN"),
    )
    if home and catalog:
        links = _chosen(catalog, home, ids, since, kinds)
    else:
        links = _listed(urls or "-")
    if home and not (ids or since or kinds):
        warn(policy.unused(link.url for link in links))
    with progress(len(links)) as seen:
        outcome = session.check_links(
            links,
            settings,
            history=history or _history(home),
            policy=policy,
            seen=seen,
            signals=(signal.SIGINT, signal.SIGTERM),
        )
    _tell(outcome, form)
    if fix and home:
        _fix(outcome, home)
    if outcome.interrupted:
        return INTERRUPTED
    return FOUND if outcome.failed or not sound else FINE


def _policy(home: Path | None) -> tuple[Policy, bool]:
    """The policy, and whether it is sound."""
    if home is None:
        return Policy(), True
    from surveykit.links.policy_file import read_policy

    policy, problems = read_policy(home)
    problems += policy.expired(datetime.now(UTC).date())
    warn(problems)
    return policy, not any(p.severity is Severity.ERROR for p in problems)


def _guard(allow: tuple[str, ...]) -> Guard:
    try:
        return Guard.allowing(allow)
    except ValueError as error:
        raise click.UsageError(f"--allow: {error}") from None


def _history(home: Path | None) -> Path:
    if home:
        return kept(home, HISTORY)
    return files.user_cache() / "links.jsonl"


def _listed(urls: str) -> tuple[Link, ...]:
    with click.open_file(urls, encoding="utf-8-sig", errors="replace") as file:
        return from_lines(file, urls)


def _chosen(
    catalog: Catalog,
    home: Path,
    ids: tuple[str, ...],
    since: str | None,
    kinds: tuple[str, ...],
) -> tuple[Link, ...]:
    wanted = {known(paper_id, catalog.by_id, "paper") for paper_id in ids}
    if since is not None:
        changed = _changed(home, since)
        touched = {i for i, path in catalog.paths.items() if path in changed}
        wanted = wanted & touched if wanted else touched
        if not wanted:
            return ()
    return catalog_links(catalog, home, ids=wanted, kinds=kinds)


def _changed(home: Path, revision: str) -> set[str]:
    try:
        return changed_since(home, revision)
    except GitError as error:
        raise click.UsageError(f"--since {revision!r}: {error}") from None


def _tell(outcome: Outcome, form: str) -> None:
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
    note(f"{plural(len(repairs.done), 'link')} rewritten, {len(repairs.refused)} left")
