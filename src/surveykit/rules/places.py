"""Rules about addresses, identifiers and dates of one entry: they agree with each other."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from surveykit.catalog import Catalog
from surveykit.identifier import identify_quietly
from surveykit.models import Links, Paper
from surveykit.rules.rule import Finding, Rule, at

ACL_DOI = "10.18653/v1/"
_ARXIV_LINK = re.compile(
    r"https?://(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html)/(.+?)(v[0-9]+)?(?:\.pdf)?/?"
)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});")
_PAGES = re.compile(
    r"https?://(?:www\.)?(?:(?:dx\.)?doi\.org/|(?:export\.)?arxiv\.org/abs/|openreview\.net/forum|aclanthology\.org/"
    r"|openaccess\.thecvf\.com/[^?]*\.html|dl\.acm\.org/doi/(?:abs/|full/)?10\.|ieeexplore\.ieee\.org/(?:abstract/)?document/"
    r"|link\.springer\.com/(?:article|chapter)/|sciencedirect\.com/science/article/(?:abs/)?pii/[^/]+/?(?:\?.*)?$"
    r"|usenix\.org/conference/[^/]+/presentation/|dblp\.org/|semanticscholar\.org/|github\.com/[^/]+/[^/]+/?$)"
)
"""Where known hosts have the page about a paper."""
_FORGES = ("github.com", "www.github.com", "gitlab.com", "bitbucket.org")


def _links(paper: Paper) -> Iterator[tuple[str, str]]:
    for name in Links.model_fields:
        if url := getattr(paper.links, name):
            yield name, url


def _paper_links(paper: Paper) -> Iterator[tuple[str, str]]:
    return ((n, url) for n, url in _links(paper) if n in ("paper", "pdf"))


def acl_disagrees(catalog: Catalog) -> Iterator[Finding]:
    """DOIs of the ACL that belong to another Anthology id."""
    for paper in catalog.papers:
        doi, acl = paper.identifiers.doi or "", paper.identifiers.acl
        part = doi[len(ACL_DOI) :]
        if (
            acl
            and doi.casefold().startswith(ACL_DOI)
            and part.casefold() != acl.casefold()
        ):
            message = (
                f"DOI {doi!r} belongs to {part!r}, but acl is {acl!r}; correct one"
            )
            yield at(catalog, paper, ("identifiers", "doi"), message)


def arxiv_link(catalog: Catalog) -> Iterator[Finding]:
    """Links to another arXiv id than that of the entry."""
    for paper in catalog.papers:
        for name, url in _paper_links(paper):
            found = _ARXIV_LINK.fullmatch(url)
            if found and found[1] != paper.identifiers.arxiv:
                message = f"link to arXiv {found[1]!r}, {_own(paper, 'arxiv')}"
                yield at(catalog, paper, ("links", name), message)


def doi_link(catalog: Catalog) -> Iterator[Finding]:
    """Links to another DOI than that of the entry."""
    for paper in catalog.papers:
        for name, url in _paper_links(paper):
            parts = urlsplit(url) if "doi.org/" in url else None
            if not parts or parts.hostname not in (
                "doi.org",
                "dx.doi.org",
                "www.doi.org",
            ):
                continue
            doi = unquote(parts.path[1:])
            if doi.casefold() != (paper.identifiers.doi or "").casefold():
                message = f"link to DOI {doi!r}, {_own(paper, 'doi')}"
                yield at(catalog, paper, ("links", name), message)


def openreview_link(catalog: Catalog) -> Iterator[Finding]:
    """Links to another OpenReview id than that of the entry."""
    for paper in catalog.papers:
        own = paper.identifiers.openreview
        for name, url in _paper_links(paper):
            found = re.match(r"https?://openreview\.net/\w+\?id=([\w-]+)", url)
            if own and found and found[1] != own:
                message = (
                    f"link to OpenReview {found[1]!r}, {_own(paper, 'openreview')}"
                )
                yield at(catalog, paper, ("links", name), message)


def _own(paper: Paper, kind: str) -> str:
    own = getattr(paper.identifiers, kind)
    told = (
        f"but identifiers.{kind} is {own!r}"
        if own
        else f"which identifiers.{kind} lacks"
    )
    return f"{told}; correct one"


def account_link(catalog: Catalog) -> Iterator[Finding]:
    """Code links that lead to an account and not to a repository."""
    for paper in catalog.papers:
        parts = urlsplit(paper.links.code or "")
        if parts.hostname in _FORGES and parts.path.strip("/").count("/") == 0:
            message = f"{paper.links.code!r} is an account, not a repository; name the repository or use `project`"
            yield at(catalog, paper, ("links", "code"), message)


def pages_descend(catalog: Catalog) -> Iterator[Finding]:
    """Page ranges that end before they begin."""
    for paper in catalog.papers:
        span = re.fullmatch(
            r"([A-Za-z]?)([0-9]+)-([A-Za-z]?)([0-9]+)", paper.pages or ""
        )
        if span and span[1] == span[3] and int(span[2]) > int(span[4]):
            message = f"pages {paper.pages!r} run backwards; write both numbers in full"
            yield at(catalog, paper, ("pages",), message)


def _arxiv_year(paper: Paper) -> int | None:
    digits = (paper.identifiers.arxiv or "").rpartition("/")[2][:2]
    return (1900 if digits > "90" else 2000) + int(digits) if digits else None


def before_preprint(catalog: Catalog) -> Iterator[Finding]:
    """Papers that appeared more than a year before their own preprint."""
    for paper in catalog.papers:
        year = _arxiv_year(paper)
        if year and paper.year < year - 1:
            message = f"year {paper.year}, but arXiv {paper.identifiers.arxiv!r} is of {year}; look both up"
            yield at(catalog, paper, ("year",), message)


def preprint_year(catalog: Catalog) -> Iterator[Finding]:
    """Preprints whose year is not that of their arXiv id."""
    for paper in catalog.papers:
        year = _arxiv_year(paper)
        if paper.venue == "arxiv" and year and paper.year != year:
            message = f"year {paper.year}, but the first version {paper.identifiers.arxiv!r} is of {year}"
            yield at(catalog, paper, ("year",), message)


def versioned_link(catalog: Catalog) -> Iterator[Finding]:
    """ArXiv links to one version instead of the paper."""
    for paper in catalog.papers:
        for name, url in _paper_links(paper):
            found = _ARXIV_LINK.fullmatch(url)
            if found and found[2]:
                message = f"link to version {found[2]}; delete {found[2]!r} to link to the newest"
                yield at(catalog, paper, ("links", name), message)


def html_in_link(catalog: Catalog) -> Iterator[Finding]:
    """Addresses that were copied out of HTML."""
    for paper in catalog.papers:
        for name, url in _links(paper):
            if (right := html.unescape(url)) != url and _ENTITY.search(url):
                message = f"{url!r} was copied out of HTML; write {right!r}"
                yield at(catalog, paper, ("links", name), message)


def code_is_paper(catalog: Catalog) -> Iterator[Finding]:
    """Code links that lead to a paper."""
    for paper in catalog.papers:
        code = paper.links.code
        if code and (code in (paper.links.paper, paper.links.pdf) or _is_paper(code)):
            message = f"{code!r} is a paper, not a program; move it to `paper` or `pdf`, or delete it"
            yield at(catalog, paper, ("links", "code"), message)


def _is_paper(url: str) -> bool:
    pdf = urlsplit(url).path.lower().endswith(".pdf")
    kind = getattr(identify_quietly(url), "kind", "page")
    return pdf or kind in ("arxiv", "doi", "acl", "openreview")


def pdf_is_page(catalog: Catalog) -> Iterator[Finding]:
    """Links to the PDF that lead to a page about the paper."""
    for paper in catalog.papers:
        pdf = paper.links.pdf
        if pdf and _PAGES.match(pdf) and not pdf.lower().endswith(".pdf"):
            message = f"{pdf!r} is a page about the paper; give the address of the PDF, or delete `pdf`"
            yield at(catalog, paper, ("links", "pdf"), message)


RULES = (
    Rule(
        "SK340",
        "an ACL DOI and an ACL Anthology id are the same paper",
        "DOIs of the ACL end with the Anthology id.",
        "doi: 10.18653/v1/2020.acl-main.249\nacl: 2020.acl-main.248",
        "doi: 10.18653/v1/2020.acl-main.249\nacl: 2020.acl-main.249",
        acl_disagrees,
    ),
    Rule(
        "SK341",
        "arXiv links lead to the arXiv id of the entry",
        "A link copied from another paper is the most common error of hand-kept lists.",
        "identifiers: {arxiv: '2303.15180'}\nlinks: {paper: https://arxiv.org/abs/2303.15181}",
        "identifiers: {arxiv: '2303.15180'}\nlinks: {paper: https://arxiv.org/abs/2303.15180}",
        arxiv_link,
    ),
    Rule(
        "SK342",
        "DOI links lead to the DOI of the entry",
        "The link and the identifier name the same paper.",
        "identifiers: {doi: 10.5555/a.1}\nlinks: {paper: https://doi.org/10.5555/a.2}",
        "identifiers: {doi: 10.5555/a.1}\nlinks: {paper: https://doi.org/10.5555/a.1}",
        doi_link,
    ),
    Rule(
        "SK343",
        "OpenReview links lead to the OpenReview id of the entry",
        "The link and the identifier name the same paper.",
        "identifiers: {openreview: iC4UHbQ01Mp}\nlinks: {paper: https://openreview.net/forum?id=other0}",
        "identifiers: {openreview: iC4UHbQ01Mp}\nlinks: {paper: https://openreview.net/forum?id=iC4UHbQ01Mp}",
        openreview_link,
    ),
    Rule(
        "SK344",
        "a code link leads to a repository",
        "An account page does not say which of its repositories is meant, and changes.",
        "code: https://github.com/jinyuan-jia",
        "code: https://github.com/example/OysterNet",
        account_link,
    ),
    Rule(
        "SK345",
        "pages run forwards",
        "First page, hyphen, last page; both in full.",
        "pages: 1201-10",
        "pages: 1201-1210",
        pages_descend,
    ),
    Rule(
        "SK349",
        "an address is not HTML",
        "In the source of a page `&amp;` stands for `&`; copied from there, the address leads elsewhere.",
        "pdf: https://example.org/get?paper=7&amp;form=pdf",
        "pdf: https://example.org/get?paper=7&form=pdf",
        html_in_link,
    ),
    Rule(
        "SK370",
        "a code link leads to a program",
        "Papers, PDFs and identifiers have their own fields; readers who look for the program would find none.",
        "code: https://arxiv.org/pdf/2303.15180",
        "code: https://github.com/example/sieve",
        code_is_paper,
    ),
    Rule(
        "SK371",
        "a link to the PDF leads to the PDF",
        "`pdf` is what a reader opens to read; the page about the paper is `paper`.",
        "pdf: https://arxiv.org/abs/2303.15180",
        "pdf: https://arxiv.org/pdf/2303.15180",
        pdf_is_page,
    ),
    Rule(
        "SK403",
        "a paper does not appear years before its preprint",
        "A preprint may follow the publication, but hardly by more than a year; more often the id is another paper's.",
        "year: 2019\nidentifiers: {arxiv: '2303.15180'}",
        "year: 2023\nidentifiers: {arxiv: '2303.15180'}",
        before_preprint,
    ),
    Rule(
        "SK404",
        "a preprint's year is that of its first version",
        "The first four digits of an arXiv id are year and month of the first version.",
        "venue: arxiv\nyear: 2024\nidentifiers: {arxiv: '2303.15180'}",
        "venue: arxiv\nyear: 2023\nidentifiers: {arxiv: '2303.15180'}",
        preprint_year,
    ),
    Rule(
        "SK405",
        "arXiv links carry no version",
        "Without a version the link leads to the newest one, with corrections.",
        "pdf: https://arxiv.org/pdf/2303.15180v1",
        "pdf: https://arxiv.org/pdf/2303.15180",
        versioned_link,
    ),
)
