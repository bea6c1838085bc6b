"""BibTeX, whole and broken: nothing of it is lost in silence."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pybtex.database import parse_string

from surveykit.imports.run import import_file
from surveykit.references import bibtex, csl, ris
from surveykit.render.bibtex import bibliography
from surveykit.render.container import container, preprint_label
from surveykit.render.csl import csl_json
from surveykit.render.ris import ris as ris_text
from surveykit.text.plain import markup


def read(text):
    return bibtex.read(text, "refs.bib")


def kinds(reading):
    return sorted({anomaly.kind for anomaly in reading.anomalies})


def only(text):
    reading = read(text)
    assert len(reading.found) == 1, reading.anomalies
    return reading.found[0].record


@pytest.mark.parametrize(
    ("write", "read_back"),
    [(bibliography, bibtex.read), (csl_json, csl.read), (ris_text, ris.read)],
    ids=["bibtex", "csl", "ris"],
)
def test_what_the_kit_exports_is_imported_without_loss(catalog, write, read_back):
    reading = read_back(write(catalog.papers, catalog), "survey")
    assert reading.anomalies == []
    assert len(reading.found) == len(catalog.papers)
    for found in reading.found:
        paper, record = catalog.get(found.name), found.record
        title = paper.title.en
        if read_back is bibtex.read:
            title = title.replace('"', "”").replace(" ”", " “")
        assert markup(record.title) == markup(title)
        assert [a.name for a in record.authors] == [a.name for a in paper.authors]
        assert (record.year, record.month) == (paper.year, paper.month)
        assert (record.doi, record.arxiv) == (
            paper.identifiers.doi,
            paper.identifiers.arxiv,
        )
        assert (record.pages, record.volume) == (paper.pages, paper.volume)
        assert record.venue_text in (
            container(paper, catalog),
            preprint_label(paper, catalog),
        )
        if (
            "aclanthology.org" in paper.links.paper
            or "openreview.net" in paper.links.paper
        ):
            known = paper.identifiers
            assert (record.acl, record.openreview) == (known.acl, known.openreview)


LOSING = r"""
@article{first,
  title = {Foo $\{2}$ bar},
  year = {2020},
  url = {https://example.com/x},
}
@article{second, title = {Good}, year = 2021}
"""


def test_a_brace_behind_a_backslash_counts_as_in_bibtex():
    reading = read(LOSING)
    first, second = (found.record for found in reading.found)
    assert (first.year, first.paper_url) == (2020, "https://example.com/x")
    assert (second.title, second.year) == ("Good", 2021)
    assert "{" not in first.title
    assert reading.anomalies == []


def test_joined_strings_are_resolved():
    text = '@string{ccs = "CCS"}\n@inproceedings{a, title={T}, booktitle = ccs # " 2021", month = jun}'
    record = only(text)
    assert (record.venue_text, record.month) == ("CCS 2021", 6)


@pytest.mark.parametrize(
    ("text", "kind", "papers"),
    [
        ("@article{, title={T}}", "empty-key", 1),
        ("@article{, title={}, author={}}", "empty-key", 0),
        ("@misc{a, title={T}}\n@misc{a, title={U}}", "repeated-key", 2),
        ("@misc{a, title={T}, title={U}}", "repeated-field", 1),
        ("@misc{a, title={T}}\n@misc{b, title={cut", "cut", 1),
        ("@misc{b, title={cut\n@misc{a, title={T}}", "cut", 1),
        ("@misc{a, year={2020}}", "cut", 0),
        ("@misc{a, title={T}, pages={see errata}}", "bad-value", 1),
        ("@misc{a, title={T}, isbn={1}}", "not-kept", 1),
        ("@misc{a, title={T}, author={A B and others}}", "author", 1),
        ("@misc{a, title={T}, author={A B and 42}}", "author", 1),
        ("title = {outside}\n@misc{a, title={T}}", "lost", 1),
    ],
)
def test_what_is_wrong_is_said(text, kind, papers):
    reading = read(text)
    assert kinds(reading) == [kind]
    assert len(reading.found) == papers


def test_names_have_their_parts():
    names = r"van der Maaten, Laurens and King, Jr., Martin and {Open AI} and Tak{\'a}{\v{c}}, Martin and 冯世伟"
    record = only(f"@misc{{a, title={{T}}, author={{{names}}}}}")
    assert [(a.given, a.particle, a.family, a.suffix, a.literal) for a in record.authors] == [
        ("Laurens", "van der", "Maaten", None, None),
        ("Martin", None, "King", "Jr.", None),
        (None, None, None, None, "Open AI"),
        ("Martin", None, "Takáč", None, None),
        (None, None, None, None, "冯世伟"),
    ]  # fmt: skip
    assert record.authors[4].han == "冯世伟"


def test_three_thousand_authors_are_all_kept():
    names = " and ".join(f"Family{n}, Given" for n in range(3000))
    assert len(only(f"@misc{{a, title={{T}}, author={{{names}}}}}").authors) == 3000


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ("journal={arXiv preprint arXiv:2110.02467}", "arxiv", "2110.02467"),
        ("eprint={2110.02467v2}, archivePrefix={arXiv}", "arxiv", "2110.02467"),
        ("doi={10.48550/arXiv.2110.02467}", "arxiv", "2110.02467"),
        ("doi={https://doi.org/10.1145/1.2}", "doi", "10.1145/1.2"),
        (
            "doi={10.1002/(SICI)1097(199)4:2<1::AID>3.0.CO}",
            "doi",
            None,
        ),
        ("url={https://aclanthology.org/2020.acl-main.249/}", "acl", "2020.acl-main.249"),
        ("url={https://e.org/a_b?c=%20d&e=1}", "paper_url", "https://e.org/a_b?c=%20d&e=1"),
    ],
)  # fmt: skip
def test_identifiers_are_recognized_and_addresses_stay_verbatim(fields, name, value):
    reading = read(f"@article{{a, title={{T}}, {fields}}}")
    assert getattr(reading.found[0].record, name) == value or value is None


def test_a_percent_sign_does_not_swallow_the_rest():
    assert (
        only(r"@misc{a, title={100% of \emph{all} models}}").title
        == "100% of all models"
    )


@given(st.text(alphabet='@{}"#,=\\ \nabtitle$%()1', max_size=200))
def test_no_text_crashes_the_reader_or_loses_an_entry_in_silence(text):
    reading = read(f"@misc{{good, title = {{Kept}}}}\n\n{text}")
    assert reading.found[0].record.title == "Kept" or reading.anomalies


@given(st.integers(min_value=0, max_value=len(LOSING)))
def test_a_file_cut_anywhere_gives_whole_entries_or_says_so(at):
    whole = {"Foo 2 bar", "Good"}
    reading = read(LOSING[:at])
    assert {found.record.title for found in reading.found} <= whole
    if "@article{second" in LOSING[:at] and len(reading.found) < 2:
        assert reading.anomalies


def test_a_month_that_an_entry_has_no_place_for_is_reported(empty, tmp_path):
    paper = "title={{{0}}}, author={{Ada Lee}}, year=2021, month=jun, volume=3"
    path = tmp_path / "refs.bib"
    path.write_text(
        f"@inproceedings{{a, {paper.format('One')}, booktitle={{ICLR}}}}\n"
        f"@article{{b, {paper.format('Two')}, journal={{IEEE Transactions on Information Forensics and Security}}}}\n"
    )
    said = [
        a.message
        for a in import_file(path, empty, date(2026, 1, 1)).anomalies
        if a.kind == "not-kept"
    ]
    assert said == [
        "entries of conferences and preprints have no place for: month of 1 paper, volume of 1 paper"
    ]


INHERITED = ("booktitle", "publisher", "year", "volume")
SOME = st.fixed_dictionaries({}, optional={name: st.sampled_from(["2001", "2002", "2003"]) for name in INHERITED})  # fmt: skip


@given(SOME, SOME, st.booleans())
def test_a_child_inherits_what_pybtex_says_it_does(own, volume, first):
    def written(kind, key, fields):
        inner = ", ".join(f"{name} = {{{value}}}" for name, value in fields.items())
        return f"@{kind}{{{key}, {inner}}}\n"

    child = {"title": "Child", "author": "Ada Lee", **own, "crossref": "v"}
    entries = [
        written("inproceedings", "c", child),
        written("proceedings", "v", {"editor": "Bo Li", **volume}),
    ]
    text = "".join(reversed(entries) if first else entries)
    (record,) = (found.record for found in read(text).found)
    data = parse_string(text, "bibtex")
    told = [record.venue_text, record.publisher, record.year, record.volume]
    for name, value in zip(INHERITED, told, strict=True):
        if value is None:
            with pytest.raises(KeyError):
                data.entries["c"]._find_field(name, data)
        else:
            assert data.entries["c"]._find_field(name, data) == str(value)


WHOLE = """@inproceedings{key2021, title = {Wordone of Wordtwo},
  author = {Lee, Ada and Wong, Bao},
  booktitle = "Proceedings of Wordthree",
  year = 2021, month = jun,
  publisher = {Wordfour},
  doi = {10.5555/wordfive}
}
@article{next, title = {Wordsix}, journal = {Wordseven}}
"""


@given(
    st.integers(min_value=0, max_value=len(WHOLE) - 1),
    st.sampled_from(["", "{", "}", '"', ",", "=", "#", "%", "@", "\n", "@a{b,"]),
)
def test_a_slip_anywhere_loses_no_word_in_silence(at, instead):
    text = WHOLE[:at] + instead + WHOLE[at + 1 :]
    reading = read(text)
    told = " ".join(found.record.model_dump_json() for found in reading.found)
    words = re.findall("[Ww]ord[a-z]+", text)
    assert all(word in told for word in words) or reading.anomalies
    assert len(reading.found) >= 1
