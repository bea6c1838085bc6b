"""What is wrong around the papers of a list: its headings, its links to itself, its tables of numbers, its files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise, zip_longest
from pathlib import Path

from surveykit.errors import plural
from surveykit.imports.document import Block
from surveykit.imports.reading import Reading


def check(
    text: str,
    blocks: Sequence[Block],
    papers: Iterable[tuple[int, tuple[str, ...]]],
    reading: Reading,
) -> None:
    """Report it. `papers` are the lines of the papers with their headings."""
    _check_sections(blocks, reading)
    _check_anchors(text, blocks, reading)
    _check_tables(blocks, list(papers), reading)


def _check_sections(blocks: Sequence[Block], reading: Reading) -> None:
    for one, following in zip_longest(blocks, blocks[1:]):
        if one.kind == "heading" and 1 < one.level < 7:
            last = following is None or (
                following.kind == "heading" and following.level <= one.level
            )
            if last:
                reading.note(
                    one.line, "empty-section", f"nothing stands below {one.text!r}"
                )


def _check_anchors(text: str, blocks: Sequence[Block], reading: Reading) -> None:
    known = {_anchor(block.text) for block in blocks if block.kind == "heading"}
    known |= set(re.findall(r"\b(?:id|name)\s*=\s*[\"']([^\"']+)[\"']", text))
    known |= {target.lower() for target in known}
    for number, line in enumerate(text.split("\n"), start=1):
        for target in re.findall(r"\]\(#([^)]{0,300})\)", line):
            if (
                target
                and target.lower() not in known
                and target.rstrip("-0123456789").lower() not in known
            ):
                right = _anchor(target)
                hint = f"; write #{right}" if right in known else ""
                reading.note(
                    number, "anchor", f"no heading has the anchor #{target}{hint}"
                )


def _anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", title.strip().lower())
    return kept.replace(" ", "-")


def _check_tables(
    blocks: Sequence[Block],
    papers: Sequence[tuple[int, tuple[str, ...]]],
    reading: Reading,
) -> None:
    rows = [block for block in blocks if block.kind == "row"]
    for head, row in pairwise(rows):
        if (
            not head.aside
            or head.level != row.level
            or len(head.inner) != len(row.inner)
        ):
            continue
        told = zip(
            (c.text.lower() for c in head.inner),
            (c.text for c in row.inner),
            strict=True,
        )
        counts = {name: int(n) for name, n in told if n.isdecimal() and len(n) < 9}
        total = next(
            (counts[n] for n in ("total", "sum", "all", "合计", "总计") if n in counts),
            None,
        )
        years = [
            n for name, n in counts.items() if re.fullmatch("(19|20)[0-9]{2}", name)
        ]
        if total is None or not years:
            continue
        if sum(years) != total:
            said = f"{' + '.join(map(str, years))} is {sum(years)}, not {total}"
            reading.note(
                row.line, "count", f"the numbers of the years do not add up: {said}"
            )
        inside = sum(
            above[: len(head.headings)] == head.headings for _, above in papers
        )
        if inside != total:
            said = (
                f"the table says {plural(total, 'paper')}, the section holds {inside}"
            )
            reading.note(row.line, "count", said)


def missing_files(text: str, folder: Path, reading: Reading) -> None:
    """Report local files that the list shows or links and that do not lie beside it."""
    for number, line in enumerate(text.split("\n"), start=1):
        for name in re.findall(r"\]\(\s{0,9}([^)#\s]{1,300})\s{0,9}\)", line):
            local = not re.match(r"[a-z][a-z0-9+.-]*:|/|#", name, re.I)
            if local and ".." not in name.split("/") and not _lies(folder / name):
                reading.note(
                    number, "missing-file", f"{name} does not lie beside the list"
                )


def _lies(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False
