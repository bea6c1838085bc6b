"""BibTeX entries that plain, IEEEtran, biber, pandoc and pybtex read without a warning.

Decisions: the key is the entry id; a title is protected word by word, never as a whole;
`doi` and `url` stand verbatim; a preprint number is kept beside the published version
(`eprint`, `archivePrefix`); names in Han characters go into the annotation field
`author+an:han`, which biblatex knows and all others skip, because a second form of a
name inside `author` would be printed by every classic style; proceedings with volume
and number, like AAAI's, are an `@article`, because the classic styles take only one of
the two from an `@inproceedings` and warn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from surveykit.catalog import Catalog
from surveykit.models import Author, Paper
from surveykit.render.casing import pieces
from surveykit.render.container import container, preprint_label
from surveykit.render.latex import curly, latex
from surveykit.text.dates import SHORT_MONTHS

TYPES = {"conference": "inproceedings", "journal": "article", "preprint": "misc"}
RAW = re.compile(r"[^\x00-\x7f]+")
# What would make BibTeX split a name, or biber read it as `key=value`.
SPLITS = re.compile(r"[,={}\"]|(?:^|\s)(?:and|others)(?:\s|$)", re.IGNORECASE)


def bibliography(papers: Iterable[Paper], catalog: Catalog) -> str:
    """Text of a whole `.bib` file with a comment on top that says what it is."""
    survey = catalog.survey
    header = (
        f"% {survey.title.en.replace('@', ' at ')}\n"  # @ starts an entry anywhere
        f"% {survey.repository.replace('@', '%40')}\n"
        f"% Updated {catalog.updated.isoformat()}. License: {catalog.kit.license}.\n"
    )
    return "\n".join([header, *(entry(paper, catalog) for paper in papers)])


def entry(paper: Paper, catalog: Catalog) -> str:
    """One BibTeX entry, ending with a newline."""
    fields = _fields(paper, catalog)
    width = max(map(len, fields))
    lines = [f"  {name:{width}} = {value},\n" for name, value in fields.items()]
    return f"@{kind(paper, catalog)}{{{paper.id},\n{''.join(lines)}}}\n"


def kind(paper: Paper, catalog: Catalog) -> str:
    """Type of the entry: `inproceedings`, `article` or `misc`."""
    plain = TYPES[catalog.venue(paper).kind]
    serial = plain == "inproceedings" and paper.volume and paper.number
    return "article" if serial else plain


def _fields(paper: Paper, catalog: Catalog) -> dict[str, str]:
    arxiv = paper.identifiers.arxiv
    type_ = kind(paper, catalog)
    # plain.bst warns of a number without volume or series, biber of an article's publisher
    number = paper.number if type_ == "article" and paper.volume else None
    book = type_ == "inproceedings"
    publisher = catalog.venue(paper).publisher if book else None
    texts = {
        "author": " and ".join(name(author) for author in paper.authors),
        "author+an:han": _han(paper),
        "title": protected(paper.title.en),
        **_where(paper, catalog),
        "year": str(paper.year),
        "month": paper.month and SHORT_MONTHS[paper.month - 1],
        "volume": paper.volume,
        "number": number,
        "pages": paper.pages and paper.pages.replace("-", "--"),
        "publisher": publisher and latex(publisher),
        "doi": paper.identifiers.doi,
        "eprint": arxiv,
        "archivePrefix": arxiv and "arXiv",
        "primaryClass": arxiv and paper.arxiv_class,
        "url": paper.links.paper,
    }
    return {
        key: str(text) if key == "month" else f"{{{text}}}"  # months are macros
        for key, text in texts.items()
        if text
    }


def _where(paper: Paper, catalog: Catalog) -> dict[str, str]:
    match kind(paper, catalog):
        case "inproceedings":
            return {"booktitle": protected(container(paper, catalog))}
        case "article":
            return {"journal": latex(container(paper, catalog))}
        case _:
            return {"howpublished": latex(preprint_label(paper, catalog))}


def protected(title: str) -> str:
    """Title as LaTeX with braces around the words whose capitals must stay."""
    text = ""
    for piece in pieces(curly(title)):
        text += f"{{{latex(piece.text)}}}" if piece.kept else latex(piece.text)
    return text


def name(author: Author) -> str:
    """Author as BibTeX reads it: `van der Maaten, Laurens`, `{OpenAI}`."""
    if author.literal:
        return f"{{{_letters(author.literal)}}}"
    family = _family(author)
    if author.particle:
        family = f"{_part(author.particle)} {family}"
    parts = [family, author.suffix and _part(author.suffix)]
    parts.append(author.given and _part(author.given))
    if author.suffix and not author.given:
        parts.append("{}")
    return ", ".join(part for part in parts if part)


def _letters(text: str) -> str:
    r"""LaTeX in which classic BibTeX cuts no letter in two when it makes initials.

    It counts bytes, but takes a group that begins with a command for one letter, so
    what stays UTF-8 stands in `{\relax ș}`.
    """
    return RAW.sub(lambda run: rf"{{\relax {run[0]}}}", latex(text))


def _part(text: str) -> str:
    return f"{{{_letters(text)}}}" if SPLITS.search(text) else _letters(text)


def _family(author: Author) -> str:
    """Family name, in braces where BibTeX would take a piece of it for something else."""
    family = author.family or ""
    words = family.split()
    alone = len(words) > 1 and not (author.given or author.suffix)
    if alone or any(word[0].islower() for word in words[:-1]):
        return f"{{{_letters(family)}}}"
    return _part(family)


def _han(paper: Paper) -> str | None:
    """`1="冯世伟"; 3="王伟"` for the authors whose Han name is known."""
    names = [
        f'{place}="{author.han}"'
        for place, author in enumerate(paper.authors, start=1)
        if author.han and not re.search(r'["={};\\]', author.han)
    ]
    return "; ".join(names)
