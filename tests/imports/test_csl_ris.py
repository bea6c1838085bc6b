"""CSL-JSON and RIS, whole and broken."""

import json

import pytest

from surveykit.references import csl, ris

ITEM = {
    "id": "a",
    "type": "paper-conference",
    "title": "Backdoors in <i>Encoders</i> &amp; more.",
    "author": [{"family": "Maaten", "given": "L.", "non-dropping-particle": "van der"}, {"literal": "Open AI"}],
    "issued": {"date-parts": [["2022", 6]]},
    "container-title": "Proceedings of X",
    "DOI": "10.1145/1.2",
    "page": "1–9",
}  # fmt: skip


def test_an_item_becomes_a_record():
    (found,) = csl.read(json.dumps([ITEM]), "x.json").found
    record = found.record
    assert record.title == "Backdoors in Encoders & more"
    assert [a.name for a in record.authors] == ["L. van der Maaten", "Open AI"]
    assert (record.year, record.month, record.pages) == (2022, 6, "1-9")
    assert (record.kind, record.doi) == ("conference", "10.1145/1.2")


@pytest.mark.parametrize(
    ("text", "kind", "papers"),
    [
        ("[{", "cut", 0),
        ("[1]", "cut", 0),
        ("[" * 100_000, "cut", 0),
        (json.dumps([{"title": "T"}]), "empty-key", 1),
        (json.dumps([{"id": "a"}]), "cut", 0),
        (json.dumps([{"id": "a", "title": "T", "ISBN": "1"}]), "not-kept", 1),
        (json.dumps([{"id": "a", "title": "T", "author": [{"given": "X"}]}]), "author", 1),
        (json.dumps([{"id": "a", "title": "T", "volume": "far too long a volume"}]), "bad-value", 1),
    ],
)  # fmt: skip
def test_what_is_wrong_with_json_is_said(text, kind, papers):
    reading = csl.read(text, "x.json")
    assert [a.kind for a in reading.anomalies] == [kind]
    assert len(reading.found) == papers


RECORD = """TY  - JOUR
ID  - a
TI  - A Title That
      Goes On
AU  - van der Maaten, Laurens
PY  - 2020
DA  - 2020/05/01
JO  - Journal of Things
SP  - 1
EP  - 9
DO  - 10.1145/1.2
L1  - https://arxiv.org/pdf/2001.00001v2
ER  -
"""


def test_a_ris_record_becomes_a_record():
    (found,) = ris.read(RECORD, "x.ris").found
    record = found.record
    assert record.title == "A Title That Goes On"
    assert record.authors[0].particle == "van der"
    assert (record.year, record.month, record.pages) == (2020, 5, "1-9")
    assert (record.doi, record.arxiv) == ("10.1145/1.2", "2001.00001")


@pytest.mark.parametrize(
    ("text", "kind", "papers"),
    [
        (RECORD.replace("ER  -", ""), "cut", 1),
        (RECORD.replace("ER  -", "") + RECORD, "cut", 2),
        (RECORD.replace("ID  - a", "ZZ  - a"), "not-kept", 1),
        (RECORD.replace("TY  - JOUR\n", ""), "lost", 0),
        ("preface\n" + RECORD, "lost", 1),
        (RECORD.replace("TI  - A Title That\n      Goes On\n", ""), "cut", 0),
    ],
)
def test_what_is_wrong_with_ris_is_said(text, kind, papers):
    reading = ris.read(text, "x.ris")
    assert {a.kind for a in reading.anomalies} == {kind}
    assert len(reading.found) == papers
