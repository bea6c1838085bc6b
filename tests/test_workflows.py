"""The forge's files: safe, pinned, and what the forge understands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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


def test_hooks_name_commands_that_there_are():
    from surveykit.cli import app

    hooks = yaml.safe_load(
        (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    )
    for hook in hooks:
        assert hook["entry"].split()[1] in app.commands
