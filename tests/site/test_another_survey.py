"""A survey of another field from a list, from beginning to end: pages, browser, pull request, links."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_init import LIST

ROOT = Path(__file__).parents[2]
PATHS = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests/links/names")])
FIELD = re.compile(
    r"encoder|backdoor|adversar|\bthreat|pre-?train|\battack|\bdefen[cs]e|编码器|后门|对抗|威胁|预训练|攻击|防御",
    re.IGNORECASE,
)
"""Words of the survey that the kit was made for."""
DOCUMENTS = (
    "docs/format.md",
    "docs/api.md",
    "docs/cli.md",
    "catalog/schema.json",
    "api/v1/openapi.json",
)
"""What describes the format of every survey: its relation types, the fields of its claims."""


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """Runs `surveykit` and other programs in the folder of a survey that was made from the list."""
    home = tmp_path_factory.mktemp("another")
    who = {f"GIT_{part}_{what}": f"{part}@e.test" for part in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}  # fmt: skip
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith("SURVEYKIT_")},
        **who,
        "PYTHONPATH": PATHS,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "XDG_CACHE_HOME": str(home / "cache"),
        "NO_MKDOCS_2_WARNING": "1",
    }

    def run(*words, cwd=home / "demo", module="surveykit.cli"):
        command = [sys.executable, "-m", module] if module else []
        done = subprocess.run([*command, *words], cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
        assert "Traceback" not in done.stderr
        return done

    (home / "README.md").write_text(LIST, "utf-8")
    made = run("init", "demo", "--title", "Wild Mushrooms", "--from", "README.md", cwd=home)  # fmt: skip
    assert made.returncode == 1, made.stderr
    return home / "demo", run


@pytest.fixture(scope="module")
def pages(started):
    folder, run = started
    built = run("build", "--strict", "-d", str(folder.parent / "site"), module="mkdocs")
    assert built.returncode == 0, built.stderr
    return folder.parent / "site"


def test_nothing_on_its_pages_is_of_the_first_field(started, pages):
    folder, _ = started
    own = [p for p in folder.rglob("*") if p.is_file()]  # fmt: skip
    made = [p for p in pages.rglob("*") if p.suffix in (".html", ".json", ".xml", ".atom", ".csv", ".bib", ".txt")]  # fmt: skip
    assert len(made) > 40
    odd = {
        path.as_posix(): sorted(found)[:3]
        for path in (*own, *made)
        if not path.as_posix().endswith(DOCUMENTS)
        and (found := set(FIELD.findall(path.read_text("utf-8", "replace"))))
    }
    assert odd == {}


def test_no_page_leads_nowhere(pages):
    missing = set()
    for path in pages.rglob("*.html"):
        if path.name == "404.html":
            continue  # its links are those of the place where it is published
        for href in re.findall(r'(?:href|src)="([^"#?]+)', path.read_text("utf-8")):
            if ":" in href or href.startswith("//"):
                continue
            target = (path.parent / href).resolve()
            if not (target if target.suffix else target / "index.html").exists():
                missing.add(href)
    assert missing == set()


def test_a_reader_finds_the_way(pages, serve, browser):
    faults = []
    with serve(pages) as address:
        page = browser.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)  # fmt: skip
        page.on("response", lambda r: faults.append(r.url) if r.status >= 400 else None)
        page.goto(address)
        assert page.locator("h1").inner_text() == "Wild Mushrooms"
        assert page.locator(".sk-lang").count() == 0
        tabs = page.locator(".md-tabs__link").all_inner_texts()
        assert tabs == ["Start here", "Papers", "Topic", "Group", "What’s new", "About"]
        page.goto(address + "papers/?topic=cooking")
        page.wait_for_function("document.querySelectorAll('.sk-papers tr.r:not([hidden])').length === 1")  # fmt: skip
        mark = page.locator(".sk-papers tr.r:not([hidden])")
        assert "Slow Heat, Low Risk" in mark.inner_text()
        colour = "e => getComputedStyle(e).getPropertyValue('--c').trim()"
        page.goto(address + "terms/topic/")
        colours = [row.evaluate(colour) for row in page.locator("tbody tr").all()]
        assert len(set(colours)) == len(colours) == 2  # each topic has its own
        page.close()
    assert faults == []


def test_a_pull_request_is_reported(started):
    folder, run = started
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "base"], ["checkout", "-q", "-b", "more"]):  # fmt: skip
        assert run("git", *words, module="").returncode == 0
    entry = folder / "catalog/papers/2021/holt2021caps.yaml"
    other = folder / "catalog/papers/2021/rossi2021ceps.yaml"
    text = entry.read_text("utf-8").replace("holt2021caps", "rossi2021ceps")
    text = re.sub(r"title:\n  en: .*", "title:\n  en: Ceps after Rain", text)
    text = text.replace("Vera Holt", "Carla Rossi").replace("'2101.00001'", "'2101.00077'").replace("2101.00001", "2101.00077")  # fmt: skip
    other.write_text(text, "utf-8")
    assert run("build").returncode == 0
    for words in (["add", "."], ["commit", "-q", "-m", "more"]):
        assert run("git", *words, module="").returncode == 0
    done = run("report", "--base", "main")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ceps after Rain" in done.stdout
    assert "topic: Finding" in done.stdout


def test_its_links_are_checked(started, serve, tmp_path):
    _, run = started
    (tmp_path / "there").write_text("<title>There</title>", "utf-8")
    with serve(tmp_path) as address:
        port = address.rstrip("/").rpartition(":")[2]
        urls = [f"http://shop.test:{port}/{name}" for name in ("there", "gone")]
        entry = started[0] / "catalog/papers/2022/sol2022slow.yaml"
        text = entry.read_text("utf-8")
        added = "".join(f"  {k}: {u}\n" for k, u in zip(("project", "slides"), urls, strict=True))  # fmt: skip
        entry.write_text(re.sub(r"(links:\n(?:  .*\n)+)", rf"\1{added}", text), "utf-8")
        assert run("fmt").returncode == 0
        done = run("check-links", "sol2022slow", "--allow", "127.0.0.0/8", "--spacing", "0", "--strikes", "1", "--format", "json", "--budget", "20s")  # fmt: skip
    assert done.stdout, done.stderr
    states = {row["url"]: row["state"] for row in json.loads(done.stdout)["links"]}
    assert (states[urls[0]], states[urls[1]]) == ("ok", "broken")


def test_what_it_lacks_is_looked_up_by_the_command_it_names(started):
    folder, run = started
    report = (folder / "IMPORTED.md").read_text("utf-8")
    named = re.search(r"`surveykit (add '[^`]+')`", report)
    assert named
    done = run(*named[1].replace("'", "").split(), "--help")
    assert done.returncode == 0
