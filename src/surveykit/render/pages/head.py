"""What the head of a paper's page tells other programs: Zotero, Scholar, search engines, social sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from surveykit.addresses import page
from surveykit.catalog import Catalog
from surveykit.identifier import Identifier, IdKind
from surveykit.models import Author, Paper
from surveykit.render.container import container, preprint_label
from surveykit.render.csl import item
from surveykit.render.pages import counts

_SCHEMES: tuple[IdKind, ...] = ("arxiv", "doi", "openreview", "acl")
_CONTAINERS = {
    "journal": "citation_journal_title",
    "conference": "citation_conference_title",
    "preprint": "citation_technical_report_institution",
}


def highwire(catalog: Catalog, paper: Paper) -> Iterator[tuple[str, str]]:
    """`citation_*` tags, by which Zotero and Google Scholar read a page.

    A preprint is a report of its server: without a container both would take it for a journal article.
    """
    venue, ids = catalog.venue(paper), paper.identifiers
    first, _, last = (paper.pages or "").partition("-")
    preprint = venue.kind == "preprint"
    yield "citation_title", paper.title.en
    for author in paper.authors:
        yield "citation_author", _inverted(author)
    date = f"{paper.year}/{paper.month:02}" if paper.month else str(paper.year)
    optional = {
        "citation_publication_date": date,
        _CONTAINERS[venue.kind]: container(paper, catalog),
        "citation_technical_report_number": preprint_label(paper, catalog)
        if preprint
        else None,
        "citation_publisher": venue.publisher,
        "citation_volume": paper.volume,
        "citation_issue": paper.number,
        "citation_firstpage": first,
        "citation_lastpage": last,
        "citation_doi": ids.doi,
        "citation_arxiv_id": ids.arxiv,
        "citation_public_url": paper.links.paper,
        "citation_pdf_url": paper.links.pdf,
        "citation_language": "en",
        "citation_keywords": "; ".join(_keywords(catalog, paper)),
    }
    yield from ((name, text) for name, text in optional.items() if text)


def _inverted(author: Author) -> str:
    """`Maaten, Laurens van der`'s form: family name, comma, given names.

    Zotero takes a comma with blanks on both sides of it for one between two authors; the
    no-break space holds such a name together, and becomes a blank again there.
    """
    if not author.given:
        return author.last
    given = author.given.replace(" ", "\N{NO-BREAK SPACE}")
    suffix = f", {author.suffix}" if author.suffix else ""
    return f"{author.last}, {given}{suffix}"


def _keywords(catalog: Catalog, paper: Paper) -> list[str]:
    return [
        catalog.term(axis, term).label.en
        for axis in (catalog.topic_axis.id, "role", "technique", "stage")
        for term in counts.closure(catalog, paper, axis)[:1]
    ]


def json_ld(catalog: Catalog, paper: Paper, url: str) -> dict[str, Any]:
    """The paper as schema.org's ScholarlyArticle; `url` is the page that tells of it."""
    venue = catalog.venue(paper)
    kind = "Periodical" if venue.kind == "journal" else "PublicationEvent"
    date = f"{paper.year}-{paper.month:02}" if paper.month else str(paper.year)
    names = ((scheme, getattr(paper.identifiers, scheme)) for scheme in _SCHEMES)
    values = {
        "@context": "https://schema.org",
        "@type": "ScholarlyArticle",
        "@id": paper.links.paper,
        "headline": paper.title.en,
        "alternativeHeadline": paper.title.zh
        if paper.title.zh != paper.title.en
        else None,
        "alternateName": list(paper.aka),
        "inLanguage": "en",
        "author": [_person(author) for author in paper.authors],
        "datePublished": date,
        "isPartOf": {"@type": kind, "name": venue.full.en},
        "pagination": paper.pages,
        "description": paper.tldr.en if paper.tldr else None,
        "url": paper.links.paper,
        "mainEntityOfPage": url,
        "keywords": _keywords(catalog, paper),
        "sameAs": [page(Identifier(scheme, name)) for scheme, name in names if name],
    }
    return {key: value for key, value in values.items() if value}


def _person(author: Author) -> dict[str, str]:
    parts = {
        "@type": "Organization" if author.literal else "Person",
        "name": author.name,
        "familyName": author.last if author.family else None,
        "givenName": author.given,
        "alternateName": author.han,
        "sameAs": f"https://orcid.org/{author.orcid}" if author.orcid else None,
    }
    return {key: value for key, value in parts.items() if value}


_COINS = {
    "paper-conference": ("proceeding", "btitle"),
    "article-journal": ("article", "jtitle"),
    "article": ("preprint", "jtitle"),
}


def coins(catalog: Catalog, paper: Paper) -> str:
    """The `title` of a COinS span, by which Zotero offers every paper of a list (OpenURL, KEV format).

    For list pages alone: on a paper's own page it would compete with the fuller tags of the head.
    """
    csl = item(paper, catalog)
    genre, container_key = _COINS[csl["type"]]
    book = csl["type"] == "paper-conference"
    pairs = [
        ("ctx_ver", "Z39.88-2004"),
        ("rft_val_fmt", f"info:ofi/fmt:kev:mtx:{'book' if book else 'journal'}"),
        ("rft.genre", genre),
        ("rft.atitle", paper.title.en),
        (f"rft.{container_key}", container(paper, catalog)),
        ("rft.date", str(paper.year)),
        ("rft.volume", paper.volume or ""),
        ("rft.issue", paper.number or ""),
        ("rft.pages", paper.pages or ""),
        *(("rft.au", author.name) for author in paper.authors),
        (
            "rft_id",
            f"info:doi/{paper.identifiers.doi}" if paper.identifiers.doi else "",
        ),
        ("rft_id", paper.links.paper),
    ]
    return urlencode([(key, value) for key, value in pairs if value])
