"""Tables of spreadsheets and databases -> records."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.references.sheet import read

ZOTERO = """"Key","Item Type","Publication Year","Author","Title","Publication Title","DOI","Url","Abstract Note","Pages"
"A1","conferencePaper","2023","Van Müller, Ada; Li, Wei","Planting Backdoors in
Invented Encoders","ICCV","10.5555/iccv23.1","http://arxiv.org/abs/2401.00001","We ""plant"" them.","1-10"
"""
SCOPUS = """Scopus
EXPORT DATE: 18 Nov 2026

Authors,"Author full names","Title",Year,"Source title","Volume","Issue","Page start","Page end","DOI","Link","Document Type"
"Müller A.; Li W.","Müller, Ada (57190001); Li, Wei (57190002)","Planting Backdoors in Invented Encoders",2024,"Journal of Results","3","2","11","19","10.5555/jr.1","https://www.scopus.com/x","Article"
"""
IEEE = """"Document Title",Authors,"Publication Title",Date Added To Xplore,"Publication Year","Volume","Issue","Start Page","End Page","Abstract","DOI",PDF Link
"Planting Backdoors in Invented Encoders","A. Müller; W. Li","2024 IEEE Symposium","1 June 2024","2024",,,"11","19","We plant.","10.5555/sp.1","https://ieeexplore.ieee.org/stamp/stamp.jsp?arnumber=1"
"""
BY_HAND = "题目\t作者\t年份\t链接\n在编码器中植入后门的方法研究\t李伟、王芳\t2024\thttps://arxiv.org/abs/2401.00001v2\n"
OPENALEX = "id,display_name,publication_year,doi\nhttps://openalex.org/W1,Planting Backdoors in Invented Encoders,2024.0,https://doi.org/10.5555/oa.1\n"


@pytest.mark.parametrize(
    ("text", "title", "authors", "year", "names"),
    [
        (ZOTERO, "Planting Backdoors in Invented Encoders", ["Ada Van Müller", "Wei Li"], 2023, {"doi": "10.5555/iccv23.1", "arxiv": "2401.00001", "pages": "1-10", "kind": "conference"}),
        (SCOPUS, "Planting Backdoors in Invented Encoders", ["Ada Müller", "Wei Li"], 2024, {"doi": "10.5555/jr.1", "pages": "11-19", "kind": "journal"}),
        (IEEE, "Planting Backdoors in Invented Encoders", ["A. Müller", "W. Li"], 2024, {"doi": "10.5555/sp.1", "pages": "11-19"}),
        (BY_HAND, "在编码器中植入后门的方法研究", None, 2024, {"arxiv": "2401.00001"}),
        (OPENALEX, "Planting Backdoors in Invented Encoders", [], 2024, {"doi": "10.5555/oa.1"}),
    ],
    ids=["zotero", "scopus", "ieee", "by-hand", "openalex"],
)  # fmt: skip
def test_the_exports_of_known_programs_are_read(text, title, authors, year, names):
    for form in (text, "\ufeff" + text, text.replace("\n", "\r\n")):
        reading = read(form.replace("\r\n", "\n"), "x.csv")
        (found,) = reading.found
        record = found.record
        assert (record.title, record.year) == (title, year)
        assert authors is None or [a.name for a in record.authors] == authors
        assert {k: getattr(record, k) for k in names} == names
        assert record.source == f"x.csv#L{found.line}"


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "Just words.\n", "title of a text\n"])
def test_a_text_without_a_column_of_titles_is_told_and_not_guessed(text):
    reading = read(text, "x.csv")
    assert not reading.found
    assert [a.kind for a in reading.anomalies] == ["lost"]


def test_nothing_is_dropped_silently():
    text = 'title,year,mood\n"A paper of several words",2024,glad,extra\n,2023,\n"Cut off,2022,x\n'
    reading = read(text, "x.csv")
    assert [r.record.title for r in reading.found][:1] == ["A paper of several words"]
    said = " ".join(a.message for a in reading.anomalies)
    for part in ("beyond are not read", "no usable title", "a quote is not closed", "`mood`"):  # fmt: skip
        assert part in said


def test_a_cell_without_end_does_not_stop_the_program():
    text = 'title,year\nA paper of several words,2024\n"' + "x" * 200_000
    reading = read(text, "x.csv")
    assert len(reading.found) == 1
    assert any(a.kind == "cut" for a in reading.anomalies)


TITLE = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1, max_size=60)  # fmt: skip


@given(st.lists(TITLE, max_size=8), st.sampled_from(",;\t|"))
def test_what_a_spreadsheet_writes_is_read_row_by_row(titles, sign):
    out = io.StringIO()
    rows = csv.writer(out, delimiter=sign, lineterminator="\n", quoting=csv.QUOTE_ALL)
    rows.writerow(["Title", "Year"])
    rows.writerows([f"paper {n} {title}", 2000 + n] for n, title in enumerate(titles))
    reading = read(out.getvalue(), "x.csv")
    assert [f.record.year for f in reading.found] == [2000 + n for n in range(len(titles))]  # fmt: skip
    assert all(f.record.title.startswith(f"paper {n}") for n, f in enumerate(reading.found))  # fmt: skip


@given(st.text(max_size=400), st.sampled_from(["", "title,doi,year\n", "title\tauthors\tarxiv\turl\n"]))  # fmt: skip
def test_no_text_makes_it_fail(text, header):
    reading = read(header + text, "x.csv")
    assert all(found.line >= 1 for found in reading.found)
