from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.render.latex import ACCENTS, TABLE, latex

# Commands the table may write; nothing else may follow a backslash.
COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
ALLOWED = {
    command
    for text in [*TABLE.values(), *(f"\\{name}" for name in ACCENTS.values())]
    for command in COMMAND.findall(text)
}
ANYTHING = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
NASTY = st.text(st.sampled_from("\\{}$&%#_~^`'\"<>|@,-–—“”‘’?!.: aéA1ế"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rodríguez", r"Rodr{\'i}guez"),
        ("Takáč", r"Tak{\'a}{\v{c}}"),
        ("Nguyễn", r"Nguy{\~{\^e}}n"),
        ("Dumitraş", r"Dumitra{\c{s}}"),
        ("Țepeș", "Țepeș"),
        ("Łukasz Straße", r"{\L}ukasz Stra{\ss}e"),
        ("冯世伟", "冯世伟"),
        ("50% of R&D #1 a_b $x$", r"50\% of R\&D \#1 a\_b \$x\$"),
        (r"\input{x}", r"{\textbackslash}input{$\lbrace$}x{$\rbrace$}"),
        ('The "Beatrix" way', "The ``Beatrix'' way"),
        ("3–5 — “so”…", r"3--5 --- ``so''{\ldots}"),
        ("a -- b", "a -{}- b"),
        ("ε and Δ", r"{$\varepsilon$} and {$\Delta$}"),
        ("~^`|<>", r"{\textasciitilde}{\textasciicircum}{\`{}}{$|$}{\textless}{\textgreater}"),
    ],
)  # fmt: skip
def test_text_becomes_the_latex_a_typesetter_would_write(text, expected):
    assert latex(text) == expected


@given(ANYTHING | NASTY)
def test_braces_are_balanced_for_bibtex_which_counts_escaped_ones_too(text):
    depth = 0
    for char in latex(text):
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0


@given(ANYTHING | NASTY)
def test_no_command_but_those_of_the_table(text):
    assert set(COMMAND.findall(latex(text))) <= ALLOWED


@given(ANYTHING | NASTY)
def test_nothing_that_tex_treats_specially_stands_alone(text):
    bare = COMMAND.sub("", re.sub(r"\{\$[^$]*\$\}", "", latex(text)))
    assert not set(bare) & set('\\$&%#_^<>|"')


@given(ANYTHING)
def test_letters_without_a_command_are_left_as_they_are(text):
    kept = [
        char
        for char in text
        if char not in TABLE
        and char != '"'
        and not unicodedata.normalize("NFD", char)[0].isascii()
    ]
    assert [char for char in latex(text) if char in set(kept)] == kept
