"""The adapter: a bad catalog stops a build before anything is touched; a changed entry starts one."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, BuildError
from selectolax.lexbor import LexborHTMLParser

from surveykit.mkdocs_plugin import SurveykitPlugin

ROOT = Path(__file__).parents[2]


def configured(repository, site_dir):
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(site_dir))
    config.plugins["surveykit"].config.repository = str(repository)
    return config


def test_a_bad_entry_stops_the_build_and_leaves_the_old_site_whole(
    catalog_dir, tmp_path, caplog
):
    entry = next((catalog_dir / "catalog" / "papers").rglob("*.yaml"))
    entry.write_text(entry.read_text("utf-8") + "nonsense: 1\n", "utf-8")
    old = tmp_path / "site" / "index.html"
    old.parent.mkdir()
    old.write_text("old", "utf-8")
    with caplog.at_level(logging.ERROR), pytest.raises((Abort, BuildError, SystemExit)):
        build(configured(catalog_dir, old.parent))
    assert old.read_text("utf-8") == "old"
    assert [path.name for path in old.parent.iterdir()] == ["index.html"]
    assert entry.name in caplog.text
    assert "nonsense" in caplog.text


def test_serving_watches_the_entries_and_the_style(catalog_dir, tmp_path):
    class Server:
        def __init__(self):
            self.watched = []

        def watch(self, path):
            self.watched.append(Path(path))

    config = configured(catalog_dir, tmp_path)
    plugin = config.plugins["surveykit"]
    assert isinstance(plugin, SurveykitPlugin)
    server = Server()
    assert plugin.on_serve(server, config=config, builder=build) is server
    assert catalog_dir / "catalog" in server.watched
    assert ROOT / "site" / "assets" in server.watched


def test_generated_pages_link_to_their_entry_and_are_not_in_the_navigation(
    build_site, catalog, tmp_path
):
    site = build_site(catalog, tmp_path)
    for paper in catalog.papers:
        html = (site / "papers" / paper.id / "index.html").read_text("utf-8")
        assert f"/edit/main/{catalog.paths[paper.id]}" in html
    home = LexborHTMLParser((site / "index.html").read_text("utf-8"))
    links = {a.attributes["href"] for a in home.css("nav.md-nav--primary li a")}
    assert "papers/" in links
    assert not {f"papers/{paper.id}/" for paper in catalog.papers} & links
