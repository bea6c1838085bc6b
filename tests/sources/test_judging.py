"""`surveykit add` at a terminal: what a person is asked, and what becomes of the answers."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from sources.answers import ATOM, atom, atom_entry, dblp
from sources.server import Answer, as_json

from surveykit.adding import Outcome, State
from surveykit.cli import judging
from surveykit.draft import Drafter
from surveykit.identifier import Identifier
from surveykit.record import Record


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
            }
        )
        draft = Drafter(catalog, datetime.date(2026, 11, 21)).draft([record])
        outcome = Outcome(
            Identifier("arxiv", "2401.00001"),
            State.NEW,
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


def test_a_wrong_answer_is_asked_again(ask):
    draft, shown = ask(
        "y", "?", "attacker", "attack detection", "attack", "backdoor", *["?"] * 8
    )
    assert "no term attacker" in shown
    assert "between 1 and 1 terms" in shown
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
