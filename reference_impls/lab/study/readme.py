"""A README's own part and the part that a command writes: tables, and where they go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from reference_impls.lab.bilingual import Language, Text, localize
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.files import replacing

READMES: dict[Language, str] = {"en": "README.md", "zh": "README.zh-CN.md"}
"""Of every method."""


def table(
    heads: Sequence[Text], rows: Iterable[Sequence[Text]], language: Language = "en"
) -> list[str]:
    """The lines of a Markdown table, in one language."""
    return [
        row(heads, language),
        "|---" * len(heads) + "|",
        *(row(cells, language) for cells in rows),
    ]


def row(cells: Iterable[Text], language: Language = "en") -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(localize(cell, language) for cell in cells) + " |"


def insert(readme: Path, text: str, *, start: str, end: str) -> None:
    """Put the text between two markers of a README; a killed run leaves the file of before.

    Raises:
        ConfigError: the README lacks a marker, so the text would go to its end.
    """
    before, started, rest = readme.read_text(encoding="utf-8").partition(start)
    _, ended, after = rest.partition(end)
    if not (started and ended):
        raise ConfigError(f"{readme} has no {end if started else start!r}; put it back")
    with replacing(readme) as new:
        new.write_text(f"{before}{start}\n{text}{end}{after}", encoding="utf-8")
