"""Small files in the likeness of real ones, each with what must be read from it and what must be reported.

Beside `cases/FORM/NAME.bib` stands `NAME.yaml`: `papers`, in order, with the fields that are looked at (an empty one must
be absent), and `report`, a list of `LINE KIND: regular expression`, one for each anomaly of the reader.
"""

import re
from pathlib import Path

import pytest
import yaml

from surveykit.imports.run import READERS, text_of
from surveykit.references.reading import ANOMALIES

CASES = Path(__file__).parent / "cases"
FILES = sorted(path for path in CASES.glob("*/*") if path.suffix != ".yaml")


def expected(path):
    """Papers and report; every scalar is text, so that `2110.02460` stays an identifier."""
    text = path.with_suffix(".yaml").read_text(encoding="utf-8")
    case = yaml.load(text, Loader=yaml.BaseLoader)
    assert case.keys() <= {"papers", "report"}
    return case.get("papers") or [], case.get("report") or []


def written(value):
    """A value of a record as the cases write it."""
    if isinstance(value, tuple):
        return [getattr(one, "name", one) for one in value]
    return "" if value is None else str(value)


@pytest.mark.parametrize(
    "path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_a_file_gives_its_papers_and_says_what_it_does_not(path):
    papers, report = expected(path)
    text, anomalies = text_of(path.read_bytes())
    reading = READERS[path.parent.name](text, path.name)
    records = [found.record for found in reading.found]
    assert [
        {name: written(getattr(record, name)) for name in paper}
        for record, paper in zip(records, papers, strict=False)
    ] == papers[: len(records)]
    assert len(records) == len(papers), [record.title for record in records]
    said = [
        f"{a.line} {a.kind}: {a.message}"
        for a in sorted({*anomalies, *reading.anomalies})
    ]
    lines = [line.partition(": ")[::2] for line in report]
    fits = {
        line: [
            one
            for one in said
            if one.startswith(f"{head}: ") and re.search(rest, one.partition(": ")[2])
        ]
        for line, (head, rest) in zip(report, lines, strict=True)
    }
    assert all(len(ones) == 1 for ones in fits.values()), (fits, said)
    assert sorted(one for ones in fits.values() for one in ones) == sorted(said)
    assert {head.partition(" ")[2] for head, _ in lines} <= ANOMALIES.keys()


def test_no_expectation_stands_without_its_file():
    assert {path.with_suffix("") for path in CASES.glob("*/*.yaml")} == {
        path.with_suffix("") for path in FILES
    }
