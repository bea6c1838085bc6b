"""`surveykit ticked`: decisions that maintainers took by ticking boxes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TextIO

import click

from surveykit.cli.catalog import readable
from surveykit.cli.terminal import FINE, FOUND, example, repository, say_json
from surveykit.discover import rolling
from surveykit.discover.run import known_names
from surveykit.identifier import Identifier

MOST_BYTES = 500_000


@click.command(epilog=example("surveykit ticked -"))
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"))
@click.pass_obj
def ticked(root: Path | None, file: TextIO) -> int:
    """Tell what is ticked in the weekly issue of new papers, in FILE or `-`.

    Prints JSON: each decision with the argument for `surveykit add` or `surveykit decline`, and the name of the
    branch for its pull request. What the catalog has or has declined meanwhile is left out. Exit code 1 where nothing is left.
    """
    catalog = readable(repository(root))
    known = known_names(catalog)
    open_ = [
        tick
        for tick in rolling.ticked(file.read(MOST_BYTES))
        if f"{tick.identifier.kind}:{tick.identifier.value.casefold()}" not in known
    ]
    say_json(
        [
            {
                "what": tick.what,
                "argument": _argument(tick.identifier),
                "branch": _branch(tick),
            }
            for tick in open_
        ]
    )
    return FINE if open_ else FOUND


def _argument(one: Identifier) -> str:
    return one.value if one.kind == "arxiv" else str(one)


def _branch(tick: rolling.Tick) -> str:
    """One for each paper that comes in; those that stay out share one, as they change one file."""
    if tick.what == "decline":
        return "discover/declined"
    plain = re.sub("[^a-z0-9]+", "-", tick.identifier.value.lower()).strip("-")
    return f"discover/add-{plain[:60]}".rstrip("-")
