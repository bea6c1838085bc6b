"""One paper as a line of a reference list: APA and GB/T 7714, as plain text.

APA is the Publication Manual, 7th edition: the title in sentence case; up to 20
authors, from 21 on the first 19, an ellipsis and the last; hyphens kept in initials
(`Jiang, Y.-G.`); suffix after the initials; a lone page of a journal is an article
number; a preprint carries its number in parentheses and its server as the source.
Italics are left to the reader's program.

GB/T 7714 is the 2015 edition (GB/T 7714—2015): family names in capitals, particles as
printed, initials without full stops and without hyphens, suffix at the end without its
full stop; a given name known to be pinyin (the entry has the Han name) in full, since
the rule wants one initial for each character; three authors, then `et al`; titles as
printed; [C]//, [J] and [EB/OL]. Unknown place or publisher is left out instead of
[S.l.] and [s.n.], as the standard allows for what is read online; the day in brackets
after a preprint is the day on which the entry was last verified, else added.
"""

from __future__ import annotations

import re

from surveykit.addresses import page
from surveykit.catalog import Catalog
from surveykit.identifier import Identifier
from surveykit.models import Author, Paper
from surveykit.render.casing import sentence_case
from surveykit.render.container import container


def apa(paper: Paper, catalog: Catalog) -> str:
    """Reference in APA style, 7th edition."""
    title = sentence_case(paper.title.en)
    venue = catalog.venue(paper)
    where = container(paper, catalog)
    if venue.kind == "preprint":
        if arxiv := paper.identifiers.arxiv:
            title += f" (arXiv:{arxiv})"
        parts = [title, where]
    elif venue.kind == "journal":
        parts = [title, ", ".join([where, *_apa_issue(paper)])]
    else:
        parts = [title, f"In {where}{_apa_pages(paper)}", venue.publisher or ""]
    authors = _stopped(_apa_authors(paper.authors))
    source = " ".join(_stopped(part) for part in parts if part)
    return f"{authors} ({paper.year}). {source} {_address(paper)}"


def _apa_issue(paper: Paper) -> list[str]:
    issue = paper.volume or ""
    issue += f"({paper.number})" if paper.number else ""
    pages = (paper.pages or "").replace("-", "–")
    if pages and "–" not in pages:
        pages = f"Article {pages}"
    return [part for part in (issue, pages) if part]


def _apa_pages(paper: Paper) -> str:
    if not paper.pages:
        return ""
    mark = "pp." if "-" in paper.pages else "p."
    return f" ({mark} {paper.pages.replace('-', '–')})"


def _apa_authors(authors: tuple[Author, ...]) -> str:
    names = [_apa_name(author) for author in authors]
    if len(names) > 20:
        return ", ".join(names[:19]) + f", … {names[-1]}"
    if len(names) == 1:
        return names[0]
    return ", ".join(names[:-1]) + f", & {names[-1]}"


def _apa_name(author: Author) -> str:
    if author.literal:
        return author.literal
    parts = [author.last, " ".join(_initials(author, ".")), author.suffix]
    return ", ".join(part for part in parts if part)


def gbt7714(paper: Paper, catalog: Catalog) -> str:
    """Reference after GB/T 7714—2015, numeric style without its number."""
    venue = catalog.venue(paper)
    where = container(paper, catalog)
    pages = f": {paper.pages}" if paper.pages else ""
    authors = _stopped(_gbt_authors(paper.authors))
    if venue.kind == "preprint":
        read = paper.verified.date if paper.verified else paper.added
        source = f"[EB/OL]. {where}, {paper.year}[{read}]. {paper.links.paper}"
    elif venue.kind == "journal":
        issue = f", {paper.volume}" if paper.volume else ""
        issue += f"({paper.number})" if paper.number else ""
        source = f"[J]. {where}, {paper.year}{issue}{pages}"
    else:
        publisher = f"{venue.publisher}, " if venue.publisher else ""
        source = f"[C]//{where}. {publisher}{paper.year}{pages}"
    if doi := paper.identifiers.doi:
        source += f". DOI: {doi}"
    return f"{authors} {paper.title.en}{source}."


def _gbt_authors(authors: tuple[Author, ...]) -> str:
    names = [_gbt_name(author) for author in authors[:3]]
    if len(authors) > 3:
        names.append("et al")
    return ", ".join(names)


def _gbt_name(author: Author) -> str:
    if author.literal:
        return author.literal
    if author.han and author.given:
        given = author.given
    else:
        given = " ".join(_initials(author, "")).replace("-", " ")
    suffix = author.suffix and author.suffix.rstrip(".")
    parts = [author.particle, (author.family or "").upper(), given, suffix]
    return " ".join(part for part in parts if part)


def _initials(author: Author, stop: str) -> list[str]:
    """`Ricardo J.` as `R.`, `J.`; `Yu-Gang` as `Y.-G.`; scripts without case whole."""
    words = re.sub(r"\([^()]*\)", " ", author.given or "").split()
    initials = []
    for word in words:
        parts = [part.lstrip("'’.") for part in word.split("-")]
        short = [_initial(part, stop) for part in parts if part]
        initials += ["-".join(short)] if short else []
    return initials


def _initial(part: str, stop: str) -> str:
    cased = part[0].lower() != part[0].upper()
    return part[0] + stop if cased else part


def _stopped(text: str) -> str:
    return text if text[-1:] in (".", "?", "!", "") else f"{text}."


def _address(paper: Paper) -> str:
    doi = paper.identifiers.doi
    known = page(Identifier("doi", doi)) if doi else None
    return known or paper.links.paper
