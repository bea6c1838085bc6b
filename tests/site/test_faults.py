"""No fault of the lists that the catalog was started from is anywhere on the site."""

from __future__ import annotations

import pytest
from faults import FAULTS

SHOWS_FAULTS = "docs/format/index.html"
"""The page of the format, in each language: what its rules refuse."""
TEXTS = {".html", ".json", ".bib", ".ris", ".xml", ".md", ".txt"}


@pytest.fixture(scope="module")
def texts(site):
    found = {
        path.relative_to(site).as_posix(): path.read_text(encoding="utf-8")
        for path in site.rglob("*")
        if path.suffix in TEXTS and not path.as_posix().endswith(SHOWS_FAULTS)
    }
    assert len(found) > 700
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_of_the_first_lists_is_on_the_site(texts, fault):
    assert [path for path, text in texts.items() if fault in text] == []
