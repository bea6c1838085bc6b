"""One item, row or paragraph of a list: its links, its title, and what is said beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise, zip_longest

from surveykit.identifier import identify_quietly
from surveykit.imports import document, linked
from surveykit.imports.document import Block, Span, lines_of
from surveykit.imports.linked import ListedLink
from surveykit.imports.segments import (
    EMPHASIS,
    Segments,
    cited,
    is_full_name,
    is_people,
    is_venue,
    is_venue_behind,
    names_events,
    people_and_venue,
    titlelike,
    year_in,
)
from surveykit.imports.titles import cleared, untagged
from surveykit.text.letters import tidy

ADDRESS = r"https?://[^\s<>\"'`|，。；）】]+"
_LOOSE = rf"\[([^\[\]\n]{{0,300}})\]{{1,2}}\s?[(（]\s*([a-z]+:[^()（）\s][^()（）\n]{{0,1000}})[)）]|({ADDRESS})"
"""Links that Markdown does not see, and addresses that stand in the text."""
_QUOTED = r"[\"“]([^\"“”]{6,})[\"”]"
_VENUE_WORD = r"(?i)in[: ]|proc|advances|journal|transactions|ieee|acm|arxiv|corr\b|accepted|to appear|findings|workshop"
_PROSE = re.compile(
    r"(?i)(?:we|if you|if any|please|.{0,20}\bI (?:am|have|will)|our (?:paper|work|survey|code|list|group)|this (?:repo|repository|list|is|survey|section)|check (?:out|our|the)|see also|"
    r"feel free|thanks|thank you|news\b|updates?:|updated|note that|here,? (?:we|is|are)|for (?:more|further))(?![\w-])"
)


@dataclass
class ListedPaper:
    """One paper while it is read."""

    line: int
    headings: tuple[str, ...]
    title: str = ""
    bold: bool = False
    linked: bool = False
    """Whether the title is a link."""
    links: list[ListedLink] = field(default_factory=list)
    rest: Segments = field(default_factory=Segments)
    codes: list[Block] = field(default_factory=list)

    def has(self, *roles: str) -> bool:
        return any(link.role in roles for link in self.links)

    @property
    def known(self) -> bool:
        """Whether enough is known to call it a paper: an address of one, or people, venue or arXiv number."""
        if any(link.role == "paper" or link.is_title for link in self.links):
            return True
        rest, marked = self.rest, self.bold or self.linked
        if not rest.authors and any(map(names_events, self.headings)):
            return False
        said = rest.venue or rest.authors or (rest.year and marked)
        return bool(said) or any(cited(remark) for _, remark in rest.remarks)


ListedPart = Span | ListedLink


def heads(block: Block) -> list[list[list[Span]]]:
    """The lines of a block, apart where each line is a paper of its own."""
    lines = lines_of(block.spans)
    if len(lines) < 2:
        return [lines]
    own = [paper_of(block.line, (), [line]) for line in lines]
    papers = sum(any(li.is_title for li in p.links) for p in own if p.title)
    texts = ("".join(span.text for span in line).lstrip() for line in lines)
    # a table without the line below its head is text to Markdown
    apart = papers > 1 or all(text.startswith("|") for text in texts)
    return [[line] for line in lines] if apart else [lines]


def _link(text: str, url: str, line: int) -> ListedLink:
    enclosed = re.fullmatch(r"[\[【(][\[【(\s]*([^\[\]【】()]*)[\]】)\s]*", text)
    label = enclosed[1].strip() if enclosed else text
    if re.fullmatch(ADDRESS, label):
        one, other = identify_quietly(label), identify_quietly(url)
        if one and other and one != other:
            return ListedLink(label, url, "twofold", line)
        label = ""
    if url.startswith(document.NOWHERE):
        return ListedLink(label, "", "empty", line, label != text)
    local = not re.match("(?i)[a-z]+:", url)
    role = "local" if local else linked.role(label, url)
    return ListedLink(label, url, role, line, label != text)


def _style(span: Span) -> tuple[bool, bool, bool]:
    """Bold, else emphasis, else code: a title in bold may hold the others."""
    return span.bold, span.emphasis and not span.bold, span.code and not span.bold


def parts_of(line: Sequence[Span], number: int) -> Iterator[ListedPart]:
    """Links, and pieces of text in one style; addresses that stand in the text are links."""
    for url, group in groupby(line, key=lambda s: s.url):
        spans = list(group)
        if url:
            label = tidy("".join(s.text for s in spans))
            yield _link(label, url, spans[0].line or number)
            continue
        for style, alike in groupby(spans, key=_style):
            pieces = list(alike)
            text, at = "".join(s.text for s in pieces), 0
            number = next((s.line for s in pieces if s.line), number)
            for found in re.finditer(_LOOSE, text):
                before = text[: found.start()]
                yield Span(before[at:], "", *style)
                label, address, at = found[1], found[2], found.end()
                if found[3]:
                    address = found[3].rstrip(".,;:)]}*_")
                    named = re.search(r"(\w+)\s*[:：]\s*$", before[-40:])
                    label = named[1] if named and linked.labeled(named[1]) else ""
                    at = found.start() + len(address)
                elif before.endswith("["):
                    label = f"[{label}]"
                yield _link(label, address, number)
            yield Span(text[at:], "", *style)


def links_of(block: Block) -> list[ListedLink]:
    """The links of a block's own text."""
    parts = (p for row in lines_of(block.spans) for p in parts_of(row, block.line))
    return [part for part in parts if isinstance(part, ListedLink)]


def leads(block: Block, *, deep: bool = True) -> bool:
    """Whether a block, or what lies in it, leads out of the list."""
    spans = block.spans
    own = any(re.match("https?:", s.url) or re.search(ADDRESS, s.text) for s in spans)
    return own or (deep and any(map(leads, block.inner)))


def paper_of(
    line: int,
    headings: tuple[str, ...],
    lines: Sequence[Sequence[Span]],
    *,
    least: int = 2,
) -> ListedPaper:
    """Title, links and the rest of some lines."""
    paper = ListedPaper(line, headings)
    parts = [[*parts_of(spans, line)] for spans in lines]
    chosen = _title(parts, paper, least)
    before = True
    for row in parts:
        before = before and chosen not in row
        for part in row:
            if isinstance(part, ListedLink):
                if part is not chosen and part.role == "title":
                    part.role = "other"
                paper.links.append(part)
        at = row.index(chosen) if chosen in row else 0
        take(paper, row[:at], line, leading=before or at > 0)
        take(paper, row[at + (chosen in row) :], line)
    return paper


def take(
    paper: ListedPaper,
    row: Sequence[ListedPart],
    line: int,
    *,
    leading: bool = False,
    below: bool = False,
) -> None:
    """Sort the text of a line; emphasis divides it, but what a venue in emphasis is followed by belongs to it."""
    text, rest = "", paper.rest
    for part, behind in zip_longest(row, row[1:]):
        if isinstance(part, ListedLink):
            person = part.role == "other" and is_full_name(part.label)
            text += part.label if person else " | "
            continue
        plain, after = part.text.strip(), getattr(behind, "text", "")
        named = part.emphasis and is_full_name(plain)
        venue = named and is_venue_behind(text, after)
        if part.code:
            if leading and re.match("[A-Z]{2}", plain) and not rest.venue:
                rest.venue, rest.year = plain, year_in(plain)  # `ICLR` before the title
            else:
                rest.take(line, part.text, tag=True)
            text += " | "
        elif venue and not rest.venue:  # `IEEE Access`
            rest.venue = plain
            text += " | "
        elif named and not venue and not rest.authors:
            rest.authors, rest.authors_line = plain, line
        else:
            text += f" | {plain}{EMPHASIS}" if part.emphasis and plain else part.text
    rest.take(line, text, below=below)


def _title(
    parts: list[list[ListedPart]], paper: ListedPaper, least: int
) -> ListedPart | None:
    """Choose the title; what stands before and behind it in the same piece goes to the rest."""
    flat = [part for row in parts for part in row]
    strong = (p for p in flat if isinstance(p, Span) and p.bold)
    bold = next((p for p in strong if titlelike(untagged(p.text)[0])), None)
    links = [p for p in flat if isinstance(p, ListedLink) and _may_title(p, least)]
    best = next((p for p in links if linked.says_paper(p.url)), None)
    opens = bold and links and flat.index(links[0]) < flat.index(bold)
    if links and links[0].words > 3 and (best or opens):
        best = links[0]
    if bold and best:
        first = flat.index(best) < flat.index(bold) and best.words > 3
        paper.bold = len(bold.text.split()) > 3 and not first
    elif bold:
        paper.bold = True
    long = (p for p in (best, *links) if p and p.words > 2)
    chosen = bold if paper.bold else next(long, bold)
    full = [p for p in flat if isinstance(p, ListedLink) or p.text.strip()]
    head = best if full and full[0] is best else None
    behind = tidy(" ".join(p.text for p in full if isinstance(p, Span)))
    if head and (titlelike(head.label) or is_people(behind, alone=False)):
        chosen = chosen or head
    if not chosen and (
        text := _quoted_title(flat, paper) or _plain_title(parts, paper)
    ):
        if head:  # `[SeedNet](address) Title`
            head.role = "paper"
        return text
    chosen = chosen or best or next(iter(links), None)
    paper.linked = isinstance(chosen, ListedLink)
    if chosen:
        told = chosen.label if isinstance(chosen, ListedLink) else chosen.text
        paper.title, tags = untagged(told)
        paper.rest.take(paper.line, tags, tag=True)
    return chosen


def _may_title(link: ListedLink, least: int) -> bool:
    """Whether a link's label can be the title of the paper."""
    known = link.role in ("local", "empty") or linked.says_paper(link.url)
    if (
        link.bracketed
        or linked.labeled(link.label)
        or linked.cites(link.label)
        or (_PROSE.match(link.label) and (link.words < 5 or not known))
    ):
        return False
    if not titlelike(link.label, least=1 if known else least):
        return False
    named = link.role == "title" and not is_people(link.label, alone=True)
    return known or link.words > 3 or named


def _quoted_title(flat: Sequence[ListedPart], paper: ListedPaper) -> Span | None:
    """`"Title", 2024, …`: a title in quotes, with nothing but people before it."""
    for part in flat:
        if not isinstance(part, Span) or not (quoted := re.search(_QUOTED, part.text)):
            continue
        before = part.text[: quoted.start()].strip()
        behind = part.text[quoted.end() :].strip()
        people = before.rstrip(".,:")
        named = before[-1:] in tuple(".,:") and is_people(people, alone=True)
        whole = re.match(r"(?i)$|[.,;|(\[]|in\b", behind)
        if whole and titlelike(quoted[1]) and (not before or named):
            paper.title = cleared(quoted[1])
            paper.rest.take(paper.line, f"{before} | {behind}")
            return part
    return None


def _plain_title(parts: list[list[ListedPart]], paper: ListedPaper) -> Span | None:
    """The first text that can be a title, up to the sentence that names people or a venue."""
    for row, following in pairwise([*parts, []]):
        for at, part in enumerate(row):
            if isinstance(part, ListedLink) or (part.code and not at):
                continue
            first, _, more = part.text.strip(" \n|").partition(" | ")
            text, tags = untagged(first)
            if _PROSE.match(text) or not titlelike(text) or len(text.split()) > 60:
                continue
            paper.rest.take(paper.line, more)
            paper.rest.take(paper.line, tags, tag=True)
            if part is row[-1] and (goes_on := _goes_on(following)):
                text, tags = untagged(f"{text} {goes_on.text}")
                paper.rest.take(paper.line, tags, tag=True)
                del following[0]
            paper.title = _sentence(text, paper)
            return part
    return None


def _goes_on(row: Sequence[ListedPart]) -> Span | None:
    """The beginning of a line if it continues the title above it: plain words that name no people and no venue."""
    first = row[0] if row else None
    if not isinstance(first, Span) or first.text[:1] != "\n":
        return None
    text = first.text.strip(" .,;|[](")
    named = is_people(text, alone=True) or is_venue(text, tag=True)
    other = named or people_and_venue(text)
    return first if titlelike(text, least=1) and not other else None


def _sentence(text: str, paper: ListedPaper) -> str:
    """The part of a text that is the title; people before it, people and venue behind it go to the rest."""
    cuts = []
    for stop in re.finditer(r"[.?!][\"”]?\s+|,\s+", text):
        head = text[: stop.start() + 1].rstrip(".,")
        tail = text[stop.end() :].strip(" .,;|[]()")
        open_ = head.count("(") > head.count(")")
        if titlelike(head) and re.search(r"\w", tail) and not open_:
            cuts.append((head, tail, stop[0][0] == ","))
    sentences = [(head, tail) for head, tail, comma in cuts if not comma]
    for head, tail in sentences:
        if is_people(head, alone=False) and titlelike(tail):
            paper.rest.take(paper.line, head)
            return _sentence(tail, paper)
    short = [(h, t) for h, t, comma in cuts if not comma or len(t.split()) <= 6]
    venues = [pair for pair in short if is_venue(pair[1], tag=True)]
    people = [pair for pair in sentences if _names_people(pair[1])]
    named = [pair for pair in venues if re.match(_VENUE_WORD, pair[1])]
    for head, tail in (*people[:1], *named[:1], *venues[-1:]):
        paper.rest.take(paper.line, tail, tag=not people)
        return cleared(head)
    return cleared(text)


def _names_people(text: str) -> bool:
    return is_people(text, alone=False) or bool(people_and_venue(text, alone=False))
