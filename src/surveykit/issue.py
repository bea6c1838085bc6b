"""The text of an issue, written through a form by anybody -> one change of the catalog, or a refusal.

Nothing of the text is trusted: every heading must be one of the form's, each once; a value may hold no character that
hides or turns others, no HTML comment and no `${{`; an id is looked up, never made into a path. What comes out
is data that the models have checked, and a branch name of letters, digits and hyphens.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from surveykit.addresses import address, entry_id
from surveykit.answers import REMOVED, Answer, removes, value
from surveykit.canon import format_text
from surveykit.catalog import Catalog
from surveykit.edit import with_key
from surveykit.errors import IssueError, UnknownPaperError, plural
from surveykit.fields import validated
from surveykit.forms import Form, FormName, forms, model_in
from surveykit.models import Paper
from surveykit.scalars import INVISIBLE, TODO
from surveykit.text.letters import letters
from surveykit.yaml_tree import Fault, Tree, parse, shown

MOST_CHARACTERS = 20_000
MOST_OF_ONE = 4_000
_EMPTY = frozenset({"", "_no response_", "*no response*", "no response"})
_NOTHING = frozenset({"none", "n/a", "null", "无", "没有"})
_LICENSE = "License · 许可"
# Come along when text is copied from pages, PDFs and chats, and change nothing; what turns the order of letters does.
_HARMLESS = re.compile("[\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_PART = re.compile(r"(en|zh|basis|source)\s*[:：]\s*(\S.*)")
_PAPER = TypeAdapter(Paper)


@dataclass(frozen=True)
class Request:
    """What an issue asks for."""

    kind: FormName
    values: Mapping[str, str]
    """Id of a question -> answer; unanswered ones are absent."""
    catalog: Catalog = field(repr=False)
    """What it was read against."""
    notes: list[str] = field(default_factory=list)
    """What was not taken as it was written; grows while the change is made."""


def parsed(body: str, catalog: Catalog) -> Request:
    """What the body of an issue asks for. Raises IssueError."""
    if len(body) > MOST_CHARACTERS:
        raise IssueError(f"longer than {MOST_CHARACTERS} characters; shorten it")
    notes: list[str] = []
    every = forms(catalog.taxonomy)
    sections = _sections(_cleaned(body, notes), every)
    _agreed(sections.pop(_LICENSE, ""), notes)
    form = _form(sections, every)
    return Request(form.kind, _answers(form, sections), catalog, notes)


def _cleaned(body: str, notes: list[str]) -> str:
    """The text with one kind of line end, without what cannot be seen and does no harm."""
    lines = re.sub("\r\n?|[\u0085\u2028\u2029]", "\n", body)
    plain, count = _HARMLESS.subn("", re.sub("[\t\v\f]", " ", lines))
    if count:
        notes.append(f"{plural(count, 'invisible character')} left out")
    return unicodedata.normalize("NFC", plain)


def _sections(body: str, every: tuple[Form, ...]) -> dict[str, str]:
    """Label -> text below its heading; a heading may be cut to one language, or have another level."""
    labels = [q.label for form in every for q in form.questions] + [_LICENSE]
    known = {letters(n): label for label in labels for n in (label, *label.split("·"))}
    known[letters("Licence · 许可")] = _LICENSE  # as older forms have it
    sections: dict[str, list[str]] = {"": []}
    now = ""
    for line in body.split("\n"):
        head = line.strip()
        label = known.get(letters(head)) if head.startswith("#") else None
        if label is None and head.startswith("### "):
            raise IssueError(
                f"{shown(head)} is not a heading of the form; delete the line"
            )
        if label in sections:
            raise IssueError(
                f"the heading {shown(head)} stands there twice; delete one"
            )
        now = label or now
        sections.setdefault(now, []).extend([] if label else [line])
    texts = {label: "\n".join(lines).strip() for label, lines in sections.items()}
    if before := texts.pop(""):
        raise IssueError(f"{shown(before)} stands before the first heading; delete it")
    return texts


def _agreed(license: str, notes: list[str]) -> None:
    lines = [line for line in license.split("\n") if line.strip()]
    boxes = [line for line in lines if re.match(r"\s*[-*] \[[ xX]\]", line)]
    if not any(re.match(r"\s*[-*] \[[xX]\]", line) for line in boxes):
        raise IssueError("the license is not agreed to; tick the form's last box")
    if len(boxes) < len(lines):
        notes.append("what stands below the license was not read")


def _form(sections: Mapping[str, str], every: tuple[Form, ...]) -> Form:
    """The form that has all of the headings; an optional question may be missing."""
    fits = [f for f in every if sections.keys() <= {q.label for q in f.questions}]
    if len(fits) != 1:
        said = "the headings are not those of one form"
        raise IssueError(f"{said}; open a new issue through a form")
    for question in fits[0].questions:
        if question.required and question.label not in sections:
            raise IssueError(f"the heading {question.label!r} is missing; put it back")
    return fits[0]


def _answers(form: Form, sections: Mapping[str, str]) -> dict[str, str]:
    answers = {}
    for question in form.questions:
        answer = _unfenced(sections.get(question.label, ""))
        nothing = _NOTHING | {*REMOVED} if form.kind == "new-paper" else _NOTHING
        low = answer.casefold()
        if low in _EMPTY or (low in nothing and not question.required):
            if question.required:
                raise IssueError(f"{question.label!r} is not answered; {question.help}")
            continue
        _check(question.label, answer, lines=question.widget == "textarea")
        if question.options:
            answer = next((o for o in question.options if o.casefold() == low), answer)
            if answer not in question.options:
                said = f"{question.label!r}: {shown(answer)} cannot be chosen"
                raise IssueError(f"{said}; choose one of {', '.join(question.options)}")
        answers[question.id] = entry_id(answer) if question.id == "id" else answer
    return answers


def _unfenced(text: str) -> str:
    """An answer out of the block of code that stands around all of it."""
    lines = text.split("\n")
    fenced = len(lines) > 2 and re.fullmatch(r"```[\w.+-]*", lines[0].strip())
    return (
        "\n".join(lines[1:-1]).strip()
        if fenced and lines[-1].strip() == "```"
        else text
    )


def _check(label: str, answer: str, *, lines: bool) -> None:
    """Refuse what no honest answer holds."""
    if len(answer) > MOST_OF_ONE:
        raise IssueError(
            f"{label!r} is longer than {MOST_OF_ONE} characters; shorten it"
        )
    if not lines and "\n" in answer:
        raise IssueError(
            f"{label!r} takes one line, not {shown(answer)}; join the lines"
        )
    if found := INVISIBLE.search(answer.replace("\n", " ")):
        code = f"U+{ord(found[0]):04X}"
        raise IssueError(
            f"{label!r} holds the invisible character {code}; type it anew by hand"
        )
    for sign in ("<!--", "-->", "${{", "```"):
        if sign in answer:
            raise IssueError(
                f"{label!r} holds {sign!r}, which no value needs; delete it"
            )


def branch(request: Request, number: int) -> str:
    """Name of the branch for an issue: the same one each time."""
    named = request.values.get("id") or request.values.get("identifier", "")
    plain = re.sub("[^a-z0-9]+", "-", named.lower()).strip("-")[:60]
    return f"issue-{int(number)}/{request.kind}-{plain}".rstrip("-")


def target(request: Request, catalog: Catalog) -> str:
    """Path of the entry that is to change. Raises IssueError for an unknown id."""
    wanted = request.values["id"]
    now = {old: paper.id for paper in catalog.papers for old in paper.former_ids}
    try:
        return catalog.paths[catalog.get(now.get(wanted, wanted[:80])).id]
    except UnknownPaperError as error:
        how = "copy the last part of the address of its page"
        raise IssueError(f"{error}; {how}") from None


def changed(request: Request, text: str) -> str:
    """The entry's file as the issue wants it, in canonical form. Raises IssueError."""
    entry = parse(text).data
    wanted = _mended if request.kind == "broken-link" else _corrected
    key, new = wanted(request, entry)
    if new == entry.get(key):
        raise IssueError(
            f"{key}: the entry stands so already; nothing is left to change"
        )
    edited = with_key(text, key, new)
    if edited is None:
        raise IssueError(
            f"{key}: a comment stands in it, which a program cannot move; a person has to"
        )
    faults: list[Fault] = []
    tree = Tree(edited, parse(edited).data)
    validated(_PAPER, tree, faults, request.catalog.kit.languages)
    if faults:
        raise IssueError("; ".join(f"{f.rule} {f.message}" for f in faults[:3]))
    return format_text(edited)


def _corrected(request: Request, entry: Mapping[str, Any]) -> tuple[str, Any]:
    """Top-level key and its new value; None removes it."""
    name = request.values["field"]
    key, _, inner = name.partition(".")
    answer = Answer(
        name, request.values["value"], entry, request.catalog, request.notes
    )
    if removes(answer):
        return key, _without(answer, key, inner)
    if not inner:
        return key, value(answer)
    group = {**(entry.get(key) or {}), **_given(answer, key, inner)}
    if key in ("notes", "tldr"):
        _complete(request, key, group)
    return key, group


def _without(answer: Answer, key: str, inner: str) -> Any:
    """A group without one of its parts; None where nothing useful is left of it."""
    model = model_in(Paper.model_fields[key].annotation) if inner else None
    group = answer.entry.get(key) or {}
    if inner and inner not in group:
        return group or None
    if model and model.model_fields[inner].is_required():
        answer.notes.append(f"{key}: removed as a whole, as it cannot lack {inner}")
        return None
    return {k: v for k, v in group.items() if k != inner} or None if inner else None


def _given(answer: Answer, key: str, inner: str) -> dict[str, Any]:
    """Values of the parts that an answer gives: one, or several as lines `en: …` and `zh: …`."""
    lines = [line.strip() for line in answer.text.split("\n") if line.strip()]
    parts = {m[1]: m[2] for line in lines if (m := _PART.fullmatch(line))}
    if (
        key not in ("title", "notes", "tldr")
        or inner not in parts
        or len(parts) < len(lines)
    ):
        return {inner: value(answer)}
    return {
        part: value(
            Answer(f"{key}.{part}", text, answer.entry, answer.catalog, answer.notes)
        )
        for part, text in parts.items()
    }


def _complete(request: Request, key: str, group: dict[str, Any]) -> None:
    """What a new text still needs: the source is the issue's, the other language is left to a person."""
    if key == "tldr":
        group.setdefault("source", " ".join(request.values["source"].split()))
        if "basis" not in group:
            raise IssueError(
                "tldr: a new summary says what it was checked against; write the lines `en: …`, `zh: …` "
                "and `basis: abstract` or `basis: paper`"
            )
    for lang in request.catalog.kit.languages:
        if lang not in group:
            group[lang] = TODO
            request.notes.append(f"{key}.{lang}: left to the author, marked {TODO}")


def _mended(request: Request, entry: Mapping[str, Any]) -> tuple[str, Any]:
    old, new = request.values["link"], request.values.get("replacement")
    links = dict(entry.get("links", {}))
    same = {_bare(old), _bare(address(old) or old)}
    names = [n for n, url in links.items() if n == old.lower() or _bare(url) in same]
    if not names:
        has = ", ".join(f"{name}: {url}" for name, url in links.items())
        raise IssueError(f"the entry has no link {shown(old)}; copy one of {has}")
    if new is None:
        raise IssueError(
            "no replacement is given; a person has to look for one, or answer `-` to remove the link"
        )
    for name in names:
        answer = Answer(f"links.{name}", new, entry, request.catalog, request.notes)
        if removes(answer):
            del links[name]
        else:
            links[name] = value(answer)
    return "links", links


def _bare(url: str) -> str:
    """An address without what most servers take for the same."""
    return re.sub(r"^https?://(?:www\.)?", "", url.strip().casefold()).rstrip("/")
