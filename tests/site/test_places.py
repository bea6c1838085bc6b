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
