"""Whether the published version of a paper is known from those of its neighbours, over the whole catalog."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from rapidfuzz import fuzz, process

from surveykit.load import check
from surveykit.models import Bilingual, Event, Identifiers, Links, Paper, Verification
from surveykit.published import publications, taken_over
from surveykit.record import Record
from surveykit.sources.found import Found
from surveykit.venue_names import VenueNames
from surveykit.verifying import Status, Verdict, stamped

NEIGHBORS = 8
"""Papers of the nearest titles that a search gives beside the right one."""


@pytest.fixture(scope="module")
def real():
    return check(Path(__file__).parents[1]).readable


def as_preprint(paper):
    """The entry as it was before the paper was published."""
    return paper.model_copy(update={"venue": "arxiv", "track": "main"})


def as_found(catalog, paper: Paper) -> Found:
    """The record of a published paper, in the words of a bibliography."""
    venue = catalog.venue(paper)
    kind = "conference" if venue.kind == "conference" else "journal"
    return Found(
        Record(
            title=paper.title.en,
            authors=paper.authors,
            year=paper.year,
            venue_text=f"{venue.full.en} ({paper.year})",
            kind=kind,
            source=f"dblp:{paper.id}",
        )
    )


def test_each_paper_is_found_and_no_neighbour_is_taken_for_it(real):
    published = [p for p in real.papers if real.venue(p).kind != "preprint"]
    titles = [paper.title.en for paper in published]
    names = VenueNames(real.venues)
    right, wrong, lost = 0, [], []
    for paper in published:
        near = process.extract(paper.title.en, titles, scorer=fuzz.token_set_ratio, limit=NEIGHBORS + 1)  # fmt: skip
        found = [as_found(real, published[at]) for _, _, at in near]
        told = publications(real, names, as_preprint(paper), found)
        places = {(one.venue, one.year) for one in told}
        sources = {e.source for one in told for e in one.evidence}
        wrong += [(paper.id, s) for s in sources - {f"dblp:{paper.id}"}]
        right += (paper.venue, paper.year) in places
        lost += [paper.id] if (paper.venue, paper.year) not in places else []
    assert len(published) > 600
    assert wrong == []
    assert right >= 0.99 * len(published), lost


def test_a_preprint_of_another_server_gets_no_address_at_arxiv(real):
    paper = next(p for p in real.papers if real.venue(p).kind == "conference")
    bare = paper.model_copy(
        update={
            "identifiers": Identifiers(),
            "links": Links(paper="https://server.test/preprint"),
        }
    )
    record = as_found(real, paper).record
    odd = record.model_copy(update={"doi": "10.1002/(SICI)1:2<3::AID>3.0.CO;2-X"})
    (one,) = publications(real, VenueNames(real.venues), bare, [Found(odd)])
    links = taken_over(real, bare, one, date(2026, 12, 1))["links"]
    assert links == {"paper": "https://doi.org/10.1002/(SICI)1:2%3C3::AID%3E3.0.CO;2-X"}
    assert Links.model_validate(links)


def test_an_entry_in_english_gets_no_second_language(real):
    english = replace(real, kit=real.kit.model_copy(update={"languages": ("en",)}))
    paper = next(p for p in real.papers if real.venue(p).kind == "conference")
    said, day = Bilingual(en="A doubt.", zh="A doubt."), date(2026, 11, 1)
    update = {
        "verified": Verification(date=day, by=("DBLP",), doubt=said),
        "history": (Event(kind="corrected", date=day, note=said),),
    }
    paper = as_preprint(paper).model_copy(update=update)
    names = VenueNames(real.venues)
    (one,) = publications(english, names, paper, [as_found(real, real.get(paper.id))])
    new = taken_over(english, paper, one, date(2026, 12, 1))
    assert [list(event["note"]) for event in new["history"]] == [["en"], ["en"]]
    assert new["verified"]["doubt"] == {"en": "A doubt."}
    alone = replace(english, papers=(paper,))
    stamp = stamped(alone, Verdict(paper.id, Status.OK), "2026-12-01")
    assert stamp["doubt"] == {"en": "A doubt."}
