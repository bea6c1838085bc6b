"""Who is asked, where, and how often they want to be asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """One service."""

    name: str
    """As a reader knows it."""
    url: str
    """Where it is asked."""
    spacing: float = 1.0
    """Seconds between the starts of two requests."""


@dataclass(frozen=True)
class Services:
    """All services; tests put their own addresses here."""

    arxiv: Service = Service("arXiv", "https://export.arxiv.org/api/query", 3.0)
    """At most one request in three seconds, over one connection (its terms of use)."""
    crossref: Service = Service("Crossref", "https://api.crossref.org/works", 0.2)
    """At most five requests a second for a single record."""
    datacite: Service = Service("DataCite", "https://api.datacite.org/dois", 0.2)
    doi: Service = Service("doi.org", "https://doi.org/api/handles", 0.2)
    """Tells what a short DOI stands for (https://www.doi.org/doi-handbook/HTML/rest-api-response-format.html)."""
    dblp: Service = Service("DBLP", "https://dblp.org/search/publ/api", 1.5)
    """It answers 429 to more than about one request a second."""
    acl: Service = Service("ACL Anthology", "https://aclanthology.org")
    openreview: Service = Service("OpenReview", "https://api2.openreview.net/notes")
    openreview_before_2024: Service = Service(
        "OpenReview", "https://api.openreview.net/notes"
    )
    """The first version of its interface, which knows the venues that never moved."""
    openalex: Service = Service("OpenAlex", "https://api.openalex.org/works", 0.2)
    """It answers 429 where the day's allowance is spent (https://developers.openalex.org/guides/authentication)."""
    github: Service = Service("GitHub", "https://api.github.com/repos")
    page: Service = Service("page", "")
    """Pages of publishers; each host is a service of its own."""
