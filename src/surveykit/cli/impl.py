"""`surveykit impl`: list, show and run the methods, which are read as cards only."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from surveykit.catalog import Catalog
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
from surveykit.load import load_cards
from surveykit.vocabulary import Card


@dataclass(frozen=True)
class Methods:
    """The methods of the survey that one stands in, else those that came with the package."""

    home: Path
    """The folder that holds reference_impls/."""
    cards: Mapping[str, Card]
    catalog: Catalog | None
    """None outside a survey."""


def methods(root: Path | None) -> Methods:
    """What there is to run. Raises click.UsageError where there is neither a survey nor a method."""
    try:
        home = repository(root)
    except click.UsageError:
        installed = Path(__file__).parents[2]
        if root or not (installed / "reference_impls").is_dir():
            raise
        return Methods(installed, load_cards(installed), None)
    catalog = open_catalog(root)
    return Methods(home, catalog.cards, catalog)


@click.group(epilog=example("surveykit impl run sieve -- run --help"))
def impl() -> None:
    """List, show and run methods.

    Those of the survey here, or outside any survey those that were installed.
    """


@impl.command("list", epilog=example("surveykit impl list"))
@as_json
@click.pass_obj
def list_methods(root: Path | None, as_json: bool) -> int:
    """List the methods with the question that each answers."""
    cards = methods(root).cards
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
    there = methods(root)
    card, catalog = there.cards[known(method, there.cards, "method")], there.catalog
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
        *(
            ("paper", f"{id_}: {catalog.get(id_).title.en}" if catalog else id_)
            for id_ in card.papers
        ),
        *(
            ("serves", catalog.term("technique", t).label.en if catalog else t)
            for t in card.techniques
        ),
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
    there = methods(root)
    card = there.cards[known(method, there.cards, "method")]
    if arguments[:1] == ("--",):
        arguments = arguments[1:]
    return _run(there, card, arguments or ("--help",))


def _run(there: Methods, card: Card, arguments: tuple[str, ...]) -> int:
    if importlib.util.find_spec("torch") is None:
        where = f"pip install -e '.[impls]'` in {there.home}"
        if there.catalog is None:
            where = "pip install 'surveykit[impls]'`"
        raise MachineError(f"{card.name} needs torch; run `{where}")
    path = os.pathsep.join(
        filter(None, (str(there.home), os.environ.get("PYTHONPATH")))
    )
    command = [sys.executable, "-m", f"reference_impls.{card.id}", *arguments]
    # A child process: this program neither loads torch nor dies with a method.
    return subprocess.call(command, env={**os.environ, "PYTHONPATH": path})
