"""The rule about drafts: what a person still has to give is marked, and an entry with a mark is not finished."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from surveykit.catalog import Catalog
from surveykit.errors import Loc
from surveykit.rules.rule import Finding, Rule, at
from surveykit.scalars import TODO, TODO_TERM, TODO_URL, is_mark

_WHAT = {
    "aka": f"keep the names that the paper gives to what it brings, and delete {TODO}",
    "terms": f"decide which terms hold, and delete `{TODO_TERM}`",
    "venue": "write the id of the venue in catalog/venues.yaml, or add it there",
    "links": f"give the address in the place of {TODO_URL}",
}


def marks(data: Any, loc: Loc = ()) -> Iterator[Loc]:
    """Where the plain data of an entry says that something is left to its author."""
    if isinstance(data, str):
        if is_mark(data):
            yield loc
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from marks(value, (*loc, key))
    elif isinstance(data, list | tuple):
        for index, item in enumerate(data):
            yield from marks(item, (*loc, index))


def unfinished(catalog: Catalog) -> Iterator[Finding]:
    """Marks in entries."""
    for paper, written in zip(catalog.papers, catalog.written, strict=True):
        if TODO_TERM not in written.lower():
            continue  # the walk through an entry takes many times longer
        for loc in marks(paper.model_dump(exclude_none=True)):
            what = _WHAT.get(str(loc[0]), f"write the text in the place of {TODO}")
            yield at(catalog, paper, loc, f"left to the author: {what}")


RULES = (
    Rule(
        "SK352",
        "a finished entry has no marks of a draft",
        "`surveykit add` and `import` fill in what services know and mark what a person must judge: `TODO` for a text, "
        "`todo` before the terms they suggest and for a venue that the registry lacks. Read the paper, keep the terms that hold, and replace each mark.",
        "title: {en: Growing Mushrooms, zh: TODO}\nterms:\n  role: [todo, evaluation]",
        "title: {en: Growing Mushrooms, zh: 种植蘑菇}\nterms:\n  role: [evaluation]",
        unfinished,
    ),
)
