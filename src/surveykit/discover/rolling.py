"""The weekly issue: candidates with boxes, and which of them are ticked. Its text is the same for the same candidates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from surveykit.addresses import doi_page
from surveykit.discover.ranking import Ranked
from surveykit.identifier import Identifier, identify_quietly
from surveykit.text.markdown import address, escape

MOST_OF_A_WEEK = 50
"""Candidates of a week that get boxes."""
MOST_CHARACTERS = 60_000
"""Of the text; an issue holds 65,536."""
MOST_TITLE = 300
MOST_TICKS = 40
"""Decisions that are taken from one text."""
MARKER = "<!-- surveykit discover -->"
_HEAD = f"""\
{MARKER}
New papers that may belong here, the likeliest of each week first. Ticking *add* opens a pull request, ticking *decline* records
that the paper stays out; only ticks of maintainers count.

可能应收录的新论文，每周按相关程度排列。勾选 *add*（收录）会新建一个拉取请求，勾选 *decline*（不收录）会记录该论文不予收录；仅维护者的勾选有效。
"""
_BOX = re.compile(r"\s*- \[([ xX])\] (add|decline) `([^`\s]{3,200})`[^`]*")


@dataclass(frozen=True)
class Tick:
    """A decision about one paper."""

    what: Literal["add", "decline"]
    identifier: Identifier


def text(shown: Iterable[tuple[str, Ranked]]) -> str:
    """The issue's text for candidates with their weeks, in order; it ends where an issue would burst."""
    parts, size, week, left = [_HEAD], len(_HEAD), "", 0
    for name, one in shown:
        argument = one.candidate.command
        if not _named(argument):
            continue
        head = f"\n## {name}\n" if name != week else ""
        part = head + _item(one, argument)
        if size + len(part) > MOST_CHARACTERS or left:
            left += 1
            continue
        parts.append(part)
        size, week = size + len(part), name
    if left:
        parts.append(f"\n{left} more · 其余 {left} 篇: `surveykit discover`\n")
    return "".join(parts)


def _item(one: Ranked, argument: str) -> str:
    record = one.candidate.record
    title = escape(record.title[:MOST_TITLE])
    page = _page(one)
    linked = f"[{title}]({address(page)})" if page else title
    return (
        f"\n**{linked}** {one.candidate.day}\n"
        f"{escape(one.reason[:MOST_TITLE])}\n"
        f"- [ ] add `{argument}`\n"
        f"- [ ] decline `{argument}`\n"
    )


def _page(one: Ranked) -> str:
    record = one.candidate.record
    if record.arxiv:
        return f"https://arxiv.org/abs/{record.arxiv}"
    return doi_page(record.doi) if record.doi else record.paper_url or ""


def _named(argument: str) -> Identifier | None:
    """The paper that a box names; None where a box could not carry it."""
    if not argument or not re.fullmatch(r"[^`\s]{3,200}", argument):
        return None
    found = identify_quietly(argument)
    known = found and found.kind in ("arxiv", "doi", "acl", "openreview")
    return found if known else None


def ticked(body: str) -> list[Tick]:
    """What is ticked in the text of an issue, each paper once; a paper with both boxes ticked is left for a person.

    Only lines in the form of a box count, whatever else stands in the text.
    """
    if MARKER not in body[:200]:
        return []
    ticks: dict[Identifier, set[str]] = {}
    for line in body[: 2 * MOST_CHARACTERS].splitlines():
        box = _BOX.fullmatch(line)
        named = _named(box[3]) if box and box[1] in "xX" else None
        if box and named:
            ticks.setdefault(named, set()).add(box[2])
    sure = [(one, what) for one, (what, *more) in ticks.items() if not more]
    return [
        Tick("add" if what == "add" else "decline", one)
        for one, what in sure[:MOST_TICKS]
    ]
