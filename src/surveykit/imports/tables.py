"""Tables of a list: which column is what, and a paper from each row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from surveykit.imports import document, entry, linked, titles
from surveykit.imports.document import Block
from surveykit.imports.segments import titlelike, year_in
from surveykit.references.reading import Reading, short
from surveykit.text.letters import tidy

_COLUMNS = {
    "title": r"title|paper name|标题|题目|论文名",
    "authors": r"author|作者",
    "code": r"code|github|repo|implementation|代码|源码",
    "venue": r"venue|conference|publication|publish|journal|source|where|会议|期刊|发表|出处|来源",
    "year": r"\byear|\bdate|\btime\b|年份|时间|日期",
    "paper": r"papers?\b|article|论文|文章",
    "link": r"links?\b|pdf|url|arxiv|doi|链接|网址",
}


def papers(rows: list[Block], reading: Reading) -> Iterator[entry.ListedPaper]:
    """Papers of one table; its columns are told by their headings, the titles' else by what stands in them."""
    head = rows[0] if rows[0].aside else None
    body = [row for row in rows if row is not head]
    width = max(len(row.inner) for row in rows)
    called = [cell.text.lower() for cell in head.inner] if head else []
    called += [""] * (width - len(called))
    columns = [_column(name) for name in called]
    title = _title_column(columns, body, width)
    if head and entry.leads(head):
        said = "links in the head of a table are not read"
        reading.gather(head.line, "text", said)
    for row in body:
        if all(cell.text.isdecimal() for cell in row.inner[1:] if cell.text):
            reading.gather(row.line, "text", "a table of numbers")
            continue
        if title is None:
            yield from _apart(row, reading)
            continue
        # A cell over several rows stands in the first alone: the others are short on the left.
        missing = width - len(row.inner)
        cells = dict(enumerate(row.inner, start=missing))
        paper = _row(row, cells, columns, title)
        if paper.title and paper.known:
            yield paper
        elif text := " | ".join(filter(None, (cell.text for cell in row.inner))):
            said = f"the row {short(text)!r} has no title, or neither address nor venue; not taken for a paper"
            reading.note(row.line, "no-link", said)
        for at, cell in cells.items():
            if called[at] and not columns[at] and cell.text and at != title:
                said = f"the column {called[at]!r} has no place in the catalog"
                reading.gather(row.line, "not-kept", said)


def _apart(row: Block, reading: Reading) -> Iterator[entry.ListedPaper]:
    """A row of a table without titles: a layout, of which a cell may hold a paper."""
    told = [_paper(row, cell, 2) for cell in row.inner]
    found = [paper for paper in told if paper.has("paper") and paper.title]
    yield from found
    words = re.search(r"[^\W\d_]", " ".join(cell.text for cell in row.inner))
    if not found and (words or any(map(entry.leads, row.inner))):
        reading.gather(row.line, "text", "a table without papers")


def _paper(row: Block, cell: Block | None, least: int = 1) -> entry.ListedPaper:
    lines = [document.flat(cell.spans)] if cell else []
    return entry.paper_of(row.line, row.headings, lines, least=least)


def _row(
    row: Block, cells: Mapping[int, Block], columns: Sequence[str], title: int
) -> entry.ListedPaper:
    here = cells.get(title)
    paper = _paper(row, here)
    for at, cell in cells.items():
        for one in (cell, *cell.inner) if at != title else ():
            _cell(paper, row.line, one, columns[at])
    if not paper.title and here and titlelike(here.text):
        paper.title = titles.untagged(here.text)[0]
    return paper


def _cell(paper: entry.ListedPaper, line: int, cell: Block, column: str) -> None:
    words = []
    for part in entry.parts_of(document.flat(cell.spans), line):
        if not isinstance(part, linked.ListedLink):
            words.append(part.text)
            continue
        unknown = part.role in ("title", "other") and not linked.by_address(part.url)
        if unknown and column in ("link", "paper", "code"):
            named = re.search(r"\w", part.label) and linked.labeled(part.label)
            if named != "other":
                part.role = "code" if column == "code" else "paper"
        elif part.role == "title":
            part.role = "other"
            words.append(part.label)
        paper.links.append(part)
    text, rest = tidy(" ".join(words)).strip(" -–—/|*_`"), paper.rest
    if column == "venue" and text:
        rest.venue, rest.year = rest.venue or text, year_in(text) or rest.year
    elif column == "year":
        rest.year = rest.year or year_in(text)
    elif column == "authors":
        rest.authors, rest.authors_line = text, line


def _column(name: str) -> str:
    kinds = (kind for kind, sign in _COLUMNS.items() if re.search(f"(?i){sign}", name))
    return next(kinds, "")


def _title_column(columns: list[str], body: Sequence[Block], width: int) -> int | None:
    """The column of the titles: the one that is called so, else the one in which most cells look like titles."""
    scores = [0] * width
    for row in body:
        for at, cell in enumerate(row.inner[:width]):
            scores[at] += len(_paper(row, cell).title.split())
    if not body or max(scores, default=0) < 2 * len(body) / 3:
        return None
    if "title" in columns:
        return columns.index("title")
    paper = columns.index("paper") if "paper" in columns else None
    best = scores.index(max(scores))
    return paper if paper is not None and scores[paper] > len(body) else best
