"""`surveykit impl`: list, show and run the methods, which are read as cards only."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import click

from surveykit.cli.catalog import open_catalog
from surveykit.cli.tables import table
from surveykit.cli.terminal import (
    FINE,
    as_json,
    example,
    known,
    repository,
    say,
    say_json,
)
from surveykit.errors import MachineError
from surveykit.vocabulary import Card


@click.group(epilog=example("surveykit impl run sieve -- run --help"))
def impl() -> None:
    """List, show and run methods."""


@impl.command("list", epilog=example("surveykit impl list"))
@as_json
@click.pass_obj
def list_methods(root: Path | None, as_json: bool) -> int:
    """List the methods with the question that each answers."""
    cards = open_catalog(root).cards
    if as_json:
        say_json([card.model_dump(mode="json") for card in cards.values()])
    else:
        rows = [(card.id, card.name, card.question.en) for card in cards.values()]
        table(("method", "name", "question"), rows)
    return FINE


@impl.command(epilog=example("surveykit impl show sieve"))
@click.argument("method")
@as_json
@click.pass_obj
def show(root: Path | None, method: str, as_json: bool) -> int:
    """Show what a METHOD answers, which papers it runs, and its command."""
    catalog = open_catalog(root)
    card = catalog.cards[known(method, catalog.cards, "method")]
    if as_json:
        say_json(card.model_dump(mode="json"))
        return FINE
    for label, value in (
        ("name", card.name),
        ("question", card.question.en),
        ("", card.question.zh),
        ("summary", card.summary.en),
        ("", card.summary.zh),
        ("run", card.command),
        *(("paper", f"{id_}: {catalog.get(id_).title.en}") for id_ in card.papers),
        *(("serves", catalog.term("technique", t).label.en) for t in card.techniques),
        ("folder", f"reference_impls/{card.id}/"),
    ):
        say(f"{label:<9} {value}".rstrip())
    return FINE


@impl.command(
    epilog=example("surveykit impl run sieve -- run --help"),
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("method")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def run(root: Path | None, method: str, arguments: tuple[str, ...]) -> int:
    """Run a METHOD with its own ARGUMENTS in this folder.

    Its exit code is passed on. Without arguments its help is shown.
    """
    cards = open_catalog(root).cards
    card = cards[known(method, cards, "method")]
    if arguments[:1] == ("--",):
        arguments = arguments[1:]
    return _run(repository(root), card, arguments or ("--help",))


def _run(home: Path, card: Card, arguments: tuple[str, ...]) -> int:
    if importlib.util.find_spec("torch") is None:
        raise MachineError(
            f"{card.name} needs torch; run `pip install -e '.[impls]'` in {home}"
        )
    path = os.pathsep.join(filter(None, (str(home), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", f"reference_impls.{card.id}", *arguments]
    # A child process: this program neither loads torch nor dies with a method.
    return subprocess.call(command, env={**os.environ, "PYTHONPATH": path})
