"""RIS records, which EndNote, Zotero and Mendeley read: UTF-8, one field a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from surveykit.catalog import Catalog
from surveykit.models import Author, Paper
from surveykit.render.container import container, preprint_label

TYPES = {"conference": "CPAPER", "journal": "JOUR", "preprint": "UNPB"}


def ris(papers: Iterable[Paper], catalog: Catalog) -> str:
    """Text of a whole `.ris` file."""
    return "\n".join(record(paper, catalog) for paper in papers)


def record(paper: Paper, catalog: Catalog) -> str:
    """One record from `TY` to `ER`, ending with a newline."""
    return "".join(f"{tag}  - {text}\n" for tag, text in _fields(paper, catalog))


def _fields(paper: Paper, catalog: Catalog) -> Iterator[tuple[str, str]]:
    venue = catalog.venue(paper)
    first, _, last = (paper.pages or "").partition("-")
    month = f"{paper.month:02}/" if paper.month else "/"
    preprint = venue.kind == "preprint"
    arxiv = paper.identifiers.arxiv
    yield "TY", TYPES[venue.kind]
    yield "ID", paper.id
    yield "TI", paper.title.en
    for author in paper.authors:
        yield "AU", _name(author)
    yield "PY", str(paper.year)
    yield "DA", f"{paper.year}/{month}/"
    optional = {
        "JO" if venue.kind == "journal" else "T2": container(paper, catalog),
        "VL": paper.volume,
        "IS": paper.number,
        "SP": first,
        "EP": last,
        "PB": venue.publisher,
        "M1": preprint_label(paper, catalog) if preprint else None,
        "AN": f"arXiv:{arxiv}" if arxiv and not preprint else None,  # accession number
        "DO": paper.identifiers.doi,
        "UR": paper.links.paper,
        "L1": paper.links.pdf,
    }
    yield from ((tag, text) for tag, text in optional.items() if text)
    yield "ER", ""


def _name(author: Author) -> str:
    """`van der Maaten, Laurens`, `King, Martin, Jr.`; a lone name ends in a comma.

    Without that comma readers take the last word of a group for a family name.
    """
    parts = [author.last, author.given, author.suffix]
    known = [part for part in parts if part]
    return ", ".join(known) if len(known) > 1 else f"{known[0]},"
