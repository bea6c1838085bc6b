"""A search on the command line: what a text names comes first, words and names of people follow."""

from __future__ import annotations

import dataclasses
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.load import load_catalog
from surveykit.lookup import Finder
from surveykit.models import Author
from surveykit.text.letters import closed, letters

REAL = load_catalog(Path(__file__).parents[1])
FINDER = Finder(REAL)
PAPERS = st.sampled_from(REAL.papers)


def ids(finder, text):
    return [hit.paper.id for hit in finder.search([text])]


def among_first(paper, text, same):
    """Whether the paper is among the first hits, as many as papers bear the name."""
    sharing = [p for p in REAL.papers if same(p)]
    assert paper in sharing
    return paper.id in ids(FINDER, text)[: len(sharing)]


@pytest.mark.parametrize("paper", REAL.papers, ids=lambda p: p.id)
def test_every_paper_is_the_first_hit_for_what_names_it(paper):
    unique = [paper.id, paper.links.paper, *paper.former_ids]
    unique += paper.identifiers.model_dump(exclude_none=True).values()
    assert {ids(FINDER, text)[0] for text in unique} == {paper.id}
    for title in (paper.title.en, paper.title.zh):
        same = letters(title)
        assert among_first(
            paper,
            title,
            lambda p, t=same: t in (letters(p.title.en), letters(p.title.zh)),
        )
    for name in paper.aka:
        same = closed(name)
        assert among_first(
            paper, name, lambda p, n=same: n in {*map(closed, (*p.aka, p.title.en))}
        )


def disguised(draw, text):
    """The text as somebody may type it."""
    how = st.sampled_from([str, str.upper, str.lower, str.title])
    wide = st.sampled_from(
        [
            str,
            lambda t: t.translate(
                {c: c + 0xFEE0 for c in range(65, 123) if chr(c).isalpha()}
            ),
        ]
    )
    form = draw(st.sampled_from(["NFC", "NFD"]))
    around = draw(st.sampled_from(["{}", " {} ", "“{}”", "({})", "{}?"]))
    return around.format(unicodedata.normalize(form, draw(wide)(draw(how)(text))))


@given(paper=PAPERS, data=st.data())
def test_case_accents_width_and_hyphens_of_a_name_do_not_matter(paper, data):
    name = data.draw(st.sampled_from([paper.title.en, *paper.aka]))
    text = disguised(
        data.draw, name.replace("-", data.draw(st.sampled_from(["-", " ", "–"])))
    )
    same = closed(name)
    assert among_first(
        paper, text, lambda p: same in map(closed, (*p.aka, p.title.en))
    ), text


@given(paper=PAPERS, data=st.data())
def test_numbers_are_found_as_people_paste_them(paper, data):
    told = paper.identifiers
    ways = [f"https://example.org/zh/papers/{paper.id}/", paper.links.paper]
    if told.arxiv:
        ways += [f"arXiv:{told.arxiv}v2", f"https://arxiv.org/pdf/{told.arxiv}v3.pdf"]
    if told.doi:
        ways += [f"https://doi.org/{told.doi}", f"doi:{told.doi.upper()}"]
    if told.acl:
        ways += [f"https://aclanthology.org/{told.acl}.pdf"]
    if told.openreview:
        ways += [f"https://openreview.net/pdf?id={told.openreview}"]
    assert ids(FINDER, data.draw(st.sampled_from(ways)))[0] == paper.id


@given(st.text(max_size=60))
def test_no_text_breaks_a_search(text):
    FINDER.search([text])


@pytest.mark.parametrize(
    "text",
    ["defense BadEncoder", "defenses against Bad-Encoder", "防御 BadEncoder", "防御BadEncoder", "防禦 BadEncoder", "针对BadEncoder的防御", "BadEncoder defense"],
)  # fmt: skip
def test_what_answers_an_attack_is_found_by_its_name(text):
    attack = REAL.by_id["jia2022badencoder"]
    answers = {
        link.other.id
        for link in REAL.links(attack)
        if link.inverse and link.relation.type in ("defends-against", "detects")
    }
    assert len(answers) > 2
    assert set(ids(FINDER, text)[: len(answers)]) == answers


def with_authors(catalog, **authors):
    papers = tuple(
        p.model_copy(
            update={"authors": tuple(map(Author.model_validate, authors[p.id]))}
        )
        if p.id in authors
        else p
        for p in catalog.papers
    )
    return Finder(dataclasses.replace(catalog, papers=papers))


def test_words_of_a_name_belong_to_one_author(catalog):
    finder = with_authors(
        catalog,
        chen2025breaking=["Yi Li", "Wei Zhang"],
        feng2023detecting=["Yi Zhang"],
        garcia2025benchmark=["Yi-Fan Zhang"],
    )
    assert set(ids(finder, "Yi Zhang")) == {"feng2023detecting", "garcia2025benchmark"}
    assert ids(finder, "zhang yi fan") == ["garcia2025benchmark"]
    assert ids(finder, "Li Zhang") == ["chen2025breaking"]  # two authors of one paper


def test_traditional_characters_find_simplified_ones(catalog):
    finder = Finder(catalog)
    assert ids(finder, "預訓練編碼器") == ids(finder, "预训练编码器") != []


def test_a_short_word_is_not_found_within_others(catalog):
    finder = Finder(catalog)
    assert "feng2023detecting" in ids(finder, "ecti")
    assert ids(finder, "ect") == []
    assert "feng2023detecting" in ids(finder, "det")
    for hit in FINDER.search(["DINO"]):
        assert "dino" in str(hit.paper.model_dump()).lower()
