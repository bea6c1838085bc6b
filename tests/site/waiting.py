"""Waiting for a condition inside a page that keeps its policy."""

from __future__ import annotations

import json

from playwright.sync_api import Page


def wait_until(page: Page, condition: str, seconds: int = 20) -> None:
    """As `page.wait_for_function`, which compiles its text inside the page again and again, and pages forbid that."""
    page.evaluate(f"""() => new Promise((done, fail) => {{
        setTimeout(() => fail(new Error("never: " + {json.dumps(condition)})), {seconds * 1000});
        const look = () => {{ ({condition}) ? done() : requestAnimationFrame(look) }};
        look();
    }})""")
