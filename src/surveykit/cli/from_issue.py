"""`surveykit from-issue`: the body of an issue -> a change of the catalog."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import click

from surveykit import load, outputs
from surveykit.addresses import address, why_none
from surveykit.catalog import Catalog
from surveykit.cli.add import outcomes
from surveykit.cli.catalog import readable
from surveykit.cli.services import Asking
from surveykit.cli.terminal import FINE, FOUND, example, note, repository, say_json
from surveykit.edit import with_key
from surveykit.errors import IdentifierError, IssueError, Severity, plural
from surveykit.identifier import identify
from surveykit.issue import Request, branch, changed, parsed, target
from surveykit.text.printable import printable
from surveykit.yaml_tree import parse, shown


@click.command("from-issue", epilog=example("surveykit from-issue - --number 12"))
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"))
@click.option(
    "--number", type=click.IntRange(1), required=True, help="Number of the issue."
)
@click.option(
    "--dry-run", is_flag=True, help="Write nothing; only show what would change."
)
@click.option(
    "--offline",
    is_flag=True,
    help="Make no requests; a new paper must be in the cache.",
)
@click.pass_obj
def from_issue(
    root: Path | None,
    *,
    file: TextIO,
    number: int,
    dry_run: bool,
    offline: bool,
) -> int:
    """Turn the body of an issue, in FILE or `-`, into a new entry or a change of one.

    Only what the forms ask for is understood; everything else is refused with the reason and how to write it. Prints JSON:
    the branch for the change, its title, the files, and notes of what was not taken as it was written. Exit code 1 with the
    field `refused` says why there is no change.
    """
    home = repository(root)
    catalog = readable(home)
    try:
        request = parsed(file.read(), catalog)
        texts = _texts(home, catalog, request, offline)
    except IssueError as error:
        return _refused(str(error))
    if not dry_run and (why := _written(home, texts)):
        return _refused(why)
    ids = ", ".join(dict.fromkeys(Path(path).stem for path in texts))
    said = {
        "branch": branch(request, number),
        "title": f"{request.kind}: {ids} (#{number})",
        "files": list(texts),
        "notes": request.notes,
    }
    say_json(said)
    return FINE


def _refused(why: str) -> int:
    say_json({"refused": printable(" ".join(why.split()))})
    return FOUND


def _texts(
    home: Path, catalog: Catalog, request: Request, offline: bool
) -> dict[str, str | None]:
    """Path -> text of what the issue changes; None for a file that goes, as its entry moves. Raises IssueError."""
    if request.kind == "new-paper":
        return dict([_new(home, catalog, request, offline)])
    path = target(request, catalog)
    text = changed(request, (home / path).read_text(encoding="utf-8"))
    now = f"catalog/papers/{parse(text).data['year']}/{Path(path).name}"
    if now == path:
        return {now: text}
    if os.path.lexists(home / now):
        raise IssueError(f"{now} exists already; a person has to merge the two")
    return {path: None, now: text}


def _new(
    home: Path, catalog: Catalog, request: Request, offline: bool
) -> tuple[str, str]:
    said = request.values["identifier"]
    try:
        wanted = identify(address(said) or said)
    except IdentifierError as error:
        raise IssueError(str(error)) from None
    how = Asking(offline, False, None, None)
    (outcome,) = asyncio.run(outcomes(home, catalog, how, [wanted], False))
    draft = outcome.draft
    if draft is None:
        reasons = [*(f"{m.id} ({m.reason})" for m in outcome.matches), *outcome.alarms]
        why = outcome.error or ", ".join(reasons)
        raise IssueError(
            f"{wanted}: {_STATES.get(outcome.state, outcome.state)}: {why}"
        )
    text = draft.text
    if code := request.values.get("code"):
        url = address(code)
        if url is None:
            raise IssueError(
                f"the program's address {shown(code)} {why_none(code)}; write it like https://github.com/owner/name"
            )
        text = with_key(text, "links", {**draft.data["links"], "code": url}) or text
    request.notes.extend(outcome.notes)
    return draft.path, text


_STATES = {
    "known": "the catalog has the paper",
    "doubtful": "the catalog has a paper so like it that a person should decide",
    "withdrawn": "withdrawn, retracted or under concern; a person should decide",
    "not-found": "no service knows it; check the identifier, or give the address of the paper's page",
    "failed": "a service that is needed did not answer; try again later",
}
"""What became of an identifier, for the author of an issue."""


def _written(home: Path, texts: Mapping[str, str | None]) -> str:
    """Write the files; what the rules then say against them, after putting the old ones back. Marks are allowed."""
    old = {
        path: (home / path).read_text(encoding="utf-8")
        for path in texts
        if (home / path).exists()
    }
    new = {path: text for path, text in texts.items() if text is not None}
    outputs.write(home, new)
    for path in texts.keys() - new.keys():
        (home / path).unlink()
    checked = load.check(home, [home / path for path in new])
    bad = [
        p
        for p in checked.problems
        if p.severity is Severity.ERROR and p.rule != "SK352"
    ]
    if bad:
        for path in new.keys() - old.keys():
            (home / path).unlink()
        outputs.write(home, old)
        note(f"{plural(len(texts), 'file')} put back")
    return "; ".join(f"{p.rule} {p.message}" for p in bad[:3])
