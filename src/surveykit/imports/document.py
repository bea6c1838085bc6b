"""A list in Markdown as a document: its lines under their headings, its tables, its links to itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from surveykit.imports import bibtex
from surveykit.imports.reading import Reading
from surveykit.record import tidy

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*")
_BROKEN = re.compile(r"\]\(\s*https?://[^)\s]*$")


@dataclass(frozen=True)
class Line:
    """One line, with the headings above it."""

    number: int
    """1-based."""
    text: str
    headings: tuple[str, ...]
    heading: bool = False
    """Whether the line is a heading itself."""


def lines(text: str, reading: Reading) -> list[Line]:
    """Lines outside of code blocks; an address that goes on in the next line is joined."""
    found: list[Line] = []
    above: list[tuple[int, str]] = []
    for number, line in _joined(_without_code(text, reading), reading):
        heading = _HEADING.fullmatch(line)
        if heading:
            depth = len(heading[1])
            above = [*(pair for pair in above if pair[0] < depth), (depth, heading[2])]
        titles = tuple(title for depth, title in above if depth > 1 and title)
        found.append(Line(number, line, titles, heading is not None))
    return found


def _without_code(text: str, reading: Reading) -> Iterator[tuple[int, str]]:
    """Lines with blanks for code blocks; what BibTeX stands in one is looked at."""
    code: list[str] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        fence = re.match(r"\s*(```|~~~)", line)
        if fence and code is None:
            code = []
        elif fence and code is not None:
            _check_code("\n".join(code), number - len(code), reading)
            code = None
        elif code is not None:
            code.append(line)
        yield number, "" if fence or code is not None else line


def _check_code(code: str, line: int, reading: Reading) -> None:
    if not re.match(r"\s*@\w+\s*[{(]", code):
        return
    inner = bibtex.read(code, reading.source)
    for anomaly in inner.anomalies:
        reading.note(
            line + anomaly.line - 1, anomaly.kind, f"in a code block: {anomaly.message}"
        )
    for found in inner.found:
        said = f"the BibTeX entry {found.name!r} in a code block was not taken for a paper of the list"
        reading.note(line + found.line - 1, "check", said)


def _joined(
    numbered: Iterator[tuple[int, str]], reading: Reading
) -> Iterator[tuple[int, str]]:
    for number, line in numbered:
        joined = line
        while _BROKEN.search(joined):
            _, more = next(numbered, (0, ")"))
            joined += more.strip()
            url = re.findall(r"https?://[^)\s]*", joined)[-1]
            reading.note(
                number,
                "broken-line",
                f"an address goes on in the next line; read as {url}",
            )
        yield number, joined


def check(found: list[Line], papers: list[int], reading: Reading) -> None:
    """Report what is wrong around the items: headings, contents, tables. `papers` are the items' lines."""
    _check_sections(found, papers, reading)
    _check_anchors(found, reading)
    _check_tables(found, papers, reading)


def missing_files(text: str, folder: Path, reading: Reading) -> None:
    """Report local files that the list shows or links and that do not lie beside it."""
    for number, line in enumerate(text.splitlines(), start=1):
        for name in re.findall(r"\]\(\s*([^)#\s]+)\s*\)", line):
            local = not re.match(r"[a-z][a-z0-9+.-]*:|/|#", name, re.I)
            if local and ".." not in name.split("/") and not (folder / name).exists():
                reading.note(
                    number, "missing-file", f"{name} does not lie beside the list"
                )


def _check_sections(found: list[Line], papers: list[int], reading: Reading) -> None:
    headings = [line for line in found if line.heading]
    for place, line in enumerate(headings):
        depth = len(line.text) - len(line.text.lstrip("#"))
        later = headings[place + 1 :]
        end = next(
            (h.number for h in later if len(h.text) - len(h.text.lstrip("#")) <= depth),
            found[-1].number + 1,
        )
        inside = [x for x in found if line.number < x.number < end]
        if depth > 1 and not any(x.text.strip() for x in inside):
            title = line.text.lstrip("# ")
            reading.note(
                line.number, "empty-section", f"nothing stands below {title!r}"
            )


def _check_anchors(found: list[Line], reading: Reading) -> None:
    known = {_anchor(line.text.lstrip("# ")) for line in found if line.heading}
    for line in found:
        for target in re.findall(r"\]\(#([^)]*)\)", line.text):
            if target not in known:
                right = _anchor(target)
                hint = f"; write #{right}" if right in known else ""
                reading.note(
                    line.number, "anchor", f"no heading has the anchor #{target}{hint}"
                )


def _anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", title.strip().lower())
    return kept.replace(" ", "-")


def _check_tables(found: list[Line], papers: list[int], reading: Reading) -> None:
    for head, _, row in zip(found, found[1:], found[2:], strict=False):
        names, numbers = _cells(head.text), _cells(row.text)
        if len(names) != len(numbers) or not any(n.isdecimal() for n in numbers):
            continue
        counts = {
            name.lower(): int(n)
            for name, n in zip(names, numbers, strict=True)
            if n.isdecimal()
        }
        total = next(
            (counts[n] for n in ("total", "sum", "all", "合计", "总计") if n in counts),
            None,
        )
        years = {
            name: n
            for name, n in counts.items()
            if re.fullmatch("(19|20)[0-9]{2}", name)
        }
        if total is None or not years:
            continue
        if sum(years.values()) != total:
            said = f"{' + '.join(map(str, years.values()))} is {sum(years.values())}, not {total}"
            reading.note(
                row.number, "count", f"the numbers of the years do not add up: {said}"
            )
        section = [p for p in papers if _same_section(found, head, p)]
        if len(section) != total:
            reading.note(
                row.number,
                "count",
                f"the table says {total} papers, the section holds {len(section)}",
            )


def _same_section(found: list[Line], head: Line, number: int) -> bool:
    line = next((x for x in found if x.number == number), None)
    return bool(line and line.headings[: len(head.headings)] == head.headings)


def _cells(text: str) -> list[str]:
    if "|" not in text:
        return []
    return [tidy(cell) for cell in text.strip().strip("|").split("|")]
