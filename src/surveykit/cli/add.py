"""`surveykit add`: from an identifier to an entry that waits for its author's judgment."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from surveykit import outputs
from surveykit.adding import Adder, Addition, AddState
from surveykit.catalog import Catalog
from surveykit.cli import judging
from surveykit.cli.catalog import entry_names, readable, write_new
from surveykit.cli.services import Asking, asking, client
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    MACHINE,
    as_json,
    example,
    note,
    openable,
    repository,
    say,
    say_json,
)
from surveykit.draft import Drafter
from surveykit.errors import MachineError
from surveykit.identifier import Identifier, identify
from surveykit.load import PAPERS

EXIT_CODES = """\b
Exit codes:
  0    every paper has an entry now
  1    a paper was not added: known already, withdrawn, not found, or turned down
  2    an argument is not an identifier; no service was asked
  3    a service that is needed did not answer, or a file cannot be written

"""


@click.command(epilog=EXIT_CODES + example("surveykit add 2303.15180 --dry-run"))
@click.argument("identifiers", nargs=-1, required=True, metavar="IDENTIFIER...")
@click.option(
    "--yes",
    is_flag=True,
    help="Ask no questions; mark what a person must decide.",
)
@click.option("--dry-run", is_flag=True, help="Print the entries; write nothing.")
@click.option(
    "--anyway",
    is_flag=True,
    help="Draft papers even if they look known or are withdrawn.",
)
@as_json
@asking
@click.pass_obj
def add(
    root: Path | None,
    *,
    identifiers: tuple[str, ...],
    yes: bool,
    dry_run: bool,
    anyway: bool,
    as_json: bool,
    how: Asking,
) -> int:
    """Create an entry for each paper that an IDENTIFIER names.

    An identifier is an arXiv id, a DOI, an ACL Anthology id, an OpenReview id, the address of one of these, of the paper's page
    or of its GitHub repository. Services fill in what they know; terms are suggested with reasons; what a person must
    decide is asked on a terminal, or marked `TODO` and `todo`, and `surveykit validate` rejects the entry until it is
    decided. Papers that are in the catalog already are found before anything is written.
    """
    wanted = list(dict.fromkeys(identify(text) for text in identifiers))
    home = repository(root)
    catalog = readable(home)
    found = asyncio.run(outcomes(home, catalog, how, wanted, anyway))
    asked = (
        not (yes or as_json or dry_run) and sys.stdin.isatty() and sys.stderr.isatty()
    )
    if asked:
        found = [judging.judged(outcome, catalog) for outcome in found]
    texts = {o.draft.path: o.draft.text for o in found if o.draft}
    if not dry_run:
        outputs.sweep_below(home, PAPERS)
        write_new(home, texts)
    if as_json:
        say_json([_row(outcome, written=not dry_run) for outcome in found])
    else:
        for outcome in found:
            _tell(home, outcome, dry_run=dry_run)
    return _code(found)


async def outcomes(
    home: Path,
    catalog: Catalog,
    how: Asking,
    wanted: Sequence[Identifier],
    anyway: bool,
) -> list[Addition]:
    """What became of each identifier. Raises MachineError where no service can be reached."""
    found = []
    async with client(home, catalog, how) as asker:
        drafter = Drafter(catalog, datetime.now(UTC).date())
        adder = Adder(asker, catalog, drafter, taken=entry_names(home), anyway=anyway)
        async for outcome in adder.add(wanted):
            found.append(outcome)
            if len(wanted) > 1:
                note(
                    f"{len(found)} of {len(wanted)}: {outcome.identifier} {outcome.state}"
                )
        for text in asker.notes:
            note(text)
    if asker.connected is False and all(o.state is AddState.FAILED for o in found):
        raise MachineError(
            f"no service could be reached ({found[0].error}); nothing was added. "
            "Is this machine connected? --offline uses cached answers only"
        )
    return found


def _tell(home: Path, outcome: Addition, *, dry_run: bool) -> None:
    if outcome.draft is None:
        reasons = [*(f"{m.id}: {m.reason}" for m in outcome.matches), *outcome.alarms]
        if outcome.error:
            reasons = [str(outcome.error)]
        said = "; ".join(reasons) or "turned down"
        open_ = outcome.state in (AddState.DOUBTFUL, AddState.WITHDRAWN)
        hint = "; --anyway drafts it all the same" if open_ else ""
        note(f"{outcome.identifier}: {outcome.state}: {said}{hint}")
        return
    if dry_run:
        say(f"# {outcome.draft.path}\n{outcome.draft.text}", end="")
    else:
        say(openable(home, outcome.draft.path))
    for text in outcome.notes:
        note(f"  look at this: {text}")
    if outcome.draft.todo:
        note(f"  left to you: {', '.join(outcome.draft.todo)}")
        note("  then run: surveykit doctor")


def _row(outcome: Addition, *, written: bool) -> dict[str, Any]:
    draft = outcome.draft
    row: dict[str, Any] = {
        "identifier": str(outcome.identifier),
        "state": str(outcome.state),
        "id": draft.id if draft else None,
        "path": draft.path if draft else None,
        "written": bool(draft) and written,
        "entry": draft.data if draft else None,
        "suggestions": {
            axis: [{"term": s.term, "score": s.score, "reason": s.reason} for s in some]
            for axis, some in (draft.suggestions if draft else {}).items()
        },
        "todo": list(draft.todo) if draft else [],
        "matches": [
            {"id": m.id, "score": m.score, "reason": m.reason} for m in outcome.matches
        ],
        "alarms": list(outcome.alarms),
        "notes": list(outcome.notes),
        "sources": [record.source for record in outcome.records],
        "error": str(outcome.error) if outcome.error else None,
        "retry_seconds": outcome.retry_seconds,
    }
    return row


def _code(outcomes: Sequence[Addition]) -> int:
    if any(outcome.state is AddState.FAILED for outcome in outcomes):
        return MACHINE
    return FINE if all(outcome.draft for outcome in outcomes) else FOUND
