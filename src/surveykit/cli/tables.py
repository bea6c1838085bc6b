"""A table for a reader, or lines for a program."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from surveykit.cli.terminal import say


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table for a reader, or tab-separated lines for a program."""
    if not sys.stdout.isatty():
        for row in rows:
            say("\t".join(row))
        return

    drawn = Table(*headers, box=box.SIMPLE_HEAD, show_header=any(headers))
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)
