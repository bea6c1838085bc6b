"""One item, row or paragraph of a list: its links, its title, and what is said beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from surveykit.identifier import identify_quietly
from surveykit.imports import document, linked
from surveykit.imports.document import Block, Span
from surveykit.imports.segments import (
    EMPHASIS,
    Segments,
    cited,
    is_full_name,
    is_people,
    is_tag,
    is_venue,
    people_and_venue,
    titlelike,
    year_in,
)
from surveykit.record import tidy

ADDRESS = re.compile(r"https?://[^\s<>\"'`|，。；）】]+")
_LOOSE = re.compile(
    rf"\[([^\[\]\n]{{0,300}})\]\s?[(（]\s*([a-z]+:[^()（）\s][^()（）\n]{{0,1000}})[)）]|({ADDRESS.pattern})"
)
"""Links that Markdown does not see, and addresses that stand in the text."""
_PART = re.compile(
    r"vol|part|version|v[0-9]|(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)[a-z]*\b|[0-9]|spring|fall|summer|winter",
    re.I,
)
"""Beginnings of what belongs to a title although it stands in brackets with a year."""
_QUOTED = re.compile(r"[\"“]([^\"“”]{6,})[\"”]")
_VENUE_WORD = re.compile(
    r"in[: ]|proc|advances|journal|transactions|ieee|acm|arxiv|corr\b|accepted|to appear|findings|workshop",
    re.I,
)
_PROSE = re.compile(
    r"(?:we|if you|if any|please|.{0,20}\bI (?:am|have|will)|our (?:paper|work|survey|code|list|group)|this (?:repo|repository|list|is|survey|section)|check (?:out|our|the)|see also|"
    r"feel free|thanks|thank you|news\b|updates?:|updated|note that|here,? (?:we|is|are)|for (?:more|further))(?![\w-])",
    re.I,
)
_BEHIND = re.compile(r"\s*[\[(【]([^\[\]()【】]{1,80})[\])】]\W*$")
_PREFIX = re.compile(r"(?<!\s)\s*(?:paper|title|论文|标题|题目)\s*[:：]\s*", re.I)


@dataclass
class Link:
    label: str
    url: str
    role: str
    """One of `linked.Role`, `empty` without an address, `local` for a file beside the list, `twofold` if it reads as another address."""
    line: int
    bracketed: bool = False
    """Whether the label stands in brackets, as words for links do and titles do not."""


@dataclass
class Paper:
    """One paper while it is read."""

    line: int
    headings: tuple[str, ...]
    title: str = ""
    bold: bool = False
    linked: bool = False
    """Whether the title is a link."""
    links: list[Link] = field(default_factory=list)
    rest: Segments = field(default_factory=Segments)
    codes: list[Block] = field(default_factory=list)

    def has(self, *roles: str) -> bool:
        return any(link.role in roles for link in self.links)


@dataclass
class Piece:
    text: str
    bold: bool = False
    emphasis: bool = False
    code: bool = False


def heads(block: Block) -> Iterator[list[list[Span]]]:
    """The lines of a block, apart where each line is a paper of its own."""
    lines = lines_of(block.spans)
    if len(lines) < 2:
        yield lines
        return
    own = [paper_of(block.line, (), [line]) for line in lines]
    papers = sum(
        bool(p.title)
        and any(li.role == "title" and linked.says_paper(li.url) for li in p.links)
        for p in own
    )
    rows = all(_opens_cell(line) for line in lines)
    if (
        papers > 1 or rows
    ):  # a table without the line below its head is text to Markdown
        yield from ([line] for line in lines if line)
    else:
        yield lines


def _opens_cell(line: Sequence[Span]) -> bool:
    return "".join(span.text for span in line).lstrip().startswith("|")


def lines_of(spans: Sequence[Span]) -> list[list[Span]]:
    """Spans line by line; a line that continues the one above begins with its line break."""
    lines: list[list[Span]] = [[]]
    for span in spans:
        if span.url or span.text not in ("\n", document.BREAK):
            lines[-1].append(replace(span, text=" ") if span.text == "\n" else span)
        else:
            lines.append([span] if span.text == "\n" else [])
    return [line for line in lines if any(s.text.strip() or s.url for s in line)]


def flat(spans: Sequence[Span]) -> list[Span]:
    return [Span(" ") if s.text in ("\n", document.BREAK) else s for s in spans]


def _link(text: str, url: str, line: int) -> Link:
    inner = text.lstrip("[【( \t\n\xa0\u3000").rstrip("]】) \t\n\xa0\u3000")
    label = inner if text[:1] in "[【(" else text
    if ADDRESS.fullmatch(label):
        one, other = identify_quietly(label), identify_quietly(url)
        if one and other and one != other:
            return Link(label, url, "twofold", line)
        label = ""
    if url.startswith(document.NOWHERE):
        return Link(label, "", "empty", line, label != text)
    if not re.match("[a-z]+:", url, re.I):  # a file beside the list
        return Link(label, url, "local", line, label != text)
    return Link(label, url, linked.role(label, url), line, label != text)


def _style(span: Span) -> tuple[bool, bool, bool]:
    """Bold, else emphasis, else code: a title in bold may hold the others."""
    return span.bold, span.emphasis and not span.bold, span.code and not span.bold


def parts_of(line: Sequence[Span], number: int) -> Iterator[Piece | Link]:
    """Links, and pieces of text in one style; addresses that stand in the text are links."""
    for url, group in groupby(line, key=lambda s: s.url):
        spans = list(group)
        if url:
            yield _link(
                tidy("".join(s.text for s in spans)), url, spans[0].line or number
            )
            continue
        for style, alike in groupby(spans, key=_style):
            pieces = list(alike)
            text, at = "".join(s.text for s in pieces), 0
            number = next((s.line for s in pieces if s.line), number)
            for found in _LOOSE.finditer(text):
                yield Piece(text[at : found.start()], *style)
                if found[3]:
                    address = found[3].rstrip(".,;:)]}*_")
                    named = re.search(r"(\w+)\s*[:：]\s*$", text[: found.start()][-40:])
                    label = named[1] if named and linked.labelled(named[1]) else ""
                    yield _link(label, address, number)
                    at = found.start() + len(address)
                else:
                    yield _link(
                        f"[{found[1]}]"
                        if text[: found.start()].endswith("[")
                        else found[1],
                        found[2],
                        number,
                    )
                    at = found.end()
            yield Piece(text[at:], *style)


def leads(block: Block, *, deep: bool = True) -> bool:
    """Whether a block, or what lies in it, leads out of the list."""
    own = any(re.match("https?:", s.url) or ADDRESS.search(s.text) for s in block.spans)
    return own or (deep and any(leads(one) for one in block.inner))


def paper_of(
    line: int,
    headings: tuple[str, ...],
    lines: Sequence[Sequence[Span]],
    *,
    least: int = 2,
) -> Paper:
    """Title, links and the rest of some lines."""
    paper = Paper(line, headings)
    parts = [[*parts_of(spans, line)] for spans in lines]
    chosen = _title(parts, paper, least)
    before = True
    for row in parts:
        before = before and chosen not in row
        for part in row:
            if isinstance(part, Link):
                if part is not chosen and part.role == "title":
                    part.role = "other"
                paper.links.append(part)
        at = row.index(chosen) if chosen in row else 0
        take(paper, row[:at], line, leading=before or at > 0)
        take(paper, row[at + (chosen in row) :], line)
    return paper


def take(
    paper: Paper,
    row: Sequence[Piece | Link],
    line: int,
    *,
    leading: bool = False,
    below: bool = False,
) -> None:
    """Sort the text of a line; emphasis divides it, but what a venue in emphasis is followed by belongs to it."""
    text = ""
    for part in row:
        if isinstance(part, Link):
            person = part.role == "other" and is_full_name(part.label)
            text += part.label if person else " | "
        elif part.code:
            tag = part.text.strip()
            if (
                leading and re.match("[A-Z]+[A-Z]", tag) and not paper.rest.venue
            ):  # `ICLR` before the title
                paper.rest.venue, paper.rest.year = tag, year_in(tag)
            else:
                paper.rest.take(line, part.text, tag=True)
            text += " | "
        elif part.emphasis and part.text.strip():
            if is_full_name(part.text.strip()) and not paper.rest.authors:
                paper.rest.authors, paper.rest.authors_line = part.text.strip(), line
            else:
                text += f" | {part.text.strip()}{EMPHASIS}"
        else:
            text += part.text
    paper.rest.take(line, text, below=below)


def _title(
    parts: list[list[Piece | Link]], paper: Paper, least: int
) -> Piece | Link | None:
    """Choose the title; what stands before and behind it in the same piece goes to the rest."""
    flat = [part for row in parts for part in row]
    bold = next(
        (
            p
            for p in flat
            if isinstance(p, Piece) and p.bold and titlelike(untagged(p.text)[0])
        ),
        None,
    )
    links = [p for p in flat if isinstance(p, Link) and _may_title(p, least)]
    best = next((p for p in links if linked.says_paper(p.url)), None)
    if (
        best
        and (len(best.label.split()) < 4 or links[0] is not best)
        and len(links[0].label.split()) > 3
    ):
        best = links[0]
    if bold and not (
        best
        and (
            len(bold.text.split()) < 4
            or (flat.index(best) < flat.index(bold) and len(best.label.split()) > 3)
        )
    ):
        best, paper.bold = None, True
    long = (p for p in (best, *links) if p and len(p.label.split()) > 2)
    chosen = bold if paper.bold else next(long, bold)
    if chosen is None and (
        text := _quoted_title(flat, paper) or _plain_title(parts, paper)
    ):
        return text
    chosen = chosen or best
    chosen = chosen or next(iter(links), None)
    paper.linked = isinstance(chosen, Link)
    if chosen:
        paper.title, tags = untagged(
            chosen.label if isinstance(chosen, Link) else chosen.text
        )
        for tag in tags:
            paper.rest.take(paper.line, tag, tag=True)
    return chosen


def _may_title(link: Link, least: int) -> bool:
    """Whether a link's label can be the title of the paper."""
    known = link.role in ("local", "empty") or linked.says_paper(link.url)
    least = 1 if known else min(least, 2)
    if link.bracketed or linked.labelled(link.label) or _PROSE.match(link.label):
        return False
    if not titlelike(link.label, least=least):
        return False
    if link.role == "title" and not known:
        return not (is_people(link.label, alone=True) and len(link.label.split()) < 4)
    if known:
        return True
    return len(link.label.split()) > 3


def _quoted_title(flat: Sequence[Piece | Link], paper: Paper) -> Piece | None:
    """`"Title", 2024, …`: a title in quotes, with nothing but people before it."""
    for part in flat:
        if not isinstance(part, Piece) or not (quoted := _QUOTED.search(part.text)):
            continue
        before, behind = (
            part.text[: quoted.start()].strip(),
            part.text[quoted.end() :].strip(),
        )
        whole = not behind or behind[0] in ".,;|([" or re.match(r"in\b", behind, re.I)
        if (
            whole
            and titlelike(quoted[1])
            and (
                not before
                or (before[-1] in ".,:" and is_people(before.rstrip(".,:"), alone=True))
            )
        ):
            paper.title = _cleared(quoted[1])
            paper.rest.take(paper.line, f"{before} | {behind}")
            return part
    return None


def _plain_title(parts: list[list[Piece | Link]], paper: Paper) -> Piece | None:
    """The first text that can be a title, up to the sentence that names people or a venue."""
    for number, row in enumerate(parts):
        for at, part in enumerate(row):
            if isinstance(part, Link) or (part.code and not at):
                continue
            first, _, more = part.text.strip(" \n|").partition(" | ")
            text, tags = untagged(first)
            if _PROSE.match(text) or not titlelike(text) or len(text.split()) > 60:
                continue
            paper.rest.take(paper.line, more)
            for tag in tags:
                paper.rest.take(paper.line, tag, tag=True)
            if (
                number + 1 < len(parts)
                and part is row[-1]
                and _goes_on(parts[number + 1])
            ):
                more = parts[number + 1].pop(0)
                text = f"{text} {more.text}"  # type: ignore[union-attr]  # a piece, says _goes_on
            paper.title = _sentence(text, paper)
            return part
    return None


def _goes_on(row: Sequence[Piece | Link]) -> bool:
    """Whether a line continues the title above it: plain words that name no people and no venue."""
    first = row[0] if row else None
    if not isinstance(first, Piece) or first.text[:1] != "\n":
        return False
    text = first.text.strip(" .,;|[](")
    return titlelike(text, least=1) and not (
        is_people(text, alone=True)
        or is_venue(text, tag=True)
        or people_and_venue(text)
    )


def _sentence(text: str, paper: Paper) -> str:
    """The part of a text that is the title; people before it, people and venue behind it go to the rest."""
    cuts = []
    for stop in re.finditer(r"[.?!][\"”]?\s+|,\s+", text):
        head, tail = (
            text[: stop.start() + 1].rstrip(".,"),
            text[stop.end() :].strip(" .,;|[]()"),
        )
        if (
            titlelike(head)
            and re.search(r"\w", tail)
            and head.count("(") <= head.count(")")
        ):
            cuts.append((head, tail, stop[0][0] == ","))
    for head, tail, comma in cuts:
        if not comma and is_people(head, alone=False) and titlelike(tail):
            paper.rest.take(paper.line, head)
            return _sentence(tail, paper)
    venues = [
        (h, t)
        for h, t, comma in cuts
        if is_venue(t, tag=True) and (not comma or len(t.split()) <= 6)
    ]
    people = [
        (h, t)
        for h, t, comma in cuts
        if not comma and (is_people(t, alone=False) or people_and_venue(t, alone=False))
    ]
    named = [pair for pair in venues if _VENUE_WORD.match(pair[1])]
    for head, tail in (*people[:1], *named[:1], *venues[-1:]):
        paper.rest.take(paper.line, tail, tag=not people)
        return _cleared(head)
    return _cleared(text)


def untagged(text: str) -> tuple[str, list[str]]:
    """A title without what stands in brackets before or behind it and is a date, a venue or a remark."""
    tags = []
    text = re.sub(
        r"^[0-9]{4}[./-][0-9]{1,2}(?:[./-][0-9]{1,2})?\s*[:：]", "", tidy(text)
    )
    text = re.sub(r"^(?:\s|:[+\w-]+:|[^\w\s\"“‘'(\[【<$`*]|&nbsp;)+", "", text)
    if (
        whole := re.match(r"\[([^\[\]]{12,})\][^\w]*(?::\w+:?|\w+)?\W*$", text)
    ) and not is_tag(whole[1]):
        text = whole[1]
    while found := re.match(
        r"[\[(【]([^\[\]【】()]{1,80}(?:\([^()]{1,20}\))?)[\])】]\s*(?=\S)", text
    ):
        square, last = found[0][0] != "(", found[0][-1]
        remark = not square and last == " " and found[1] == found[1].lower()
        short_tag = square and (len(found[1].split()) <= 3 or year_in(found[1]))
        if not (is_tag(found[1]) or remark or short_tag):
            break
        tags.append(found[1])
        text = text[found.end() :]
    while (found := _BEHIND.search(text, max(len(text) - 200, 0))) and (
        is_venue(found[1]) and is_tag(found[1]) and not _PART.match(found[1])
    ):
        tags.append(found[1])
        text = text[: found.start()]
    return _cleared(text), tags


def _cleared(text: str) -> str:
    """A title without the signs of lists around it."""
    plain = tidy(text).strip(" .|,;:：*_~`-–—•[]【】")
    plain = _PREFIX.sub("", plain, count=1)
    if plain[:1] in '"“' and plain[-1:] in '"”' and len(plain) > 2:
        plain = plain[1:-1].strip(" .,")
    return plain


def is_paper(paper: Paper) -> bool:
    """Whether enough is known to call it a paper: an address of one, or people, venue or arXiv number."""
    if any(
        li.role == "paper" or (li.role == "title" and linked.says_paper(li.url))
        for li in paper.links
    ):
        return True
    rest = paper.rest
    dated = rest.year and (paper.bold or paper.linked)
    return bool(
        rest.venue
        or rest.authors
        or dated
        or any(cited(said) for _, said in rest.remarks)
    )
