"""The page of what is new."""

from __future__ import annotations

from surveykit.news import days
from surveykit.render.pages.page import Page, Press

MOST = 12
"""Papers that are named for one kind of news of one day; the rest are counted."""


def news_page(press: Press) -> Page:
    """The page."""
    w = press.words
    return press.page(
        "new.md",
        "new.html",
        title=w.news.title,
        description=w.news.lead,
        days=days(press.catalog),
        most=MOST,
    )
