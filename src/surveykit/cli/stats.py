"""`surveykit stats`: how many papers there are of what, and what can be run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from surveykit import quality as entries
from surveykit.catalog import Catalog
from surveykit.cli.catalog import open_catalog
from surveykit.cli.tables import table
from surveykit.cli.terminal import (
    FINE,
    as_json,
    example,
    say_json,
)
from surveykit.query import runnable as what_runs
from surveykit.query import statistics


@click.command(epilog=example("surveykit stats --json"))
@click.option(
    "--runnable",
    is_flag=True,
    help="Show what can be run for the papers of each technique instead.",
)
@click.option(
    "--quality",
    is_flag=True,
    help="Show how much the entries of each topic hold instead.",
)
@as_json
@click.pass_obj
def stats(root: Path | None, *, runnable: bool, quality: bool, as_json: bool) -> int:
    """Count papers by year, topic, role, venue.

    Each is counted once, under its main term.
    """
    if runnable:
        return _runnable(open_catalog(root), as_json)
    if quality:
        return _quality(open_catalog(root), as_json)
    catalog = open_catalog(root)
    figures = _named(catalog, "by_", dataclasses.asdict(statistics(catalog)))
    if as_json:
        say_json(figures)
        return FINE
    rows = []
    for name, value in figures.items():
        counts = value if isinstance(value, Mapping) else {"": value}
        title = name.replace("_", " ")
        rows += [(title, str(key), str(count)) for key, count in counts.items()]
    table(("figure", "of", "count"), rows)
    return FINE


def _named(catalog: Catalog, start: str, figures: dict[str, Any]) -> dict[str, Any]:
    """The figures with the id of the survey's own axis of topics as a key."""
    own, topic = f"{start}{catalog.topic_axis.id}", f"{start}topic"
    return {own if key == topic else key: value for key, value in figures.items()}


def _runnable(catalog: Catalog, as_json: bool) -> int:
    headers = ("technique", "papers", "own", "same", "other", "nothing", "share")
    rows = [{name: getattr(line, name) for name in headers} for line in what_runs(catalog)]  # fmt: skip
    if as_json:
        say_json(rows)
        return FINE
    told = [{**row, "share": f"{row['share']:.0f} %"} for row in rows]
    table(headers, ([str(row[name]) for name in headers] for row in told))
    return FINE


def _quality(catalog: Catalog, as_json: bool) -> int:
    lines = entries.quality(catalog)
    if as_json:
        say_json([_named(catalog, "", dataclasses.asdict(line)) for line in lines])
        return FINE
    names = [field.name for field in dataclasses.fields(entries.Quality)]
    headers = [catalog.topic_axis.id, *names[1:]]
    told = [
        [line.topic, str(line.papers)]
        + [f"{getattr(line, n)} ({line.share(n):.0f} %)" for n in headers[2:]]
        for line in lines
    ]
    table(headers, told)
    return FINE
