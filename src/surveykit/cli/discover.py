"""`surveykit discover`: new papers, the likeliest of each week first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from surveykit import outputs
from surveykit.catalog import Catalog
from surveykit.changes import kept
from surveykit.cli.catalog import readable
from surveykit.cli.day import DayType
from surveykit.cli.services import Asking, asking, client
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    MACHINE,
    as_json,
    example,
    known,
    note,
    repository,
    say,
    say_json,
)
from surveykit.discover import listed, rolling
from surveykit.discover.candidate import Candidate
from surveykit.discover.question import SOURCES, asked, wanted
from surveykit.discover.ranking import Ranked
from surveykit.discover.run import Discovery, as_of, discover
from surveykit.errors import FetchError, MachineError, plural
from surveykit.sources import arxiv
from surveykit.sources.client import Client
from surveykit.sources.recent import Wanted
from surveykit.suggest import Clues, Suggester
from surveykit.text.printable import printable

DAYS = 14
"""Days that are looked at where no first one is given: papers of the week before may have come late."""
EXIT_CODES = """\b
Exit codes:
  0    there are candidates
  1    nothing new
  2    wrong usage; unknown source
  3    a service did not answer, or a file cannot be read or written
  130  interrupted; answers are cached, and the next run resumes from there

"""


@dataclass(frozen=True)
class ShownCandidate:
    """A candidate as it is shown: its place in its week, and the terms that it may carry."""

    week: str
    place: int
    ranked: Ranked
    terms: Mapping[str, Sequence[str]]


@click.command(
    "discover", epilog=EXIT_CODES + example("surveykit discover --since 2026-11-20")
)
@click.option("--since", type=DayType(), help=f"First day.  [default: {DAYS} days ago]")
@click.option("--until", type=DayType(), help="Last day.  [default: today]")
@click.option(
    "--source",
    "sources",
    default="arxiv",
    show_default=True,
    help=f"Services to ask, with commas: {', '.join(SOURCES)}.",
)
@click.option(
    "--category",
    "categories",
    multiple=True,
    help="Class of arXiv, like cs.CR; several times for several.  [default: those of the catalog]",
)
@click.option(
    "--top",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="Candidates of each week that are shown; 0 shows all.",
)
@click.option(
    "--from",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rank the papers of a file (.jsonl, .bib or .md) and ask no service.",
)
@click.option(
    "--known-before",
    type=DayType(),
    help="Rank as if the catalog ended before this day, to measure how good the ranking is.",
)
@click.option(
    "--abstracts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Abstracts of entries to compare with, as .jsonl with `id` (of the entry or at arXiv) and `abstract`.",
)
@click.option(
    "--issue",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the text of the weekly issue, with boxes to tick, to this file.",
)
@as_json
@asking
@click.pass_obj
def discover_papers(
    root: Path | None,
    *,
    since: date | None,
    until: date | None,
    sources: str,
    categories: tuple[str, ...],
    top: int,
    file: Path | None,
    known_before: date | None,
    abstracts: Path | None,
    issue: Path | None,
    as_json: bool,
    how: Asking,
) -> int:
    """Find new papers, and show the likeliest of each week with the reason and the command that adds it.

    What the catalog has or has declined is left out. The others are ranked by their likeness to entries, by the
    words of the taxonomy that they have, and by the words of their titles; docs/discover.md says how, and how well.
    """
    home = repository(root)
    catalog = readable(home)
    last = until or datetime.now(UTC).date()
    first = since or last - min(timedelta(DAYS), last - date.min)
    if first > last:
        raise click.UsageError(f"--since {first} is after the last day, {last}")
    asking_for = [known(name, SOURCES, "source") for name in sources.split(",") if name]
    failed: list[str] = []
    texts = _abstracts(catalog, abstracts) if abstracts else {}
    if file:
        candidates = _read(file)
        texts = asyncio.run(_kept_abstracts(home, catalog, how)) | texts
    else:
        question = wanted(catalog, first, last, categories)
        if "arxiv" in asking_for and not question.categories:
            raise click.UsageError(
                "no class of arXiv is known; --category names one, and arxiv_classes in catalog/survey.yaml keeps it"
            )
        job = _asked(home, catalog, how, asking_for, question, failed)
        candidates, told = asyncio.run(job)
        texts = told | texts
    then = as_of(catalog, known_before) if known_before else catalog
    found = discover(candidates, then, texts)
    shown = list(_shown(found, then, top))
    if as_json:
        say_json([_row(one) for one in shown])
    else:
        _tell(found, shown)
    if issue:
        text = rolling.text([(one.week, one.ranked) for one in shown])
        outputs.write(issue.resolve().parent, {issue.name: text})
    _keep(home, shown)
    for fault in failed:
        note(fault)
    if failed:
        return MACHINE
    return FINE if shown else FOUND


def _read(file: Path) -> list[Candidate]:
    listing = listed.read(file)
    for fault in listing.faults[:10]:
        note(printable(fault))
    if len(listing.faults) > 10:
        note(f"{plural(len(listing.faults) - 10, 'more line')} left out")
    return listing.candidates


def _abstracts(catalog: Catalog, file: Path) -> dict[str, str]:
    """Entry id -> abstract, from a file. Raises MachineError."""
    owners = {p.identifiers.arxiv: p.id for p in catalog.papers if p.identifiers.arxiv}
    found = {}
    lines = file.read_text(encoding="utf-8-sig", errors="replace").split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            id_, text = str(told["id"]), str(told["abstract"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise MachineError(
                f"{file}:{number}: {line[:60]!r} is no object with `id` and `abstract`"
            ) from None
        found[owners.get(id_, id_)] = text
    return found


async def _asked(
    home: Path,
    catalog: Catalog,
    how: Asking,
    sources: Sequence[str],
    question: Wanted,
    failed: list[str],
) -> tuple[list[Candidate], dict[str, str]]:
    """Candidates of all services, and abstracts of entries; what failed is added to `failed`."""
    candidates: list[Candidate] = []
    texts: dict[str, str] = {}
    async with client(home, catalog, how) as asker:
        for source in sources:
            note(f"asking {source} for {question.first} to {question.last}")
            try:
                some = await asked(asker, source, question)
            except FetchError as error:
                failed.append(str(error))
                continue
            note(f"{source}: {plural(len(some), 'paper')}")
            candidates += some
        if candidates:
            texts = await _own_abstracts(asker, catalog)
        for text in dict.fromkeys(asker.notes):
            note(printable(text))
        if asker.connected is False:
            raise MachineError(
                f"no service could be reached ({failed[0] if failed else 'no answer'}). "
                "Is this machine connected? --from ranks a file, --offline uses cached answers"
            )
    return candidates, texts


async def _kept_abstracts(home: Path, catalog: Catalog, how: Asking) -> dict[str, str]:
    """Abstracts of entries that earlier runs have brought; nobody is asked."""
    async with client(home, catalog, replace(how, offline=True)) as asker:
        return await _own_abstracts(asker, catalog)


async def _own_abstracts(asker: Client, catalog: Catalog) -> dict[str, str]:
    """Entry id -> abstract as arXiv has it; the ranking does with fewer, so that failing is no fault."""
    owners = {p.identifiers.arxiv: p.id for p in catalog.papers if p.identifiers.arxiv}
    if not asker.offline:
        await arxiv.prefetch(asker, sorted(owners))
    found = await arxiv.kept(asker, sorted(owners))
    told = {owners[id_]: one.record.abstract for id_, one in found.items()}
    return {id_: text for id_, text in told.items() if text}


def _shown(found: Discovery, catalog: Catalog, top: int) -> Iterator[ShownCandidate]:
    suggester = Suggester(catalog)
    for week in found.weeks:
        for place, one in enumerate(week.ranked[: top or None], 1):
            terms: dict[str, list[str]] = {}
            if place <= rolling.MOST_OF_A_WEEK:
                record = one.candidate.record
                clues = Clues(record.title, record.abstract or "")
                terms = {
                    axis: [s.term for s in some]
                    for axis, some in suggester.suggest(clues).items()
                }
            yield ShownCandidate(week.name, place, one, terms)


def _keep(home: Path, shown: Sequence[ShownCandidate]) -> None:
    """Keep what was shown, so that declining it asks nobody."""
    lines = []
    for one in shown:
        candidate = one.ranked.candidate
        names = candidate.record.model_dump(include={"arxiv", "doi", "acl", "openreview"}, exclude_none=True)  # fmt: skip
        told = {"id": candidate.id, "date": candidate.day, "title": candidate.record.title}  # fmt: skip
        lines.append(json.dumps({**told, **names}, ensure_ascii=False, default=str))
    try:
        kept(home, listed.KEPT)
        outputs.write(home, {listed.KEPT: "".join(f"{line}\n" for line in lines)})
    except MachineError as error:
        note(f"`surveykit decline` will ask for titles: {error}")


def _tell(found: Discovery, shown: Sequence[ShownCandidate]) -> None:
    week = ""
    for one in shown:
        if one.week != week:
            week = one.week
            whole = next(len(w.ranked) for w in found.weeks if w.name == week)
            say(f"{week}: {plural(whole, 'new paper')}")
        candidate = one.ranked.candidate
        say(f"{one.place:3}. {printable(candidate.record.title)} ({candidate.day})")
        say(f"     {one.ranked.reason}")
        terms = "; ".join(f"{axis}: {', '.join(t)}" for axis, t in one.terms.items())
        say(f"     {terms}") if terms else None
        if candidate.command:
            say(f"     surveykit add {candidate.command}")
    say(
        f"{plural(sum(len(w.ranked) for w in found.weeks), 'new paper')}, {len(shown)} shown; {found.known} known already"
    )


def _row(one: ShownCandidate) -> dict[str, Any]:
    candidate, record = one.ranked.candidate, one.ranked.candidate.record
    return {
        "id": candidate.id,
        "week": one.week,
        "rank": one.place,
        "score": round(one.ranked.score, 6),
        "date": candidate.day,
        "title": record.title,
        "reason": one.ranked.reason,
        "near": [{"id": i, "likeness": round(n, 3)} for i, n in one.ranked.near],
        "sides": one.ranked.sides,
        "terms": one.terms,
        "source": record.source,
        "add": f"surveykit add {candidate.command}" if candidate.command else None,
    }
