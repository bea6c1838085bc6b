"""The built site before three judges: the Nu HTML checker and Lighthouse, from npm at a pinned version, and axe-core.

    python benchmarks/audit.py html               every page: 0 errors
    python benchmarks/audit.py axe                every kind of page, both languages, light and dark, desktop and phone: 0 violations
    python benchmarks/audit.py lighthouse         every kind of page, both languages: at least 98 of 100

`make audit` builds the site, installs what is needed below build/npm and runs this file. Java and Chromium are needed.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.site.kinds import KINDS  # noqa: E402

NPM = ROOT / "build/npm"
LEAST = 98
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
CHROME = "--headless=new --no-sandbox --disable-gpu --disable-background-networking"


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def html(site: Path) -> int:
    """Number of errors in all pages; each kind is printed once with a place."""
    jar = NPM / "node_modules/vnu-jar/build/dist/vnu.jar"
    command = ["java", "-jar", str(jar), "--format", "json", "--errors-only"]
    done = subprocess.run(
        [*command, "--skip-non-html", str(site)],
        stderr=subprocess.PIPE,
        text=True,
        timeout=3600,
        check=False,
    )
    messages = json.loads(done.stderr)["messages"]
    kinds = {message["message"]: message for message in messages}
    for text, message in kinds.items():
        say(f"{message['url']}:{message.get('lastLine', 1)}: {text}")
    pages = sum(1 for _ in site.rglob("*.html"))
    say(f"{pages} pages, {len(messages)} errors")
    return len(messages)


def axe(site: Path) -> int:
    """Number of pages with a barrier; the tests look at a quarter of these ways to see them."""
    from tests.chromium import chromium
    from tests.site.axe import barriers

    faults = seen = 0
    ways = [*product(("", "zh/"), ("light", "dark"), (1440, 390))]
    with served(site) as address, chromium() as browser:
        for (kind, path), (lang, scheme, width) in product(KINDS.items(), ways):
            page = browser.new_page(
                viewport={"width": width, "height": 900},
                color_scheme="dark" if scheme == "dark" else "light",
                reduced_motion="reduce",
            )
            page.goto(address + lang + path, wait_until="load")
            seen += 1
            if told := barriers(page):
                faults += 1
                say(f"{kind} {lang or 'en/'} {scheme} {width}: {told}")
            page.close()
    say(f"{seen} views, {faults} with a barrier")
    return faults


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files, packed and with a lifetime, as the hosts of static sites send them."""

    def send_head(self):  # type: ignore[no-untyped-def]
        """The file, gzipped where that helps."""
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if path.suffix not in (".html", ".css", ".js", ".json", ".svg", ".xml"):
            return super().send_head()
        if not path.is_file():
            return super().send_head()
        body = gzip.compress(path.read_bytes(), 6)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def end_headers(self) -> None:
        """With the ten minutes that GitHub Pages grants."""
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Silence."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Address of the site on loopback."""
    handler = functools.partial(Handler, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


def lighthouse(site: Path, names: list[str], out: Path) -> int:
    """Number of scores below the least; every score is printed, and what cost points."""
    low = 0
    out.mkdir(parents=True, exist_ok=True)
    with served(site) as address:
        for lang, name in product(("", "zh/"), names):
            place = out / f"{name}-{lang[:-1] or 'en'}.json"
            report = _judged(address + lang + KINDS[name], place)
            scores = {c: round(100 * (report["categories"][c]["score"] or 0)) for c in CATEGORIES}  # fmt: skip
            low += sum(score < LEAST for score in scores.values())
            say(f"{place.stem} {scores}")
            for line in _losses(report):
                say(f"    {line}")
    return low


def _judged(url: str, out: Path) -> dict[str, object]:
    program = NPM / "node_modules/.bin/lighthouse"
    chrome = shutil.which("chromium") or shutil.which("google-chrome") or ""
    flags = ["--quiet", "--output=json", f"--output-path={out}"]
    only = f"--only-categories={','.join(CATEGORIES)}"
    subprocess.run(
        [str(program), url, *flags, only, f"--chrome-flags={CHROME}"],
        env={**os.environ, "CHROME_PATH": chrome},
        timeout=600,
        check=True,
    )
    return json.loads(out.read_text("utf-8"))


def _losses(report: dict) -> Iterator[str]:  # type: ignore[type-arg]
    for category in CATEGORIES:
        for ref in report["categories"][category]["auditRefs"]:
            audit = report["audits"][ref["id"]]
            if ref["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                told = audit.get("displayValue", "")
                yield f"{category}: {audit['title']} {told} ({audit['score']})"


def main() -> int:
    """Exit code 1 where a judge finds fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("judge", choices=("html", "axe", "lighthouse"))
    parser.add_argument("--site", type=Path, default=ROOT / "build/site")
    parser.add_argument("--out", type=Path, default=ROOT / "build/lighthouse")
    parser.add_argument("--page", action="append", choices=KINDS)
    asked = parser.parse_args()
    if asked.judge == "html":
        return bool(html(asked.site))
    if asked.judge == "axe":
        return bool(axe(asked.site))
    return bool(lighthouse(asked.site, asked.page or [*KINDS], asked.out))


if __name__ == "__main__":
    sys.exit(main())
