"""`surveykit health`: what became of the papers since they came."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from surveykit import load, outputs
from surveykit.catalog import Catalog
from surveykit.changes import kept
from surveykit.checkup import examined
from surveykit.cli.catalog import chosen, readable
from surveykit.cli.check_links import HISTORY
from surveykit.cli.preprints import verdicts_of
from surveykit.cli.progress import progress
from surveykit.cli.services import Asking, asking
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    INTERRUPTED,
    MACHINE,
    as_json,
    example,
    note,
    repository,
    say,
)
from surveykit.errors import plural
from surveykit.links import session
from surveykit.links.engine import Outcome, Plan
from surveykit.links.gather import catalog_links
from surveykit.links.policy_file import read_policy
from surveykit.models import Paper
from surveykit.net.agent import user_agent
from surveykit.net.guard import Guard
from surveykit.render import health as shown
from surveykit.verifying import Sought

AGE = 6 * 86400.0
"""Results of the week's link check are taken over."""
EXIT_CODES = """\b
Exit codes:
  0    nothing needs a hand
  1    something does
  2    wrong usage; unknown id
  3    otherwise fine, but a service did not answer, or a file cannot be written
  130  interrupted; what was asked is kept, and the next run resumes from there

"""


@click.command(epilog=EXIT_CODES + example("surveykit health --write"))
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--write",
    is_flag=True,
    help="Keep the findings in catalog/health.json, from which the page of the website is made.",
)
@click.option("--no-code", is_flag=True, help="Do not look at the authors' programs.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="Output format; markdown is the body of one rolling issue.",
)
@as_json
@asking
@click.pass_obj
def health(
    root: Path | None,
    *,
    ids: tuple[str, ...],
    write: bool,
    no_code: bool,
    form: str,
    as_json: bool,
    how: Asking,
) -> int:
    """See what became of the papers: retracted, withdrawn, corrected, published, their programs moved or archived.

    Without IDs, all entries are looked at. Nothing is changed in them: each finding comes with its evidence and is settled by an
    edit of the entry, or by naming the notice among the sources of `verified`. What an earlier look has found keeps its
    day; where a service does not answer, it stays.
    """
    if ids and write:
        raise click.UsageError(
            "--write keeps a look at all papers; it goes without IDs"
        )
    home = repository(root)
    catalog = readable(home, load.HEALTH if write else "")
    papers = chosen(catalog, ids)
    verdicts = asyncio.run(verdicts_of(home, catalog, how, papers, Sought.PUBLISHED))
    skip = no_code or how.offline
    programs = Outcome(()) if skip else _programs(home, catalog, papers)
    today = datetime.now(UTC).date()
    seen = examined(catalog, verdicts, programs, catalog.health, today)
    if write:
        outputs.write(home, {load.HEALTH: shown.as_json(seen)})
        note(f"{plural(len(seen.findings), 'finding')} in {load.HEALTH}")
    writers = {
        "text": lambda: shown.text(catalog, seen),
        "json": lambda: shown.as_json(seen),
        "markdown": lambda: shown.markdown(catalog, seen),
    }
    say(writers["json" if as_json else form](), end="")
    for text in dict.fromkeys(fault for one in verdicts for fault in one.failures):
        note(text)
    if programs.interrupted:
        return INTERRUPTED
    if seen.pressing:
        return FOUND
    return MACHINE if seen.silent else FINE


def _programs(home: Path, catalog: Catalog, papers: Sequence[Paper]) -> Outcome:
    """The state of the authors' programs, by the link checker and its history."""
    links = catalog_links(
        catalog, home, ids={paper.id for paper in papers}, kinds=("code",)
    )
    settings = session.LinkSettings(
        agent=user_agent(catalog.survey.repository),
        guard=Guard(),
        plan=Plan(max_age_seconds=AGE),
        github_token=os.environ.get("GITHUB_TOKEN"),
    )
    policy, _ = read_policy(home)
    with progress(len(links)) as seen:
        return session.check_links(
            links,
            settings,
            history=kept(home, HISTORY),
            policy=policy,
            seen=seen,
            signals=(signal.SIGINT, signal.SIGTERM),
        )
