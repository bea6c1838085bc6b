"""Answers of the services in their documented formats."""

from __future__ import annotations

from html import escape
from typing import Any

ATOM = "application/atom+xml; charset=utf-8"
ABSTRACT = "We plant backdoors in pre-trained image encoders and show that they survive in downstream classifiers."


def atom_entry(
    id_: str = "2401.00001v2",
    title: str = "Planting Backdoors in\n  Invented Encoders",
    authors: tuple[str, ...] = ("Ada B. van Müller", "Wei Li"),
    *,
    published: str = "2024-01-02T18:59:59Z",
    summary: str = ABSTRACT,
    doi: str = "",
    comment: str = "",
    journal: str = "",
) -> str:
    people = "".join(f"<author><name>{escape(a)}</name></author>" for a in authors)
    own = {"doi": doi, "comment": comment, "journal_ref": journal}
    more = "".join(
        f'<arxiv:{k} xmlns:arxiv="http://arxiv.org/schemas/atom">{escape(v)}</arxiv:{k}>'
        for k, v in own.items()
        if v
    )
    return (
        f"<entry><id>http://arxiv.org/abs/{id_}</id><updated>2024-02-01T00:00:00Z</updated>"
        f"<published>{published}</published><title>{escape(title)}</title>"
        f"<summary>  {escape(summary)}\n</summary>{people}{more}"
        f'<link href="http://arxiv.org/abs/{id_}" rel="alternate" type="text/html"/>'
        f'<link title="pdf" href="http://arxiv.org/pdf/{id_}" rel="related" type="application/pdf"/>'
        '<arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="cs.CR"'
        ' scheme="http://arxiv.org/schemas/atom"/>'
        '<category term="cs.CR" scheme="http://arxiv.org/schemas/atom"/></entry>'
    )


def atom(*entries: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        '<link href="http://arxiv.org/api/query?id_list=x" rel="self" type="application/atom+xml"/>'
        '<title type="html">ArXiv Query: search_query=&amp;id_list=x&amp;start=0&amp;max_results=1</title>'
        "<id>http://arxiv.org/api/cHxbiOdZaP56ODnBPIenZhzg5f8</id><updated>2026-11-18T00:00:00-05:00</updated>"
        '<opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
        f"{len(entries)}</opensearch:totalResults>{''.join(entries)}</feed>"
    )


def atom_error(message: str) -> str:
    return atom(
        "<entry><id>http://arxiv.org/api/errors#incorrect_id_format_for_x</id><title>Error</title>"
        f"<summary>{message}</summary><updated>2026-11-18T00:00:00-05:00</updated></entry>"
    )


def work(**more: Any) -> dict[str, Any]:
    """A work of Crossref; `more` replaces its fields, None takes one away."""
    item: dict[str, Any] = {
        "DOI": "10.5555/ccs24.0001",
        "type": "proceedings-article",
        "title": ["Planting Backdoors in Invented Encoders"],
        "author": [
            {"given": "A. B.", "family": "van Müller", "sequence": "first"},
            {"given": "W.", "family": "Li", "sequence": "additional"},
        ],
        "container-title": [
            "Proceedings of the 2024 on ACM SIGSAC Conference on Computer and Communications Security"
        ],
        "published-print": {"date-parts": [[2024, 10, 14]]},
        "issued": {"date-parts": [[2024, 10, 14]]},
        "page": "101-115",
        "publisher": "ACM",
        "URL": "https://doi.org/10.5555/ccs24.0001",
    }
    return {k: v for k, v in (item | more).items() if v is not None}


def crossref(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": "ok",
        "message-type": "work",
        "message-version": "1.0.0",
        "message": item,
    }


def crossref_list(*items: dict[str, Any]) -> dict[str, Any]:
    message = {"total-results": len(items), "items": list(items), "items-per-page": 5}
    return {"status": "ok", "message-type": "work-list", "message": message}


def datacite(**more: Any) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "doi": "10.5281/zenodo.1",
        "state": "findable",
        "titles": [
            {"title": "Ein Bericht", "titleType": "TranslatedTitle"},
            {"title": "A Report on Invented Encoders"},
        ],
        "creators": [
            {
                "name": "Example, Ada",
                "nameType": "Personal",
                "givenName": "Ada",
                "familyName": "Example",
            },
            {"name": "Invented Lab", "nameType": "Organizational"},
        ],
        "publicationYear": 2023,
        "publisher": {"name": "Zenodo"},
        "container": {
            "type": "Series",
            "title": "Journal of Invented Results",
            "volume": "3",
            "firstPage": "1",
            "lastPage": "9",
        },
        "types": {"resourceTypeGeneral": "JournalArticle"},
        "url": "https://zenodo.org/records/1",
        "descriptions": [
            {"description": "<p>We report.</p>", "descriptionType": "Abstract"}
        ],
    }
    return {
        "data": {
            "id": "10.5281/zenodo.1",
            "type": "dois",
            "attributes": attributes | more,
        }
    }


def dblp(*infos: dict[str, Any]) -> dict[str, Any]:
    hits: dict[str, Any] = {
        "@total": str(len(infos)),
        "@sent": str(len(infos)),
        "@first": "0",
    }
    if infos:
        hits["hit"] = [
            {"@score": "9", "@id": str(n), "info": info} for n, info in enumerate(infos)
        ]
    return {"result": {"status": {"@code": "200", "text": "OK"}, "hits": hits}}


def dblp_info(**more: Any) -> dict[str, Any]:
    info: dict[str, Any] = {
        "authors": {
            "author": [
                {"@pid": "1/2", "text": "Ada B. van Müller"},
                {"@pid": "3/4-1", "text": "Wei Li 0001"},
            ]
        },
        "title": "Planting Backdoors in Invented Encoders.",
        "venue": "CCS",
        "pages": "101-115",
        "year": "2024",
        "type": "Conference and Workshop Papers",
        "key": "conf/ccs/MullerL24",
        "doi": "10.5555/CCS24.0001",
        "ee": "https://doi.org/10.5555/CCS24.0001",
        "url": "https://dblp.org/rec/conf/ccs/MullerL24",
    }
    return {k: v for k, v in (info | more).items() if v is not None}


MODS = """<?xml version="1.0" encoding="UTF-8"?>
<modsCollection xmlns="http://www.loc.gov/mods/v3">
<mods ID="muller-li-2023-planting">
    <titleInfo><title>Planting <i xmlns="">Backdoors</i> in Invented Text Encoders</title></titleInfo>
    <name type="personal">
        <namePart type="given">Ada</namePart><namePart type="given">B.</namePart>
        <namePart type="family">Müller</namePart>
        <role><roleTerm authority="marcrelator" type="text">author</roleTerm></role>
    </name>
    <name type="personal"><namePart type="family">Suharto</namePart></name>
    <originInfo><dateIssued>2023-12</dateIssued></originInfo>
    <typeOfResource>text</typeOfResource>
    <relatedItem type="host">
        <titleInfo><title>Findings of the Association for Computational Linguistics: EMNLP 2023</title></titleInfo>
        <name type="personal"><namePart type="given">Ed</namePart><namePart type="family">Itor</namePart></name>
        <originInfo><publisher>Association for Computational Linguistics</publisher></originInfo>
        <genre authority="marcgt">conference publication</genre>
    </relatedItem>
    <abstract>We plant backdoors.</abstract>
    <identifier type="citekey">muller-li-2023-planting</identifier>
    <identifier type="doi">10.18653/v1/2023.findings-emnlp.1</identifier>
    <location><url>https://aclanthology.org/2023.findings-emnlp.1/</url></location>
    <part><date>2023-12</date><extent unit="page"><start>1</start><end>12</end></extent></part>
</mods>
</modsCollection>
"""


def note(
    venue: str = "ICLR 2024 poster", *, wrapped: bool = True, **more: Any
) -> dict[str, Any]:
    content: dict[str, Any] = {
        "title": "Planting Backdoors in Invented Encoders",
        "authors": ["Ada B. van Müller", "Wei Li"],
        "abstract": ABSTRACT,
        "venue": venue,
        "venueid": "ICLR.cc/2024/Conference",
        "pdf": "/pdf/abc.pdf",
    } | more
    if wrapped:
        content = {k: {"value": v} for k, v in content.items()}
    return {
        "notes": [
            {
                "id": "AbCdEfGh12",
                "forum": "AbCdEfGh12",
                "content": content,
                "cdate": 1695300000000,
                "pdate": 1705400000000,
            }
        ],
        "count": 1,
    }


README = """# Planting Backdoors

Code of our paper. If it helps you, please cite:

```bibtex
@inproceedings{muller2024planting,
  title={Planting {B}ackdoors in Invented Encoders},
  author={van M{\\"u}ller, Ada B. and Li, Wei},
  booktitle={CCS},
  year={2024},
  doi={10.5555/ccs24.0001}
}
```
"""

PAGE = """<!DOCTYPE html><html><head><title>CVPR 2024 Open Access Repository</title>
<meta name="citation_title" content="Planting Backdoors in Invented Encoders">
<meta name="citation_author" content="van Müller, Ada B.">
<meta name="citation_author" content="Li, Wei">
<meta name="citation_publication_date" content="2024">
<meta name="citation_conference_title" content="Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition">
<meta name="citation_firstpage" content="101"><meta name="citation_lastpage" content="115">
<meta name="citation_pdf_url" content="https://openaccess.thecvf.com/x.pdf">
<meta name="citation_title" content="<script>alert(1)</script>">
</head><body><div id="abstract">…</div></body></html>
"""
