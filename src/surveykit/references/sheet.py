"""Tables as spreadsheets and databases write them (CSV, TSV): Zotero, Scopus, IEEE Xplore, OpenAlex, lists by hand -> records."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping

from surveykit.references import values
from surveykit.references.reading import Reading
from surveykit.text.dates import when
from surveykit.text.names import People, from_line, from_list
from surveykit.text.plain import markup, title

_COLUMNS = {
    "title": "title documenttitle papertitle paper articletitle displayname name 标题 题目 论文",
    "authors": "authorfullnames authors author authornames creators 作者",
    "year": "year publicationyear pubyear 年份 年",
    "date": "date publicationdate published",
    "venue": "venue publicationtitle sourcetitle source journal conference booktitle container 会议 期刊",
    "type": "itemtype documenttype type",
    "doi": "doi",
    "arxiv": "arxiv arxivid eprint",
    "url": "url link paperurl paperlink articleurl landingpageurl pdf pdflink 链接",
    "code": "code codeurl codelink github repository 代码",
    "volume": "volume",
    "number": "issue number",
    "pages": "pages pagerange",
    "first": "pagestart startpage firstpage",
    "last": "pageend endpage lastpage",
    "publisher": "publisher",
    "abstract": "abstract abstractnote 摘要",
    "keywords": "keywords authorkeywords tags manualtags category section",
}
"""What is read -> names of columns for it, as `_key` has them, the most exact first."""
_TYPES = {
    "conference": ("conference", "proceedings"),
    "journal": ("journal", "article"),
    "preprint": ("preprint",),
}
_SIGNS = ",;\t|"
MOST_ABOVE = 20
"""Lines above the header: some databases write what was searched for first."""


def read(text: str, source: str) -> Reading:
    """Records of a table whose header names at least a column of titles."""
    reading = Reading(source)
    lines = text.removeprefix("\ufeff").replace("\0", "").split("\n")
    found = _header(lines)
    if found is None:
        if text.strip():
            said = "no line names a column `title`; nothing is imported"
            reading.note(1, "lost", said)
        return reading
    start, sign, names = found
    below = "\n".join(lines[start + 1 :])
    seen: set[str] = set()
    for line, cells in _rows(below, sign, start + 2, reading):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(names) and any(c.strip() for c in cells[len(names) :]):
            said = f"{len(cells)} cells below {len(names)} columns; those beyond are not read"
            reading.note(line, "cut", said)
        row = dict(zip(names, map(str.strip, cells), strict=False))
        _keep(row, line, reading)
        seen |= {name for name, cell in row.items() if cell}
    known = {name for all_ in _COLUMNS.values() for name in all_.split()}
    reading.unused(sorted(name for name in seen if name not in known), "columns")
    return reading


def _key(name: str) -> str:
    """`Publication Year` and `publication_year` alike; words in brackets do not count."""
    bare = re.sub(r"\([^()]*\)", "", name)
    return re.sub(r"[\W_]+", "", bare).casefold()


def _header(lines: list[str]) -> tuple[int, str, list[str]] | None:
    """Number of the header's line, the sign between its cells, and the keys of its columns."""
    titles = set(_COLUMNS["title"].split())
    every = {name for all_ in _COLUMNS.values() for name in all_.split()}
    for at, line in enumerate(lines[:MOST_ABOVE]):
        for sign in sorted(_SIGNS, key=lambda sign: -line.count(sign)):
            names = [_key(cell) for cell in next(_cells([line], sign), [])]
            told = [name for name in names if name in every]
            if titles & set(names) and (len(told) > 1 or len(names) == 1):
                return at, sign, names
    return None


def _cells(lines: list[str], sign: str) -> Iterator[list[str]]:
    """Rows of cells; nothing where the line has no such form."""
    try:
        yield from csv.reader(lines, delimiter=sign, skipinitialspace=True)
    except csv.Error:
        return


def _rows(
    text: str, sign: str, first: int, reading: Reading
) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line where each begins; a quote that nobody closes ends the reading, and is told."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=sign, skipinitialspace=True)  # fmt: skip
    last = first
    while True:
        line = first + rows.line_num
        try:
            cells = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            reading.note(line, "cut", f"not readable as a table: {error}; the rest is not imported")  # fmt: skip
            return
        yield line, cells
        last = line
    if text.count('"') % 2:
        said = "a quote is not closed: what stands below it may have become one cell"
        reading.note(last, "cut", said)


def _keep(row: Mapping[str, str], line: int, reading: Reading) -> None:
    def cell(what: str) -> str:
        return next((row[n] for n in _COLUMNS[what].split() if row.get(n)), "")

    name = title(markup(cell("title")))
    places = values.Places(name[:60], line, reading)
    if told := cell("doi"):
        places.doi(told)
    if told := cell("arxiv"):
        number = values.arxiv_in(f"arXiv:{told}")
        if number:
            places.add("arxiv", number)
        else:
            places.note("bad-value", f"{told[:60]!r} is no arXiv id; left out")
    for column in _COLUMNS["url"].split():
        for url in values.addresses(row.get(column, "")):
            places.address(url, pdf=column.startswith("pdf"))
    for url in values.addresses(cell("code"))[:1]:
        places.code(url)
    first, last = cell("first"), cell("last")
    places.keep(
        name,
        markup(cell("venue")),
        _kind(cell("type")),
        _authors(cell("authors")),
        when(cell("year").removesuffix(".0"), "", cell("date")),
        volume=cell("volume"),
        number=cell("number"),
        pages=cell("pages") or "-".join(filter(None, (first, last))),
        publisher=markup(cell("publisher")),
        abstract=markup(cell("abstract")),
        headings=values.keywords(cell("keywords")),
    )


def _kind(told: str) -> str:
    low = told.casefold()
    return next((k for k, words in _TYPES.items() if any(w in low for w in words)), "other")  # fmt: skip


def _authors(told: str) -> People:
    """`Müller, Ada; Li, Wei` of databases, whose ids in brackets go; else a line of names."""
    bare = re.sub(r"\([0-9]+\)", "", told)
    sign = next((sign for sign in (";", "|", "\n", "、") if sign in bare), "")
    return from_list(bare.split(sign)) if sign else from_line(bare)
