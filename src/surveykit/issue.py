"""The text of an issue, written through a form by anybody -> one change of the catalog, or a refusal.

Nothing of the text is trusted: every heading must be one of the form's, each once and in order; a value may hold no
control character, no HTML comment and no `${{`; an id is looked up, never made into a path. What comes out
is data that the models have checked, and a branch name of letters, digits and hyphens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from surveykit.canon import format_text
from surveykit.catalog import Catalog
from surveykit.edit import with_key
from surveykit.errors import SurveyError
from surveykit.fields import validated
from surveykit.forms import Form, Kind, forms
from surveykit.models import INVISIBLE, Paper
from surveykit.yaml_tree import Fault, Tree, parse

MOST_CHARACTERS = 20_000
MOST_OF_ONE = 4_000
_EMPTY = "_No response_"
_LICENCE = "Licence · 许可"
_PAPER = TypeAdapter(Paper)


class IssueError(SurveyError):
    """The issue cannot become a change; the message says why, for its author."""


@dataclass(frozen=True)
class Request:
    """What an issue asks for."""

    kind: Kind
    values: Mapping[str, str]
    """Id of a question -> answer; unanswered ones are absent."""


def parsed(body: str, catalog: Catalog) -> Request:
    """What the body of an issue asks for. Raises IssueError."""
    if len(body) > MOST_CHARACTERS:
        raise IssueError(f"longer than {MOST_CHARACTERS} characters")
    sections = _sections(body.replace("\r\n", "\n"))
    for form in forms(catalog.taxonomy):
        labels = [question.label for question in form.questions]
        if [label for label, _ in sections if label != _LICENCE] == labels:
            return Request(form.kind, _answers(form, dict(sections)))
    raise IssueError(
        "the headings are not those of a form; open a new issue through one"
    )


def _sections(body: str) -> list[tuple[str, str]]:
    pieces = re.split(r"^### (.+)$", body, flags=re.MULTILINE)
    if pieces[0].strip():
        raise IssueError("there is text before the first heading of the form")
    pairs = list(zip(pieces[1::2], pieces[2::2], strict=True))
    labels = [label.strip() for label, _ in pairs]
    if len(set(labels)) != len(labels):
        raise IssueError("a heading stands there twice")
    return [(label.strip(), text.strip()) for label, text in pairs]


def _answers(form: Form, sections: Mapping[str, str]) -> dict[str, str]:
    answers = {}
    for question in form.questions:
        answer = sections[question.label]
        if answer in ("", _EMPTY):
            if question.required:
                raise IssueError(f"{question.label!r} is not answered")
            continue
        _check(question.label, answer, lines=question.widget == "textarea")
        if question.options and answer not in question.options:
            raise IssueError(f"{question.label!r}: {answer[:60]!r} cannot be chosen")
        answers[question.id] = answer
    return answers


def _check(label: str, answer: str, *, lines: bool) -> None:
    """Refuse what no honest answer holds."""
    if len(answer) > MOST_OF_ONE:
        raise IssueError(f"{label!r} is longer than {MOST_OF_ONE} characters")
    if not lines and "\n" in answer:
        raise IssueError(f"{label!r} takes one line")
    if found := INVISIBLE.search(answer.replace("\n", " ")):
        raise IssueError(
            f"{label!r} holds the invisible character U+{ord(found[0]):04X}"
        )
    for sign in ("<!--", "-->", "${{", "```"):
        if sign in answer:
            raise IssueError(f"{label!r} holds {sign!r}, which no value needs")


def branch(request: Request, number: int) -> str:
    """Name of the branch for an issue: the same one each time."""
    named = request.values.get("id") or request.values.get("identifier", "")
    plain = re.sub("[^a-z0-9]+", "-", named.lower()).strip("-")[:60]
    return f"issue-{int(number)}/{request.kind}-{plain}".rstrip("-")


def target(request: Request, catalog: Catalog) -> str:
    """Path of the entry that is to change. Raises IssueError for an unknown id."""
    wanted = request.values["id"]
    if wanted not in catalog.by_id:
        raise IssueError(f"there is no entry {wanted[:80]!r}")
    return catalog.paths[wanted]


def changed(request: Request, text: str) -> str:
    """The entry's file as the issue wants it, in canonical form. Raises IssueError."""
    tree = parse(text)
    if request.kind == "broken-link":
        key, value = _mended(request, tree.data)
    else:
        key, value = _corrected(request, tree.data)
    if value == tree.data.get(key):
        raise IssueError("the entry says so already")
    new = with_key(text, key, value)
    if new is None:
        raise IssueError("the entry cannot be edited by a program; a person has to")
    faults: list[Fault] = []
    validated(_PAPER, Tree(new, parse(new).data), faults)
    if faults:
        raise IssueError("; ".join(f"{f.rule} {f.message}" for f in faults[:3]))
    return format_text(new)


def _corrected(request: Request, data: Mapping[str, Any]) -> tuple[str, Any]:
    """Top-level key and its new value."""
    key, _, inner = request.values["field"].partition(".")
    answer = request.values["value"]
    if key == "authors":
        return key, _authors(answer, data)
    if key == "terms":
        chosen = [
            word.strip() for word in re.split("[,，、\n]", answer) if word.strip()
        ]
        return key, {**data.get(key, {}), inner: chosen}
    value: Any = " ".join(answer.split())
    if key in ("year", "month"):
        if not re.fullmatch("[0-9]{1,4}", value):
            raise IssueError(f"{key} takes a number, not {value[:20]!r}")
        value = int(value)
    return key, {**(data.get(key) or {}), inner: value} if inner else value


def _authors(answer: str, data: Mapping[str, Any]) -> list[Any]:
    """One author a line; parts that the entry has of a name stay."""
    known = {_name(a): a for a in data.get("authors", ())}
    names = [" ".join(line.split()) for line in answer.split("\n") if line.strip()]
    return [known.get(name, name) for name in names]


def _name(author: Any) -> str:
    if isinstance(author, str):
        return author
    parts = ("literal", "given", "particle", "family", "suffix")
    return " ".join(str(author[part]) for part in parts if author.get(part))


def _mended(request: Request, data: Mapping[str, Any]) -> tuple[str, Any]:
    old, new = request.values["link"], request.values.get("replacement")
    links = data.get("links", {})
    names = [name for name, url in links.items() if url == old]
    if not names:
        raise IssueError("the entry has no such link")
    if new is None:
        raise IssueError("no replacement is given; a person has to look for one")
    return "links", {**links, **dict.fromkeys(names, new)}
