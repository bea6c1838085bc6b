"""The trial of docs/after-material.md: ProperDocs makes the same site as MkDocs, without MkDocs.

A small survey in two languages is built by both, and no byte may differ.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

ROOT = Path(__file__).parents[2]
CONFIGS = {"en": "mkdocs.yml", "zh": "site/mkdocs.zh.yml"}
TITLES = {"en": "Edible Mushrooms", "zh": "食用菌"}
TABS = {"en": "Papers", "zh": "论文"}
ENTRY = "example2024first"


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """Generator and language -> folder of the site; ProperDocs runs where `import mkdocs` fails."""
    home = tmp_path_factory.mktemp("next")
    absent = home / "absent/mkdocs/__init__.py"
    absent.parent.mkdir(parents=True)
    absent.write_text("raise ImportError('MkDocs is absent')\n", "utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SURVEYKIT_")}
    kept["NO_MKDOCS_2_WARNING"] = "1"

    def run(*words, cwd, first=()):
        env = {**kept, "PYTHONPATH": os.pathsep.join(map(str, (*first, ROOT / "src")))}
        done = subprocess.run([sys.executable, "-m", *words], cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr

    names = ("--title", TITLES["en"], "--title-zh", TITLES["zh"], "--topics", "Boletes=牛肝菌")  # fmt: skip
    run("surveykit.cli", "init", "demo", *names, cwd=home)
    made = {}
    for generator, first in (("mkdocs", ()), ("properdocs", [home / "absent"])):
        for lang, config in CONFIGS.items():
            folder = made[generator, lang] = home / generator / lang
            run(generator, "build", "--strict", "-f", config, "-d", str(folder), cwd=home / "demo", first=first)  # fmt: skip
    return made


def content(folder):
    """Path -> bytes; the packed sitemap holds the time of its packing."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".gz"
    }


@pytest.mark.parametrize("lang", CONFIGS)
def test_both_make_the_same_files(sites, lang):
    ours, theirs = (content(sites[generator, lang]) for generator in ("mkdocs", "properdocs"))  # fmt: skip
    assert len(ours) > 40
    assert ours.keys() == theirs.keys()
    assert [path for path in ours if ours[path] != theirs[path]] == []


@pytest.mark.parametrize("lang", CONFIGS)
def test_a_reader_finds_title_tabs_entry_and_search(sites, lang):
    folder = sites["properdocs", lang]
    home = LexborHTMLParser((folder / "index.html").read_text("utf-8"))
    assert home.css_first("h1").text() == TITLES[lang]
    assert home.css_first("html").attributes["lang"] == lang
    tabs = {tab.attributes["href"]: tab.text(strip=True) for tab in home.css(".md-tabs__link")}  # fmt: skip
    assert tabs["papers/"] == TABS[lang]
    entry = LexborHTMLParser((folder / "papers" / ENTRY / "index.html").read_text("utf-8"))  # fmt: skip
    assert entry.css_first("meta[http-equiv=Content-Security-Policy]")
    index = (folder / "search-index.js").read_text("utf-8")
    assert ENTRY in index
    assert entry.css_first("h1").text(strip=True) in index


def test_make_takes_the_generator():
    for words, generator in (([], "mkdocs"), (["GENERATOR=properdocs"], "properdocs")):
        planned = subprocess.run(["make", "-n", "-B", "build/next", "build/next-zh", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout  # fmt: skip
        assert planned.count(f".venv/bin/{generator} build --strict") == 2
