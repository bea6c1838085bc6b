"""What other programs read and say about the BibTeX, on invented and on real entries."""

from __future__ import annotations

import re
import string
import unicodedata

import bibtexparser
import pybtex.database
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pylatexenc import latex2text

from surveykit.models import Author, Paper
from surveykit.render.bibtex import TYPES, bibliography, entry
from surveykit.render.casing import sentence_case
from surveykit.render.container import container, preprint_label
from surveykit.render.latex import TABLE, curly

PLAIN = {
    "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^",
    "textless": "<", "textgreater": ">", "lbrace": "{", "rbrace": "}",
}  # fmt: skip
CONTEXT = latex2text.get_default_latex_context_db()
CONTEXT.add_context_category(
    "plain text",
    macros=[latex2text.MacroTextSpec(name, char) for name, char in PLAIN.items()],
    prepend=True,
)
# Both readers choose between straight and curly quotes by themselves.
QUOTES = str.maketrans("‘’‚‛“”„\"`", "'''''''''")  # fmt: skip


def decoded(latex: str) -> str:
    """Plain text of LaTeX as pylatexenc reads it."""
    grave = latex.replace(r"{\`{}}", "`")
    converter = latex2text.LatexNodes2Text(
        latex_context=CONTEXT, strict_latex_spaces=True, math_mode="text"
    )
    return converter.latex_to_text(grave)


def alike(text: str) -> str:
    """Text without the differences that a reader of BibTeX may make: quotes, NFC, ×."""
    text = text.replace("``", "“").replace("''", "”")
    return unicodedata.normalize("NFC", text).translate(QUOTES).replace("'", "")


def where(paper, catalog) -> str:
    if catalog.venue(paper).kind == "preprint":
        return preprint_label(paper, catalog)
    return container(paper, catalog)


@pytest.fixture(scope="session")
def bib(any_catalog) -> str:
    return bibliography(any_catalog.papers, any_catalog)


@pytest.mark.parametrize("style", ["plain", "unsrt", "alpha", "IEEEtran"])
def test_bibtex_reports_neither_error_nor_warning(bib, any_catalog, style, run, tmp_path):
    if style == "IEEEtran" and not run("kpsewhich", "IEEEtran.bst", cwd=tmp_path)[1]:
        pytest.skip("IEEEtran.bst is not installed (Debian: texlive-publishers)")
    (tmp_path / "survey.bib").write_text(bib, encoding="utf-8")
    (tmp_path / "all.aux").write_text(
        f"\\citation{{*}}\n\\bibstyle{{{style}}}\n\\bibdata{{survey}}\n"
    )
    code, said = run("bibtex", "all", cwd=tmp_path)
    assert code == 0, said
    assert not re.search("warning|error|couldn't|repeated", said, re.IGNORECASE), said
    items = (tmp_path / "all.bbl").read_text(encoding="utf-8").count("\\bibitem")
    assert items == len(any_catalog.papers)


def test_biber_finds_the_data_model_kept(bib, any_catalog, run, tmp_path):
    (tmp_path / "survey.bib").write_text(bib, encoding="utf-8")
    code, said = run(
        "biber", "--tool", "--validate-datamodel", "survey.bib", cwd=tmp_path
    )
    assert code == 0, said
    assert not re.search(r"^(WARN|ERROR)", said, re.MULTILINE), said
    written = (tmp_path / "survey_bibertool.bib").read_text(encoding="utf-8")
    assert written.count("\n@") + written.startswith("@") == len(any_catalog.papers)


def test_pandoc_reads_every_entry_back(bib, any_catalog, pandoc):
    items = {item["id"]: item for item in pandoc(bib, "bibtex")}
    assert list(items) == [paper.id for paper in any_catalog.papers]
    for paper in any_catalog.papers:
        item = items[paper.id]
        kind = any_catalog.venue(paper).kind
        source = item["publisher" if kind == "preprint" else "container-title"]
        expected = where(paper, any_catalog)
        expected = sentence_case(expected) if kind == "conference" else expected
        assert alike(item["title"]) == alike(sentence_case(paper.title.en))
        assert [alike(full_name(name)) for name in item["author"]] == [
            alike(author.name) for author in paper.authors
        ]
        assert source == expected
        assert item["issued"]["date-parts"][0] == [
            part for part in (paper.year, paper.month) if part
        ]
        assert item.get("DOI") == paper.identifiers.doi
        assert item["URL"] == paper.links.paper
        assert item.get("page") == paper.pages


def full_name(name: dict[str, str]) -> str:
    keys = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix")
    return name.get("literal") or " ".join(name[key] for key in keys if key in name)


def test_pybtex_reads_every_entry_back(bib, any_catalog):
    database = pybtex.database.parse_string(bib, "bibtex")
    assert list(database.entries) == [paper.id for paper in any_catalog.papers]
    for paper in any_catalog.papers:
        read = database.entries[paper.id]
        kind = any_catalog.venue(paper).kind
        places = {"conference": "booktitle", "journal": "journal"}
        fields = {key: read.fields.get(key) for key in ("doi", "eprint", "url", "year")}
        assert read.type == TYPES[kind]
        assert alike(decoded(read.fields["title"])) == alike(paper.title.en)
        assert [alike(person_name(p)) for p in read.persons["author"]] == [
            alike(author.name) for author in paper.authors
        ]
        source = read.fields[places.get(kind, "howpublished")]
        assert decoded(source) == where(paper, any_catalog)
        assert fields == {
            "doi": paper.identifiers.doi,
            "eprint": paper.identifiers.arxiv,
            "url": paper.links.paper,
            "year": str(paper.year),
        }


def person_name(person: pybtex.database.Person) -> str:
    parts = (
        *person.first_names,
        *person.middle_names,
        *person.prelast_names,
        *person.last_names,
        *person.lineage_names,
    )
    return decoded(" ".join(parts))


def test_bibtexparser_finds_every_block_whole(bib, any_catalog):
    library = bibtexparser.parse_string(bib)
    assert not library.failed_blocks
    assert [read.key for read in library.entries] == [p.id for p in any_catalog.papers]
    for read, paper in zip(library.entries, any_catalog.papers, strict=True):
        assert read["year"] == str(paper.year)
        assert read["url"] == paper.links.paper
        assert alike(decoded(read["title"])) == alike(paper.title.en)


# --- any text at all -----------------------------------------------------------------

# What PlainText lets in, less what no reader keeps: unassigned and private characters,
# and the odd spaces that readers turn into plain ones.
LETTERS = st.characters(categories=["Lu", "Ll", "Lt", "Lo", "Nd", "Sc", "So"])
NASTY = st.sampled_from("\\{}$&%#_~^`'\"<>|@,;:!?.()[]*+=/-–—“”‘’… \u00a0éßøŁıế×αΔ")
COMMANDS = st.sampled_from(
    ["\\input{x}", "$\\{2}$", "@misc{x,", "%", "``", "''", "--", "---", "} , {", "\\\\",
     "\\verb|x|", "^^5c", "\\end", "~~", "$$", "?`", "title = {x},", "\\'", "and", "#"]
)  # fmt: skip


def plain(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))


TITLES = (
    st.lists(st.one_of(LETTERS, NASTY, COMMANDS, st.just(" ")), min_size=1, max_size=30)
    .map("".join)
    .map(plain)
    .filter(lambda text: text and any(char.isalnum() for char in text))
)
WORDS = st.text(
    st.sampled_from(string.ascii_letters + "éßøŁıẾșņ冯ğ'’-."), min_size=1, max_size=8
).filter(lambda text: text[0].isalpha() and text[-1] not in "-'’.")
PARTS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
AUTHORS = st.one_of(
    st.fixed_dictionaries({"given": PARTS, "family": PARTS}),
    st.fixed_dictionaries(
        {"given": PARTS, "family": PARTS, "suffix": st.sampled_from(["Jr.", "III"])}
    ),
    st.fixed_dictionaries(
        {
            "given": PARTS,
            "family": PARTS,
            "particle": st.sampled_from(["van der", "de", "von", "d'"]),
        }
    ),
    st.fixed_dictionaries({"family": PARTS}),
    TITLES.map(lambda text: {"literal": text}),
).map(Author.model_validate)
RELAXED = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def copies(catalog, titles, authors) -> list[Paper]:
    """Papers that carry these titles, and these authors one each."""
    base = catalog.get("chen2025breaking")
    return [
        base.model_copy(
            update={
                "id": f"x2025{'abcdefghij'[place // 10]}{place % 10}",
                "title": base.title.model_copy(update={"en": title}),
                "authors": (author, base.authors[0]),
            }
        )
        for place, (title, author) in enumerate(zip(titles, authors, strict=False))
    ]


BATCH = (st.lists(TITLES, min_size=20, max_size=20), st.lists(AUTHORS, min_size=20))


def formulas(text: str) -> str:
    """Text with the characters that stand as formulas in the way pandoc keeps them."""
    math = {char: latex[1:-1] for char, latex in TABLE.items() if latex[:2] == "{$"}
    return "".join(math.get(char, char) for char in text)


@RELAXED
@given(titles=BATCH[0], authors=BATCH[1])
def test_pybtex_and_bibtexparser_read_any_text_back(catalog, titles, authors):
    papers = copies(catalog, titles, authors)
    text = bibliography(papers, catalog)
    database = pybtex.database.parse_string(text, "bibtex")
    library = bibtexparser.parse_string(text)
    assert not library.failed_blocks
    assert len(library.entries) == len(database.entries) == len(papers)
    for paper, block in zip(papers, library.entries, strict=True):
        read = database.entries[paper.id]
        assert block["title"] == read.fields["title"]
        assert alike(decoded(read.fields["title"])) == alike(curly(paper.title.en))
        assert list(read.fields) == list(block.fields_dict)[1:]  # author apart
        first, second = read.persons["author"]
        assert person_name(second) == "Chen Chen"
        author = paper.authors[0]
        if author.literal:
            assert len(first.last_names) == 1
            assert alike(person_name(first)) == alike(curly(author.literal))
        else:
            particle = " ".join(first.prelast_names)
            assert alike(decoded(particle)) == alike(author.particle or "")
            assert alike(decoded(" ".join(first.last_names))) == alike(author.family)
            assert decoded(" ".join(first.lineage_names)) == (author.suffix or "")


@settings(RELAXED, max_examples=30)
@given(titles=BATCH[0], authors=BATCH[1])
def test_pandoc_reads_any_text_back(catalog, pandoc, titles, authors):
    papers = copies(catalog, titles, authors)
    items = pandoc(bibliography(papers, catalog), "bibtex")
    assert [item["id"] for item in items] == [paper.id for paper in papers]
    for paper, item in zip(papers, items, strict=True):
        expected = alike(formulas(curly(paper.title.en))).casefold()
        assert alike(item["title"]).casefold() == expected
        assert item["URL"] == paper.links.paper
        assert full_name(item["author"][1]) == "Chen Chen"
        name = paper.authors[0].name
        assert alike(full_name(item["author"][0])) == alike(formulas(curly(name)))


@settings(RELAXED, max_examples=20)
@given(titles=BATCH[0], authors=BATCH[1])
def test_bibtex_reads_any_text_without_a_warning(
    catalog, run, titles, authors, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("bibtex")
    papers = copies(catalog, titles, authors)
    text = bibliography(papers, catalog)
    (folder / "survey.bib").write_text(text, encoding="utf-8")
    (folder / "all.aux").write_text(
        "\\citation{*}\n\\bibstyle{plain}\n\\bibdata{survey}\n"
    )
    code, said = run("bibtex", "all", cwd=folder)
    assert code == 0, said
    assert not re.search("warning|error", said, re.IGNORECASE), said


@given(TITLES, AUTHORS)
def test_no_field_can_escape_its_braces(catalog, title, author):
    text = entry(copies(catalog, [title], [author])[0], catalog)
    for line in text.splitlines()[1:-1]:
        value = line.partition(" = ")[2].removesuffix(",")
        depth = 0
        for place, char in enumerate(value):
            depth += (char == "{") - (char == "}")
            assert depth > 0 or place == len(value) - 1 or value in ("jan", "nov")
        assert depth == 0
