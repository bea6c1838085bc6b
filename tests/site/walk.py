"""A reader at a window: steps that count their clicks, and a look at whether the result can be seen."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Error, Locator, Page

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
"""Windows in CSS pixels; the phone has a touch screen and no mouse."""
PATIENCE = 15_000
"""Milliseconds until a step counts as failed: the machines that run this are slow."""
LOOK = """target => {
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (wide > 1) return `the page is ${wide} px wider than the window`;
    const line = () => [...target.getClientRects()].find(box => box.width && box.height);
    let box = line();
    if (box && ((location.hash ? box.bottom <= 0 : box.top < 100) || box.top >= innerHeight - 4)) target.scrollIntoView({ block: "center", behavior: "instant" });
    box = line();
    if (!box || !target.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return "the result is not drawn";
    if (box.left < -1 || box.right > innerWidth + 1) return `the result stands from ${box.left} to ${box.right} in a window of ${innerWidth} px`;
    const [x, y] = [box.left + Math.min(box.width / 2, 60), Math.max(box.top, 0) + Math.min(box.height / 2, 12)], top = document.elementFromPoint(x, y);
    if (!top || !(target.contains(top) || top.contains(target))) return `the result is covered by ${top?.tagName}.${top?.className}`;
    return "";
}"""
"""What keeps a reader from seeing an element, after scrolling to it where that is needed; nothing else may lie on top of it.
A reader scrolls past what stays on top, but the target of a link stands clear of it. It waits for nothing, since a page without scripts keeps no promise."""


@dataclass
class Walk:
    """One reader with one page: what was done so far."""

    page: Page
    home: str
    """Address of the English site."""
    lang: str
    phone: bool
    clicks: int = 0
    got: str = ""
    """Text of the last file that was downloaded or of what was copied."""
    faults: list[str] = field(default_factory=list)

    def visit(self, path: str) -> None:
        """A page of this language; an address that begins with a slash is taken as it stands."""
        below = path[1:] if path.startswith("/") else ("zh/" if self.lang == "zh" else "") + path  # fmt: skip
        self.page.goto(self.home + below)

    def click(self, selector: str) -> None:
        """A click or a tap on the first that is drawn; both wait until nothing lies above it."""
        target = self.one(selector)
        self.clicks += 1
        if self.phone:
            target.tap()
        else:
            target.click()

    def one(self, selector: str) -> Locator:
        """The first element in sight that fits."""
        return self.page.locator(selector).filter(visible=True).first


Step = Callable[[Walk], None]


@dataclass(frozen=True)
class Task:
    """What somebody comes for. It is done when `sees` can be seen and what else is asked for holds."""

    name: str
    steps: tuple[Step, ...]
    most: int
    """Clicks, at most; keys and scrolling are free."""
    sees: str
    says: str = ""
    """Pattern in the text of the result."""
    at: str = ""
    """Pattern in the address of the page, after the home page's."""
    href: str = ""
    """Pattern in the address of the result, which is a link."""
    got: str = ""
    """Pattern in what was copied or downloaded, or in what the link of the result leads to."""
    script: bool = True


@dataclass(frozen=True)
class Run:
    """One task, done in one language and window."""

    task: str
    lang: str
    size: str
    clicks: int
    most: int
    seconds: float
    """From the first step to the sight of the result."""
    fault: str
    """Empty if the reader found it."""


def do(browser: Browser, home: str, task: Task, lang: str, size: str) -> Run:
    """Does a task in a browser that knows nothing yet."""
    width, height = SIZES[size]
    phone = size == "phone"
    context = browser.new_context(
        viewport={"width": width, "height": height},
        has_touch=phone,
        is_mobile=phone,
        reduced_motion="reduce",
        java_script_enabled=task.script,
        accept_downloads=True,
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(PATIENCE)
    walk = Walk(context.new_page(), home, lang, phone)
    walk.page.on("pageerror", lambda error: walk.faults.append(str(error)))
    start = time.perf_counter()
    try:
        for step in task.steps:
            step(walk)
        fault = _missing(walk, task)
    except Error as error:
        fault = error.message.splitlines()[0]
    seconds = time.perf_counter() - start
    context.close()
    if walk.clicks > task.most:
        fault = fault or f"{walk.clicks} clicks"
    return Run(task.name, lang, size, walk.clicks, task.most, round(seconds, 2), fault or "; ".join(walk.faults))  # fmt: skip


def _missing(walk: Walk, task: Task) -> str:
    """What is not as it should be at the end, in words."""
    if task.at:
        walk.page.wait_for_url(re.compile(re.escape(walk.home) + task.at))
    result = walk.one(task.sees)
    result.wait_for()
    if unseen := result.evaluate(LOOK):
        return str(unseen)
    if task.says and not re.search(task.says, text := result.inner_text()):
        return f"the result says {text[:80]!r}"
    address = result.get_attribute("href") or ""
    if task.href and not re.search(task.href, address):
        return f"the result leads to {address!r}"
    got = walk.got
    if task.got and not got:
        got = walk.page.request.get(result.evaluate("link => link.href")).text()
    if task.got and not re.search(task.got, got):
        return f"what came is {got[:80]!r}"
    return ""


# ---- steps ----


def go(path: str) -> Step:
    """Opens a page."""
    return lambda walk: walk.visit(path)


def click(*selectors: str) -> Step:
    """Clicks, one after the other."""

    def step(walk: Walk) -> None:
        for selector in selectors:
            walk.click(selector)

    return step


def click_own(english: str, chinese: str) -> Step:
    """Clicks what stands there in the reader's language."""
    return lambda walk: walk.click(chinese if walk.lang == "zh" else english)


def nav(path: str) -> Step:
    """By the header; on a phone it is folded behind a button."""

    def step(walk: Walk) -> None:
        links = ".md-tabs a"
        if walk.phone:
            walk.click("label.md-header__button[for=__drawer]")
            links = ".md-nav--primary a.md-nav__link"
        at = walk.page.locator(links).evaluate_all(
            "(all, path) => all.findIndex(link => link.href.endsWith(path))", path
        )  # an address in the page may be as short as `../`
        walk.click(f"{links} >> nth={at}")

    return step


def ask(english: str, chinese: str = "") -> Step:
    """Types into the search of the header, and waits for what it finds."""

    def step(walk: Walk) -> None:
        walk.click(".sk-find")
        walk.page.keyboard.type(chinese if chinese and walk.lang == "zh" else english)
        walk.one(".sk-finder .sk-hit").wait_for()

    return step


def press(*keys: str) -> Step:
    """Presses keys, one after the other."""

    def step(walk: Walk) -> None:
        for key in keys:
            walk.page.keyboard.press(key)

    return step


def write(text: str) -> Step:
    """Types where the cursor is."""
    return lambda walk: walk.page.keyboard.type(text)


def tick(axis: str, *values: str) -> Step:
    """Ticks filters of the paper table, unfolding what is folded."""

    def step(walk: Walk) -> None:
        if not walk.page.locator(".sk-facets__fold").evaluate("fold => fold.open"):
            walk.click(".sk-facets__fold > summary")
        facet = f".sk-facet[data-axis={axis}]"
        if not walk.page.locator(facet).evaluate("facet => facet.open"):
            walk.click(f"{facet} > summary")
        for value in values:
            walk.click(f"{facet} label:has(input[value='{value}'])")

    return step


def choose(selector: str, value: str) -> Step:
    """Picks from a list that unfolds: two clicks."""

    def step(walk: Walk) -> None:
        walk.clicks += 2
        walk.page.locator(selector).select_option(value)

    return step


def download(selector: str) -> Step:
    """Clicks, and reads the file that comes."""

    def step(walk: Walk) -> None:
        with walk.page.expect_download() as waiting:
            walk.click(selector)
        walk.got = Path(waiting.value.path()).read_text("utf-8")

    return step


def copy(selector: str) -> Step:
    """Clicks, and reads what was copied."""

    def step(walk: Walk) -> None:
        walk.click(selector)
        walk.one("[role=status]:not(:empty)").wait_for()
        walk.got = walk.page.evaluate("navigator.clipboard.readText()")

    return step


def point(selector: str) -> Step:
    """Points at something: a tap where there is no mouse."""

    def step(walk: Walk) -> None:
        if walk.phone:
            walk.click(selector)
        else:
            walk.one(selector).hover()

    return step


def again(walk: Walk) -> None:
    """Loads the page once more."""
    walk.page.reload()


def on_paper(walk: Walk) -> None:
    """As it prints."""
    walk.page.emulate_media(media="print")
