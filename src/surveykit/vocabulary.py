"""What entries refer to: taxonomy, venues, the survey itself, and the cards of methods."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
)

from surveykit.models import (
    Bilingual,
    Identifiers,
    Model,
    RelationType,
)
from surveykit.scalars import (
    ArxivClass,
    Command,
    Day,
    MethodId,
    Orcid,
    PaperId,
    PictureFile,
    PlainText,
    Slug,
    Url,
    Year,
)


class Aliases(Model):
    """Other words for a term, for search and for suggestions."""

    en: tuple[PlainText, ...] = ()
    """English words."""
    zh: tuple[PlainText, ...] = ()
    """Chinese words."""


class Term(Model):
    """One value of an axis."""

    id: Slug
    """Id used in the entries."""
    label: Bilingual
    """Name shown to readers."""
    definition: Bilingual
    """One sentence that says what belongs here."""
    aliases: Aliases = Aliases()
    """Other words for it."""
    parent: Slug | None = None
    """The wider term of the same axis; a parent stands before its children."""
    applies_to: dict[Slug, tuple[Slug, ...]] = Field({})
    """For a group of techniques: the topics and roles under which it is shown."""
    runs: bool = True
    """For a technique: false where papers only compare or survey others, so that no method could run it."""


class Axis(Model):
    """One question that every paper answers."""

    id: Slug
    """Id used as key under `terms` in the entries."""
    label: Bilingual
    """Name shown to readers."""
    question: Bilingual
    """The question that the terms answer."""
    note: Bilingual | None = None
    """How the axis is to be used."""
    min_terms: Annotated[int, Field(strict=True, ge=0)] = 1
    """Fewest terms a paper carries."""
    max_terms: Annotated[int, Field(strict=True, ge=1)] = 1
    """Most terms a paper carries."""
    leaves_only: bool = False
    """Whether only terms without children may be assigned."""
    only_for_roles: tuple[Slug, ...] = ()
    """Terms of the axis `role` to which the axis applies; empty means all."""
    terms: tuple[Term, ...]
    """The values, in the order in which they are shown."""


class RelationKind(Model):
    """How one relation type is called from both ends."""

    id: RelationType
    """Id used in the entries."""
    label: Bilingual
    """Read from the paper that carries the relation: "detects"."""
    inverse: Bilingual
    """Read from the other paper: "detected by"."""
    definition: Bilingual
    """When the relation holds."""


class Taxonomy(Model):
    """`catalog/taxonomy.yaml`: the axes and the relation types."""

    axes: tuple[Axis, ...]
    """The axes, in the order in which they are shown."""
    relations: tuple[RelationKind, ...]
    """The relation types."""


class Venue(Model):
    """One conference, journal or preprint server of `catalog/venues.yaml`."""

    id: Slug
    """Id used in the entries."""
    name: PlainText
    """Short name that people use, for example `IEEE S&P`."""
    full: Bilingual
    """Full name, without year and without "Proceedings of"."""
    kind: Literal["conference", "journal", "preprint"]
    """Decides the BibTeX entry type and the GB/T 7714 document type."""
    book: PlainText | None = None
    """Title of the proceedings where it is not "Proceedings of the <full name>"."""
    findings: PlainText | None = None
    """Title of the Findings volume, where there is that track."""
    workshops: PlainText | None = None
    """Title of the workshop proceedings, where there is that track."""
    publisher: PlainText | None = None
    """Publisher of the proceedings or the journal."""
    aliases: tuple[PlainText, ...] = ()
    """Other names in use; all of them are understood in suggestions."""
    held: Literal["yearly", "odd", "even"] | None = None
    """Years in which a conference takes place, where that is regular."""
    since: Year | None = None
    """First year."""


class Person(Model):
    """Somebody who keeps the survey."""

    name: PlainText
    """Name as it should be cited."""
    orcid: Orcid | None = None
    """ORCID iD."""
    url: Url | None = None
    """Home page."""


class Survey(Model):
    """`catalog/survey.yaml`: what the survey says about itself."""

    title: Bilingual
    """Title of the survey."""
    short_title: Bilingual
    """Title for the page header."""
    tagline: Bilingual
    """What it is, in one sentence."""
    introduction: tuple[Bilingual, ...]
    """Paragraphs of the introduction."""
    year: Year
    """First year, for citations."""
    maintainers: tuple[Person, ...]
    """Who keeps it."""
    repository: Url
    """Address of the repository."""
    site: Url
    """Address of the website, with a final slash."""
    arxiv_classes: tuple[ArxivClass, ...] = ()
    """Classes of arXiv in which new papers are looked for, `cs.CR`; where none is given, those that most entries have."""
    declined_kinds: dict[Slug, Bilingual] = Field({})
    """What the words mean by which `declined.yaml` says why a paper stays out, for readers."""


class Picture(Model):
    """A picture that a method's command drew."""

    file: PictureFile
    """Name of the file beside the card: `results.svg`."""
    file_zh: PictureFile | None = None
    """The same picture with Chinese words, if there are words in it: `results.zh.svg`."""
    alt: Bilingual
    """What it shows, for who cannot see it."""
    caption: Bilingual | None = None
    """What to notice in it."""

    def file_in(self, lang: str) -> str:
        """Name of the file whose words are in `lang`, as far as there is one."""
        return self.file_zh if lang == "zh" and self.file_zh else self.file


class Difference(Model):
    """One point where the method here is not the paper's or the authors' program."""

    here: Bilingual
    """What is done here."""
    paper: Bilingual
    """What the paper or the authors' program does."""
    effect: Bilingual
    """Which figure it changes, and by how much."""


class Card(Model):
    """`reference_impls/<id>/card.yaml`: what the survey knows of a runnable method."""

    id: MethodId
    """Name of the folder."""
    name: PlainText
    """Name of the method."""
    name_zh: PlainText | None = None
    """Its name in Chinese, where it is no proper name."""
    question: Bilingual
    """The question it answers."""
    summary: Bilingual
    """How it answers it, in one sentence."""
    does: Bilingual
    """What it does, to follow "because it": `sorts caps by their gills`, `按菌褶为菌盖分类`."""
    command: Command
    """One line that runs it as it stands, from the root of the repository."""
    papers: Annotated[tuple[PaperId, ...], Field(min_length=1)]
    """Entries that it runs, the main one first; topic, role and modality of the method are those of the main one."""
    techniques: Annotated[tuple[Slug, ...], Field(min_length=1)]
    """Terms of the axis `technique` whose papers it may be offered to as the closest method that runs."""
    pictures: tuple[Picture, ...] = ()
    """What its command drew, the most telling one first."""
    differs: tuple[Difference, ...] = ()
    """What differs from the paper, the weightiest point first."""
    limits: tuple[Bilingual, ...] = ()
    """What it cannot do and what its figures do not show."""

    def name_in(self, lang: str) -> str:
        """Its name in a language."""
        return self.name_zh if lang == "zh" and self.name_zh else self.name


class Declined(Model):
    """A paper that was looked at and stays out."""

    title: PlainText
    """Title as printed."""
    identifiers: Identifiers = Identifiers()
    """arXiv id, DOI and others, where they are known."""
    kind: Slug | None = None
    """The reason in one word, by which such papers are counted: `scope`."""
    reason: PlainText
    """Why it stays out, in a clause."""
    date: Day
    """Day of the decision, `2026-11-30`."""
