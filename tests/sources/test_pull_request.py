"""A pull request that begins with `surveykit add`: services on loopback, a repository of its own, every command a contributor runs."""

from __future__ import annotations

import os
import subprocess

import pytest
from sources.answers import ATOM, atom, atom_entry, dblp
from sources.server import Answer, as_json

from surveykit.render.pull_report import MARKER

ID = "vanmuller2024planting"
PATH = f"catalog/papers/2024/{ID}.yaml"
CHINESE = "在虚构编码器中植入后门"
DECIDED = {
    "role": "attack",
    "threat": "backdoor",
    "technique": "encoder-backdoor",
    "stage": "use",
    "modality": "vision",
}


@pytest.fixture
def git(world):
    """The invented catalog under git, in order, on a branch of its own."""
    for command in ("fmt", "build"):
        assert world.run(command).code == 0

    def git(*arguments):
        who = {f"GIT_{who}_{what}": "a@e.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}  # fmt: skip
        done = subprocess.run(
            ["git", "-C", world.root, *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
            env=os.environ | who | {"GIT_CONFIG_GLOBAL": os.devnull},
        )
        return done.stdout

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "base")
    git("checkout", "-q", "-b", "paper")
    return git


def decide(path):
    """What a person does with the marks: the Chinese title, and one term an axis."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        axis = line.strip().partition(":")[0]
        decided = f"  {axis}: [{DECIDED.get(axis, '?')}]"
        lines.append(decided if "[todo" in line else line.replace("TODO", CHINESE))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_from_an_identifier_to_a_report_without_findings(world, server, git):
    server.answers["/arxiv"] = Answer(
        atom(atom_entry()), headers={"content-type": ATOM}
    )
    server.answers["/dblp"] = as_json(dblp())

    added = world.run("add", "2401.00001", "--yes")
    assert (added.code, added.out) == (0, f"{PATH}\n")
    draft = (world.root / PATH).read_text(encoding="utf-8")
    assert world.run("fmt", "--check").code == 0  # what is written is canonical
    early = world.run("report", "--base", "main")
    assert early.code == 1
    assert "SK352" in early.out
    assert "not compared while entries have errors" in early.out
    assert "0 stale" not in early.out

    decide(world.root / PATH)
    assert world.run("fmt").code == 0
    assert world.run("validate").code == 0
    assert world.run("build", "--check").code == 1
    assert world.run("build").code == 0
    git("add", ".")
    git("commit", "-q", "-m", "paper")

    report = world.run("report", "--base", "main")
    assert report.code == 0, report.out
    assert report.out.startswith(MARKER)
    assert f"### {ID} (new)" in report.out
    assert "✅ 0 stale" in report.out
    assert "Planting Backdoors in Invented Encoders" in report.out
    assert CHINESE in report.out
    changed = git("diff", "--name-only", "main").split()
    assert PATH in changed
    assert {"README.md", "survey.bib"} <= set(changed)
    assert not [p for p in changed if p.startswith("catalog/") and p != PATH]
    assert "TODO" in draft
    assert world.run("doctor").code == 0


def test_the_same_paper_again_changes_nothing(world, server, git):
    server.answers["/arxiv"] = Answer(
        atom(atom_entry()), headers={"content-type": ATOM}
    )
    server.answers["/dblp"] = as_json(dblp())
    world.run("add", "2401.00001", "--yes")
    before = git("status", "--porcelain", "-uall")
    again = world.run("add", "https://arxiv.org/abs/2401.00001v2", "--yes")
    assert again.code == 1
    assert ID in again.err + again.out
    assert git("status", "--porcelain", "-uall") == before
