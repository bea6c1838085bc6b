"""What all commands share: finding the repository, checking names, printing. Nothing heavy is imported here."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import click

from surveykit import listing
from surveykit.errors import CatalogError, Problem, Severity, plural
from surveykit.text.printable import printable

FINE, FOUND, USAGE, MACHINE, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes; `surveykit --help` explains them."""


MOST_NAMED = 12
"""Names in a line that says which there are."""


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
    above = next((f for f in here.parents if (f / "catalog").is_dir()), None)
    but = f", but in {openable(above, '.')}" if above else ""
    where = f"in {here}{but}" if given else f"in {here} or above"
    raise click.UsageError(
        f"no catalog/ {where}; --root names the folder that holds it"
    )


def openable(home: Path, path: str) -> str:
    """A file of the repository as it can be opened from where the reader stands: relative, or whole where that is shorter."""
    whole = str(home / path)
    return min(os.path.relpath(whole), whole, key=len)


def placed(home: Path, problems: Sequence[Problem]) -> list[Problem]:
    """Problems with their files as they can be opened from where the reader stands."""
    return [replace(problem, path=openable(home, problem.path)) for problem in problems]


def known(value: str, among: Iterable[str], what: str) -> str:
    """The value, if it is one of the names; else a usage error with near ones."""
    names = list(among)
    if value in names:
        return value
    near = difflib.get_close_matches(value, names, n=3, cutoff=0.5)
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    every = f"known: {', '.join(names[:MOST_NAMED])}{more}"
    hint = f"did you mean {', '.join(near)}?" if near else every
    raise click.UsageError(f"no {what} {value!r}; {hint}")


def say(text: str, end: str = "\n") -> None:
    """Print to the output."""
    click.echo(text + end, nl=False)


def say_json(value: object) -> None:
    """Print as JSON."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    say(
        text.encode("utf-8", "backslashreplace").decode()
    )  # names of files that are no text


def note(text: str) -> None:
    """Print beside the output, for the reader only: one who listens no more stops nothing."""
    with contextlib.suppress(BrokenPipeError):
        click.echo(text, err=True)


def warn(problems: Sequence[Problem]) -> None:
    """Print problems beside the output."""
    if problems:
        note(listing.as_text(problems).rstrip("\n"))


def exit_code(problems: Sequence[Problem]) -> int:
    """Whether one of the problems is an error, for the shell."""
    return FOUND if any(p.severity is Severity.ERROR for p in problems) else FINE


def refuse(error: CatalogError, home: Path, most: int = 3) -> int:
    """Say why nothing is answered from a faulty catalog: its first errors, how many there are, what shows them all."""
    errors = [p for p in error.problems if p.severity is Severity.ERROR]
    files = plural(len({problem.path for problem in errors}), "file")
    for problem in placed(home, errors[:most]):
        note(printable(str(problem)))
    said = f"{plural(len(errors), 'error')} in {files} of the catalog, so nothing is read from it"
    return fail(f"{said}; `surveykit doctor` says what to do for each", FOUND)


def fail(text: str, code: int) -> int:
    """Print one line that says what went wrong; gives back the exit code."""
    note(f"Error: {printable(' '.join(text.split()))}")
    return code
