"""What axe-core says of a page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def barriers(page: Page) -> list[tuple[str, list[object]]]:
    """Rules that the page breaks, each with the first places."""
    page.wait_for_timeout(100)
    found = Axe().run(page).response["violations"]
    return [
        (rule["id"], [node["target"] for node in rule["nodes"]][:3]) for rule in found
    ]
