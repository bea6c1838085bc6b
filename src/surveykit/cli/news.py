"""`surveykit news`: what is new, from the dates in the entries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import click

from surveykit.catalog import Catalog
from surveykit.cli.catalog import open_catalog
from surveykit.cli.day import DayType
from surveykit.cli.terminal import FINE, as_json, example, note, say, say_json
from surveykit.news import NewsDay, days
from surveykit.render.digest import counted, digest, month_of

WITHOUT = 30
"""Days that are told of where none are named."""


@click.command(epilog=example("surveykit news --month 2026-11 --format markdown"))
@click.option("--since", type=DayType(), metavar="DAY", help="First day, 2026-11-01.")
@click.option("--until", type=DayType(), metavar="DAY", help="Last day.")
@click.option("--month", metavar="YYYY-MM", help="All days of a month.")
@click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of the digest.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="Output format; markdown is a digest for a mail or a post.",
)
@as_json
@click.pass_obj
def news(
    root: Path | None,
    *,
    since: date | None,
    until: date | None,
    month: str | None,
    lang: Literal["en", "zh"],
    form: str,
    as_json: bool,
) -> int:
    """Tell what came in, was published, corrected, retracted or declined since a day.

    Everything is read from the dates in the entries and in catalog/declined.yaml. Without --since, --until and --month,
    the last 30 days of the catalog are told of.
    """
    if month and (since or until):
        raise click.UsageError("--month goes without --since and --until")
    catalog = open_catalog(root)
    last = until or catalog.updated
    first, last = _month(month) if month else (since or _before(last), last)
    if first > last:
        raise click.UsageError(f"--since {first} lies behind {last}")
    found = days(catalog, first, last)
    if as_json or form == "json":
        say_json([_row(catalog, day) for day in found])
    elif form == "markdown":
        say(digest(catalog, lang, first, last), end="")
    else:
        for line in _lines(found):
            say(line)
        note(f"{first} to {last}: {counted('en', found) or 'nothing'}")
    return FINE


def _before(last: date) -> date:
    return max(last, date.min + timedelta(days=WITHOUT)) - timedelta(days=WITHOUT - 1)


def _month(text: str) -> tuple[date, date]:
    if re.fullmatch(r"[0-9]{4}-(?:0[1-9]|1[0-2])", text) and not text.startswith(
        "0000"
    ):
        return month_of(date.fromisoformat(f"{text}-01"))
    raise click.UsageError(f"--month {text!r} is no month like 2026-11")


def _lines(found: Sequence[NewsDay]) -> Iterator[str]:
    for day in found:
        for group in day.groups:
            kind = group.kind.replace("_", "-")
            for one in group.items:
                notes = "".join(f" ({text.en})" for text in one.notes)
                yield f"{day.date} {kind} {one.paper.id} {one.paper.title.en}{notes}"
        for out in day.declined:
            yield f"{day.date} declined {out.title} ({out.reason})"


def _row(catalog: Catalog, day: NewsDay) -> dict[str, Any]:
    papers = [
        {
            "kind": group.kind.replace("_", "-"),
            "id": one.paper.id,
            "title": one.paper.title.model_dump(),
            "venue": catalog.venue(one.paper).name,
            "year": one.paper.year,
            "notes": [text.model_dump() for text in one.notes],
        }
        for group in day.groups
        for one in group.items
    ]
    out = [{"title": one.title, "reason": one.reason} for one in day.declined]
    return {"date": day.date, "papers": papers, "declined": out}
