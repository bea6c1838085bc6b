"""A small file of references that would become a large one does not."""

from __future__ import annotations

import time
from datetime import date

import pytest

from surveykit.imports.run import MAX_ENTRY, import_file

BOMB = '@string{a0 = "aaaaaaaaaa"}\n' + "".join(
    f"@string{{a{n} = a{n - 1} # a{n - 1}}}\n" for n in range(1, 200)
)
ENTRY = "@article{k, title={Encoders of the Invented Kind}, author={Ada Example}, year=2020, abstract=a199, note=a60}"
LONG = "word " * 100_000
FILES = {
    "strings that double.bib": BOMB + ENTRY,
    "a string many times.bib": f"@string{{a0 = {{{'b' * 60_000}}}}}\n{ENTRY.replace('a199', ' # '.join(['a0'] * 50_000))}",
    "a long title.bib": f"@article{{k, title={{{LONG}}}, author={{Ada Example}}, year=2020}}",
    "a long title.json": '[{"id": "k", "type": "book", "title": "' + LONG + '", "author": [{"family": "Example", "given": "Ada"}]}]',
    "a long title.ris": f"TY  - JOUR\nTI  - {LONG}\nAU  - Example, Ada\nPY  - 2020\nER  - \n",
    "a long title.md": f"- **{LONG}** Ada Example. 2020. [paper](https://arxiv.org/abs/2303.15180)\n",
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_no_entry_is_larger_than_what_validate_takes(name, tmp_path, catalog):
    path = tmp_path / name
    path.write_text(FILES[name], encoding="utf-8")
    start = time.process_time()
    imported = import_file(path, catalog, date(2026, 11, 29))
    assert time.process_time() - start < 10
    assert all(len(text.encode()) <= MAX_ENTRY for text in imported.texts.values())
    told = [a.message for a in imported.anomalies]
    assert told
    assert max(map(len, told)) < 1_000
    if "string" in name:
        assert any("strings make a value longer" in line for line in told)
        assert len(imported.texts) == 1
    else:
        assert imported.texts == {}
