from __future__ import annotations

import pytest

from surveykit.render.container import container

BOOK = "Notes of an Invented Series"


@pytest.mark.parametrize(
    ("paper", "venue", "expected"),
    [
        ({}, {}, "Proceedings of the Meeting"),
        ({}, {"book": BOOK}, BOOK),
        ({"track": "findings"}, {}, "Findings of the Meeting"),
        ({"track": "findings"}, {"findings": BOOK}, BOOK),
        ({"track": "workshop"}, {}, "Meeting Workshops"),
        ({"track": "workshop"}, {"book": BOOK}, BOOK),
        ({"track": "workshop", "workshop": "W"}, {}, "Proceedings of the W"),
        ({"track": "workshop", "workshop": "W"}, {"workshops": "V"}, "V: W"),
        ({}, {"kind": "journal", "book": BOOK}, "Meeting"),
        ({}, {"kind": "preprint"}, "M"),
    ],
)
def test_the_title_of_what_a_paper_appeared_in(catalog, paper, venue, expected):
    base = catalog.get("rodriguez2021planting")
    plain = dict.fromkeys(("book", "findings", "workshops")) | {"name": "M"}
    full = catalog.venue(base).full.model_copy(update={"en": "Meeting"})
    made = catalog.venue(base).model_copy(update=plain | {"full": full} | venue)
    changed = type(catalog)(
        catalog.survey, catalog.taxonomy, {made.id: made}, catalog.papers
    )
    assert container(base.model_copy(update=paper), changed) == expected
