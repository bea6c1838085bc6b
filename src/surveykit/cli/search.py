"""`surveykit search`: papers by words in either language."""

from __future__ import annotations

from pathlib import Path

import click

from surveykit.cli.catalog import open_catalog
from surveykit.cli.papers import print_papers
from surveykit.cli.terminal import (
    as_json,
    example,
    note,
)
from surveykit.lookup import Finder


@click.command(epilog=example("surveykit search 蘑菇 guide"))
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

    A name, title, number or address leads to its papers first. Otherwise every word must
    occur in titles, names, summaries, terms, venues or ids; accents and case do not matter.
    A word like "defense" before a name gives the papers that answer it: defense OysterNet.
    """
    catalog = open_catalog(root)
    finder = Finder(catalog)
    hits = finder.search(words)
    if len(hits) > most:
        note(f"{most} of {len(hits)} shown; --most {len(hits)} shows all")
    why = "" if hits else finder.why_nothing(words)
    return print_papers(catalog, [hit.paper for hit in hits[:most]], as_json, why)
