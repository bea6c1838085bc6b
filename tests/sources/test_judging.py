"""`surveykit add` at a terminal: what a person is asked, and what becomes of the answers."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from sources.answers import ATOM, atom, atom_entry, dblp
from sources.server import Answer, as_json

from surveykit.adding import Addition, AddState
from surveykit.cli import judging
from surveykit.draft import Drafter
from surveykit.identifier import Identifier
from surveykit.load import check
from surveykit.record import Record

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ask(catalog, monkeypatch):
    """The draft after these answers, and what was shown."""

    def run(*answers: str, **more):
        import datetime

        record = Record.model_validate(
            {
                "title": "Planting Backdoors in Invented [red]Encoders[/red]",
                "authors": [f"Ada{n} Example" for n in range(3000)],
                "arxiv": "2401.00001",
                "year": 2024,
                "kind": "preprint",
                "abstract": "We plant [bold]backdoors[/bold].",
                "source": "arXiv:2401.00001",
                **more,
            }
        )
        draft = Drafter(catalog, datetime.date(2026, 11, 21)).draft([record])
        outcome = Addition(
            Identifier("arxiv", "2401.00001"),
            AddState.NEW,
            draft,
            (record,),
            notes=("a doubt",),
        )
        shown = io.StringIO()
        console = Console(file=shown, width=100)
        monkeypatch.setattr(judging, "Console", lambda **_: console)
        left = iter(answers)
        monkeypatch.setattr("builtins.input", lambda *_: next(left))
        return judging.judged(outcome, catalog).draft, shown.getvalue()

    return run


ALL = (
    "y",
    "在虚构的编码器中植入后门",
    "attack",
    "backdoor",
    "encoder-backdoor",
    "use",
    "vision",
)


def test_everything_decided_leaves_no_mark(ask):
    draft, shown = ask(*ALL, "-", "-")
    assert draft.todo == ()
    assert draft.data["title"]["zh"] == "在虚构的编码器中植入后门"
    assert draft.data["terms"] == {
        "role": ["attack"],
        "threat": ["backdoor"],
        "technique": ["encoder-backdoor"],
        "stage": ["use"],
        "modality": ["vision"],
    }
    assert "#" not in draft.text.partition("\n")[2]
    assert "and 2,994 more" in " ".join(shown.replace("│", " ").split())
    assert "[red]Encoders[/red]" in shown  # text of a source styles nothing
    assert "a doubt" in shown


def test_enter_takes_the_suggestion_and_a_question_mark_leaves_it(ask):
    draft, _ = ask("", "?", "", "", *["?"] * 8)
    assert draft.data["terms"]["threat"] == ["backdoor"]
    assert draft.data["terms"]["stage"][0] == "todo"
    assert "title.zh" in draft.todo


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("", ["BadSeeds"]),
        ("BadSeeds, Bad Garden", ["BadSeeds", "Bad Garden"]),
        ("-", None),
        ("?", ["TODO", "BadSeeds"]),
    ],
)
def test_the_name_before_a_colon_is_asked_for(ask, said, kept):
    answers = (*ALL[:2], said, *ALL[2:], "-", "-")
    draft, _ = ask(*answers, title="BadSeeds: Planting Invented Backdoors")
    assert draft.data.get("aka") == kept


def test_a_wrong_answer_is_asked_again(ask):
    draft, shown = ask(
        "y", "?", "attacker", "attack detection", "attack", "backdoor", *["?"] * 8
    )
    assert "no term attacker" in shown
    assert "between 1 and 1 term" in shown
    assert draft.data["terms"]["role"] == ["attack"]


def test_a_paper_that_does_not_belong_here_is_turned_down(ask):
    draft, _ = ask("n")
    assert draft is None


def test_the_program_asks_at_a_terminal_and_only_there(world, server, monkeypatch):
    server.answers["/arxiv"] = Answer(
        atom(atom_entry()), headers={"content-type": ATOM}
    )
    server.answers["/dblp"] = as_json(dblp())
    before = world.entries()
    asked = []
    monkeypatch.setattr(
        judging, "judged", lambda outcome, _: asked.append(1) or outcome
    )
    world.run("add", "2401.00001")
    assert asked == []  # neither input nor output is a terminal here
    assert len(world.entries()) == len(before) + 1


def at_terminal(root: Path, answers: list[str]) -> tuple[int, str]:
    """Exit code and screen of the program at a terminal, where a person gives these answers; ^C interrupts."""
    ours, theirs = pty.openpty()
    paths = os.pathsep.join([f"{ROOT}/src", str(ROOT), f"{ROOT}/tests"])
    program = subprocess.Popen(
        [sys.executable, "-m", "sources.terminal", str(root)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, "TERM": "dumb", "COLUMNS": "100"},
        start_new_session=True,
    )
    os.close(theirs)
    shown, left, answered = "", list(answers), 0
    with contextlib.suppress(OSError):  # the terminal closes when the program ends
        while chunk := os.read(ours, 4096):
            shown += chunk.decode(errors="replace")
            asked = len(re.findall(r"\([\w -?]*\): ", shown))
            while left and answered < asked:
                answer = left.pop(0)
                answered += 1
                if answer == "^C":
                    program.send_signal(signal.SIGINT)
                else:
                    os.write(ours, answer.encode())
    os.close(ours)
    return program.wait(timeout=60), shown


def test_a_person_at_a_terminal_finishes_an_entry_in_one_go(catalog_dir):
    decided = [
        "y\n",
        f"{ALL[1]}\n",
        "\n",
        "\n",
        "encoder-backdoor\n",
        "use\n",
        "\n",
        "-\n",
        "-\n",
    ]
    code, shown = at_terminal(catalog_dir, decided)
    assert code == 0, shown
    (path,) = (catalog_dir / "catalog/papers").rglob("vanmuller*.yaml")
    assert "todo" not in path.read_text(encoding="utf-8").lower()
    assert check(catalog_dir).problems == ()


def test_an_interrupt_at_a_question_writes_nothing(catalog_dir):
    before = sorted((catalog_dir / "catalog/papers").rglob("*"))
    code, shown = at_terminal(catalog_dir, ["y\n", "^C"])
    assert code == 130, shown
    assert sorted((catalog_dir / "catalog/papers").rglob("*")) == before
    assert "Traceback" not in shown
