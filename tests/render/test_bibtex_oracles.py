"""What other programs read and say about the BibTeX, on invented and on real entries."""

from __future__ import annotations

import itertools
import re
import string
import unicodedata

import bibtexparser
import pybtex.database
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pylatexenc import latex2text

from surveykit.models import Author, Paper
from surveykit.render.bibtex import bibliography, entry, kind
from surveykit.render.casing import sentence_case
from surveykit.render.container import container, preprint_label
from surveykit.render.latex import TABLE, curly, latex

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


def decoded(text: str) -> str:
    """Plain text of LaTeX as pylatexenc reads it."""
    spared = text.replace(r"{\`{}}", "\ue000")  # an accent over nothing
    converter = latex2text.LatexNodes2Text(
        latex_context=CONTEXT, strict_latex_spaces=True, math_mode="text"
    )
    return converter.latex_to_text(spared).replace("\ue000", "`")


def alike(text: str) -> str:
    """Text without its quotes, which TeX writes as other characters, in one form."""
    text = text.replace("``", "“").replace("''", "”")
    return unicodedata.normalize("NFC", text).translate(QUOTES).replace("'", "")


def where(paper, catalog) -> str:
    if catalog.venue(paper).kind == "preprint":
        return preprint_label(paper, catalog)
    return container(paper, catalog)


@pytest.fixture(scope="session")
def bib(any_catalog) -> str:
    return bibliography(any_catalog.papers, any_catalog)


def bibtexed(bib: str, style: str, run, folder) -> tuple[str, str]:
    """The bibliography classic BibTeX makes, and what it says, without a complaint."""
    if style == "IEEEtran" and not run("kpsewhich", "IEEEtran.bst", cwd=folder)[1]:
        pytest.skip("IEEEtran.bst is not installed (Debian: texlive-publishers)")
    (folder / "survey.bib").write_text(bib, encoding="utf-8")
    (folder / "all.aux").write_text(
        f"\\citation{{*}}\n\\bibstyle{{{style}}}\n\\bibdata{{survey}}\n"
    )
    code, said = run("bibtex", "all", cwd=folder)
    assert code == 0, said
    assert not re.search("warning|error|couldn't|repeated", said, re.IGNORECASE), said
    return (folder / "all.bbl").read_text(encoding="utf-8"), said


@pytest.mark.parametrize("style", ["plain", "unsrt", "alpha", "IEEEtran"])
def test_bibtex_reports_neither_error_nor_warning(
    bib, any_catalog, style, run, tmp_path
):
    text, said = bibtexed(bib, style, run, tmp_path)
    assert text.count("\\bibitem") == len(any_catalog.papers), said


def test_biber_finds_the_data_model_kept(bib, any_catalog, run, tmp_path):
    (tmp_path / "survey.bib").write_text(bib, encoding="utf-8")
    code, said = run(
        "biber", "--tool", "--validate-datamodel", "survey.bib", cwd=tmp_path
    )
    assert code == 0, said
    assert not re.search(r"^(WARN|ERROR)", said, re.MULTILINE), said
    written = (tmp_path / "survey_bibertool.bib").read_text(encoding="utf-8")
    assert written.count("\n@") + written.startswith("@") == len(any_catalog.papers)


@pytest.mark.parametrize("dialect", ["bibtex", "biblatex"])
def test_pandoc_reads_every_entry_back(bib, any_catalog, pandoc, dialect):
    items = {item["id"]: item for item in pandoc(bib, dialect)}
    assert list(items) == [paper.id for paper in any_catalog.papers]
    for paper in any_catalog.papers:
        item = items[paper.id]
        type_ = kind(paper, any_catalog)
        source = item["publisher" if type_ == "misc" else "container-title"]
        expected = where(paper, any_catalog)
        expected = sentence_case(expected) if type_ == "inproceedings" else expected
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
        type_ = kind(paper, any_catalog)
        places = {"inproceedings": "booktitle", "article": "journal"}
        fields = {key: read.fields.get(key) for key in ("doi", "eprint", "url", "year")}
        assert read.type == type_
        assert alike(decoded(read.fields["title"])) == alike(paper.title.en)
        assert [alike(person_name(p)) for p in read.persons["author"]] == [
            alike(author.name) for author in paper.authors
        ]
        source = read.fields[places.get(type_, "howpublished")]
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
LETTERS = st.characters(
    categories=["Lu", "Ll", "Lt", "Lo", "Nd", "Sc", "So"], exclude_characters="ªº"
)
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
# A program reads 25 texts at once (alpha has 26 labels for one name and year); there is
# nothing to gain in shrinking those.
BATCHES = settings(RELAXED, max_examples=15, phases=[Phase.explicit, Phase.generate])


def copies(catalog, texts) -> list[Paper]:
    """Papers that carry these titles, and each of these authors beside another."""
    base = catalog.get("chen2025breaking")
    return [
        base.model_copy(
            update={
                "id": f"x2025n{place}",
                "title": base.title.model_copy(update={"en": title}),
                "authors": (author, base.authors[0]),
            }
        )
        for place, (title, author) in enumerate(texts)
    ]


BATCH = st.lists(st.tuples(TITLES, AUTHORS), min_size=25, max_size=25)


def formulas(text: str) -> str:
    """Text with the characters that stand as formulas in the way pandoc keeps them."""
    math = {char: tex[1:-1] for char, tex in TABLE.items() if tex[:2] == "{$"}
    return "".join(math.get(char, char) for char in text)


@RELAXED
@given(TITLES, AUTHORS)
def test_pybtex_and_bibtexparser_read_any_text_back(catalog, title, author):
    (paper,) = copies(catalog, [(title, author)])
    text = bibliography([paper], catalog)
    read = pybtex.database.parse_string(text, "bibtex").entries[paper.id]
    library = bibtexparser.parse_string(text)
    assert not library.failed_blocks
    (block,) = library.entries
    assert block["title"] == read.fields["title"]
    assert list(block.fields_dict) == ["author", *read.fields]
    assert alike(decoded(read.fields["title"])) == alike(curly(title))
    first, second = read.persons["author"]
    assert person_name(second) == "Chen Chen"
    parts = (first.first_names + first.middle_names, first.prelast_names)
    parts += (first.last_names, first.lineage_names)
    expected = (author.given, author.particle, author.family, author.suffix)
    if author.literal:
        assert len(first.last_names) == 1
        expected = (None, None, author.literal, None)
    assert [alike(decoded(" ".join(part))) for part in parts] == [
        alike(curly(part or "")) for part in expected
    ]


@BATCHES
@given(BATCH)
def test_pandoc_reads_any_text_back(catalog, pandoc, batch):
    papers = copies(catalog, batch)
    items = pandoc(bibliography(papers, catalog), "bibtex")
    assert [item["id"] for item in items] == [paper.id for paper in papers]
    for paper, item in zip(papers, items, strict=True):
        expected = formulas(curly(paper.title.en))
        assert alike(item["title"].casefold()) == alike(expected.casefold())
        assert item["URL"] == paper.links.paper
        assert full_name(item["author"][1]) == "Chen Chen"
        # in names pandoc drops the dollars of a formula and sets `d'` apart
        read = full_name(item["author"][0]), formulas(curly(paper.authors[0].name))
        first, second = (alike(re.sub(r"[$\s]", "", name)) for name in read)
        assert first == second


@pytest.mark.parametrize("style", ["plain", "alpha", "IEEEtran"])
def test_bibtex_reads_any_text_without_a_warning(catalog, run, style, tmp_path):
    @BATCHES
    @given(BATCH)
    def reads(batch):
        papers = copies(catalog, batch)
        text, said = bibtexed(bibliography(papers, catalog), style, run, tmp_path)
        assert text.count("\\bibitem") == len(papers), said

    reads()


# What LaTeX has in its Latin fonts; beyond them a reader needs fonts, not commands.
LATIN = st.sampled_from(
    [*string.printable.strip(), *TABLE]
    + [chr(code) for code in range(0xC0, 0x17F) if latex(chr(code)) != chr(code)]
)
TYPESET = st.lists(st.one_of(LATIN, COMMANDS, st.just(" ")), min_size=1, max_size=30)
TYPESET = TYPESET.map("".join).map(plain).filter(bool)


@pytest.mark.parametrize("style", ["plain", "IEEEtran"])
def test_latex_typesets_every_entry(bib, style, run, tmp_path):
    typeset(bib, style, "OT1", run, tmp_path)


@pytest.mark.parametrize("style", ["plain", "IEEEtran"])
def test_latex_typesets_any_latin_text(catalog, run, style, tmp_path):
    @settings(BATCHES, max_examples=5)
    @given(st.lists(TYPESET, min_size=25, max_size=25))
    def typesets(texts):
        batch = [(text, Author(literal=text)) for text in texts]
        bib = bibliography(copies(catalog, batch), catalog)
        typeset(bib, style, "T1", run, tmp_path)

    typesets()


def typeset(bib: str, style: str, encoding: str, run, folder) -> None:
    text, _ = bibtexed(bib, style, run, folder)
    (folder / "paper.tex").write_text(
        f"\\documentclass{{article}}\\usepackage[{encoding}]{{fontenc}}"
        f"\\usepackage{{url}}\\begin{{document}}{text}\\end{{document}}",
        encoding="utf-8",
    )
    options = ("-draftmode", "-halt-on-error", "-interaction=nonstopmode")
    code, said = run("pdflatex", *options, "paper.tex", cwd=folder)
    assert code == 0, re.findall(r"^!.*(?:\n.*){6}", said, re.MULTILINE)


@given(TITLES, AUTHORS)
def test_no_field_can_escape_its_braces(catalog, title, author):
    text = entry(*copies(catalog, [(title, author)]), catalog)
    for line in text.splitlines()[1:-1]:
        value = line.partition(" = ")[2].removesuffix(",")
        depths = list(itertools.accumulate((c == "{") - (c == "}") for c in value))
        if value != "jan":
            assert min(depths[:-1]) > 0, line
            assert depths[-1] == 0, line
