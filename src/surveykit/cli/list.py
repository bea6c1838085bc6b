"""`surveykit list`: the papers with all given terms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from surveykit.cli.lazy import asked_for
from surveykit.cli.terminal import as_json, example


@click.command(
    "list",
    epilog=example("surveykit list topic=boletes role=method --year 2022-2024"),
)
@click.argument("terms", nargs=-1, metavar="[AXIS=TERM]...")
@click.option("--year", "years", metavar="YEAR[-YEAR]", help="Year or range of years.")
@click.option("--venue", metavar="ID", help="Venue, for example cvpr.")
@click.option("--with-code", is_flag=True, help="Only papers with the authors' code.")
@as_json
@click.pass_obj
def list_papers(root: Path | None, /, **wanted: Any) -> int:
    """List the papers with all given terms.

    A narrower term implies the wider ones.
    """
    code: int = asked_for("selecting:print_selected")(root, **wanted)
    return code
