"""More than two hundred hostile pull requests: nothing runs, nothing leaks, and each is told what is wrong with it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
import yaml
from hostile.cases import (
    CARD,
    CASES,
    SECRET,
    SHARED,
    SURVEY,
    TAXONOMY,
    VENUES,
    Case,
    shared,
)
from hostile.tree import Tree, Watch, under_git, watch
from markdown_it import MarkdownIt

from surveykit import cli, load, scalars
from surveykit.cli import generated, reference
from surveykit.render import repository

COMMANDS = (
    ("validate", "--format", "json"),
    ("validate", "--format", "github"),
    ("validate", "--format", "sarif"),
    ("validate",),
    ("build", "--check"),
    ("report", "--base", "main"),
    ("report", "--base", "main", "--names"),
    ("doctor",),
)
FORMAT = {"json": 0, "github": 1, "sarif": 2, "text": 3, "build": 4, "report": 5, "names": 6, "doctor": 7}  # fmt: skip
MOST_SECONDS = 10


@pytest.fixture(scope="module")
def tree(tmp_path_factory, write_catalog) -> Tree:
    """The invented catalog, formatted, built and under git, with a secret beside it."""
    top = tmp_path_factory.mktemp("hostile")
    root, outside = write_catalog(top / "repo"), top / "outside"
    outside.mkdir()
    for name in ("secret.yaml", "secret.json", "card.yaml"):
        (outside / name).write_text(f'{{"headline": "{SECRET}"}}\n', encoding="utf-8")
    for command in ("fmt", "build"):
        assert _called(root, command) == 0
    under_git(root)
    return Tree(root, outside)


@pytest.fixture(scope="module")
def watched(tree) -> Watch:
    return watch(tree.root)


def _called(root: Path, *words: str) -> int:
    import sys
    from contextlib import chdir
    from unittest import mock

    given = ["surveykit", "--root", str(root), *words]
    with mock.patch.object(sys, "argv", given), chdir(root), pytest.raises(SystemExit) as stop:  # fmt: skip
        cli.main()
    return int(stop.value.code or 0)


def _once(key, made, real):
    """A function that is called once for each key."""

    def first(*args, **more):
        at = key(*args)
        if at not in made:
            made[at] = (
                real(*args, **more),
                args,
            )  # args: an id lasts as long as its object
        return made[at][0]

    return first


ALWAYS: dict[str, dict] = {"schema_json": {}, "format_doc": {}, "render_forms": {}, "reference": {}}  # fmt: skip
"""What does not depend on entries is made once in all."""


@pytest.fixture
def once(monkeypatch) -> None:
    """A tree that does not change is read once for all commands, and its outputs are made once."""
    for module, name, key in (
        (load, "check", lambda root, paths=(): (root, *paths)),
        (generated, "generated", id),
    ):
        monkeypatch.setattr(module, name, _once(key, {}, getattr(module, name)))
    for name, made in ALWAYS.items():
        module = reference if name == "reference" else repository
        key = lambda *args: repr([(c.survey, c.taxonomy, c.venues) for c in args])  # noqa: E731
        monkeypatch.setattr(module, name, _once(key, made, getattr(module, name)))


def looked_at(tree, watched, capsys, case: Case) -> list[tuple[int, str]]:
    """Exit code and outputs of every command; what it did beside that is a failure."""
    results = []
    with tree.changed(case.files):
        before = tree.state()
        for command in COMMANDS:
            capsys.readouterr()
            start = time.process_time()
            with watched.watching() as deeds:
                code = _called(tree.root, *command)
            assert deeds == [], command
            assert time.process_time() - start < MOST_SECONDS, command
            said = capsys.readouterr()
            text = said.out + said.err if command[0] != "validate" else said.out
            assert "Traceback" not in said.out + said.err
            assert SECRET not in said.out + said.err
            hidden = re.sub(
                r"[^\n]", lambda c: "" if c[0].isprintable() else c[0], text
            )
            assert set(hidden) <= {"\n"}, command
            results.append((code, said.out))
        assert tree.state() == before
    return results


def shows_no_markup(report: str) -> None:
    """A report in which nothing is an element, an image or a link but what the program itself writes."""
    ours = re.compile(r"<!-- surveykit report -->\n?|</?span>|<details><summary>.*</summary>\n?|</details>\n?")  # fmt: skip
    for token in MarkdownIt("commonmark").enable("table").parse(report):
        for part in (token, *(token.children or ())):
            assert part.type not in ("image", "link_open"), part
            if part.type in ("html_block", "html_inline"):
                assert ours.fullmatch(part.content), part.content


def judged(case: Case, results: list[tuple[int, str]]) -> None:
    codes = [code for code, _ in results]
    out = {name: results[index][1] for name, index in FORMAT.items()}
    problems = json.loads(out["json"])["problems"]
    rules = {p["rule"] for p in problems}
    errors = any(p["severity"] == "error" for p in problems)
    assert case.rule in rules if case.rule else not errors, problems
    assert codes[:4] == [int(errors)] * 4
    assert codes[FORMAT["build"]] in ((1,) if errors else (0, 1))
    assert codes[FORMAT["report"]] in ((1,) if errors else (0, 1))
    assert codes[FORMAT["names"]] == 0
    assert codes[FORMAT["doctor"]] in ((1,) if errors else (0, 1))
    assert len(out["text"].splitlines()) == len(problems) + 1
    for line in out["github"].splitlines():
        assert re.fullmatch(r"::(?:error|warning) file=[^,:]*,line=\d+,col=\d+,title=SK\d{3}::.*", line)  # fmt: skip
    assert len(out["github"].splitlines()) == len(problems)
    assert len(json.loads(out["sarif"])["runs"][0]["results"]) == len(problems)
    assert all(scalars.is_id(name) for name in out["names"].splitlines())
    assert len(out["report"]) < 65_536
    shows_no_markup(out["report"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.usefixtures("once")
def test_a_hostile_pull_request_does_nothing_and_is_told_why(
    tree, watched, capsys, case
):
    judged(case, looked_at(tree, watched, capsys, case))


@pytest.mark.parametrize("index", range(len(SHARED)), ids=[row[0] for row in SHARED])
@pytest.mark.usefixtures("once")
def test_hostile_files_that_all_entries_share(tree, watched, capsys, index):
    good = {
        path: yaml.safe_load((tree.root / path).read_text(encoding="utf-8"))
        for path in (SURVEY, TAXONOMY, VENUES, CARD)
    }
    case = list(shared(good))[index]
    judged(case, looked_at(tree, watched, capsys, case))


def test_there_are_two_hundred_of_them():
    names = [case.name for case in CASES] + [row[0] for row in SHARED]
    assert len(names) == len(set(names)) >= 200


def test_the_watch_sees_what_it_watches_for(tree, watched):
    import subprocess

    with watched.watching() as deeds:
        (tree.outside / "x").write_text("x", encoding="utf-8")
        (tree.outside / "secret.yaml").read_text(encoding="utf-8")
        subprocess.run(["true"], check=True)
        (tree.outside / "x").unlink()
    assert [deed.split()[0] for deed in deeds] == ["wrote", "read", "ran", "os.remove"]
