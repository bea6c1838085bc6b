"""What one source says of one paper, before anybody has judged it."""

from __future__ import annotations

from typing import Literal

from surveykit.models import Author, Model
from surveykit.scalars import (
    AclId,
    ArxivClass,
    ArxivId,
    Doi,
    Month,
    OpenReviewId,
    Pages,
    PlainText,
    Url,
    Volume,
    Year,
)

PublicationKind = Literal["conference", "journal", "preprint", "other"]


class Record(Model):
    """A paper's metadata as a source gives it; what the source does not say is absent."""

    title: PlainText
    """Title as printed, markup and final full stop removed."""
    authors: tuple[Author, ...] = ()
    """In printed order; empty where the source names none."""
    year: Year | None = None
    """Year of the proceedings or the issue; of the first version for a preprint."""
    month: Month | None = None
    """Month of publication."""
    venue_text: PlainText | None = None
    """Where it appeared, in the source's words: `Proceedings of … (ACM MM 2022)`."""
    kind: PublicationKind | None = None
    """What sort of publication the source takes it for."""
    doi: Doi | None = None
    """DOI, without address."""
    arxiv: ArxivId | None = None
    """arXiv id, without version."""
    arxiv_class: ArxivClass | None = None
    """Primary class at arXiv."""
    acl: AclId | None = None
    """ACL Anthology id."""
    openreview: OpenReviewId | None = None
    """OpenReview forum id."""
    paper_url: Url | None = None
    """Page of the paper."""
    pdf_url: Url | None = None
    """The paper itself."""
    code_url: Url | None = None
    """The authors' program, if the source calls it that."""
    volume: Volume | None = None
    """Volume of the journal."""
    number: Volume | None = None
    """Issue of the journal."""
    pages: Pages | None = None
    """First and last page with one hyphen, or an article number."""
    publisher: PlainText | None = None
    """Publisher."""
    abstract: PlainText | None = None
    """Abstract, as plain text on one line; for suggestions only, never copied into an entry."""
    headings: tuple[PlainText, ...] = ()
    """Sections or keywords under which the source files it, outermost first."""
    source: PlainText
    """Where this was read: `arXiv:2303.15180`, `doi:10.1145/…`, `refs.bib#L12`."""
