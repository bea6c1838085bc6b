"""`surveykit report`: what a reviewer of a pull request should know."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from surveykit import load, outputs
from surveykit.catalog import Catalog
from surveykit.changes import Change, changes, difference, fork_point
from surveykit.cli import generated
from surveykit.cli.catalog import readable
from surveykit.cli.fmt import entry_paths, formatted
from surveykit.cli.terminal import FINE, FOUND, example, note, repository, say
from surveykit.duplicates import candidates
from surveykit.errors import GitError, MachineError, Severity
from surveykit.render.pull_report import PullRequest, ReportedEntry, pull_report
from surveykit.scalars import is_id
from surveykit.text.printable import printable

READERS_FILES = ("README.md", "README.zh-CN.md")
"""Generated files whose difference a reviewer wants to see."""


@click.command(epilog=example("surveykit report --base origin/main"))
@click.option(
    "--base",
    default="origin/main",
    show_default=True,
    help="Branch or commit to compare with.",
)
@click.option(
    "--links",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Output of `check-links --format json`, to show the states of links.",
)
@click.option(
    "--verified",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Output of `verify --json`, to show what services say.",
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

    It shows cards of the entries, changed fields, likely duplicates, problems with their lines, stale files, and what the
    READMEs gain and lose. The text is Markdown in which nothing from an entry is markup.
    """
    home = repository(root)
    found = _changes(home, base)
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
    said = {row["id"]: row for row in _rows(verified, "", ("id",))}
    states = {row["url"]: str(row["state"]) for row in _rows(links, "links", ("url", "state"))}  # fmt: skip
    entries = tuple(_entry(change, catalog, said, states) for change in found)
    pull = _pull(home, base, entries)
    say(pull_report(pull, catalog), end="")
    bad = pull.unformatted or pull.stale
    errors = any(p.severity is Severity.ERROR for p in pull.problems)
    return FOUND if bad or errors else FINE


def _changes(home: Path, base: str) -> tuple[Change, ...]:
    """Entries that a branch changes. Raises MachineError."""
    try:
        return changes(home, base)
    except GitError as error:
        said = "name a branch or commit that is here, or fetch it first"
        raise MachineError(f"--base {base!r}: {error}; {said}") from None


def _rows(
    path: Path | None, key: str, needs: Sequence[str]
) -> Sequence[Mapping[str, Any]]:
    """Rows that another command wrote as JSON, each with the texts that are needed. Raises MachineError."""
    if path is None:
        return ()
    try:
        data = json.loads(path.read_bytes())
        rows = data[key] if key else data
        if all(isinstance(row[name], str) for row in rows for name in needs):
            return list(rows)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    what = f"{f'`{key}` with ' * bool(key)}rows with {' and '.join(map(repr, needs))}"
    raise MachineError(f"{path}: holds no {what}; give the output of the command")


def _entry(
    change: Change,
    catalog: Catalog,
    said: Mapping[str, Mapping[str, Any]],
    states: Mapping[str, str],
) -> ReportedEntry:
    paper = None if change.deleted else catalog.by_id.get(change.id)
    state = "changed" if change.before is not None else "new"
    if paper is None:
        state = "deleted" if change.deleted else "unreadable"
    urls = paper.links.model_dump(exclude_none=True).values() if paper else ()
    row = said.get(change.id, {})
    reasons = [
        f"{row[name]}" for name in ("status", "mismatches", "notes") if row.get(name)
    ]
    return ReportedEntry(
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


def _pull(home: Path, base: str, entries: tuple[ReportedEntry, ...]) -> PullRequest:
    checked = load.check(home)
    mine = {entry.path for entry in entries}
    stale: tuple[str, ...] | None = None
    if checked.catalog is not None:
        stale = outputs.stale_paths(home, generated.generated(checked.catalog))
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
