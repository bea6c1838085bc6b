"""`discover`, `decline` and `ticked` as a person and a workflow run them, and a rehearsed month."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sources.answers import ATOM, atom, atom_entry
from sources.server import Answer
from sources.test_recent import HTML, Listing

from surveykit.discover import rolling
from surveykit.load import load_catalog
from surveykit.render.pages.reading import stay_out

NEW = ("Backdoor Attacks on Contrastive Image Encoders", "We plant a backdoor in a pre-trained image encoder; its trigger survives.")  # fmt: skip
DAYS = ("--since", "2026-11-16", "--until", "2026-11-17", "--category", "cs.CR")


def arxiv_of(server, papers):
    """arXiv with papers: number -> day, title, abstract; by day and by id."""

    def answer(asked):
        if "id_list" in asked.query:
            wanted = asked.query["id_list"].split(",")
            found = [n for n in papers if n in wanted]
        else:
            day = Listing.day(asked)
            found = [n for n, (when, *_) in papers.items() if when.replace("-", "") == day]  # fmt: skip
        entries = [
            atom_entry(f"{n}v1", papers[n][1], published=f"{papers[n][0]}T08:00:00Z", summary=papers[n][2])
            for n in found
        ]  # fmt: skip
        return Answer(atom(*entries), headers={"content-type": ATOM})

    server.answers["/arxiv"] = answer


@pytest.fixture
def week(server):
    papers = {
        f"2611.1{n:04d}": ("2026-11-16", f"On {subject} of the {n}th Kind", f"We study {subject}.")
        for n, subject in enumerate(["Rivers", "Trees", "Roads", "Bread", "Clouds", "Wool"] * 2)
    }  # fmt: skip
    papers["2611.00007"] = ("2026-11-17", *NEW)
    arxiv_of(server, papers)
    return papers


def test_the_likeliest_comes_first_with_reason_terms_and_command(world, week):
    done = world.run("discover", *DAYS, "--top", "3")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "2026-W47: 13 new papers"
    assert lines[1] == f"  1. {NEW[0]} (2026-11-17)"
    assert "like " in lines[2]
    assert "backdoor" in lines[2]
    assert "threat: backdoor" in lines[3]
    assert lines[4].strip() == "surveykit add 2611.00007"
    assert lines[-1] == "13 new papers, 3 shown; 0 known already"


def test_json_gives_every_place(world, week):
    rows = json.loads(world.run("discover", *DAYS, "--top", "0", "--json").out)
    assert len(rows) == 13
    assert [row["rank"] for row in rows] == list(range(1, 14))
    assert rows[0]["id"] == "2611.00007"
    assert rows == sorted(rows, key=lambda row: -row["score"])


def test_what_is_declined_is_not_shown_again(world, week):
    world.run("discover", *DAYS)
    asked = len(world.desk.server.asked)
    done = world.run("decline", "2611.00007", "--reason", "scope")
    assert done.code == 0
    assert len(world.desk.server.asked) == asked  # the title was shown before
    (one,) = yaml.safe_load((world.root / "catalog/declined.yaml").read_text("utf-8"))
    assert one["title"] == NEW[0]
    assert one["kind"] == "scope"
    assert NEW[0] not in world.run("discover", *DAYS).out
    again = world.run("decline", "2611.00007")
    assert (again.code, "is declined since" in again.err) == (1, True)
    assert world.run("validate").code == 0


def test_declining_asks_for_a_title_that_was_not_shown(world, week):
    done = world.run("decline", "2611.10001", "arXiv:2611.10002", "--why", "no encoder: a river")  # fmt: skip
    assert done.code == 0
    text = (world.root / "catalog/declined.yaml").read_text("utf-8")
    assert [one["title"] for one in yaml.safe_load(text)] == [week["2611.10001"][1], week["2611.10002"][1]]  # fmt: skip
    assert yaml.safe_load(text)[0]["reason"] == "no encoder: a river"


def test_declining_keeps_the_file_as_it_is(world, week):
    path = world.root / "catalog/declined.yaml"
    old = "# Mine.\n- {title: 'A: B', reason: x, date: '2026-01-01'}  # yes\n"
    path.write_text(old, "utf-8")
    assert world.run("decline", "2611.10001").code == 0
    assert path.read_text("utf-8").startswith(old)
    path.write_text("- [", "utf-8")
    done = world.run("decline", "2611.10002")
    assert done.code == 3
    assert path.read_text("utf-8") == "- ["


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["decline", "no paper"], 2),
        (["decline", "2611.10001", "2611.10002", "--title", "x"], 2),
        (["decline", "2611.99999"], 3),
        (["discover", "--since", "soon"], 2),
        (["discover", "--since", "2026-11-18", "--until", "2026-11-17"], 2),
        (["discover", "--source", "arxiv,pigeons"], 2),
        (["discover", "--since", "2026-11-17", "--until", "2026-11-17"], 2),
        (["discover", "--until", "0001-01-05"], 2),
    ],
)
def test_wrong_questions_get_one_line(world, week, arguments, code):
    done = world.run(*arguments)
    assert done.code == code
    assert len(done.err.strip().splitlines()) == 1


def test_a_service_that_fails_is_named_and_the_others_are_shown(world, week):
    world.desk.server.answers["/dblp"] = HTML
    done = world.run("discover", *DAYS, "--source", "dblp,arxiv")
    assert done.code == 3
    assert NEW[0] in done.out
    assert "DBLP: answered with a web page" in done.err


def test_nothing_new_is_exit_code_one(world, server):
    arxiv_of(server, {})
    done = world.run("discover", *DAYS)
    assert (done.code, done.out) == (1, "0 new papers, 0 shown; 0 known already\n")


def test_a_list_in_markdown_and_in_bibtex_is_ranked_without_a_network(world, server):
    page = world.root / "list.md"
    page.write_text(f"- **{NEW[0]}** [[pdf]](https://arxiv.org/abs/2611.00007)\n- **On Bread and Wool** [[pdf]](https://arxiv.org/abs/2611.00008)\n", "utf-8")  # fmt: skip
    done = world.run("discover", "--from", str(page))
    assert done.code == 0
    assert done.out.splitlines()[1].startswith(f"  1. {NEW[0]}")
    bib = world.root / "list.bib"
    bib.write_text(f"@article{{a, title={{{NEW[0]}}}, year=2026}}\n@article{{b, title={{No Year}}}}\n", "utf-8")  # fmt: skip
    done = world.run("discover", "--from", str(bib))
    assert "1 new paper, 1 shown" in done.out
    assert "no year" in done.err
    assert not server.asked


def test_abstracts_of_entries_that_came_before_serve_files_too(world, server, week):
    owner, paper = next((p.identifiers.arxiv, p.id) for p in load_catalog(world.root).papers if p.identifiers.arxiv)  # fmt: skip
    arxiv_of(server, {**week, owner: ("2023-03-01", "A Known Paper", "Quokkas and numbats of the west.")})  # fmt: skip
    lines = [{"id": "a", "date": "2026-11-16", "title": "Sleep of Quokkas and Numbats"}, {"id": "b", "date": "2026-11-16", "title": "On Wool"}]  # fmt: skip
    path = world.root / "list.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    before = world.run("discover", "--from", str(path)).out
    assert not server.asked
    world.run("discover", *DAYS)
    asked = len(server.asked)
    after = world.run("discover", "--from", str(path)).out
    assert len(server.asked) == asked
    assert paper in after.splitlines()[2]
    assert paper not in before.splitlines()[2]


def test_abstracts_come_from_a_file_line_by_line(world):
    paper = next(p.id for p in load_catalog(world.root).papers)
    listed, abstracts = world.root / "list.jsonl", world.root / "abstracts.jsonl"
    listed.write_text(json.dumps({"id": "a", "date": "2026-11-16", "title": "Sleep of Quokkas and Numbats"}), "utf-8")  # fmt: skip
    text = json.dumps({"id": paper, "abstract": "Quokkas\u2028and numbats."}, ensure_ascii=False)  # fmt: skip
    abstracts.write_text(f"\ufeff{text}\r\n\n", "utf-8")
    command = ("discover", "--from", str(listed), "--abstracts", str(abstracts))
    assert f"like {paper}" in world.run(*command).out
    for bad in ('{"id": ["a"]}', "[]", "{", "[" * 100_000):
        abstracts.write_text(f"{text}\n{bad}\n", "utf-8")
        done = world.run(*command)
        assert (done.code, done.err.count("\n")) == (3, 1)
        assert "abstracts.jsonl:2: " in done.err


def test_the_issue_is_the_same_for_the_same_week_and_bounded(world, server):
    long = "Backdoor <b>&amp; `x` @all Encoder " * 12
    papers = {
        f"2611.{n:05d}": ("2026-11-16", f"{n} {long}", NEW[1]) for n in range(250)
    }
    arxiv_of(server, papers)
    once = world.root / "one.md"
    again = world.root / "two.md"
    world.run("discover", *DAYS, "--top", "0", "--issue", str(once))
    world.run("discover", *DAYS, "--top", "0", "--issue", str(again))
    text = once.read_text("utf-8")
    assert text == again.read_text("utf-8")
    assert len(text) < 65_536
    assert "<b>" not in text
    assert "其余" in text


BODY = f"""{rolling.MARKER}
text
- [x] add `2611.00007`
- [ ] decline `2611.00007`
- [X] decline `doi:10.5555/x.1`: not ours
- [x] add `$(rm -rf .)`
- [x] add `2611.00009`
- [x] decline `2611.00009`
- [x] merge `2611.00010`
"""


def test_only_boxes_of_the_form_are_decisions():
    assert [(t.what, str(t.identifier)) for t in rolling.ticked(BODY)] == [
        ("add", "arXiv:2611.00007"),
        ("decline", "doi:10.5555/x.1"),
    ]
    assert rolling.ticked(BODY.replace(rolling.MARKER, "")) == []


@given(st.text(max_size=300))
def test_no_text_is_a_decision_by_accident(text):
    for tick in rolling.ticked(f"{rolling.MARKER}\n{text}"):
        assert f"{tick.what} `" in text


def git(world, *arguments):
    who = {f"GIT_{role}_{what}": "a@e.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}  # fmt: skip
    environment = os.environ | who | {"GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["git", "-C", world.root, *arguments], check=True, capture_output=True, text=True, env=environment, timeout=60)  # fmt: skip
    return done.stdout


def judged(world):
    """What its author does with the draft of the new paper."""
    (entry,) = [
        path
        for path in (world.root / "catalog/papers/2026").glob("*.yaml")
        if NEW[0] in path.read_text("utf-8")
    ]
    text = entry.read_text("utf-8")
    assert "TODO" in text  # its author judges before it is built
    head = text.split("\nterms:")[0].replace(
        "zh: TODO", "zh: 对比学习图像编码器的后门攻击"
    )
    other = next(
        p for p in (world.root / "catalog/papers").rglob("*.yaml") if p != entry
    )
    terms = yaml.safe_load(other.read_text("utf-8"))["terms"]
    added = next(line for line in text.splitlines() if line.startswith("added:"))
    entry.write_text(f"{head}\nterms: {json.dumps(terms)}\n{added}\n", "utf-8")


def test_a_rehearsed_month_from_candidates_to_the_site(world, server, week):
    """Candidates, the issue, ticks, a branch for each decision, and the site that shows what came of them."""

    world.run("fmt")
    world.run("build")
    (world.root / ".gitignore").write_text(".cache/\nissue.md\n", "utf-8")
    git(world, "init", "-q", "-b", "main")
    git(world, "add", ".")
    git(world, "commit", "-q", "-m", "base")
    issue = world.root / "issue.md"
    seen = []
    for first, last in (("2026-11-02", "2026-11-08"), ("2026-11-09", "2026-11-15"), ("2026-11-16", "2026-11-22")):  # fmt: skip
        world.run("discover", "--since", first, "--until", last, "--category", "cs.CR", "--issue", str(issue))  # fmt: skip
        seen.append(issue.read_text("utf-8"))
    assert "add `" not in seen[0]
    body = seen[2].replace("[ ] add `2611.00007`", "[x] add `2611.00007`")
    body = body.replace("[ ] decline `2611.10003`", "[x] decline `2611.10003`")
    issue.write_text(body, "utf-8")

    ticks = json.loads(world.run("ticked", str(issue)).out)
    assert ticks == [
        {"what": "add", "argument": "2611.00007", "branch": "discover/add-2611-00007"},
        {"what": "decline", "argument": "2611.10003", "branch": "discover/declined"},
    ]
    for tick in ticks:
        git(world, "switch", "-q", "-c", tick["branch"], "main")
        options = ["--yes"] if tick["what"] == "add" else []
        assert world.run(tick["what"], *options, "--", tick["argument"]).code == 0
        git(world, "add", "--", "catalog")
        git(world, "commit", "-q", "-m", tick["what"])
    git(world, "switch", "-q", "main")
    for tick in ticks:
        git(world, "merge", "-q", "--no-edit", tick["branch"])

    judged(world)
    world.run("fmt")
    assert world.run("validate").code == 0, world.run("validate").out
    assert world.run("build").code == 0
    assert NEW[0] in (world.root / "README.md").read_text("utf-8")
    assert json.loads(world.run("ticked", str(issue)).out) == []
    after = world.run("discover", "--since", "2026-11-16", "--until", "2026-11-22", "--category", "cs.CR")  # fmt: skip
    assert NEW[0] not in after.out
    assert week["2611.10003"][1] not in after.out

    assert stay_out(load_catalog(world.root), "en") == [("scope", 1)]
