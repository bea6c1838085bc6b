"""The shape of the API's answers as models: only their schema is used, in the OpenAPI description.

The answers themselves are built as plain data; a test holds every file against its schema.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from surveykit.measured import Arena, Results
from surveykit.models import Author, Bilingual, Identifiers, Links, Paper, Relation
from surveykit.vocabulary import Axis, Card, RelationKind, Term, Venue

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning or goes away, under another `/api/v…/`; new fields do not raise it."""


class Answer(BaseModel):
    """What every file begins with."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    schema_version: Literal[1]
    """Version of the shape; readers ignore fields they do not know."""
    generated_at: datetime
    """Midnight (UTC) of the day on which the newest entry was added or verified."""
    license: str
    """License of the data."""


class Part(BaseModel):
    """What all parts share."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Both(Part):
    """The same in English and Chinese."""

    en: str
    """English."""
    zh: str
    """Chinese."""


class VenueBrief(Part):
    """A venue in a list."""

    id: str
    """Id of the venue."""
    name: str
    """Its short name, as in a list."""
    kind: Literal["conference", "journal", "preprint"]
    """What kind of place it is."""


class RelationFrom(Relation):
    """A typed link between two papers."""

    from_: str = Field(alias="from")
    """Id of the paper that carries the relation."""


class PaperBrief(Part):
    """A paper in a list."""

    id: str
    """Id of the paper, which never changes."""
    title: Both
    """Title as printed, and in Chinese."""
    aka: tuple[str, ...]
    """Short names of the method, dataset or benchmark."""
    authors: tuple[str, ...]
    """Names as printed, given name first."""
    year: int
    """Year of publication."""
    month: int | None = None
    """Month of publication, where it is known."""
    venue: VenueBrief
    """Where it appeared."""
    side: str
    """Side of its role: one of the first two at the head of the roles, or `study`."""
    terms: dict[str, tuple[str, ...]]
    """Axis -> terms, the main one first."""
    summary: Both | None = None
    """One sentence, where somebody has read the abstract."""
    identifiers: Identifiers
    """Its numbers elsewhere."""
    links: Links
    """Where to read it, and its authors' program."""
    methods: tuple[str, ...]
    """Methods of reference_impls/ that run it."""
    added: date
    """Day on which it came into the catalog."""
    url: str
    """The same paper with all its fields."""
    page: Both
    """Its pages for readers."""


class Citations(Part):
    """Files with the citation of one paper."""

    bibtex: str
    """Address of the BibTeX entry."""
    ris: str
    """Address of the RIS record."""


class PaperFull(Paper):
    """A paper with all of its entry and what the catalog derives from it."""

    authors: tuple[Author, ...]
    """All authors in printed order, with the parts of their names."""
    venue: Venue  # type: ignore[assignment]  # the id in the entry, the venue here
    """Where it appeared, with all its names."""
    side: str
    """Side of its role: one of the first two at the head of the roles, or `study`."""
    relations: tuple[RelationFrom, ...]
    """Relations that this paper carries."""
    related_by: tuple[RelationFrom, ...]
    """Relations that other papers carry to this one."""
    citations: Citations
    """Files with its citation."""
    url: str
    """Address of this answer."""
    page: Both
    """Its pages for readers."""
    entry: str | None = None
    """File in the repository."""


class TermCounted(Term):
    """A term with its papers counted."""

    papers_count: int
    """Papers that carry the term or a narrower one."""
    url: str
    """The term with its papers."""
    page: Both
    """Its pages for readers."""


class AxisCounted(Axis):
    """An axis with counted terms."""

    terms: tuple[TermCounted, ...]
    """Its terms, in their order."""


class Method(Card):
    """A method that runs, and what was measured with it."""

    page: Both
    """Its pages for readers."""
    results: Results | None = None
    """What was measured, where it was."""


class IndexLinks(Part):
    """Where the rest is."""

    papers: str
    """All papers."""
    taxonomy: str
    """Axes, terms and relation types."""
    methods: str
    """Methods that run."""
    relations: str
    """Relations between papers."""
    openapi: str
    """Description of the API."""
    csv: str
    """All papers as a table."""
    bibtex: str
    """All citations."""
    feed: str
    """What came or changed, as Atom."""


class Index(Answer):
    """Where everything is."""

    title: Bilingual
    """Title of the survey."""
    site: str
    """Address of the website."""
    repository: str
    """Address of the repository."""
    papers: int
    """How many papers there are."""
    links: IndexLinks
    """Addresses of the other files."""


class PaperList(Answer):
    """All papers."""

    count: int
    """How many papers there are."""
    papers: tuple[PaperBrief, ...]
    """Every paper in short, newest first."""


class PaperAnswer(Answer):
    """One paper."""

    paper: PaperFull
    """The paper."""


class Taxonomy(Answer):
    """Axes, terms and relation types."""

    axes: tuple[AxisCounted, ...]
    """Axes in their order."""
    relation_types: tuple[RelationKind, ...]
    """Types of relations between papers."""


class TermAnswer(Answer):
    """One term and its papers, those of narrower terms among them."""

    axis: str
    """Id of the axis."""
    term: TermCounted
    """The term, with its papers counted."""
    papers: tuple[PaperBrief, ...]
    """Its papers in short, newest first."""


class Methods(Answer):
    """The methods that run, their figures, and the arenas."""

    methods: tuple[Method, ...]
    """Every method."""
    arena: Arena | None = None
    """Papers of one side against those of the other, where that was run."""
    arenas: dict[str, Arena] = {}
    """Further ones by name, each with a page of its own."""


class Relations(Answer):
    """Every typed relation of the catalog."""

    relations: tuple[RelationFrom, ...]
    """Every relation."""
