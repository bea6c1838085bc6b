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
from playwright.sync_api import Page, sync_playwright
from rich.console import Console

sys.path.insert(0, str(synthetic.REPOSITORY))
from tests.site.conftest import ARGS, served

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
  if (!document.querySelector(".sk-active li") || document.querySelector(".sk-older")) return;
  watcher.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.painted = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
_TYPE = """
async text => {
  const find = document.querySelector("#find"), times = [];
  for (let n = 1; n <= text.length; n++) {
    find.value = text.slice(0, n);
    const start = performance.now();
    find.dispatchEvent(new Event("input", { bubbles: true }));
    document.body.getBoundingClientRect();
    times.push(performance.now() - start);
    await new Promise(done => setTimeout(done, 60));
  }
  return times;
}
"""


@dataclass(frozen=True)
class Speed:
    """Milliseconds in Chromium."""

    entries: int
    first_results: float
    """From the arrival of the data to the first frame with the filtered rows, median of the runs."""
    from_navigation: float
    """From the click on a shared address to that frame."""
    keystroke: float
    """95th percentile over all keystrokes."""
    slowest: float
    """Slowest keystroke."""


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
    chromium = shutil.which("chromium")
    if not chromium:
        raise SystemExit("no chromium on the path; apt-get install chromium")
    loads: list[tuple[float, float]] = []
    keys: list[float] = []
    with served(site) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=ARGS)
        for _ in range(runs):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            loads.append(_load(page, address + "papers/?threat=backdoor"))
            keys += _keystrokes(page, address + "papers/")
            page.close()
        browser.close()
    data, whole = (sorted(times)[len(times) // 2] for times in zip(*loads, strict=True))
    keys.sort()
    return Speed(entries, data, whole, keys[int(len(keys) * 0.95)], keys[-1])


def _load(page: Page, address: str) -> tuple[float, float]:
    page.add_init_script(_OBSERVE)
    page.goto(address, wait_until="load")
    page.wait_for_function("window.painted")
    page.wait_for_timeout(500)
    painted, arrived = page.evaluate(
        "[window.painted, Math.max(...performance.getEntriesByType('resource')"
        ".filter(e => /find\\.json|explorer\\.js/.test(e.name)).map(e => e.responseEnd))]"
    )
    return painted - arrived, painted


def _keystrokes(page: Page, address: str) -> list[float]:
    page.goto(address, wait_until="load")
    page.locator("#find").focus()
    page.wait_for_timeout(1500)
    times: list[float] = []
    for text in TYPED:
        times += page.evaluate(_TYPE, text)
    return times


if __name__ == "__main__":
    for number in map(int, sys.argv[1:] or ["353", "5000"]):
        Console().print(measure(number))
