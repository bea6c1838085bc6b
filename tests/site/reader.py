"""Three tasks that a reader comes for, as a script does them: used by a test, and timed by `make bench`."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page


def find_attacks(page: Page, home: str) -> list[str]:
    """All downstream-agnostic attacks of 2023 on CLIP, from the first page on: ids in the order of the table."""
    page.goto(home)
    page.locator(".sk-hero .sk-actions a[href$='papers/']").click()
    page.wait_for_url("**/papers/")
    for axis, value in (
        ("role", "attack"),
        ("modality", "vision-language"),
        ("scope", "downstream-agnostic"),
        ("year", "2023"),
    ):
        _choose(page, axis, value)
    page.locator(".sk-older").wait_for(state="detached")  # a script brought them
    page.keyboard.press("Control+f")  # all rows, however far down
    links = page.locator("tr.r .sk-title").evaluate_all(
        "all => all.map(link => link.getAttribute('href').slice(0, -1))"
    )
    return list(links)


def _choose(page: Page, axis: str, value: str) -> None:
    """Ticks a box, unfolding its filter where it is folded."""
    facet = page.locator(f".sk-facet[data-axis={axis}]")
    if facet.get_attribute("open") is None:
        facet.locator("summary").click()
    facet.locator(f"input[value='{value}']").check()


def export_bibtex(page: Page) -> str:
    """The BibTeX of all that the table shows."""
    page.locator("#all").check()
    with page.expect_download() as waiting:
        page.locator("[data-do=bib]").click()
    return Path(waiting.value.path()).read_text("utf-8")


def reach_a_defense(page: Page, home: str) -> str:
    """From BadEncoder to a defense that runs: the command that was copied."""
    page.goto(home + "papers/")
    page.keyboard.press("/")
    page.keyboard.type("badencoder")
    page.locator("tr.r .sk-title[href='jia2022badencoder/']").click()
    page.wait_for_url("**/papers/jia2022badencoder/")
    page.locator(".sk-story a[href*='feng2023detecting']").first.click()
    page.wait_for_url("**/papers/feng2023detecting/")
    page.locator(".sk-actions a[href='#run']").click()
    page.locator("#run .sk-copy span").click()
    page.locator("#run .sk-copy span[role=status]").wait_for()
    return str(page.evaluate("navigator.clipboard.readText()"))
