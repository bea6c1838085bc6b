"""A pull request from beginning to end in a repository of its own, and issues that become changes."""

import json
import os
import subprocess

import pytest
from test_issue import body

from surveykit.cli.terminal import FINE, FOUND, MACHINE
from surveykit.render.pull_report import (
    MARKER,
    MOST_CHARACTERS,
    PullRequest,
    ReportedEntry,
    pull_report,
)

LIST = """\
- **Planting `Seeds` | <b>Backdoors</b> in Encoders** [[pdf]](https://arxiv.org/abs/2401.00001)
  - Linh Duong, Ana Cruz
  - arXiv 2024
"""


@pytest.fixture
def repository(run, catalog_dir):
    """The invented catalog under git, in order, on the branch main."""
    run("fmt")
    run("build")

    def git(*arguments):
        who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@e.org", "GIT_COMMITTER_NAME": "a",
               "GIT_COMMITTER_EMAIL": "a@e.org", "GIT_CONFIG_GLOBAL": os.devnull}  # fmt: skip
        command = ["git", "-C", catalog_dir, *arguments]
        subprocess.run(
            command, check=True, capture_output=True, env=os.environ | who, timeout=60
        )

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "base")
    git("checkout", "-q", "-b", "paper")
    return git


def test_a_whole_pull_request(run, repository, catalog_dir, tmp_path, catalog):
    listed = tmp_path / "list.md"
    listed.write_text(LIST, encoding="utf-8")
    run("import", listed)
    code, out, _ = run("report", "--base", "main")
    assert code == FOUND  # what a person must judge is still open
    assert "SK352" in out

    path = catalog_dir / "catalog/papers/2024/duong2024planting.yaml"
    finished = catalog.papers[0].terms.items()
    terms = ["terms:", *(f"  {axis}: [{', '.join(ids)}]" for axis, ids in finished)]
    lines = (
        path.read_text(encoding="utf-8").replace("zh: TODO", "zh: 播种").splitlines()
    )
    head = lines[: lines.index("terms:")]
    tail = lines[next(i for i, line in enumerate(lines) if line.startswith("added:")) :]
    path.write_text("\n".join([*head, *terms, *tail]) + "\n", encoding="utf-8")
    run("fmt")
    assert run("validate")[0] == FINE
    run("build")
    repository("add", ".")
    repository("commit", "-q", "-m", "paper")

    code, out, _ = run("report", "--base", "main")
    assert code == FINE, out
    assert out.startswith(MARKER)
    assert "### duong2024planting (new)" in out
    assert "播种" in out
    assert "<b>" not in out
    assert "README.md (" in out
    assert run("report", "--base", "main", "--names")[:2] == (
        FINE,
        "duong2024planting\n",
    )
    assert run("doctor")[0] == FINE


def test_changed_deleted_and_broken_entries_are_told_apart(
    run, repository, catalog_dir
):
    paths = sorted((catalog_dir / "catalog/papers").rglob("*.yaml"))
    text = paths[0].read_text(encoding="utf-8")
    paths[0].write_text(
        text.replace("\nyear: ", "\nmonth: 2\nyear: "), encoding="utf-8"
    )
    paths[1].unlink()
    paths[2].write_text("id: [", encoding="utf-8")
    code, out, _ = run("report", "--base", "main")
    assert code == FOUND
    assert f"### {paths[0].stem} (changed)" in out
    assert "| month |" in out
    assert f"### {paths[1].stem} (deleted)" in out
    assert f"### {paths[2].stem} (unreadable)" in out


def test_states_of_links_and_verdicts_are_shown(
    run, repository, catalog_dir, tmp_path, catalog
):
    paper = catalog.papers[0]
    path = catalog_dir / catalog.paths[paper.id]
    path.write_text(path.read_text(encoding="utf-8") + "# touched\n", encoding="utf-8")
    links, verified = tmp_path / "links.json", tmp_path / "verified.json"
    links.write_text(
        json.dumps({"links": [{"url": paper.links.paper, "state": "broken"}]})
    )
    verified.write_text(json.dumps([{"id": paper.id, "status": "mismatch"}]))
    _, out, _ = run(
        "report", "--base", "main", "--links", links, "--verified", verified
    )
    assert "broken" in out
    assert "mismatch" in out
    for option, text in (
        ("--links", "[]"),
        ("--links", '{"links": [{"url": "x"}]}'),
        ("--verified", '[{"status": "ok"}]'),
        ("--verified", "[" * 100_000),
    ):
        links.write_text(text)
        code, _, err = run("report", "--base", "main", option, links)
        assert (code, err.count("\n")) == (MACHINE, 1)
        assert "give the output of the command" in err


STRANGE = (
    "--help",
    "a\n--offline",
    "x y",
    "$(id)",
    "a'b",
    "\u202ea",
    "Feng2023detecting",
)


def test_names_are_ids_and_nothing_else(run, repository, catalog_dir):
    folder = catalog_dir / "catalog/papers/2023"
    for name in (*STRANGE, os.fsdecode(b"\xff")):
        (folder / f"{name}.yaml").write_text("id: x\n", encoding="utf-8")
    (folder / "li2023new.yaml").write_text("id: x\n", encoding="utf-8")
    code, out, err = run("report", "--base", "main", "--names")
    assert (code, out) == (FINE, "li2023new\n")
    assert len(err.splitlines()) == len(STRANGE) + 1
    assert all(line.isprintable() for line in err.splitlines())


@pytest.mark.parametrize("base", ["nowhere", "--output=/tmp/x", "main; id"])
def test_a_base_that_is_no_commit_is_one_line(run, repository, base):
    code, _, err = run("report", f"--base={base}")
    assert (code, err.count("\n")) == (MACHINE, 1)
    assert f"--base {base!r}: " in err
    assert "fetch it first" in err


def test_a_report_fits_into_a_comment(catalog):
    entries = tuple(ReportedEntry(p.id, "x", p, "new") for p in catalog.papers * 100)
    text = pull_report(PullRequest(entries), catalog)
    assert len(text) <= MOST_CHARACTERS
    assert "cut here" in text


def test_a_difference_cannot_end_its_own_block(catalog):
    text = pull_report(
        PullRequest((), differences={"README.md": ["+````", "+x"]}), catalog
    )
    assert "`````" in text


def test_an_issue_becomes_a_change(run, catalog_dir, catalog, tmp_path):
    run("fmt")
    paper = catalog.papers[0]
    issue = tmp_path / "body.md"
    answers = {
        "id": paper.id,
        "field": "month",
        "value": "3",
        "source": "arXiv:2303.15180",
    }
    issue.write_text(body(catalog, "fix-entry", **answers), encoding="utf-8")
    before = (catalog_dir / catalog.paths[paper.id]).read_text(encoding="utf-8")
    code, out, _ = run("from-issue", issue, "--number", "12")
    assert code == FINE
    said = json.loads(out)
    assert said["branch"] == f"issue-12/fix-entry-{paper.id}"
    assert said["files"] == [catalog.paths[paper.id]]
    after = (catalog_dir / catalog.paths[paper.id]).read_text(encoding="utf-8")
    assert set(after.splitlines()) - set(before.splitlines()) == {"month: 3"}


def test_an_issue_that_is_no_text_is_refused(run, tmp_path):
    issue = tmp_path / "issue.md"
    issue.write_bytes(b"### Entry \xff\n")
    code, out, _ = run("from-issue", issue, "--number", "12")
    assert code == FOUND
    assert "refused" in json.loads(out)


def test_an_issue_that_breaks_a_rule_changes_nothing(
    run, catalog_dir, catalog, tmp_path
):
    run("fmt")
    issue = tmp_path / "body.md"
    paper = catalog.papers[0]
    answers = {"id": paper.id, "field": "venue", "value": "nowhere", "source": "x"}
    issue.write_text(body(catalog, "fix-entry", **answers), encoding="utf-8")
    path = catalog_dir / catalog.paths[paper.id]
    before = path.read_bytes()
    code, out, _ = run("from-issue", issue, "--number", "12")
    assert (code, list(json.loads(out))) == (FOUND, ["refused"])
    assert path.read_bytes() == before


@pytest.fixture
def from_issue(run, catalog_dir, catalog, tmp_path):
    """Exit code, answer, and the entry files before and after one correction of the first paper."""
    run("fmt")

    def entries():
        folder = catalog_dir / "catalog/papers"
        return {
            p.relative_to(folder).as_posix(): p.read_bytes()
            for p in folder.rglob("*.yaml")
        }

    def apply(field, value, *options, id_=catalog.papers[0].id):
        issue = tmp_path / "body.md"
        text = body(catalog, "fix-entry", id=id_, field=field, value=value, source="x")
        issue.write_bytes(text.replace("\n", "\r\n").encode())
        before = entries()
        done = run("from-issue", issue, "--number", "12", *options)
        return done.code, json.loads(done.out), before, entries()

    return apply


def test_a_new_year_moves_the_file_and_keeps_the_id(from_issue):
    code, said, before, after = from_issue("year", "2023年", id_="muller2024journal")
    assert code == FINE, said
    assert said["files"] == [
        "catalog/papers/2024/muller2024journal.yaml",
        "catalog/papers/2023/muller2024journal.yaml",
    ]
    assert said["title"] == "fix-entry: muller2024journal (#12)"
    assert before.keys() - after.keys() == {"2024/muller2024journal.yaml"}
    old, new = (
        before["2024/muller2024journal.yaml"],
        after["2023/muller2024journal.yaml"],
    )
    assert old.replace(b"\nyear: 2024\n", b"\nyear: 2023\n") == new


def test_a_new_year_writes_over_no_other_file(from_issue, catalog_dir):
    other = catalog_dir / "catalog/papers/2027/muller2024journal.yaml"
    other.parent.mkdir()
    other.write_text("id: [", "utf-8")
    code, said, before, after = from_issue("year", "2027", id_="muller2024journal")
    assert (code, after) == (FOUND, before)
    assert "exists already" in said["refused"]


def test_a_refused_new_year_puts_the_file_back(from_issue):
    code, said, before, after = from_issue("year", "2022", id_="feng2023detecting")
    assert (code, list(said)) == (FOUND, ["refused"])
    assert "ICCV" in said["refused"]
    assert before == after


def test_notes_say_what_was_not_taken_as_written(from_issue):
    code, said, _, _ = from_issue("venue", "IC\u200bCV 2023", id_="muller2024journal")
    assert code == FOUND  # the journal's volume stays; the rules have the last word
    code, said, _, after = from_issue("month", "Ju\u200bne 2031", id_="saito2021early")
    assert code == FINE, said
    assert said["notes"] == [
        "1 invisible character left out",
        "month: 2031 was not kept; `year` is its own field",
    ]
    assert b"\nmonth: 6\n" in after["2021/saito2021early.yaml"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("authors", "Cher"),
        ("venue", "Nowhere"),
        ("terms.role", "```"),
        ("title.en", "\u202eevil"),
        ("links.code", "javascript:alert(1)"),
        ("links.code", "http://169.254.169.254/latest/meta-data/"),
        ("links.project", "http://[::ffff:10.0.0.1]/"),
        ("links.code", "https://example.org:99999/"),
        ("title.en", "-"),
        ("pages", "25-12"),
    ],
)
def test_a_refusal_is_one_printable_line_and_changes_nothing(from_issue, field, value):
    code, said, before, after = from_issue(field, value)
    assert (code, list(said), before) == (FOUND, ["refused"], after)
    assert said["refused"].isprintable()


def test_a_dry_run_of_an_issue_writes_nothing(from_issue):
    code, _, before, after = from_issue("month", "June", "--dry-run")
    assert (code, before) == (FINE, after)


def test_a_new_paper_that_nobody_can_be_asked_about_is_refused(
    run, catalog_dir, catalog, tmp_path
):
    issue = tmp_path / "body.md"
    issue.write_text(
        body(catalog, "new-paper", identifier="2401.00009"), encoding="utf-8"
    )
    code, out, _ = run("from-issue", issue, "--number", "3", "--offline")
    assert code == FOUND
    assert "2401.00009" in json.loads(out)["refused"]


@pytest.mark.parametrize(
    "written",
    [
        "2501.00777",
        "arXiv：2501.00777v2",
        "https://arxiv.org/pdf/2501.00777v1.pdf",
        "[the paper](https://arxiv.org/abs/2501.00777)",
        "<https://arxiv.org/abs/2501.00777>",
        "arxiv.org/abs/2501.00777",
        "`10.48550/arXiv.2501.00777`",
    ],
)
def test_a_paper_of_the_catalog_is_known_however_it_is_written(
    run, catalog, tmp_path, written
):
    issue = tmp_path / "body.md"
    issue.write_text(body(catalog, "new-paper", identifier=written), encoding="utf-8")
    code, out, _ = run("from-issue", issue, "--number", "3", "--offline")
    said = "the catalog has the paper: chen2025breaking (has arXiv:2501.00777)"
    assert (code, json.loads(out)) == (FOUND, {"refused": f"arXiv:2501.00777: {said}"})
