"""The forge's files: safe, pinned, and what the forge understands."""

import json
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
BIN = Path(sys.executable).parent
NAMES = [path.name for path in WORKFLOWS]


def load(path):
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def steps():
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            for step in job["steps"]:
                yield pytest.param(
                    step,
                    id=f"{path.stem}-{name}-{step.get('name', step.get('uses', step.get('run')))[:40]}",
                )


def test_zizmor_finds_nothing():
    command = [BIN / "zizmor", "--offline", "--no-progress", ROOT / ".github"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def actionlint(*files):
    # Without the linters it would take from the PATH, each machine finds the same.
    command = [BIN / "actionlint", "-no-color", "-shellcheck=", "-pyflakes=", *files]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )


def test_actionlint_finds_nothing():
    done = actionlint(*WORKFLOWS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_sees_an_output_that_no_step_gives(tmp_path):
    path = tmp_path / "wrong.yml"
    path.write_text(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ steps.none.outputs.x }}\n",
        encoding="utf-8",
    )
    done = actionlint(path)
    assert done.returncode == 1
    assert '"none" is not defined' in done.stdout


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", WORKFLOWS),
        ("dependabot", [ROOT / ".github/dependabot.yml"]),
    ],
    ids=["workflows", "dependabot"],
)
def test_the_forge_understands_the_files(schema, files):
    command = [BIN / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=NAMES)
def test_actions_are_pinned_with_their_version_beside_them(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        if "uses:" in line:
            assert re.search(r"uses: [\w./-]+@[0-9a-f]{40}  # v[0-9.]+$", line), line


def test_one_action_has_one_version():
    pins = {}
    for path in WORKFLOWS:
        for action, sha in re.findall(
            r"uses: ([\w./-]+)@(\w+)", path.read_text(encoding="utf-8")
        ):
            assert pins.setdefault(action, sha) == sha, action


@pytest.mark.parametrize("path", WORKFLOWS, ids=NAMES)
def test_rights_are_given_job_by_job(path):
    workflow = load(path)
    rights = workflow["permissions"]
    assert (
        set(rights.values()) <= {"read"} if isinstance(rights, dict) else rights == ""
    )
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job


@pytest.mark.parametrize("step", list(steps()))
def test_scripts_hold_no_expressions_and_are_bash(step):
    script = step.get("run", "")
    assert "${{" not in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=20)


def test_code_of_a_fork_never_meets_a_token_that_writes():
    for path in WORKFLOWS:
        workflow = load(path)
        triggers = workflow["on"]
        assert "pull_request_target" not in triggers
        writes = any(
            "write" in (job.get("permissions") or {}).values()
            for job in workflow["jobs"].values()
        )
        if "pull_request" in triggers:
            assert not writes, path.name
        if "workflow_run" in triggers:
            used = [
                s.get("uses", "")
                for job in workflow["jobs"].values()
                for s in job["steps"]
            ]
            assert not any("checkout" in action for action in used), path.name


def tokens():
    """Every step, with whether its job may write and whether it is the last one."""
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            rights = job.get("permissions") or load(path)["permissions"] or {}
            writes = "write" in set(rights.values()) - {"id-token"}
            assert "GH_TOKEN" not in job.get("env", {}), path.name
            assert "GITHUB_TOKEN" not in job.get("env", {}), path.name
            for step in job["steps"]:
                held = "github.token" in str(step) or "secrets." in str(step)
                yield f"{path.stem}-{name}", held, writes, step is job["steps"][-1]


def test_a_token_that_may_write_is_in_the_environment_of_the_last_step_alone():
    held = [
        (where, last) for where, holds, writes, last in tokens() if holds and writes
    ]
    assert {where for where, _ in held} == {"discover-issue", "entries-report-comment", "from-issue-answer", "health-issue", "health-keep", "links-issue", "ticked-offer"}  # fmt: skip
    assert all(last for _, last in held)
    for path in WORKFLOWS:
        assert not {"GH_TOKEN", "GITHUB_TOKEN"} & set(load(path).get("env", {}))


def test_what_is_installed_runs_where_nothing_can_be_written():
    both = {
        f"{path.stem}-{name}"
        for path in WORKFLOWS
        for name, job in load(path)["jobs"].items()
        if "write" in set((job.get("permissions") or {}).values())
        and any("make " in s.get("run", "") or ".venv/" in s.get("run", "") for s in job["steps"])
        and "github.token" in str(job)
    }  # fmt: skip
    assert both == set()


def test_a_change_made_from_an_issue_is_carried_over_whole(tmp_path):
    """The patch of one job, applied by the other, gives the same tree: files that are new, changed, renamed, gone."""
    home, other = tmp_path / "made", tmp_path / "applied"
    git = partial(subprocess.run, check=True, capture_output=True, text=True)
    git(["git", "init", "-q", str(home)])
    for name in ("changed", "renamed", "gone"):
        (home / name).write_text(f"{name}\n" * 9, encoding="utf-8")
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    git(["git", "-C", str(home), "add", "--all"])
    git(["git", "-C", str(home), *who, "commit", "-qm", "before"])
    git(["git", "clone", "-q", str(home), str(other)])
    (home / "changed").write_text("统\n", encoding="utf-8")
    (home / "renamed").rename(home / "named")
    (home / "gone").unlink()
    (home / "new").write_bytes(bytes(range(256)))
    lines = script_of("from-issue", "change", "The issue as a change").splitlines()
    taken = "\n".join(line for line in lines if line.startswith("git "))
    git(["bash", "-e", "-c", taken], cwd=home, env=os.environ | {"made": str(tmp_path)})
    step = "An answer, or a branch and its pull request, the same one each time"
    (apply,) = [line for line in script_of("from-issue", "answer", step).splitlines() if line.startswith("git apply")]  # fmt: skip
    git(
        ["bash", "-e", "-c", apply],
        cwd=other,
        env=os.environ | {"RUNNER_TEMP": str(tmp_path)},
    )
    trees = [git(["git", "-C", str(one), "write-tree"]).stdout for one in (home, other)]
    assert trees[0] == trees[1]


TICKED = """#!/bin/sh
case "$1" in
  add) echo "title: $4" > "catalog/papers/$(echo "$4" | tr -cd a-z0-9).yaml"; echo made > outside ;;
  decline) shift 2; for one; do echo "- $one" >> catalog/declined.yaml; done ;;
esac
"""
"""The program as its workflow calls it: `add --yes -- ARGUMENT`, `decline -- ARGUMENT...`."""
GH = """#!/bin/sh
echo "$@" >> "$CALLED"
if [ "$1 $2" = "pr list" ] && [ "$4" = "$OPEN" ]; then echo 5; fi
"""


@pytest.fixture
def ticked(tmp_path):
    """A repository on a forge, and what runs both jobs of `ticked` on it: the open branch -> what was called of gh."""
    forge, first = tmp_path / "forge.git", tmp_path / "first"
    git = partial(subprocess.run, check=True, capture_output=True, text=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    git(["git", "init", "-q", "-b", "main", str(first)])
    (first / "catalog/papers").mkdir(parents=True)
    (first / "catalog/papers/old.yaml").write_text("title: old\n", encoding="utf-8")
    (first / "catalog/declined.yaml").write_text("- old\n", encoding="utf-8")
    git(["git", "-C", str(first), "add", "--all"])
    git(["git", "-C", str(first), *who, "commit", "-qm", "before"])
    git(["git", "clone", "-q", "--bare", str(first), str(forge)])
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "gh").write_text(GH, encoding="utf-8")
    (tools / "gh").chmod(0o755)
    called = tmp_path / "called"
    env = os.environ | {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "CALLED": str(called),
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GH_TOKEN": "t",
        "GH_REPO": "o/r",
        "MAIN": "main",
        "NUMBER": "7",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{forge}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://x-access-token:t@github.com/o/r.git",
    }

    def show(what):
        return git(["git", "-C", str(forge), "show", what]).stdout

    def run(ticks, open_branch="", meddle=None):
        (tmp_path / "ticks.json").write_text(json.dumps(ticks), encoding="utf-8")
        for job, step in (
            ("decide", "A patch for each"),
            ("offer", "A branch and a pull request for each, the same one each time"),
        ):
            home = tmp_path / job
            git(["git", "clone", "-q", str(forge), str(home)])
            (home / ".venv/bin").mkdir(parents=True)
            (home / ".venv/bin/surveykit").write_text(TICKED, encoding="utf-8")
            (home / ".venv/bin/surveykit").chmod(0o755)
            script = script_of("ticked", job, step)
            git(["bash", "-e", "-c", script], cwd=home, env=env | {"OPEN": open_branch})
            if meddle and job == "decide":
                meddle(tmp_path / "made")
        return called.read_text(encoding="utf-8")

    run.show, run.git, run.forge, run.first = show, git, forge, first
    return run


TICKS = [
    {"what": "add", "argument": "2501.00707", "branch": "discover/add-2501-00707"},
    {"what": "add", "argument": "2502.00001", "branch": "discover/add-2502-00001"},
    {"what": "decline", "argument": "2503.00002", "branch": ""},
    {"what": "decline", "argument": "2503.00003", "branch": ""},
]


def test_ticks_become_a_branch_and_a_pull_request_each(ticked):
    called = ticked(TICKS)
    made = [line for line in called.splitlines() if line.startswith("pr create")]
    assert [line.split("discover/")[1].split()[0] for line in made] == [
        "add-2501-00707",
        "add-2502-00001",
        "declined",
    ]
    assert all("--base main" in line and "#7" in line for line in made)
    first = "discover/add-2501-00707"
    assert ticked.show(f"{first}:catalog/papers/250100707.yaml") == "title: 2501.00707\n"  # fmt: skip
    assert ticked.show(f"{first}:catalog/papers/old.yaml") == "title: old\n"
    assert ticked.show(f"{first}:catalog/declined.yaml") == "- old\n"
    assert ticked.show("discover/declined:catalog/declined.yaml") == "- old\n- 2503.00002\n- 2503.00003\n"  # fmt: skip
    changed = ticked.show("discover/add-2502-00001")
    assert "catalog/papers/250200001.yaml" in changed
    assert "outside" not in changed
    assert "250100707" not in changed
    assert ticked.show("main:catalog/declined.yaml") == "- old\n"


def test_ticks_join_what_an_open_pull_request_declines(ticked):
    with (ticked.first / "catalog/declined.yaml").open("a", encoding="utf-8") as file:
        file.write("- waits\n")
    inside = ["git", "-C", str(ticked.first), "-c", "user.name=a", "-c", "user.email=a@b.example"]  # fmt: skip
    ticked.git([*inside, "commit", "-qam", "declined"])
    ticked.git([*inside, "push", "-q", str(ticked.forge), "HEAD:discover/declined"])
    called = ticked(TICKS[2:], "discover/declined")
    assert "pr create" not in called
    assert ticked.show("discover/declined:catalog/declined.yaml") == "- old\n- waits\n- 2503.00002\n- 2503.00003\n"  # fmt: skip


def test_an_entry_that_waits_in_a_pull_request_is_left_alone(ticked):
    called = ticked(TICKS[:2], "discover/add-2501-00707")
    assert called.count("pr create") == 1
    assert "add-2502-00001" in called.split("pr create")[1]


def test_what_was_installed_names_no_branch_or_file_outside(ticked):
    """The job that may write trusts nothing that the other one made: neither names of branches nor where patches write."""

    def meddle(made):
        lines = (made / "changes.tsv").read_text(encoding="utf-8")
        evil = (
            "1\tmain\tx\n../ticks.json\tdiscover/add-a\tx\n1\tdiscover/add-b:main\tx\n"
        )
        (made / "changes.tsv").write_text(evil + lines, encoding="utf-8")
        with (made / "1.patch").open("a", encoding="utf-8") as patch:
            patch.write("diff --git a/outside b/outside\nnew file mode 100644\n--- /dev/null\n+++ b/outside\n@@ -0,0 +1 @@\n+bad\n")  # fmt: skip

    before = ticked.show("main")
    called = ticked(TICKS[:1], meddle=meddle)
    assert called.count("pr create") == 1
    assert ticked.show("main") == before
    branches = ticked.git(["git", "-C", str(ticked.forge), "branch", "--format=%(refname:short)"])  # fmt: skip
    assert branches.stdout.split() == ["discover/add-2501-00707", "main"]
    assert "outside" not in ticked.show("discover/add-2501-00707")


def test_names_of_files_stand_behind_two_hyphens_and_are_split_at_their_ends_alone():
    script = "\n".join(
        step["run"]
        for job in load(ROOT / ".github/workflows/entries.yml")["jobs"].values()
        for step in job["steps"]
        if "run" in step
    )
    calls = [line for line in script.splitlines() if "xargs" in line]
    assert len(calls) == 2
    for call in calls:
        assert re.search(r"xargs (?:-d '\\n'|-0) -a ", call), call
        assert " -- > " in call, call


def script_of(workflow, job, step):
    steps = load(ROOT / f".github/workflows/{workflow}.yml")["jobs"][job]["steps"]
    return next(s["run"] for s in steps if s.get("name") == step)


STRANGERS = {
    "markup": "# Approved by the maintainers\n\n![x](https://evil.example/x.png) <img src=x onerror=alert(1)> @everyone #1\n",
    "a fence": "a\n```\n**out**\n```text\n",
    "a longer fence": "a\n" + "`" * 60 + "\n**out**\n~~~\n",
    "all backticks": "`" * 70_000,
    "many short runs": "``` a\n" * 20_000,
    "control characters": "a\x1b[31m\x00\x07 b\n",
    "cut in a letter": "统" * 30_000,
    "no text": b"\xff\xfe\x00" * 100,
    "a closing comment": "--> </details></td></pre>\n\n## out\n",
    "empty": "",
}


@pytest.mark.parametrize("text", STRANGERS.values(), ids=STRANGERS)
def test_the_text_of_a_fork_is_one_bounded_code_block(tmp_path, text):
    raw = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "given.md").write_bytes(raw)
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text("#!/bin/sh\nmkdir report && cp given.md report/report.md\n", encoding="utf-8")  # fmt: skip
    gh.chmod(0o755)
    env = {
        "PATH": f"{gh.parent}:/usr/bin:/bin",
        "RUN": "1",
        "GH_REPO": "o/r",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    subprocess.run(
        ["bash", "-e", "-c", script_of("entries-report", "text", "The text, as data")],
        cwd=tmp_path,
        env=env,
        check=True,
        timeout=60,
    )
    assert (tmp_path / "output").read_text(encoding="utf-8") == "made=yes\n"
    body = (tmp_path / "body.md").read_text(encoding="utf-8")
    assert len(body) <= 65_536
    parts = [token.type for token in MarkdownIt("gfm-like", {"linkify": False}).parse(body)]  # fmt: skip
    heading = ["heading_open", "inline", "heading_close"]
    paragraph = ["paragraph_open", "inline", "paragraph_close"]
    assert parts == ["html_block", *heading, *paragraph, "fence"]
    assert all(sign.isprintable() or sign == "\n" for sign in body if sign < "\x80")


ANSWERS = {
    "markup": "**no** ```\n# out @all",
    "long": "x`" * 9000,
    "backticks": "`" * 9000,
}


@pytest.mark.parametrize("why", ANSWERS.values(), ids=ANSWERS)
def test_the_answer_to_an_issue_quotes_it_in_a_bounded_code_block(tmp_path, why):
    (tmp_path / "change.json").write_text(json.dumps({"refused": why}), encoding="utf-8")  # fmt: skip
    (tmp_path / "code").write_text("1\n", encoding="utf-8")
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > called\n', encoding="utf-8")
    gh.chmod(0o755)
    step = "An answer, or a branch and its pull request, the same one each time"
    env = {"PATH": f"{gh.parent}:/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path), "NUMBER": "7"}  # fmt: skip
    done = subprocess.run(
        ["bash", "-e", "-c", script_of("from-issue", "answer", step)],
        cwd=tmp_path,
        env=env,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    called = (tmp_path / "called").read_text(encoding="utf-8").split()
    assert called[:3] == ["issue", "comment", "7"]
    reply = (tmp_path / "reply.md").read_text(encoding="utf-8")
    assert len(reply) < 20_000
    parts = [token.type for token in MarkdownIt().parse(reply)]
    assert parts == ["paragraph_open", "inline", "paragraph_close", "fence"]


def test_hooks_name_commands_that_there_are():
    from surveykit.cli import app

    hooks = yaml.safe_load(
        (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    )
    for hook in hooks:
        assert hook["entry"].split()[1] in app.commands


def test_every_row_of_the_threat_model_has_tests_that_exist():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 12
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row.split("|")[4])
        assert named, row
        for path, name in named:
            source = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{path}::{name}"
