"""How quickly the paper table answers in a real Chromium, at any number of papers.

A keystroke is timed from the key's event to the end of the layout that it causes, in the page's own clock.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import synthetic
from playwright.sync_api import CDPSession, Page
from rich.console import Console

sys.path.insert(0, str(synthetic.REPOSITORY))
from tests.chromium import chromium
from tests.site.conftest import served
from tests.site.waiting import wait_until

TYPED = (
    "backdoor",
    "contrastive encoder",
    "bakdoor",
    "后门检测",
    "lindström",
    "2012.0",
)
"""Words as they are typed, letter by letter: common, two words, misspelt, Chinese, with accents, an identifier."""
_OBSERVE = """
new MutationObserver((_, watcher) => {
  if (!document.querySelector(".sk-active li")) return;
  watcher.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.painted = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
_TYPE = """
text => {
  const find = document.querySelector("#find");
  find.value = text;
  const start = performance.now();
  find.dispatchEvent(new Event("input", { bubbles: true }));
  document.body.getBoundingClientRect();
  return performance.now() - start;
}
"""
_WORK = ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration")


@dataclass(frozen=True)
class Speed:
    """Milliseconds in Chromium, each the best of some runs, as other work on the machine only adds."""

    entries: int
    first_results: float
    """From the arrival of page and script to the first frame with the filtered rows."""
    from_navigation: float
    """From the call of a shared address to that frame."""
    keystroke: float
    """From a key to the end of the layout that it causes, 95th percentile over all keystrokes."""
    slowest: float
    """The same for the slowest keystroke."""
    processor: float
    """Processor time of script, style and layout for a keystroke, 95th percentile."""


def build(entries: int, root: Path) -> Path:
    """The English site of a synthetic catalog."""
    synthetic.write(root, entries)
    shutil.copy(synthetic.REPOSITORY / "mkdocs.yml", root)
    shutil.copytree(synthetic.REPOSITORY / "site", root / "site")
    command = [sys.executable, "-m", "mkdocs", "build", "-f", str(root / "mkdocs.yml")]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(
        [*command, "-d", str(root / "built")],
        env=env,
        check=True,
        capture_output=True,
        timeout=1800,
    )
    return root / "built"


def measure(entries: int, runs: int = 3) -> Speed:
    """Speed of the table with that many papers."""
    with tempfile.TemporaryDirectory() as folder:
        return look(build(entries, Path(folder)), entries, runs)


def look(site: Path, entries: int, runs: int = 3) -> Speed:
    """Speed of the table of a built site."""
    loads: list[tuple[float, float]] = []
    keys: list[list[tuple[float, float]]] = []
    with served(site) as address, chromium() as browser:
        for _ in range(runs):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            loads.append(_load(page, address + "papers/?threat=backdoor"))
            keys.append(_keystrokes(page, address + "papers/"))
            page.close()
    arrived, called = (min(times) for times in zip(*loads, strict=True))
    best = [
        [min(key) for key in zip(*each, strict=True)]
        for each in zip(*keys, strict=True)
    ]
    wall, processor = (sorted(times) for times in zip(*best, strict=True))
    most = int(len(wall) * 0.95)
    return Speed(entries, arrived, called, wall[most], wall[-1], processor[most])


def _load(page: Page, address: str) -> tuple[float, float]:
    page.add_init_script(_OBSERVE)
    page.goto(address, wait_until="load")
    page.wait_for_timeout(1000)  # a question to the page would be work for the page
    painted, arrived = page.evaluate(
        "[window.painted, Math.max(performance.timing.domInteractive - performance.timeOrigin,"
        "...performance.getEntriesByType('resource')"
        ".filter(e => /explorer\\.js/.test(e.name)).map(e => e.responseEnd))]"
    )
    return painted - arrived, painted


def _keystrokes(page: Page, address: str) -> list[tuple[float, float]]:
    """Of each keystroke: milliseconds on the clock, and of the processor."""
    page.goto(address, wait_until="load")
    page.locator("#find").focus()
    wait_until(page, "!document.querySelector('.sk-ex[aria-busy]')")
    meter = page.context.new_cdp_session(page)
    meter.send("Performance.enable", {"timeDomain": "threadTicks"})
    return [
        _keystroke(page, meter, text[:n])
        for text in TYPED
        for n in range(1, len(text) + 1)
    ]


def _keystroke(page: Page, meter: CDPSession, text: str) -> tuple[float, float]:
    before = _work(meter)
    wall = page.evaluate(_TYPE, text)
    worked = _work(meter) - before
    page.wait_for_timeout(40)
    return wall, worked


def _work(meter: CDPSession) -> float:
    told = meter.send("Performance.getMetrics")["metrics"]
    return 1000 * sum(m["value"] for m in told if m["name"] in _WORK)


if __name__ == "__main__":
    for number in map(int, sys.argv[1:] or ["353", "5000"]):
        Console().print(measure(number))
