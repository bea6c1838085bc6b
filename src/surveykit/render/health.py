"""What became of the papers, as the file in the catalog, for a terminal, and as the body of one rolling issue."""

from __future__ import annotations

import json
from collections.abc import Iterator

from surveykit.catalog import Catalog
from surveykit.errors import plural
from surveykit.health import KINDS, Health, HealthFinding, HealthKind
from surveykit.text.markdown import escape
from surveykit.text.printable import printable

MOST = 40
"""Findings of one kind in the issue; the others are counted, so that its text stays bounded."""
MOST_CHARACTERS = 55_000
"""Of the issue, which the forge cuts at 65,536."""
_TITLES: dict[HealthKind, tuple[str, str]] = {
    "retracted": ("Retracted", "add a `retracted` event to `history`, or take the entry out"),
    "withdrawn": ("Withdrawn", "add a `retracted` event to `history`, or take the entry out"),
    "concern": ("Under an expression of concern", "say so in `notes`, and name the notice in `verified.by`"),
    "corrected": ("Corrected by the publisher", "read the notice, mend what it touches, and name it in `verified.by`"),
    "published": ("Preprints that have been published", "`surveykit verify --published --fix ID` takes one over; where it is another paper, name the source in `verified.by`"),
    "code-gone": ("Programs that are gone", "give the new address, or remove it"),
    "code-moved": ("Programs that have moved", "`surveykit check-links --only code --fix` rewrites these"),
    "code-archived": ("Programs that are archived: read-only, nothing to do", ""),
}  # fmt: skip
"""Kind -> heading, and what settles it."""


def as_json(health: Health) -> str:
    """`catalog/health.json`."""
    data = health.model_dump(mode="json", exclude_none=True)
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def text(catalog: Catalog, health: Health) -> str:
    """One line a finding, with its file, then the counts."""
    lines = [
        f"{catalog.paths[one.paper]}: {one.kind}: {one.says or ''} [{', '.join(one.evidence)}]"
        for one in health.findings
    ]
    return "".join(f"{printable(line)}\n" for line in [*lines, summary(health)])


def summary(health: Health) -> str:
    """Counts on one line."""
    counts = [f"{len(found)} {k}" for k in KINDS if (found := health.of(k))]
    looked = (
        plural(health.papers, "entry"),
        plural(health.preprints, "preprint"),
        plural(health.repositories, "program"),
    )
    return f"{', '.join(looked)}: {', '.join(counts) or 'nothing found'}"


def markdown(catalog: Catalog, health: Health) -> str:
    """Body of the rolling issue: the same findings give the same words, on whatever day."""
    lines: list[str] = []
    room = MOST_CHARACTERS
    for line in _markdown(catalog, health):
        room -= len(line) + 1
        if room < 0:
            lines.append("\nand more (`surveykit health`)")
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _markdown(catalog: Catalog, health: Health) -> Iterator[str]:
    count = len(health.pressing)
    yield (
        f"{plural(count, 'finding')} to look at. Nothing was changed; each comes with who says so."
        if count
        else "Nothing needs a hand."
    )
    if health.silent:
        names = ", ".join(map(escape, health.silent))
        yield f"\nNo answer for some papers from: {names}. What they had said before is kept."
    for kind in KINDS:
        if found := health.of(kind):
            title, what = _TITLES[kind]
            yield f"\n### {title} ({len(found)})\n"
            if what:
                yield f"To settle one: {what}.\n"
            yield from (_item(catalog, one) for one in found[:MOST])
            if len(found) > MOST:
                yield f"\nand {len(found) - MOST} more (`surveykit health`)"


def _item(catalog: Catalog, one: HealthFinding) -> str:
    title = escape(catalog.get(one.paper).title.en)
    says = f": {escape(one.says)}" if one.says else ""
    by = ", ".join(map(_code, one.evidence))
    return f"- `{one.paper}` {title}{says} ({by})"


def _code(words: str) -> str:
    """Words that can be nothing but words."""
    clean = printable(words).replace("`", "'")
    return f"`{clean}`"
