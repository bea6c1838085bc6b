"""Every block of shell that READMEs, guides and documents show is run, in a copy of a small part of the catalog.

What would take minutes, a network or another machine stands in one table with the reason: it is held against the program
that would read it. Both languages show the same commands.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from surveykit.cli import app

ROOT = Path(__file__).parents[1]
FILES = ("README*.md", "CONTRIBUTING*.md", "docs/**/*.md", "reference_impls/README*.md")
PLACES = [path for pattern in FILES for path in sorted(ROOT.glob(pattern))]
NETWORK, MINUTES, SERVER = "asks hosts outside", "takes minutes", "needs a server"
ENDLESS = "does not end by itself"
NOT_RUN = {
    r"surveykit verify": NETWORK,
    r"surveykit check-links": NETWORK,
    r"surveykit discover (?!--from)": NETWORK,
    r"make ": MINUTES,
    r"pytest ": MINUTES,
    r"python -m reference_impls\.(?!artifact_scan run \w+\.pkl)": MINUTES,
    r"python -m http\.server": ENDLESS,
    r"surveykit serve": ENDLESS,
    r"surveykit impl run": MINUTES,
    r"pip install": NETWORK,
    r"rsync ": SERVER,
}
"""Beginning of a command -> why it is not run here."""
MAY_FIND = ("add 2303", "import", "init", "doctor", "coverage", "artifact_scan")
"""Commands that end with 1, as they find something; where they say so, the document does."""
SAYS = ("docs/tutorials/add-a-paper.md", "docs/migrate.md", "docs/tutorials/scan-an-encoder.md")  # fmt: skip
"""Documents whose blocks of output are what the commands print; others depend on the whole catalog."""
ALSO = ("zhu2025unified", "jindal2026clipinspector", "jia2022badencoder")
"""Entries that make the shown questions have answers, besides those that are named."""
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ID = re.compile(r"\b[a-z]+(?:19|20)\d\d[a-z0-9]+\b")


def commands(block: str) -> Iterator[str]:
    """The commands of a block, each with what it reads from the lines below it."""
    lines = iter(block.splitlines())
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        whole = line
        while whole.endswith("\\"):
            whole += "\n" + next(lines)
        if end := re.search(r"<<'(\w+)'", line):
            for more in lines:
                whole += "\n" + more
                if more == end[1]:
                    break
        yield whole


def blocks(path: Path, language: str) -> list[str]:
    return [b for kind, b in BLOCK.findall(path.read_text("utf-8")) if kind == language]


def plain(command: str) -> str:
    """A command without its folder and without the remark behind it."""
    return re.sub(r"\s+#.*$", "", re.sub(r"^\.venv/bin/", "", command))


def why_not(command: str) -> str:
    return next((why for start, why in NOT_RUN.items() if re.match(start, plain(command))), "")  # fmt: skip


SHOWN = {p.relative_to(ROOT).as_posix(): p for p in PLACES if blocks(p, "sh")}
NOT_RUN_HERE = sorted({plain(c) for p in SHOWN.values() for b in blocks(p, "sh") for c in commands(b) if why_not(c)})  # fmt: skip


def understood(command: str) -> None:
    """The program that would run it reads its words."""
    program, *words = shlex.split(command)
    if program == "surveykit":
        context = app.make_context("surveykit", list(words))
        name, sub, rest = app.resolve_command(context, list(words))
        assert sub
        with context:
            sub.make_context(name, rest, parent=context)
    elif program == "make":
        subprocess.run(["make", "-n", *words], cwd=ROOT, check=True, capture_output=True)  # fmt: skip
    elif program == "pytest":
        assert all((ROOT / word).exists() for word in words if word.startswith("tests"))
    elif words[:2] == ["-m", "http.server"]:
        assert "--directory" in subprocess.run([sys.executable, "-m", "http.server", "--help"], check=True, capture_output=True, text=True).stdout  # fmt: skip
    elif program == "python":  # its words are read by test_shown_commands.py
        name = words[1].partition(".")[2]
        assert (ROOT / "reference_impls" / name / "__main__.py").is_file()
    elif program == "pip":
        assert words[0] == "install"
    else:
        assert program == "rsync"


@pytest.fixture(scope="module")
def entries():
    """Files of the entries that the blocks and the methods name, and of those that these lead to."""
    files = {path.stem: path for path in ROOT.glob("catalog/papers/*/*.yaml")}
    shown = "".join(b for p in SHOWN.values() for b in blocks(p, "sh"))
    cards = "".join(p.read_text("utf-8") for p in ROOT.glob("reference_impls/*/card.yaml"))  # fmt: skip
    waiting, found = [*ALSO, *ID.findall(shown + cards)], set()
    while waiting:
        one = waiting.pop()
        if one in files and one not in found:
            found.add(one)
            waiting += re.findall(r"^ *(?:- )?to: (\w+)$", files[one].read_text("utf-8"), re.MULTILINE)  # fmt: skip
    return {files[one].relative_to(ROOT).as_posix() for one in found}


@pytest.fixture
def copy(entries, tmp_path):
    """A clone with those entries alone, in which everything is committed."""
    home = tmp_path / "clone"
    shared = ("survey", "taxonomy", "venues", "declined", "link_policy", "kit")
    named = [f"catalog/{name}.yaml" for name in shared]
    named += [p.relative_to(ROOT).as_posix() for p in (ROOT / "reference_impls").glob("*/*") if p.suffix in {".yaml", ".svg", ".png", ".py"}]  # fmt: skip
    for path in [*named, *entries]:
        if (ROOT / path).is_file():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, home / path)
    shutil.copytree(ROOT / "reference_impls/lab", home / "reference_impls/lab", dirs_exist_ok=True)  # fmt: skip
    shutil.copyfile(ROOT / "reference_impls/__init__.py", home / "reference_impls/__init__.py")  # fmt: skip
    (home / ".venv").mkdir()
    (home / ".venv/bin").symlink_to(Path(sys.executable).parent)
    return home


def run(home: Path, script: str) -> str:
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
        **{
            f"GIT_{who}_{what}": "reader@survey.test"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    start = "set -eo pipefail\ngit init -q .\n"
    told = subprocess.run(["bash"], input=start + script, cwd=home, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # fmt: skip
    assert told.returncode == 0, told.stdout[-3000:]
    return told.stdout


def script(path: Path) -> str:
    """What is run of a document, with the entries that it shows written where it says."""
    lines = []
    for kind, block in BLOCK.findall(path.read_text("utf-8")):
        if kind == "sh":
            for command in commands(block):
                if why_not(command):
                    continue
                may = any(word in command for word in MAY_FIND)
                lines.append(tolerant(command) if may else f"{command}\n")
        elif kind == "yaml" and (entry := _entry(block)):
            target = f"catalog/papers/{entry['year']}/{entry['id']}.yaml"
            if "docs" in path.parts:
                lines.append(f"cat > {target} <<'ENTRY'\n{block}ENTRY\n")
    return "".join(lines)


def tolerant(command: str) -> str:
    """The command, which may end with 0 or 1."""
    first, *rest = command.splitlines()
    first = re.sub(r"(\s+#.*)?$", " || rc=$?", first, count=1)
    return "\n".join(["rc=0", first, *rest, "test $rc -le 1", ""])


def _entry(block: str) -> dict:
    data = yaml.safe_load(block)
    return data if isinstance(data, dict) and {"id", "year"} <= set(data) else {}


SCRIPTS = {re.sub(r"\s+#.*", "", script(path)): name for name, path in reversed(SHOWN.items()) if script(path)}  # fmt: skip
"""What is to be run, once, -> the document that shows it; the other language often shows the same."""


@pytest.mark.parametrize("name", sorted(set(SCRIPTS.values())))
def test_what_is_shown_runs(copy, name):
    if "refs.bib" in (shown := SHOWN[name].read_text("utf-8")) and "cat > refs" not in shown:  # fmt: skip
        (copy / "refs.bib").write_text("@misc{a, title={Seeds}, author={Linh Duong}, year={2024}}")  # fmt: skip
    told = run(copy, script(SHOWN[name]))
    for line in printed(SHOWN[name]) if name in SAYS else ():
        assert "…" in line or line.rstrip() in told, line
    if "add-a-paper" in name:
        assert "generated files: fine" in told


def printed(path: Path) -> Iterator[str]:
    """Lines that a document shows as what the commands above them print, where these are run."""
    ran = False
    for kind, block in BLOCK.findall(path.read_text("utf-8")):
        if kind:
            ran = kind == "sh" and not any(map(why_not, commands(block)))
        elif ran:
            yield from block.splitlines()


@pytest.mark.parametrize("command", NOT_RUN_HERE)
def test_what_is_not_run_is_understood(command, tmp_path, monkeypatch):
    (tmp_path / "links.txt").touch()
    monkeypatch.chdir(tmp_path)
    understood(command)


def test_every_line_of_the_table_is_needed():
    for start in NOT_RUN:
        assert any(re.match(start, command) for command in NOT_RUN_HERE), start


def test_both_languages_show_the_same_commands_and_what_they_print():
    for name, path in SHOWN.items():
        twin = path.with_name(path.name.replace(".md", ".zh-CN.md"))
        if not name.endswith(".zh-CN.md") and twin.exists() and name.startswith("docs/"):  # fmt: skip
            both = [[plain(c) for b in blocks(p, "sh") for c in commands(b)] for p in (path, twin)]  # fmt: skip
            assert both[0] == both[1], name
            assert blocks(path, "") == blocks(twin, ""), name
