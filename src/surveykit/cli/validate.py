"""`surveykit validate`: every problem of the catalog with its place."""

from __future__ import annotations

from pathlib import Path

import click

from surveykit.cli.lazy import asked_for
from surveykit.cli.terminal import example, exit_code, placed, repository, say
from surveykit.errors import Problem
from surveykit.listing import WRITERS
from surveykit.memory import Memory


@click.command(epilog=example("surveykit validate catalog/papers/2023 --format github"))
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="Output format.",
)
@click.pass_obj
def validate(root: Path | None, paths: tuple[Path, ...], form: str) -> int:
    """Show every problem and where it is.

    Without PATHS, the whole catalog is checked; while nothing has changed, what was found
    last is told again. SURVEYKIT_FORGET=1 looks at everything anew.
    """
    home = repository(root)
    problems = _problems(home, paths)
    # Programs get paths as the repository has them, people as they can open them.
    shown = placed(home, problems) if form == "text" else problems
    write = WRITERS.get(form) or asked_for("checking:sarif")
    say(write(shown), end="")
    return exit_code(problems)


def _problems(home: Path, paths: tuple[Path, ...]) -> tuple[Problem, ...]:
    memory = None if paths else Memory(home)
    if memory and (known := memory.recall()):
        return known.problems
    found: tuple[Problem, ...] = asked_for("checking:problems")(home, paths)
    if memory:
        memory.keep(found)
    return found
