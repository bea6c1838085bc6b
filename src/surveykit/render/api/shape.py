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
    zh: str


class VenueBrief(Part):
    """A venue in a list."""

    id: str
    name: str
    kind: Literal["conference", "journal", "preprint"]


class RelationFrom(Relation):
    """A typed link between two papers."""

    from_: str = Field(alias="from")
    """Id of the paper that carries the relation."""


class PaperBrief(Part):
    """A paper in a list."""

    id: str
    title: Both
    aka: tuple[str, ...]
    """Short names of the method, dataset or benchmark."""
    authors: tuple[str, ...]
    """Names as printed, given name first."""
    year: int
    month: int | None = None
    venue: VenueBrief
    side: str
    terms: dict[str, tuple[str, ...]]
    """Axis -> terms, the main one first."""
    summary: Both | None = None
    identifiers: Identifiers
    links: Links
    methods: tuple[str, ...]
    """Methods of reference_impls/ that run it."""
    added: date
    url: str
    """The same paper with all its fields."""
    page: Both
    """Its pages for readers."""


class Citations(Part):
    """Files with the citation of one paper."""

    bibtex: str
    ris: str


class PaperFull(Paper):
    """A paper with all of its entry and what the catalog derives from it."""

    authors: tuple[Author, ...]
    venue: Venue  # type: ignore[assignment]  # the id in the entry, the venue here
    side: str
    relations: tuple[RelationFrom, ...]
    related_by: tuple[RelationFrom, ...]
    """Relations that other papers carry to this one."""
    citations: Citations
    url: str
    page: Both
    entry: str | None = None
    """File in the repository."""


class TermCounted(Term):
    """A term with its papers counted."""

    papers_count: int
    url: str
    page: Both


class AxisCounted(Axis):
    """An axis with counted terms."""

    terms: tuple[TermCounted, ...]


class Method(Card):
    """A method that runs, and what was measured with it."""

    page: Both
    results: Results | None = None


class IndexLinks(Part):
    """Where the rest is."""

    papers: str
    taxonomy: str
    methods: str
    relations: str
    openapi: str
    csv: str
    bibtex: str
    feed: str


class Index(Answer):
    """Where everything is."""

    title: Bilingual
    site: str
    repository: str
    papers: int
    links: IndexLinks


class PaperList(Answer):
    """All papers."""

    count: int
    papers: tuple[PaperBrief, ...]


class PaperAnswer(Answer):
    """One paper."""

    paper: PaperFull


class Taxonomy(Answer):
    """Axes, terms and relation types."""

    axes: tuple[AxisCounted, ...]
    relation_types: tuple[RelationKind, ...]


class TermAnswer(Answer):
    """One term and its papers, those of narrower terms among them."""

    axis: str
    term: TermCounted
    papers: tuple[PaperBrief, ...]


class Methods(Answer):
    """The methods that run, their figures, and the arena."""

    methods: tuple[Method, ...]
    arena: Arena | None = None


class Relations(Answer):
    """Every typed relation of the catalog."""

    relations: tuple[RelationFrom, ...]
