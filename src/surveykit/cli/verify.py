"""`surveykit verify`: entries compared with what services say today."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from surveykit import outputs
from surveykit.catalog import Catalog
from surveykit.cli.catalog import chosen, readable
from surveykit.cli.preprints import preprints, verdicts_of
from surveykit.cli.services import Asking, asking
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
from surveykit.edit import with_key
from surveykit.errors import plural
from surveykit.load import PAPERS
from surveykit.verifying import Sought, Status, Verdict, filled, stamped
from surveykit.yaml_tree import read

EXIT_CODES = """\b
Exit codes:
  0    nothing contradicts the entries, and nothing is missing
  1    a mismatch, or something missing
  2    wrong usage; unknown id
  3    otherwise fine, but a service did not answer, or a file cannot be written
  130  interrupted; answers are cached, and the next run resumes from there

"""


@click.command(epilog=EXIT_CODES + example("surveykit verify holt2023finding"))
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--fix",
    is_flag=True,
    help="Fill in proven identifiers; write `verified` where all agree.",
)
@click.option(
    "--published",
    is_flag=True,
    help="Look for what became of preprints; with --fix and IDs, take it over.",
)
@click.option("--quick", is_flag=True, help="Only follow identifiers; do not search.")
@as_json
@asking
@click.pass_obj
def verify(
    root: Path | None,
    *,
    ids: tuple[str, ...],
    fix: bool,
    published: bool,
    quick: bool,
    as_json: bool,
    how: Asking,
) -> int:
    """Compare entries with arXiv, Crossref, DataCite, the ACL Anthology, OpenReview and DBLP.

    Without IDs, all entries are compared. An entry is `ok` where every service that knows it agrees, a `mismatch` where one says
    something else or that the paper was withdrawn, `missing` something where a service knows an identifier or a
    published version that it lacks, `unverified` where nobody who answered knows it.

    With --published, the preprints among them are looked for by title and authors at Crossref, DBLP and OpenReview, and at
    the ACL Anthology where one of these leads there. What is found is shown with its evidence and changes nothing; --fix
    takes it over for the IDs that are named.
    """
    if published and quick:
        raise click.UsageError("--published searches; it goes without --quick")
    if published and fix and not ids:
        raise click.UsageError("--published --fix changes only the IDs that you name")
    home = repository(root)
    catalog = readable(home)
    papers = chosen(catalog, ids)
    if published:
        return preprints(home, catalog, papers, how, fix=fix, as_json=as_json)
    sought = Sought.NOTHING if quick else Sought.UNKNOWN
    verdicts = asyncio.run(verdicts_of(home, catalog, how, papers, sought))
    texts, kept = _fixed(home, catalog, verdicts) if fix else ({}, [])
    if fix:
        outputs.sweep_below(home, PAPERS)
        outputs.write(home, texts)
    if as_json:
        say_json([_row(catalog, one, texts) for one in verdicts])
    else:
        _tell(home, catalog, verdicts)
    for text in kept:
        note(text)
    if fix:
        note(f"{plural(len(texts), 'entry')} written")
    return _code(verdicts)


def _fixed(
    home: Path, catalog: Catalog, verdicts: Sequence[Verdict]
) -> tuple[dict[str, str], list[str]]:
    """Texts of the entries that may be mended without a person, and why others are left."""
    day = datetime.now(UTC).date().isoformat()
    texts, kept = {}, []
    for verdict in verdicts:
        paper, path = catalog.by_id[verdict.id], catalog.paths[verdict.id]
        changes: dict[str, Any] = {}
        identifiers = filled(paper, verdict)
        if identifiers != paper.identifiers.model_dump(exclude_none=True):
            changes["identifiers"] = identifiers
        settled = all(one.safe for one in verdict.candidates)
        sound = verdict.status in (Status.OK, Status.MISSING) and verdict.agreed
        if sound and settled and not verdict.failures:
            changes["verified"] = stamped(catalog, verdict, day)
        text: str | None = read(home / path, root=home).text
        before = text
        for key, value in changes.items():
            text = with_key(text, key, value) if text is not None else None
        if text is None:
            kept.append(
                f"{openable(home, path)} stays: comments or its form do not let it be changed safely"
            )
        elif text != before:
            texts[path] = text
    return texts, kept


def _tell(home: Path, catalog: Catalog, verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        for line in _lines(home, catalog, verdict):
            say(line)
    counts = Counter(str(verdict.status) for verdict in verdicts)
    told = ", ".join(
        f"{counts[s]} {s}"
        for s in ("ok", "mismatch", "missing", "unverified")
        if counts[s]
    )
    say(f"{plural(len(verdicts), 'entry')}: {told or 'none'}")
    for text in dict.fromkeys(f for verdict in verdicts for f in verdict.failures):
        note(text)


def _lines(home: Path, catalog: Catalog, verdict: Verdict) -> list[str]:
    """A line for each finding, with its place; none for an entry that is fine."""
    path = catalog.paths[verdict.id]
    if verdict.status == "ok":
        return []
    tree = read(home / path, root=home)

    def at(name: str) -> str:
        line, column = tree.place(tuple(name.split(".")))
        return f"{openable(home, path)}:{line}:{column}: {verdict.status}"

    found = [f"{at(d.field)} {d}" for d in verdict.differences]
    found += [
        f"{at(c.field)} {c.field}: {c.value} ({c.source})" for c in verdict.candidates
    ]
    return found or [f"{at('id')} nobody who answered knows it"]


def _row(
    catalog: Catalog, verdict: Verdict, texts: Mapping[str, str]
) -> dict[str, Any]:
    path = catalog.paths[verdict.id]
    row = dataclasses.asdict(dataclasses.replace(verdict, found=()))
    del row["found"]
    return {
        **row,
        "status": str(verdict.status),
        "path": path,
        "written": path in texts,
    }


def _code(verdicts: Sequence[Verdict]) -> int:
    if any(verdict.status in ("mismatch", "missing") for verdict in verdicts):
        return FOUND
    return MACHINE if any(verdict.failures for verdict in verdicts) else FINE
