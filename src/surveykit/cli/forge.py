"""Commands that the forge runs: report on a pull request, turn an issue into a change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from surveykit.cli.outside import Asking, readable
from surveykit.cli.terminal import FINE, FOUND, example, note, repository, say, say_json
from surveykit.errors import IssueError, MachineError, Severity, plural

if TYPE_CHECKING:
    from surveykit.catalog import Catalog
    from surveykit.changes import Change
    from surveykit.issue import Request
    from surveykit.render.pull_report import Entry, PullRequest

READERS_FILES = ("README.md", "README.zh-CN.md")
"""Generated files whose difference a reviewer wants to see."""


@click.command(epilog=example("surveykit report --base origin/main"))
@click.option(
    "--base",
    default="origin/main",
    show_default=True,
    help="Branch or commit that the changes are compared with.",
)
@click.option(
    "--links",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What `check-links --json` wrote, to show the states of links.",
)
@click.option(
    "--verified",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What `verify --json` wrote, to show what services say.",
)
@click.option(
    "--names", is_flag=True, help="Only print the ids of new and changed entries."
)
@click.pass_obj
def report(
    root: Path | None,
    *,
    base: str,
    links: Path | None,
    verified: Path | None,
    names: bool,
) -> int:
    """Write the report on a pull request: what its entries look like, and what a reviewer should know of them.

    Shown are cards of the entries, changed fields, likely duplicates, problems with their lines, stale files, what the
    READMEs gain and lose. The text is Markdown in which nothing from an entry is markup.
    """
    from surveykit.changes import changes
    from surveykit.models import is_id
    from surveykit.render.pull_report import pull_report
    from surveykit.text.printable import printable

    home = repository(root)
    found = changes(home, base)
    if names:
        for change in found:
            if change.deleted:
                continue
            if is_id(change.id):
                say(change.id)
            else:
                note(f"{printable(change.path)}: no name of an entry, so left out")
        return FINE
    catalog = readable(home)
    said = {row["id"]: row for row in _rows(verified, "")}
    states = {row["url"]: str(row["state"]) for row in _rows(links, "links")}
    entries = tuple(_entry(change, catalog, said, states) for change in found)
    pull = _pull(home, base, entries)
    say(pull_report(pull, catalog), end="")
    bad = pull.unformatted or pull.stale
    errors = any(p.severity is Severity.ERROR for p in pull.problems)
    return FOUND if bad or errors else FINE


def _rows(path: Path | None, key: str) -> Sequence[Mapping[str, Any]]:
    """Rows that another command wrote as JSON."""
    if path is None:
        return ()
    try:
        data = json.loads(path.read_bytes())
        rows = data[key] if key else data
        return [row for row in rows if isinstance(row, dict)]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise MachineError(f"{path}: not what was expected: {error}") from None


def _entry(
    change: Change,
    catalog: Catalog,
    said: Mapping[str, Mapping[str, Any]],
    states: Mapping[str, str],
) -> Entry:
    from surveykit.duplicates import candidates
    from surveykit.render.pull_report import Entry

    paper = None if change.deleted else catalog.by_id.get(change.id)
    state = "changed" if change.before is not None else "new"
    if paper is None:
        state = "deleted" if change.deleted else "unreadable"
    urls = paper.links.model_dump(exclude_none=True).values() if paper else ()
    row = said.get(change.id, {})
    reasons = [
        f"{row[name]}" for name in ("status", "mismatches", "notes") if row.get(name)
    ]
    return Entry(
        change.id,
        change.path,
        paper,
        state,
        tuple(change.fields()) if state == "changed" else (),
        tuple(f"{m.id}: {m.reason}" for m in candidates(paper, catalog))
        if paper
        else (),
        "; ".join(reasons),
        tuple((url, states[url]) for url in urls if url in states),
    )


def _pull(home: Path, base: str, entries: tuple[Entry, ...]) -> PullRequest:
    from surveykit import load, outputs
    from surveykit.changes import difference, fork_point
    from surveykit.cli.keep import entry_paths, formatted
    from surveykit.cli.work import generated
    from surveykit.render.pull_report import PullRequest

    checked = load.check(home)
    mine = {entry.path for entry in entries}
    stale: tuple[str, ...] | None = None
    if checked.catalog is not None:
        stale = outputs.stale_paths(home, generated(checked.catalog))
    start = fork_point(home, base)
    return PullRequest(
        entries,
        tuple(
            p
            for p in checked.problems
            if p.path in mine or p.severity is Severity.ERROR
        ),
        tuple(formatted(home, entry_paths(home, ())).changed),
        stale,
        {path: difference(home, start, path) for path in READERS_FILES},
    )


@click.command("from-issue", epilog=example("surveykit from-issue - --number 12"))
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option(
    "--number", type=click.IntRange(1), required=True, help="Number of the issue."
)
@click.option(
    "--dry-run", is_flag=True, help="Write nothing; only say what would change."
)
@click.option(
    "--offline", is_flag=True, help="Ask no service; a new paper must be in the cache."
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
    from surveykit.issue import branch, parsed

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
    from surveykit.text.printable import printable

    say_json({"refused": printable(" ".join(why.split()))})
    return FOUND


def _texts(
    home: Path, catalog: Catalog, request: Request, offline: bool
) -> dict[str, str | None]:
    """Path -> text of what the issue changes; None for a file that goes, as its entry moves. Raises IssueError."""
    from surveykit.issue import changed, target
    from surveykit.yaml_tree import parse

    if request.kind == "new-paper":
        return dict([_new(home, catalog, request, offline)])
    path = target(request, catalog)
    text = changed(request, (home / path).read_text(encoding="utf-8"))
    now = f"catalog/papers/{parse(text).data['year']}/{Path(path).name}"
    return {now: text} if now == path else {path: None, now: text}


def _new(
    home: Path, catalog: Catalog, request: Request, offline: bool
) -> tuple[str, str]:
    from surveykit.addresses import address, why_none
    from surveykit.cli.add import outcomes
    from surveykit.edit import with_key
    from surveykit.errors import IdentifierError
    from surveykit.identifier import identify
    from surveykit.yaml_tree import shown

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
    from surveykit import load, outputs

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


COMMANDS = (report, from_issue)
