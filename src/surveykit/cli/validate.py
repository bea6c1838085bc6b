"""`surveykit validate`: every problem of the catalog with its place."""

from __future__ import annotations

from pathlib import Path

import click

from surveykit import load, report
from surveykit.cli.catalog import exit_code
from surveykit.cli.terminal import (
    example,
    placed,
    repository,
    say,
)
from surveykit.report import Format


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
def validate(root: Path | None, paths: tuple[Path, ...], form: Format) -> int:
    """Show every problem and where it is.

    Without PATHS, the whole catalog is checked.
    """
    home = repository(root)
    checked = load.check(home, [path.resolve() for path in paths])
    # Programs get paths as the repository has them, people as they can open them.
    shown = placed(home, checked.problems) if form == "text" else checked.problems
    say(report.render(shown, form), end="")
    return exit_code(checked.problems)
