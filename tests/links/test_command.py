"""The command as a person or a workflow runs it: a process, its exit code, its output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATHS = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests/links/names")])
POLITE = ["--allow", "127.0.0.0/8", "--spacing", "0"]


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "surveykit.cli", "check-links", *args]


def environment(folder: Path, **more: str) -> dict[str, str]:
    known = {
        k: v
        for k, v in os.environ.items()
        if k not in ("GITHUB_TOKEN", "GITHUB_STEP_SUMMARY", "SSL_CERT_FILE")
    }
    return known | {"XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": PATHS} | more


@pytest.fixture
def run(tmp_path, world):
    def run(
        *args: str, lines: list[str] | None = None, cwd: Path = tmp_path, **more: str
    ):
        return subprocess.run(
            command(*args),
            input="\n".join(lines or []),
            capture_output=True,
            text=True,
            cwd=cwd,
            timeout=60,
            env=environment(tmp_path, **more),
            check=False,
        )

    return run


def site(hostile) -> str:
    return f"http://127.0.0.1:{hostile.port}"


def test_a_list_without_a_catalog(run, hostile):
    lines = [
        f"{site(hostile)}/{name}" for name in ("plain", "missing", "forbidden", "moved")
    ]
    done = run(
        "--urls", "-", *POLITE, "--strikes", "1", "--format", "json", lines=lines
    )
    assert done.returncode == 1
    found = {
        row["url"].rpartition("/")[2]: row["state"]
        for row in json.loads(done.stdout)["links"]
    }
    assert found == {
        "plain": "ok",
        "missing": "broken",
        "forbidden": "unverifiable",
        "moved": "moved",
    }
    done = run("--urls", "-", *POLITE, lines=lines[:1])
    assert (done.returncode, done.stdout) == (0, "1 link: 1 ok\n")


def test_private_addresses_are_refused_unless_allowed(run, hostile):
    done = run("--urls", "-", lines=[f"{site(hostile)}/plain"])
    assert done.returncode == 1
    assert "blocked private-address" in done.stdout
    assert hostile.requests == []


def test_without_a_network_one_line_says_so(run):
    done = run(
        "--urls",
        "-",
        lines=[f"https://host{n}.invalid/{m}" for n in range(30) for m in range(4)],
    )
    assert done.returncode == 3
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "the network is unreachable" in line


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--urls", "-", "--fix"], "--urls goes without"),
        (["--urls", "-", "--allow", "a b"], "neither a host nor a CIDR range"),
        (["--urls", "-", "--budget", "5 minutes"], "not a duration"),
        (["--urls", "nowhere.txt"], "does not exist"),
        ([], "no catalog/"),
    ],
)
def test_wrong_usage_is_said_in_one_line(run, args, words):
    done = run(*args)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_authorities_of_the_environment_are_trusted(run, hostile, tmp_path):
    lines = [f"https://127.0.0.1:{hostile.tls['local']}/plain"]
    args = ["--urls", "-", *POLITE, "--strikes", "1", "--max-age", "0s"]
    assert "tls-chain" in run(*args, lines=lines).stdout
    file = tmp_path / "ca.pem"
    file.write_bytes(hostile.authority.cert_pem.bytes())
    assert run(*args, lines=lines, SSL_CERT_FILE=str(file)).returncode == 0
    done = run(*args, lines=lines, SSL_CERT_FILE=str(tmp_path / "none.pem"))
    assert (done.returncode, "SSL_CERT_FILE" in done.stderr) == (3, True)


def test_annotations_go_with_the_whole_list_in_the_step_summary(run, hostile, tmp_path):
    lines = [f"{site(hostile)}/missing?{n}" for n in range(15)]
    summary = tmp_path / "summary.md"
    done = run(
        "--urls",
        "-",
        *POLITE,
        "--strikes",
        "1",
        "--format",
        "github",
        lines=lines,
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert done.stdout.count("::error ") == 10
    assert summary.read_text(encoding="utf-8").count("| `-:") == 15


def wait_for(history: Path, lines: int) -> None:
    deadline = time.monotonic() + 30
    while not history.exists() or history.read_bytes().count(b"\n") < lines:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_kill_9_again_and_again_loses_nothing_and_asks_nothing_twice(
    tmp_path, world, hostile
):
    hostile.delay = 0.01
    listed, history = tmp_path / "urls.txt", tmp_path / "h.jsonl"
    urls = [f"http://127.0.0.1:{hostile.port}/plain?{n}" for n in range(100)]
    listed.write_text("\n".join(urls))
    args = command(
        "--urls", str(listed), "--history", str(history), *POLITE, "--max-age", "0s"
    )
    for kill in range(4):
        process = subprocess.Popen(
            args, env=environment(tmp_path), stdout=subprocess.DEVNULL
        )
        wait_for(history, 20 * (kill + 1))
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(
        args, env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "100 links: 100 ok\n")
    asked = Counter(request.path for request in hostile.requests)
    assert len(asked) == 100
    assert sum(asked.values()) <= 100 + 4 * 2  # what was in flight at a kill


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_with_what_is_known(tmp_path, world, hostile, number):
    hostile.delay = 0.02
    listed, history = tmp_path / "urls.txt", tmp_path / "h.jsonl"
    listed.write_text(
        "\n".join(f"http://127.0.0.1:{hostile.port}/plain?{n}" for n in range(400))
    )
    args = command("--urls", str(listed), "--history", str(history), *POLITE)
    process = subprocess.Popen(
        args,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(history, 10)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "not checked" in out
    assert "Traceback" not in err


@pytest.fixture
def repo(catalog_dir, hostile):
    """The invented catalog with one entry whose links lead to the hostile server."""
    file = catalog_dir / "catalog/papers/2024/muller2024journal.yaml"
    text = file.read_text(encoding="utf-8").replace(
        "https://github.com/example/guard", f"http://code.test:{hostile.port}/moved"
    )
    file.write_text(text, encoding="utf-8")
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@a.example", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *words], cwd=catalog_dir, check=True)
    return catalog_dir


def test_since_means_entries_that_changed(run, repo, tmp_path):
    done = run("--since", "HEAD", cwd=repo)
    assert (done.returncode, done.stdout) == (0, "0 links: nothing to check\n")
    planted = tmp_path / "planted"
    assert "--since" in run("--since", f"--output={planted}", cwd=repo).stderr
    assert not planted.exists()
    assert run("--since", "no-such-revision", cwd=repo).returncode == 2


def test_an_unknown_entry_gets_near_ones(run, repo):
    done = run("muller2024journals", cwd=repo)
    assert done.returncode == 2
    assert "muller2024journal" in done.stderr


def test_an_expired_rule_is_an_error(run, repo):
    (repo / "catalog/link_policy.yaml").write_text(
        "- prefix: https://a.example/\n  treat: skip\n  reason: x\n  until: '2020-01-01'\n",
        encoding="utf-8",
    )
    done = run("--since", "HEAD", cwd=repo)
    assert done.returncode == 1
    assert "catalog/link_policy.yaml:1:3" in done.stderr


def test_fix_rewrites_what_has_moved_and_nothing_else(run, repo, hostile):
    args = ["muller2024journal", "--only", "code", *POLITE]
    done = run(*args, "--fix", cwd=repo)
    assert done.returncode == 0
    assert "1 link rewritten, 0 left" in done.stderr
    diff = subprocess.run(
        ["git", "diff", "-U0"], cwd=repo, capture_output=True, text=True, check=True
    ).stdout
    changed = [
        x for x in diff.splitlines() if x[:1] in "+-" and x[:3] not in ("+++", "---")
    ]
    site = f"http://code.test:{hostile.port}"
    assert changed == [f"-  code: {site}/moved", f"+  code: {site}/plain"]
    done = run("--since", "HEAD", "--only", "code", *POLITE, cwd=repo)
    assert done.stdout == "1 link: 1 ok\n"
