"""How long a reader's three tasks take on the built site, done by a script in a real Chromium."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import synthetic
from playwright.sync_api import sync_playwright
from rich.console import Console

sys.path.insert(0, str(synthetic.REPOSITORY))
from tests.site.conftest import ARGS, served
from tests.site.reader import export_bibtex, find_attacks, reach_a_defense


@dataclass(frozen=True)
class Seconds:
    """Seconds from the first step of a task to its result."""

    find: float
    """Home page to all downstream-agnostic attacks of 2023 on CLIP."""
    export: float
    """To the BibTeX file of them."""
    defense: float
    """From the table, over BadEncoder, to the copied command of a defense."""


def measure(site: Path) -> Seconds:
    """The three tasks on the English site."""
    chromium = shutil.which("chromium")
    if not chromium:
        raise SystemExit("no chromium on the path; apt-get install chromium")
    with served(site) as home, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=ARGS)
        context = browser.new_context(accept_downloads=True)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page, marks = context.new_page(), [time.perf_counter()]
        find_attacks(page, home)
        marks.append(time.perf_counter())
        export_bibtex(page)
        marks.append(time.perf_counter())
        reach_a_defense(page, home)
        marks.append(time.perf_counter())
        browser.close()
    return Seconds(*(after - before for before, after in pairwise(marks)))


if __name__ == "__main__":
    Console().print(measure(synthetic.REPOSITORY / "build/site"))
