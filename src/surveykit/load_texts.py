"""The texts of the survey and its glossary: files -> models, or what is wrong with them and where."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter
from pydantic_core import PydanticCustomError

from surveykit.errors import Loc
from surveykit.fields import validated
from surveykit.intake import SHARED_BYTES, Intake, inside
from surveykit.scalars import plain
from surveykit.texts import GlossaryTerm, Text, TextHead
from surveykit.yaml_tree import Fault, RefusedError, Tree, load_text, parse

TEXTS = "catalog/text"
GLOSSARY = "catalog/glossary.yaml"
TEXT_BYTES = 32 * 1024
MOST_TEXTS = 300
_HEAD = TypeAdapter(TextHead)
_GLOSSARY = TypeAdapter(tuple[GlossaryTerm, ...])
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.md")


@dataclass(frozen=True)
class _TextTree(Tree):
    """Places in a text: those of its front matter, and `("body", line, column)` from 0."""

    body: int = 1
    """1-based line on which the body begins."""

    def place(self, loc: Loc, *, key: bool = False) -> tuple[int, int]:
        if loc[:1] == ("body",):
            return int(loc[1]) + self.body, int(loc[2]) + 1
        line, column = super().place(loc, key=key)
        return line + 1, column  # below the first `---`


def read_texts(intake: Intake) -> dict[str, dict[str, Text]]:
    """Texts by id and language; what cannot be read is reported."""
    found: dict[str, dict[str, Text]] = {}
    for lang, path in _paths(intake):
        if text := _text(intake, lang, path):
            found.setdefault(text.id, {})[lang] = text
    return found


def read_glossary(intake: Intake) -> tuple[GlossaryTerm, ...]:
    """The words of the glossary; none where there is no file."""
    if not os.path.lexists(intake.root / GLOSSARY):
        return ()
    return intake.read(GLOSSARY, _GLOSSARY, SHARED_BYTES) or ()


def _paths(intake: Intake) -> Iterator[tuple[str, str]]:
    for lang, deep in inside(intake, TEXTS):
        if lang not in intake.languages or not deep:
            places = " and ".join(f"{TEXTS}/{x}/<name>.md" for x in intake.languages)
            said = f"{lang!r} is no language; texts are {places}"
            intake.report(f"{TEXTS}/{lang}", Fault("SK004", 1, 1, said))
            continue
        names = list(inside(intake, f"{TEXTS}/{lang}"))
        for name, deeper in names[:MOST_TEXTS]:
            path = f"{TEXTS}/{lang}/{name}"
            if _NAME.fullmatch(name) and not deeper:
                yield lang, path
            else:
                said = f"{name!r} is no text; name it in lower case, `some-words.md`"
                intake.report(path, Fault("SK004", 1, 1, said))
        if len(names) > MOST_TEXTS:
            said = f"{len(names)} files; {MOST_TEXTS} texts are read"
            intake.report(f"{TEXTS}/{lang}", Fault("SK004", 1, 1, said))


def _text(intake: Intake, lang: str, path: str) -> Text | None:
    try:
        whole = load_text(intake.root / path, TEXT_BYTES, intake.root)
    except RefusedError as error:
        fault = error.fault
        if fault.rule == "SK002":
            said = f"larger than {TEXT_BYTES // 1024} KiB; divide the text"
            fault = Fault("SK002", 1, 1, said)
        intake.trees[path] = Tree()
        intake.report(path, fault)
        return None
    front, body, line = _divided(whole)
    if front is None:
        intake.trees[path] = Tree()
        said = "no front matter; begin with a line `---`, then `title:`, `lead:` and `kind:`, then a line `---`"
        intake.report(path, Fault("SK380", 1, 1, said))
        return None
    tree = parse(front)
    placed = _TextTree(front, tree.data, body=line)
    faults: list[Fault] = []
    head = None if tree.faults else validated(_HEAD, placed, faults, intake.languages)
    lower = [Fault(f.rule, f.line + 1, f.column, f.message) for f in tree.faults]
    intake.trees[path] = _TextTree(front, body=line)
    intake.report(path, *lower, *faults, *_hidden(body, line))
    if not head:
        return None
    id_ = path.rpartition("/")[2].removesuffix(".md")
    return Text(id_, lang, path, head, body, line)


def _divided(whole: str) -> tuple[str | None, str, int]:
    """Front matter, body, and the line on which the body begins."""
    lines = whole.split("\n")
    if lines[0] != "---" or "---" not in lines[1:]:
        return None, "", 1
    end = lines.index("---", 1)
    return "\n".join(lines[1:end]), "\n".join(lines[end + 1 :]), end + 2


def _hidden(body: str, line: int) -> Iterator[Fault]:
    """Characters that a reader does not see."""
    for number, text in enumerate(body.split("\n"), line):
        try:
            plain(re.sub(" +", " ", text.strip(" ")))
        except PydanticCustomError as error:
            rules = {"invisible_character": "SK208", "not_normalized": "SK210"}
            said = error.message().replace(repr(text), "this line")
            yield Fault(rules.get(error.type, "SK209"), number, 1, said)
