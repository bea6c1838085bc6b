"""What is wrong around the papers of a list: its headings, its links to itself, its tables of numbers, its files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise, zip_longest
from pathlib import Path
from urllib.parse import unquote

from surveykit.errors import plural
from surveykit.imports.document import Block
from surveykit.references.reading import Reading
from surveykit.text.letters import tidy
from surveykit.text.markdown import slug

_TOTALS = "total sum all 合计 总计".split()


def check(
    text: str,
    blocks: Sequence[Block],
    papers: Iterable[tuple[str, ...]],
    reading: Reading,
) -> None:
    """Report it. `papers` are the headings above each paper."""
    for one, following in zip_longest(blocks, blocks[1:]):
        below = following and (
            following.kind != "heading" or following.level > one.level
        )
        if one.kind == "heading" and 1 < one.level < 7 and not below:
            said = f"nothing stands below {one.text!r}"
            reading.note(one.line, "empty-section", said)
    _check_anchors(text, blocks, reading)
    _check_tables(blocks, list(papers), reading)


def _check_anchors(text: str, blocks: Sequence[Block], reading: Reading) -> None:
    known = {slug(block.text) for block in blocks if block.kind == "heading"}
    known |= set(re.findall(r"\b(?:id|name)\s*=\s*[\"']([^\"']+)[\"']", text))
    known |= {target.lower() for target in known} | {""}
    for number, line in enumerate(text.split("\n"), start=1):
        for target in re.findall(r"\]\(#([^)]{0,300})\)", line):
            plain = tidy(unquote(target)).lower()
            if plain not in known and plain.rstrip("-0123456789") not in known:
                right = slug(plain)
                hint = f"; write #{right}" if right in known else ""
                said = f"no heading has the anchor #{target}{hint}"
                reading.note(number, "anchor", said)


def _check_tables(
    blocks: Sequence[Block], papers: Sequence[tuple[str, ...]], reading: Reading
) -> None:
    for head, row in pairwise(block for block in blocks if block.kind == "row"):
        same = head.level == row.level and len(head.inner) == len(row.inner)
        cells = zip(head.inner, row.inner, strict=True) if head.aside and same else ()
        told = ((name.text.lower(), cell.text) for name, cell in cells)
        counts = {name: int(n) for name, n in told if n.isdecimal() and len(n) < 9}
        total = next((counts[name] for name in _TOTALS if name in counts), None)
        years = [counts[y] for y in counts if re.fullmatch("(19|20)[0-9]{2}", y)]
        if total is None or not years:
            continue
        if sum(years) != total:
            added = f"{' + '.join(map(str, years))} is {sum(years)}, not {total}"
            said = f"the numbers of the years do not add up: {added}"
            reading.note(row.line, "count", said)
        inside = sum(above[: len(head.headings)] == head.headings for above in papers)
        if inside != total:
            holds = plural(total, "paper")
            said = f"the table says {holds}, the section holds {inside}"
            reading.note(row.line, "count", said)


def missing_files(text: str, folder: Path, reading: Reading) -> None:
    """Report local files that the list shows or links and that do not lie beside it."""
    for number, line in enumerate(text.split("\n"), start=1):
        for name in re.findall(r"\]\(\s{0,9}([^)#\s]{1,300})\s{0,9}\)", line):
            local = not re.match(r"(?i)[a-z][a-z0-9+.-]*:|/|#", name)
            path = unquote(name.partition("?")[0])  # `my%20figure.png?raw=true`
            if local and ".." not in path.split("/") and not _lies(folder / path):
                said = f"{name} does not lie beside the list"
                reading.note(number, "missing-file", said)


def _lies(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False
