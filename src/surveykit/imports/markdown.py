"""Lists of papers in Markdown ("awesome lists") -> records.

An item of a list, a row of a table and a paragraph are read alike: links by their addresses, the title by its link, its
bold type, its quotes or its place, and what is left over as authors, venue and date. Whatever is none of these is
reported with its line.
"""

from __future__ import annotations

import re
from itertools import groupby

from surveykit.imports import document, entry, listed, outline, tables, titles
from surveykit.imports.document import Block
from surveykit.imports.linked import ListedLink, says_paper
from surveykit.references import bibtex
from surveykit.references.reading import Reading, short


def read(text: str, source: str) -> Reading:
    """Records of a list."""
    reading = Reading(source)
    blocks = document.parse(text, reading)
    reader = _Reader(reading)
    for table, group in groupby(blocks, key=lambda b: b.kind == "row" and b.level):
        if table:
            reader.papers += tables.papers(list(group), reading)
        else:
            for block in group:
                reader.block(block)
    for paper in reader.papers:
        listed.record(paper, reading)
    outline.check(text, blocks, [paper.headings for paper in reader.papers], reading)
    reading.close()
    if not (reading.found or reading.anomalies):
        reading.note(1, "text", "the file holds no paper")
    return reading


class _Reader:
    """Finds the papers among the blocks of a list."""

    def __init__(self, reading: Reading) -> None:
        self.papers: list[entry.ListedPaper] = []
        self._reading = reading

    def block(self, block: Block) -> None:
        """Take a block that stands in no table."""
        if block.kind == "item":
            self._item(block, ())
        elif block.kind == "text":
            self._text(block)
        elif block.kind == "code":
            self._code(block)
        elif entry.leads(block):
            self._reading.gather(block.line, "text", "links in a heading are not read")

    def _item(self, block: Block, above: tuple[str, ...]) -> None:
        if _is_contents(block):
            return
        headings = (*block.headings, *above)
        inner, line = block.inner, block.line
        papers = [entry.paper_of(line, headings, one) for one in entry.heads(block)]
        if len(papers) > 1:
            self.papers += papers
        elif papers[0].title and (apart := self._whole(papers[0], block)) is not None:
            self.papers += papers
            inner, papers = apart, []
        holds = any(map(entry.leads, inner))
        if len(papers) == 1 and (not holds or entry.leads(block, deep=False)):
            self._unread(block)
        label = (block.text,) if papers and block.text and holds else ()
        for one in inner:
            if one.kind == "item":
                self._item(one, (*above, *label))
            elif one.kind == "code":
                self._code(one)
            else:
                said = "a table or paragraph within an item is not read"
                self._reading.gather(one.line, "text", said)

    def _whole(self, paper: entry.ListedPaper, block: Block) -> list[Block] | None:
        """Complete a paper with what stands below it; gives the items that are papers themselves, None if it is none."""
        items = [one for one in block.inner if one.kind == "item" and not one.aside]
        apart = [one for one in items if self._stands_alone(one, paper)]
        if apart and not paper.has("paper", "title"):
            return None
        for one in block.inner:
            if one not in apart:
                self._detail(one, paper)
        return apart if paper.known else None

    def _stands_alone(self, block: Block, paper: entry.ListedPaper) -> bool:
        """Whether an item below a paper is a paper itself and no part of it."""
        own = entry.paper_of(block.line, block.headings, document.lines_of(block.spans))
        if not own.title or listed.is_alike(own.title, paper.title):
            return False
        if re.match(titles.PREFIX, block.text) and not paper.has("paper", "title"):
            return False
        if any(link.is_title for link in own.links):
            return True
        plain = not (paper.bold or paper.linked or paper.has("paper", "title"))
        named = plain and own.rest.authors and len(own.title.split()) > 2
        return own.bold and bool(named or own.has("paper"))

    def _detail(self, block: Block, paper: entry.ListedPaper) -> None:
        """Take what stands below a paper: links, authors, venue, BibTeX; remarks are counted."""
        if block.kind == "code":
            paper.codes.append(block)
            return
        if block.aside or len(block.text) > 1200:
            paper.rest.remarks += [(block.line, block.text)] if block.text else []
        else:
            for line in document.lines_of(block.spans):
                row = [*entry.parts_of(line, block.line)]
                paper.links += [part for part in row if isinstance(part, ListedLink)]
                entry.take(paper, row, block.line, below=not paper.rest.remarks)
        for one in block.inner:
            self._detail(one, paper)

    def _text(self, block: Block) -> None:
        for lines in entry.heads(block):
            paper = entry.paper_of(block.line, block.headings, lines)
            words = sum(len(text.split()) for _, text in paper.rest.remarks)
            titled = paper.title and paper.has("paper", "title")
            links = [
                li for li in paper.links if says_paper(li.url) or li.role == "paper"
            ]
            if titled and paper.known and words <= 6:
                self.papers.append(paper)
            elif links:
                urls = ", ".join(link.url for link in links)
                said = (
                    f"running text leads to {urls}; not taken for a paper of the list"
                )
                self._reading.note(block.line, "check", said)
            elif block.text or paper.links:
                for number in {span.line or block.line for span in block.spans}:
                    self._reading.gather(number, "text", "text without a paper")

    def _unread(self, block: Block) -> None:
        links = entry.links_of(block)
        urls = [link.url for link in links if link.role != "empty"]
        what = repr(short(block.text))
        if urls:
            known = any(map(says_paper, urls))
            why = "but tells no title" if known else "no known place of papers"
            said = f"{what} leads to {', '.join(urls)}, {why}; not taken for a paper"
            self._reading.note(block.line, "check", said)
        elif block.text or links:
            said = f"{what} has no address; not taken for a paper"
            self._reading.note(block.line, "no-link", said)

    def _code(self, block: Block) -> None:
        """BibTeX belongs to the paper above it, or is reported."""
        code = "".join(span.text for span in block.spans)
        if not re.search(r"^[^\S\n]*@\w+\s*[{(]", code, re.M):
            if code.strip():
                self._reading.gather(block.line, "text", "a code block without BibTeX")
            return
        found = bibtex.read(code, self._reading.source).found
        titles = [one.record.title for one in found]
        last = self.papers[-1] if self.papers else None
        if last and len(titles) == 1 and listed.is_alike(titles[0], last.title):
            last.codes.append(block)
            return
        for one in listed.bibtex_of(block, self._reading).found:
            said = f"the BibTeX entry {one.name!r} in a code block was not taken for a paper of the list"
            self._reading.note(block.line + one.line - 1, "check", said)


def _is_contents(block: Block) -> bool:
    """Whether an item only leads to a place in the same file."""
    urls = (span.url for span in block.spans if span.url != document.NOWHERE)
    inside = "](#" in block.text or any(url.startswith("#") for url in urls)
    return inside and not entry.leads(block)
