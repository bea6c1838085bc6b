"""One build, three places: at a root, below any path, and opened from a folder without a server."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
PAGES = ("", "zh/", "papers/jia2022badencoder/", "leaderboards/", "new/", "zh/matrix/")


class _Below(http.server.SimpleHTTPRequestHandler):
    """A folder below `/any/path/`, with the site's own error page."""

    start = "/any/path/"

    def log_message(self, *args):
        pass

    def translate_path(self, path):
        inside = path.startswith(self.start)
        return super().translate_path("/" + path.removeprefix(self.start) if inside else "/no such file")  # fmt: skip

    def send_error(self, code, *args):
        self.send_response(404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write((Path(self.directory) / "404.html").read_bytes())


@contextlib.contextmanager
def below(folder):
    handler = functools.partial(_Below, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{_Below.start}"
    finally:
        server.shutdown()
        server.server_close()


HREFS = """as => as.map(a => new URL(a.getAttribute("href"), document.baseURI).href)"""


@pytest.mark.parametrize("path", PAGES)
def test_no_link_leaves_the_place_of_the_site(visit, site, path):
    with below(site) as address:
        page = visit(path, address=address)
        own = [h for h in page.eval_on_selector_all("a[href]", HREFS) if "127.0.0.1" in h]  # fmt: skip
        assert own
        assert all(href.startswith(address) for href in own)


def test_the_error_page_is_whole_below_a_path(browser, site):
    with below(site) as address:
        page = browser.new_page()
        missing = []
        page.on("response", lambda r: r.status >= 400 and missing.append(r.url))
        page.goto(address + "no/such/page/")
        assert missing == [address + "no/such/page/"]
        hrefs = page.eval_on_selector_all("a[href]", HREFS)
        own = [href for href in hrefs if "127.0.0.1" in href]
        assert own
        assert all(href.startswith(address) for href in own)
        page.close()


def test_a_folder_on_disk_is_a_site(browser, site):
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.locator(".sk-strip h2 a").click()
    page.wait_for_url("**/new/index.html")
    page.locator(".sk-lang").click()
    page.wait_for_url("**/zh/new/index.html")
    assert page.locator("h1").inner_text() == "最新动态"
    page.close()


@pytest.mark.parametrize("path", ["", "zh/", "papers/jia2022badencoder/", "zh/about/"])
def test_every_page_names_its_twin_and_the_theme_asks_for_no_sitemap(visit, site, path):  # fmt: skip
    page = visit(path)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.mouse.move(
        50, 50, steps=2
    )  # the theme's script comes with the first sign of a hand
    page.wait_for_timeout(600)
    assert not [url for url in asked if "sitemap" in url]
    twins = page.eval_on_selector_all("link[hreflang]", "all => all.map(l => [l.hreflang, l.href])")  # fmt: skip
    root, bare = "https://survey.test/any/path/", path.removeprefix("zh/")
    assert twins == [["en", root + bare], ["zh-CN", f"{root}zh/{bare}"], ["x-default", root + bare]]  # fmt: skip
    canonical = page.locator("link[rel=canonical]").get_attribute("href")
    assert canonical == root + path


@pytest.mark.parametrize("path", ["about/", "zh/about/"])
def test_the_about_page_says_how_to_cite_the_survey(visit, path):
    page = visit(path, width=390)
    text = page.locator(".sk-cite pre").inner_text()
    assert text.startswith("@misc{survey2026,")
    assert "https://survey.test/any/path/" in text
    assert page.locator(".sk-written table").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
