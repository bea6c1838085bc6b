"""The weekly look at the papers on the forge: one issue, kept as it is while nothing changes, and one branch."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

FILE = Path(__file__).parents[1] / ".github/workflows/health.yml"
GH = """#!/bin/bash
echo "$*" >> "$STATE/calls"
case "$1 $2" in
  "issue list"|"pr list") cat "$STATE/number" 2>/dev/null ;;
  "issue view") cat "$STATE/body" ;;
  "issue create"|"issue edit") while [ $# -gt 0 ]; do [ "$1" = --body-file ] && cp "$2" "$STATE/body"; shift; done; echo 7 > "$STATE/number" ;;
  "issue close") rm -f "$STATE/number" ;;
  "pr create") echo 9 > "$STATE/number" ;;
esac
exit 0
"""


def script(job, name):
    steps = yaml.safe_load(FILE.read_text(encoding="utf-8"))["jobs"][job]["steps"]
    return next(step["run"] for step in steps if step.get("name") == name)


@pytest.fixture
def forge(tmp_path):
    """Runs a step with a `gh` that keeps one issue or one pull request; gives what was asked of it."""
    state, gh = tmp_path / "state", tmp_path / "bin/gh"
    state.mkdir()
    gh.parent.mkdir()
    gh.write_text(GH, encoding="utf-8")
    gh.chmod(gh.stat().st_mode | stat.S_IXUSR)

    def run(text, folder, **more):
        (state / "calls").write_text("", encoding="utf-8")
        env = {"PATH": f"{gh.parent}:{os.environ['PATH']}", "HOME": str(tmp_path), "STATE": str(state), "GH_REPO": "o/r", "GH_TOKEN": "x"}  # fmt: skip
        subprocess.run(["bash", "-e", "-c", text], cwd=folder, env=env | more, check=True, capture_output=True, timeout=60)  # fmt: skip
        calls = (state / "calls").read_text(encoding="utf-8").splitlines()
        return [" ".join(call.split()[:2]) for call in calls]

    return run


def test_one_issue_is_opened_left_alone_changed_and_closed(forge, tmp_path):
    step = script("issue", "One issue, opened, kept up to date and closed")
    body = tmp_path / "health.md"
    more = {"TITLE": "What became of the papers"}
    body.write_text("Nothing needs a hand.\n", encoding="utf-8")
    assert forge(step, tmp_path, CODE="0", **more) == ["issue list"]
    assert forge(step, tmp_path, CODE="3", **more) == ["issue list"]
    body.write_text("1 finding\n", encoding="utf-8")
    assert forge(step, tmp_path, CODE="1", **more) == ["issue list", "issue create"]
    assert forge(step, tmp_path, CODE="1", **more) == ["issue list", "issue view"]
    body.write_text("2 findings 统\n" * 9000, encoding="utf-8")
    assert forge(step, tmp_path, CODE="1", **more) == ["issue list", "issue view", "issue edit"]  # fmt: skip
    assert (tmp_path / "state/body").stat().st_size <= 60_000
    assert forge(step, tmp_path, CODE="0", **more) == ["issue list", "issue close"]


def test_the_findings_are_one_branch_that_holds_nothing_else(forge, tmp_path):
    def git(*words, at):
        done = subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@e.org", *words], cwd=at, check=True, capture_output=True, text=True, timeout=60)  # fmt: skip
        return done.stdout.strip()

    remote, home = tmp_path / "remote.git", tmp_path / "home"
    git("init", "-q", "--bare", str(remote), at=tmp_path)
    git("init", "-q", "-b", "main", str(home), at=tmp_path)
    (home / "catalog").mkdir()
    (home / "catalog/survey.yaml").write_text("a\n", encoding="utf-8")
    git("add", ".", at=home)
    git("commit", "-q", "-m", "base", at=home)
    found = home / "found/catalog/health.json"
    found.parent.mkdir(parents=True)
    found.write_text("{}\n", encoding="utf-8")
    (home / "found/health.md").write_text("x\n", encoding="utf-8")
    address = f"url.{remote}.insteadOf"
    rewritten = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": address, "GIT_CONFIG_VALUE_0": "https://x-access-token:x@github.com/o/r.git"}  # fmt: skip
    step = script("keep", "One branch and its pull request, the same one each time")
    assert forge(step, home, **rewritten) == ["pr list", "pr create"]
    assert git("diff", "--name-only", "main", "health", at=home) == "catalog/health.json"  # fmt: skip
    assert git("rev-parse", "health", at=home) == git("rev-parse", "refs/heads/health", at=remote)  # fmt: skip
    git("switch", "-q", "main", at=home)
    git("branch", "-q", "-D", "health", at=home)
    found.write_text('{"date": "2026-12-07"}\n', encoding="utf-8")
    assert forge(step, home, **rewritten) == ["pr list", "pr edit"]
    git("switch", "-q", "--detach", "health", at=home)
    assert forge(step, home, **rewritten) == []  # nothing new
