"""Sites to look at: the real catalog in both languages, and a hostile one; and a browser."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from surveykit.load import load_catalog
from tests.chromium import MISSING, PROGRAM, chromium

ROOT = Path(__file__).parents[2]
PUBLISHED = {
    "SURVEYKIT_SITE": "https://survey.test/any/path/",
    "SURVEYKIT_REPOSITORY": "https://forge.test/group/survey",
}
"""Addresses of the sites that tests look at: nobody answers there."""
CONFIGS = {"en": "mkdocs.yml", "zh": "site/mkdocs.zh.yml"}

TELLS = """addEventListener("securitypolicyviolation", event => console.error(
    `policy: ${event.effectiveDirective} stopped ${event.blockedURI} ${event.sample}`));"""
"""Script that tells of all that a policy stops, also of what the console passes over."""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A browser that leaves a page hangs up in the middle; that is no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def served(folder):
    """Address of a folder on loopback."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def whole_catalog():
    """The real catalog, as the real site shows it."""
    return load_catalog(ROOT)


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The real site as `make site` makes it: English, with Chinese below zh/, both strict; made once for all workers."""
    home = tmp_path_factory.getbasetemp()
    home = (home if worker_id == "master" else home.parent) / "site"
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "en/zh").exists():
            _build(home)
    return home / "en"


def _build(home):
    env = {**os.environ, **PUBLISHED, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    builds = []
    for lang, config in CONFIGS.items():
        with (home / f"{lang}.log").open("w") as log:
            words = [*command, "-f", config, "-d", str(home / lang)]
            builds.append(subprocess.Popen(words, cwd=ROOT, env=env, stdout=log, stderr=log))  # fmt: skip
    for build, lang in zip(builds, CONFIGS, strict=True):
        assert build.wait(timeout=500) == 0, (home / f"{lang}.log").read_text()
    (home / "zh").rename(home / "en/zh")


@pytest.fixture(scope="session")
def build_site():
    """Builds a catalog that need not be on disk into a folder, both languages."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    from surveykit import mkdocs_plugin

    def make(catalog, home):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NO_MKDOCS_2_WARNING", "1")
            for name, address in PUBLISHED.items():
                patch.setenv(name, address)
            patch.setattr(mkdocs_plugin, "load_catalog", lambda _: catalog)
            for lang, path in CONFIGS.items():
                config = load_config(str(ROOT / path), site_dir=str(home / lang))
                config.plugins.on_startup(command="build", dirty=False)
                build(config)
        (home / "zh").rename(home / "en" / "zh")
        return home / "en"

    return make


def under_its_path(site, folder):
    """Puts a site where its address says, below the folder of a server; gives that path."""
    path = urlsplit(PUBLISHED["SURVEYKIT_SITE"]).path.strip("/")
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).symlink_to(site)
    return f"{path}/"


@pytest.fixture(scope="session")
def serve():
    """Serves a folder on loopback: a context manager that gives the address."""
    return served


@pytest.fixture(scope="session")
def browser():
    """A real Chromium."""
    if PROGRAM is None:
        pytest.skip(MISSING)
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def base(site):
    """Address of the real site."""
    with served(site) as address:
        yield address


@pytest.fixture
def visit(browser, base):
    """Opens pages; fails at the end if one erred, broke its policy, asked another host, or missed a file."""
    contexts, faults = [], []

    def open_page(
        path,
        *,
        address=base,
        width=1440,
        scheme="light",
        script=True,
        routes=(),
        until="load",
        first="",
    ):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="reduce",
            java_script_enabled=script,
            accept_downloads=True,
        )
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("console", lambda told: _refused(told, faults))
        page.on("request", lambda r: _outside(r.url, address, faults))
        page.on("response", lambda r: _missing(r, faults))
        for pattern, handler in dict(routes).items():
            page.route(pattern, handler)
        page.add_init_script(TELLS + first)
        page.goto(address + path, wait_until=until)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def _refused(told, faults):
    """Whatever the console calls an error, but for files that do not come: tests hold some back."""
    if told.type == "error" and not told.text.startswith("Failed to load resource"):
        faults.append(f"console: {told.text}")


def _outside(url, address, faults):
    if not url.startswith((address, "blob:", "data:")):
        faults.append(f"request to another host: {url}")


def _missing(response, faults):
    if response.status >= 400:
        faults.append(f"{response.status}: {response.url}")
