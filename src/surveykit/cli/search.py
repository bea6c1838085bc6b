"""`surveykit search`: papers by words in either language."""

from __future__ import annotations

from pathlib import Path

import click

from surveykit import query
from surveykit.cli.catalog import open_catalog
from surveykit.cli.papers import print_papers
from surveykit.cli.terminal import (
    as_json,
    example,
    note,
)


@click.command(epilog=example("surveykit search 后门 clip"))
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--most",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Maximum number of papers shown.",
)
@as_json
@click.pass_obj
def search(root: Path | None, words: tuple[str, ...], most: int, as_json: bool) -> int:
    """Find papers by WORDS in either language.

    Titles, names, summaries, terms, venues and ids are searched. Every word must occur;
    accents and case do not matter; the best match comes first.
    """
    catalog = open_catalog(root)
    hits = query.search(catalog, words)
    if len(hits) > most:
        note(f"{most} of {len(hits)} shown; --most {len(hits)} shows all")
    why = "" if hits else query.why_nothing(catalog, words)
    return print_papers(catalog, [hit.paper for hit in hits[:most]], as_json, why)
