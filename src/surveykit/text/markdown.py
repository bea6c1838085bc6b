"""Text that is safe inside GitHub's Markdown, and the anchors that GitHub gives to headings."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from surveykit.scalars import Url

# ASCII punctuation that starts, ends or joins something in GitHub's Markdown.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_KEPT = {"L", "M", "Nd", "Nl", "Pc"}
"""Unicode categories that stay in an anchor, beside the hyphen."""


def escape(text: str) -> str:
    """Markdown that shows exactly `text`, wherever it stands in a line.

    Nothing in it becomes markup, an element, an address, a formula or a list.
    """
    text = "".join(_ENTITIES.get(character, character) for character in text)
    text = _SPECIAL.sub(r"\\\1", text)
    text = re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", text)
    text = re.sub(r"^([-=:])", r"\\\1", text)
    # GitHub makes links of bare addresses and mentions, and formulas of `$` pairs; an element around a part stops it.
    return re.sub(
        r"(?i)\b(?:https?|ftp|mailto|xmpp)(?=:)|\bwww(?=\.)|[@$]",
        r"<span>\g<0></span>",
        text,
    )


def address(url: Url) -> str:
    """Address as the target of a Markdown link."""
    return url.replace("(", "%28").replace(")", "%29").replace("&", "&amp;")


def slug(heading: str) -> str:
    """Anchor that GitHub gives to the first heading with this text."""
    kept = (
        character
        for character in heading.lower()
        if character in " -" or _category(character) & _KEPT
    )
    return "".join(kept).replace(" ", "-")


def _category(character: str) -> set[str]:
    category = unicodedata.category(character)
    return {category, category[0]}


@dataclass(frozen=True)
class Heading:
    """One heading of a document."""

    level: int
    """1 is the title."""
    text: str
    """Text as the reader sees it."""
    anchor: str
    """Target of a link, without `#`."""
    count: int | None = None
    """Papers below it, where that is of interest."""


@dataclass
class Outline:
    """Headings of one document, in the order in which it is written."""

    headings: list[Heading] = field(default_factory=list)
    _taken: dict[str, int] = field(default_factory=dict)

    def heading(self, level: int, text: str, count: int | None = None) -> str:
        """Markdown line of the next heading; its anchor is kept."""
        anchor = self._anchor(text)
        self.headings.append(Heading(level, text, anchor, count))
        return f"{'#' * level} {escape(text)}"

    def _anchor(self, text: str) -> str:
        # As github-slugger counts: a number that is already somebody's anchor is passed over.
        first = anchor = slug(text)
        while anchor in self._taken:
            self._taken[first] += 1
            anchor = f"{first}-{self._taken[first]}"
        self._taken[anchor] = 0
        return anchor
