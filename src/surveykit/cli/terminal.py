"""What the commands share: finding the catalog, checking names, printing."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from surveykit.errors import Problem

if TYPE_CHECKING:
    from surveykit.catalog import Catalog

FINE, FOUND, USAGE, MACHINE, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes; `surveykit --help` explains them."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def example(command: str) -> str:
    """Last lines of a command's help."""
    return f"\b\nExample:\n  {command}"


def repository(given: Path | None) -> Path:
    """The folder that holds catalog/: the given one, or the nearest one upwards."""
    here = given.resolve() if given else Path.cwd()
    for folder in (here,) if given else (here, *here.parents):
        if (folder / "catalog").is_dir():
            return folder
    where = (
        f"in {here}" if given else f"in {here} or above; name the repository: --root"
    )
    raise click.UsageError(f"no catalog/ {where}")


def load(given: Path | None) -> Catalog:
    """The catalog of the repository. Raises CatalogError when it has errors."""
    from surveykit.load import load_catalog

    return load_catalog(repository(given))


def known(value: str, among: Iterable[str], what: str) -> str:
    """The value, if it is one of the names; else a usage error with near ones."""
    names = list(among)
    if value in names:
        return value
    near = difflib.get_close_matches(value, names, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(names)}"
    raise click.UsageError(f"no {what} {value!r}; {hint}")


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table for a reader, or tab-separated lines for a program."""
    if not sys.stdout.isatty():
        for row in rows:
            say("\t".join(row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*headers, box=box.SIMPLE_HEAD, show_header=any(headers))
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)


def say(text: str, end: str = "\n") -> None:
    """Print to the output."""
    click.echo(text + end, nl=False)


def say_json(value: object) -> None:
    """Print as JSON."""
    say(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def note(text: str) -> None:
    """Print beside the output, for the reader only."""
    click.echo(text, err=True)


def warn(problems: Sequence[Problem]) -> None:
    """Print problems beside the output."""
    from surveykit import report

    if problems:
        note(report.render(problems, "text").rstrip("\n"))


def fail(text: str, code: int) -> int:
    """Print one line that says what went wrong; gives back the exit code."""
    note(f"Error: {' '.join(text.split())}")
    return code
