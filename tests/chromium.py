"""A real Chromium, for tests, pictures and benchmarks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

PROGRAM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)  # fmt: skip
"""The shell first: without a window around it, a page takes a quarter of the time."""
MISSING = "no Chromium on the path; apt-get install chromium-headless-shell"
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that runs as long as the context lasts. Raises SystemExit where there is none."""
    if PROGRAM is None:
        raise SystemExit(MISSING)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=PROGRAM, args=ARGS)
        yield browser
        browser.close()
