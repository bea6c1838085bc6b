"""What axe-core says of a page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PHONE = 600
"""Pixels; what is narrower is touched."""
OTHERWISE_REACHED = ".sk-dots"
"""A dot for each paper or relation: all of them stand once more in the list below (WCAG 2.2, 2.5.8: equivalent)."""


def barriers(page: Page) -> list[tuple[str, list[object]]]:
    """Rules that the page breaks, each with the first places; on a phone, fingers too are given 24 pixels or the room."""
    page.wait_for_timeout(100)
    found = Axe().run(page).response["violations"]
    if page.viewport_size and page.viewport_size["width"] < PHONE:
        # axe leaves this rule out unless asked, Lighthouse does not.
        small = {"runOnly": ["target-size"]}
        rest = {"exclude": [[OTHERWISE_REACHED]]}
        found += Axe().run(page, context=rest, options=small).response["violations"]
    return [
        (rule["id"], [node["target"] for node in rule["nodes"]][:3]) for rule in found
    ]
