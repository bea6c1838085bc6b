"""Texts of the survey as data: what stands before a text, the text itself, and the words of the glossary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from surveykit.models import Bilingual, Model
from surveykit.scalars import PaperId, PlainText, Slug

LANGS = ("en", "zh")
Kind = Literal["start", "primer", "essay", "technique", "path", "page"]
ABOUT_TERMS = ("primer", "essay", "technique")
"""Kinds of texts that are about a term, the shortest first: about a topic, but for the last."""


class TextHead(Model):
    """The lines between `---` at the top of a text."""

    title: PlainText
    """Title shown to readers."""
    lead: PlainText
    """One sentence that says what a reader will know afterwards."""
    kind: Kind
    """`start`; `primer` and `essay` of a topic; `technique`; `path` for a reading path; `page` beside a computed page."""
    of: Slug | None = None
    """The topic or technique that the text is about."""
    order: Annotated[int, Field(strict=True, ge=1, le=99)] = 50
    """Place among texts of its kind, 1 first."""
    milestones: tuple[PaperId, ...] = ()
    """Papers of the text that changed what came after them; the timeline shows them."""


@dataclass(frozen=True)
class Text:
    """One text in one language: `catalog/text/<language>/<id>.md`."""

    id: str
    """Name of the file without `.md`; the same in both languages."""
    lang: str
    path: str
    """File, relative to the repository root."""
    head: TextHead
    body: str
    """Markdown below the front matter."""
    line: int
    """1-based line of the file on which the body begins."""


class GlossaryTerm(Model):
    """One word of `catalog/glossary.yaml`."""

    id: Slug
    """Anchor on the page of the glossary."""
    term: Bilingual
    """The word in both languages."""
    definition: Bilingual
    """What it means in this survey, in one or two sentences."""
    short: PlainText | None = None
    """Abbreviation in use in both languages."""
    see: tuple[Slug, ...] = ()
    """Ids of other words."""
    papers: tuple[PaperId, ...] = ()
    """Entries that show what is meant."""
