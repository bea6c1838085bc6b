"""`surveykit coverage`: the catalog beside other lists."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from surveykit import load, outputs
from surveykit.catalog import Catalog
from surveykit.cli.catalog import readable
from surveykit.cli.services import Asking, asking, client
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    as_json,
    example,
    note,
    repository,
    say,
    say_json,
)
from surveykit.comparing import ListStanding, Missing, compared
from surveykit.coverage import ListedCounts
from surveykit.discover.candidate import Candidate
from surveykit.discover.ranking import Ranked, rank
from surveykit.errors import MachineError, plural
from surveykit.identifier import identify_quietly
from surveykit.imports.run import READERS, guessed_form, read_file, text_of
from surveykit.references.reading import Reading
from surveykit.sources import github
from surveykit.sources.client import Client
from surveykit.text.printable import printable

ACCEPT = "text/plain, text/markdown, text/csv, application/x-bibtex, application/json, */*;q=0.1"


@dataclass(frozen=True)
class Asked:
    """One list to compare with."""

    name: str
    where: str
    """A file, or an address."""

    @property
    def online(self) -> bool:
        """Whether it has to be asked for."""
        return self.where.startswith(("https://", "http://"))

    @property
    def url(self) -> str | None:
        """Where readers find it; a file that is called like a repository is taken for its README."""
        if self.online:
            return self.where
        named = re.fullmatch(r"[\w.-]+/[\w.-]+", self.name, re.ASCII)
        return f"https://github.com/{self.name}" if named else None


@click.command(
    epilog=example("surveykit coverage https://github.com/group/awesome-list --top 20")
)  # fmt: skip
@click.argument("lists", nargs=-1, required=True, metavar="[NAME=]LIST...")
@click.option(
    "--top",
    type=click.IntRange(0, 10_000),
    default=20,
    show_default=True,
    help="Missing papers that are shown, the nearest to the survey first.",
)
@click.option(
    "--write",
    is_flag=True,
    help="Keep the counts in catalog/coverage.json, which the methodology page shows.",
)
@as_json
@asking
@click.pass_obj
def coverage(
    root: Path | None,
    *,
    lists: tuple[str, ...],
    top: int,
    write: bool,
    as_json: bool,
    how: Asking,
) -> int:
    """Compare the catalog with other lists: what it has of them, has declined, and lacks.

    A LIST is a file (Markdown, BibTeX, RIS, CSL-JSON, CSV), the address of one, or a repository on GitHub, of which the README
    is read. Lists are wider than a survey: what it lacks may be out of its scope, so it is ranked by how near it is to
    what the catalog has. Exit code 1 means that something is missing.
    """
    home = repository(root)
    catalog = readable(home, load.COVERAGE if write else "")
    asked = [_asked(text) for text in lists]
    if len({one.name for one in asked}) < len(asked):
        raise click.UsageError("two lists have one name; write NAME=LIST")
    readings = asyncio.run(_readings(home, catalog, how, asked))
    records = {n: [f.record for f in r.found] for n, r in readings.items()}
    for name, reading in readings.items():
        if not reading.found:
            note(f"{printable(name)}: no paper was found in it")
    counts, missing = compared(catalog, records)
    ranked = _ranked(catalog, missing)
    if as_json:
        say_json(_data(counts, ranked[:top]))
    else:
        _tell(counts, ranked, top)
    if write:
        kept = [_counts(one, counts[one.name], datetime.now(UTC).date()) for one in asked if readings[one.name].found]  # fmt: skip
        new = catalog.coverage.with_lists(kept)
        text = new.model_dump_json(indent=1, exclude_none=True) + "\n"
        outputs.write(home, {load.COVERAGE: text})
        note(f"{plural(len(kept), 'list')} kept in {load.COVERAGE}")
    return FOUND if missing else FINE


def _asked(text: str) -> Asked:
    """A list with its name: the one that is given, the repository's, or the file's."""
    name, equals, where = text.partition("=")
    if os.path.lexists(text) or not equals or ("/" in name and "://" in name):
        name, where = "", text
    named = identify_quietly(where) if "://" in where else None
    if named and named.kind == "github":
        return Asked(name or named.value, f"https://github.com/{named.value}")
    if "://" not in where and not Path(where).is_file():
        raise click.UsageError(f"{where}: no such file")
    last = where.rstrip("/").rpartition("/")[2]
    return Asked(name or last, where)


async def _readings(
    home: Path, catalog: Catalog, how: Asking, asked: Sequence[Asked]
) -> dict[str, Reading]:
    if not any(one.online for one in asked):
        return {one.name: read_file(Path(one.where)) for one in asked}
    async with client(home, catalog, how) as asker:
        return {
            one.name: await _fetched(asker, one) if one.online else read_file(Path(one.where))
            for one in asked
        }  # fmt: skip


async def _fetched(asker: Client, one: Asked) -> Reading:
    """The papers of a list on the web. Raises FetchError, MachineError for a page that is no list."""
    url = one.where
    named = identify_quietly(url)
    if named and named.kind == "github" and url.count("/") == 4:
        text = await github.readme(asker, named.value)
        return READERS["markdown"](text, f"{one.name}#readme")
    service = asker.services.page
    text, _ = text_of((await asker.text(service, url, accept=ACCEPT)).encode())
    if text.lstrip()[:14].lower().startswith(("<!doctype html", "<html")):
        raise MachineError(f"{url} is a web page; give the address of the file itself")
    last = url.partition("?")[0].rpartition("/")[2]
    return READERS[guessed_form(last, text)](text, one.name)


def _ranked(
    catalog: Catalog, missing: Sequence[Missing]
) -> list[tuple[Missing, Ranked]]:
    """What is missing, the nearest to the survey first; of equals those that more lists name."""
    never = date(1, 1, 1)
    candidates = [Candidate(str(i), never, m.record) for i, m in enumerate(missing)]
    found = rank(candidates, catalog.papers, catalog.taxonomy)
    pairs = [(missing[int(one.candidate.id)], one) for one in found]
    return sorted(pairs, key=lambda pair: (-pair[1].score, -len(pair[0].lists)))


def _tell(
    counts: Mapping[str, ListStanding],
    ranked: Sequence[tuple[Missing, Ranked]],
    top: int,
) -> None:
    for name, one in counts.items():
        share = one.recall
        recall = "" if share is None else f", recall {share:.2f}"
        told = f"{len(one.have)} have, {len(one.declined)} declined, {one.missing} missing{recall}"
        say(f"{printable(name)}: {plural(one.papers, 'paper')}: {told}")
    if ranked and top:
        say("\nmissing, the nearest to the survey first:")
    for missing, place in ranked[:top]:
        record = missing.record
        year = f" ({record.year})" if record.year else ""
        say(printable(f"  {record.title}{year}"))
        named = place.candidate.command
        add = f"; surveykit add {named}" if named else ""
        say(printable(f"    in {', '.join(missing.lists)}; {place.reason}{add}"))
    if len(ranked) > top:
        note(f"and {len(ranked) - top} more (--top {len(ranked)})")


def _data(
    counts: Mapping[str, ListStanding], ranked: Sequence[tuple[Missing, Ranked]]
) -> dict[str, Any]:
    lists = {
        name: {
            "papers": one.papers,
            "have": one.have,
            "declined": one.declined,
            "missing": one.missing,
            "recall": one.recall,
        }
        for name, one in counts.items()
    }
    missing = [
        {
            "title": m.record.title,
            "year": m.record.year,
            "lists": m.lists,
            "score": round(one.score, 4),
            "reason": one.reason,
            "add": one.candidate.command,
        }
        for m, one in ranked
    ]
    return {"schema": 1, "lists": lists, "missing": missing}


def _counts(asked: Asked, one: ListStanding, today: date) -> ListedCounts:
    return ListedCounts(
        name=asked.name,
        url=asked.url,
        date=today,
        papers=one.papers,
        have=len(one.have),
        declined=len(one.declined),
        missing=one.missing,
    )
