"""What readers come for, done by a script in a real Chromium: each task in two languages, on a phone and at a desk."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path

import click
import synthetic
from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(synthetic.REPOSITORY))
from tests.chromium import chromium
from tests.site.conftest import served
from tests.site.tasks import TASKS
from tests.site.walk import SIZES, Run, do


def runs(site: Path, words: str = "") -> Iterator[Run]:
    """Each task whose name has the words, in English and Chinese, on a phone and at a desk."""
    wanted = [task for task in TASKS if words in task.name]
    with served(site) as home, chromium() as browser:
        every = list(product(wanted, ("en", "zh"), SIZES))
        for task, lang, size in track(every, "Readers", console=Console(stderr=True)):
            yield do(browser, home, task, lang, size)


def table(done: list[Run]) -> Table:
    """A line for each run, and below it how many found what they came for."""
    found = sum(not run.fault for run in done)
    shown = Table(caption=f"{found} of {len(done)} found", caption_justify="left")
    for name in ("task", "language", "window", "clicks", "of", "seconds", "found"):
        shown.add_column(name, justify="right" if name in ("clicks", "of", "seconds") else "left")  # fmt: skip
    for run in done:
        shown.add_row(run.task, run.lang, run.size, str(run.clicks), str(run.most), f"{run.seconds:.1f}", run.fault or "yes")  # fmt: skip
    return shown


@click.command()
@click.option("--site", type=click.Path(exists=True, file_okay=False, path_type=Path), default=synthetic.REPOSITORY / "build/site", help="A built site, Chinese below zh/; built with SURVEYKIT_REPOSITORY, which links for corrections need.")  # fmt: skip
@click.option("--only", default="", help="Tasks with these words in their name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(site: Path, only: str, as_json: bool) -> None:
    """Do the tasks; exit with 1 if one of them fails."""
    done = list(runs(site, only))
    if as_json:
        click.echo(json.dumps([asdict(run) for run in done], ensure_ascii=False, indent=2))  # fmt: skip
    else:
        Console().print(table(done))
    sys.exit(any(run.fault for run in done))


if __name__ == "__main__":
    main()
