"""`surveykit decline`: papers that were looked at and stay out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click

from surveykit import load, outputs
from surveykit.catalog import Catalog
from surveykit.changes import kept
from surveykit.cli.catalog import readable
from surveykit.cli.services import Asking, asking, client
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    as_json,
    example,
    note,
    openable,
    repository,
    say,
    say_json,
)
from surveykit.declining import DEFAULT, REASONS, decision, with_declined
from surveykit.discover import listed
from surveykit.discover.candidate import identifiers, names
from surveykit.errors import MachineError, Severity
from surveykit.identifier import Identifier, identify
from surveykit.load import DECLINED
from surveykit.models import Identifiers
from surveykit.sources.resolve import SERVICES
from surveykit.text.letters import tidy
from surveykit.text.printable import printable
from surveykit.vocabulary import Declined
from surveykit.yaml_tree import read

EXIT_CODES = """\b
Exit codes:
  0    all of them stay out
  1    a paper is in the catalog, or was declined before; the others are recorded
  2    an argument is not an identifier
  3    a title is not known and no service gave it, or the file cannot be written

"""


def _word(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
        raise click.BadParameter(
            f"{value!r} is no word of small letters and hyphens; a clause goes to --why"
        )
    return value


@click.command(
    epilog=EXIT_CODES + example("surveykit decline 2501.00707 --reason scope")
)
@click.argument("identifiers_", nargs=-1, required=True, metavar="IDENTIFIER...")
@click.option(
    "--reason",
    "kind",
    default=DEFAULT,
    show_default=True,
    metavar="WORD",
    callback=_word,
    help=f"The reason in one word: {', '.join(REASONS)}, or any other in small letters.",
)
@click.option("--why", default="", help="The reason in a clause, for who asks later.")
@click.option("--title", default="", help="Title, for one paper that no service knows.")
@click.option("--dry-run", is_flag=True, help="Print what is added; write nothing.")
@as_json
@asking
@click.pass_obj
def decline(
    root: Path | None,
    *,
    identifiers_: tuple[str, ...],
    kind: str,
    why: str,
    title: str,
    dry_run: bool,
    as_json: bool,
    how: Asking,
) -> int:
    """Record that papers stay out, each with the reason.

    They are added to catalog/declined.yaml, and `surveykit discover` shows them no more. Titles are those that
    `surveykit discover` showed; for other papers a service is asked.
    """
    home = repository(root)
    catalog = readable(home)
    if title and len(identifiers_) > 1:
        raise click.UsageError("--title is the title of one paper; give one IDENTIFIER")
    title, why = tidy(title), tidy(why)
    wanted = list(dict.fromkeys(identify(text) for text in identifiers_))
    titles = _shown(home)
    told = {one: title or titles.get(_name(one), "") for one in wanted}
    if missing := [one for one in wanted if not told[one]]:
        told |= asyncio.run(_titles(home, catalog, how, missing))
    today = datetime.now(UTC).date()
    new: list[Declined] = []
    refused: list[tuple[Identifier, str]] = []
    for one in wanted:
        made = decision(told[one], _identifiers(one), today, kind, why)
        if other := _owner(catalog, [*catalog.declined, *new], made):
            refused.append((one, other))
        else:
            new.append(made)
    if new and not dry_run:
        _write(home, new)
    if as_json:
        say_json([one.model_dump(mode="json", exclude_none=True) for one in new])
    else:
        for made in new:
            say(f"{openable(home, DECLINED)}: {printable(made.title)}: {made.reason}")
    for one, other in refused:
        note(f"{one}: is {other}")
    return FOUND if refused else FINE


def _name(one: Identifier) -> tuple[str, str]:
    return one.kind, one.value.casefold()


def _identifiers(one: Identifier) -> Identifiers:
    named = one.kind in Identifiers.model_fields
    return Identifiers.model_validate({one.kind: one.value} if named else {})


def _shown(home: Path) -> dict[tuple[str, str], str]:
    """Titles of the candidates that were shown last."""
    path = kept(home, listed.KEPT)
    found = listed.read(path).candidates if path.exists() else []
    return {
        (scheme, value.casefold()): one.record.title
        for one in found
        for scheme, value in identifiers(one.record)
        if value
    }


async def _titles(
    home: Path, catalog: Catalog, how: Asking, wanted: Iterable[Identifier]
) -> dict[Identifier, str]:
    """Titles as the services give them. Raises NotFoundError or ServiceError."""
    async with client(home, catalog, how) as asker:
        return {
            one: (await SERVICES[one.kind](asker, one.value)).record.title
            for one in wanted
        }


def _owner(catalog: Catalog, declined: Iterable[Declined], one: Declined) -> str:
    """What has the paper already; empty where nothing does."""
    mine = names(one.title, one.identifiers)
    for paper in catalog.papers:
        if mine & names(paper.title.en, paper.identifiers):
            return f"the entry {paper.id}"
    for other in declined:
        if mine & names(other.title, other.identifiers):
            return f"declined since {other.date}"
    return ""


def _write(home: Path, new: Iterable[Declined]) -> None:
    """Write the file, which must hold what it held and the new decisions. Raises MachineError."""
    path = home / DECLINED
    tree = read(path, root=home) if path.exists() else None
    if tree and tree.faults:
        fault = tree.faults[0]
        raise MachineError(
            f"{DECLINED}:{fault.line}: {fault.message}; nothing is written"
        )
    old = tree.text if tree else ""
    outputs.write(home, {DECLINED: with_declined(old, new)})
    problems = [p for p in load.check(home).problems if p.path == DECLINED]
    if any(p.severity is Severity.ERROR for p in problems):
        if tree:
            outputs.write(home, {DECLINED: old})
        else:
            path.unlink()
        raise MachineError(f"{problems[0]}; nothing is written")
