"""What stands beside the code: the contributing guide, the citation file, the Makefile, the pins, the checks."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from surveykit import load
from surveykit.canon import format_text
from surveykit.models import Paper

ROOT = Path(__file__).parents[1]
TARGETS = ["site", "test", "check", "serve", "links", "fix", "bench", "clean"]


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


GUIDES = ("CONTRIBUTING.md", "CONTRIBUTING.zh-CN.md")
ENTRIES = [
    entry
    for guide in GUIDES
    for entry in re.findall(r"```yaml\n(.+?)```", text(guide), re.DOTALL)[:1]
]


def test_the_guide_has_the_entry_in_two_languages_and_they_say_the_same():
    english, chinese = ENTRIES
    assert yaml.safe_load(english) == yaml.safe_load(chinese)


@pytest.mark.parametrize("entry", ENTRIES, ids=["en", "zh"])
class TestEntry:
    def test_every_field_is_shown(self, entry):
        for field in Paper.model_fields:
            assert re.search(rf"^(# )?{field}:", entry, re.MULTILINE), field

    def test_it_is_in_canonical_form(self, entry):
        assert format_text(entry) == entry

    def test_it_would_be_accepted_by_the_real_catalog(self, entry, tmp_path):
        for name in ("survey", "taxonomy", "venues"):
            copy(f"catalog/{name}.yaml", tmp_path)
        target = copy("catalog/papers/2022/jia2022badencoder.yaml", tmp_path)
        data = yaml.safe_load(target.read_text(encoding="utf-8"))
        data.pop("relations", None)
        target.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        path = tmp_path / "catalog/papers/2024/duong2024planting.yaml"
        path.parent.mkdir()
        path.write_text(entry, encoding="utf-8")
        checked = load.check(tmp_path, [path])
        assert [str(problem) for problem in checked.problems] == []


def copy(path: str, root: Path) -> Path:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes((ROOT / path).read_bytes())
    return target


def test_relative_links_of_the_documents_resolve():
    for path in (*GUIDES, "CHANGELOG.md", "docs/design.md"):
        base = (ROOT / path).parent
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text(path)):
            if not link.startswith("../../issues/"):  # on the forge, beside the files
                assert (base / link).exists(), f"{path}: {link}"


def test_the_citation_file_agrees_with_the_survey():
    cff = yaml.safe_load(text("CITATION.cff"))
    survey = yaml.safe_load(text("catalog/survey.yaml"))
    assert {"cff-version", "message", "title", "authors"} <= set(cff)
    assert cff["title"] == survey["title"]["en"]
    assert [a["name"] for a in cff["authors"]] == [
        m["name"] for m in survey["maintainers"]
    ]
    assert cff["version"] in text("src/surveykit/__init__.py")


@pytest.mark.parametrize("target", TARGETS)
def test_every_promised_target_is_there_and_explained(target):
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert re.search(rf"^ +{target} +\w", shown.stdout, re.MULTILINE)
    subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=True)


def test_the_environment_is_made_once_and_again_when_its_files_change(tmp_path):
    for path in ("Makefile", "pyproject.toml", "constraints.txt"):
        os.utime(copy(path, tmp_path), (1000, 1000))
    plan = ["make", "-n", "test"]
    made = [tmp_path / ".venv" / name for name in ("ready", "impls")]
    made[0].parent.mkdir()
    for age, installs in ((None, True), (2000, False), (500, True)):
        for mark in made if age else ():
            mark.touch()
            os.utime(mark, (age, age))
        planned = subprocess.run(
            plan, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert ("pip install" in planned.stdout) is installs


def test_every_dependency_is_pinned_to_one_version():
    lines = [
        line for line in text("constraints.txt").splitlines() if line and line[0] != "#"
    ]
    pins = {canonicalize_name(line.split("==")[0]): line for line in lines}
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9][\w.]*", line) for line in lines)
    project = tomllib.loads(text("pyproject.toml"))["project"]
    wanted = [
        *project["dependencies"],
        *(
            requirement
            for extra in ("dev", "impls", "zoo", "cluster")
            for requirement in project["optional-dependencies"][extra]
        ),
        "hatchling",
    ]
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        assert name in pins
        assert requirement.specifier.contains(pins[name].split("==")[1])


def test_the_checks_on_github_have_few_rights_and_fixed_actions():
    flow = yaml.load(text(".github/workflows/ci.yml"), yaml.BaseLoader)
    assert flow["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in flow["on"]
    uses = re.findall(r"uses: (\S+)", text(".github/workflows/ci.yml"))
    assert uses
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in uses)
    runs = [
        step.get("run", "") for job in flow["jobs"].values() for step in job["steps"]
    ]
    assert ".venv/bin/surveykit validate --format github" in runs
    assert ".venv/bin/surveykit build --check" in runs
    assert ".ci/run" in runs


def test_the_script_for_bare_machines_is_sound():
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    subprocess.run(["bash", "-n", ".ci/run"], cwd=ROOT, check=True)


def test_the_weekly_links_run_has_few_rights_and_fixed_actions():
    flow = yaml.load(text(".github/workflows/links.yml"), yaml.BaseLoader)
    assert flow["permissions"] == {}
    rights = {name: job["permissions"] for name, job in flow["jobs"].items()}
    assert rights == {"check": {"contents": "read"}, "issue": {"issues": "write"}}
    assert not {"pull_request", "pull_request_target"} & set(flow["on"])
    uses = re.findall(r"uses: (\S+)", text(".github/workflows/links.yml"))
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in uses)
    # Whoever may write runs nothing from the repository.
    assert not any(
        "checkout" in s.get("uses", "") for s in flow["jobs"]["issue"]["steps"]
    )


@pytest.mark.parametrize(
    ("code", "open_issue", "wanted"),
    [
        ("1", "", "issue create"),
        ("1", "7", "issue edit 7"),
        ("0", "7", "issue close 7"),
        ("0", "", None),
        ("1", "7 same", None),
    ],
)
def test_one_issue_is_opened_kept_up_to_date_and_closed(
    tmp_path, code, open_issue, wanted
):
    flow = yaml.load(text(".github/workflows/links.yml"), yaml.BaseLoader)
    script = flow["jobs"]["issue"]["steps"][-1]["run"]
    number, _, same = open_issue.partition(" ")
    (tmp_path / "links.md").write_text("# Links\n\nnew 链接\n", encoding="utf-8")
    body = "# Links\n\nnew 链接" if same else "old"
    gh = tmp_path / "gh"
    gh.write_text(
        f'#!/bin/sh\necho "$@" >> log\n[ "$2" = list ] && echo {number}\n[ "$2" = view ] && printf \'%s\\n\' \'{body}\'\nexit 0\n',
        encoding="utf-8",
    )
    gh.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TITLE": "T", "CODE": code}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=env, check=True)
    calls = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    done = [x for x in calls if not x.startswith(("issue list", "issue view"))]
    assert len(done) == (wanted is not None)
    assert all(call.startswith(wanted) for call in done)
