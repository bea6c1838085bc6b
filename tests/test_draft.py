"""Records become an entry: facts filled in, venue recognised, judgement left to a person."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.canon import format_text
from surveykit.draft import Drafter, paper_id
from surveykit.models import Author
from surveykit.record import Record
from surveykit.rules.unfinished import marks
from surveykit.scalars import TODO
from surveykit.yaml_tree import parse

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def drafter(catalog):
    return Drafter(catalog, TODAY)


def record(**more):
    given = {
        "title": "Planting Backdoors in Invented Encoders",
        "authors": ("Ada Example", "Wei Li"),
        "year": 2024,
        "arxiv": "2401.00001",
        "kind": "preprint",
        "source": "arXiv:2401.00001",
    }
    return Record.model_validate(given | more)


PUBLISHED = {
    "year": 2025,
    "arxiv": None,
    "doi": "10.5555/iccv.1",
    "kind": "conference",
    "venue_text": "2025 IEEE/CVF International Conference on Computer Vision (ICCV)",
    "pages": "1-9",
    "volume": "3",
    "source": "doi:10.5555/iccv.1",
}


def test_a_preprint_alone(drafter):
    draft = drafter.draft([record()])
    assert draft.path == "catalog/papers/2024/example2024planting.yaml"
    assert (draft.data["venue"], draft.data["year"]) == ("arxiv", 2024)
    assert draft.data["links"]["paper"] == "https://arxiv.org/abs/2401.00001"
    assert draft.data["added"] == "2026-11-21"


@pytest.mark.parametrize("turn", [1, -1])
def test_the_published_version_decides_whatever_comes_first(drafter, turn):
    draft = drafter.draft([record(), record(**PUBLISHED)][::turn])
    assert (draft.data["venue"], draft.data["year"], draft.data["pages"]) == (
        "iccv",
        2025,
        "1-9",
    )
    assert "volume" not in draft.data  # of a conference
    assert draft.data["identifiers"] == {"arxiv": "2401.00001", "doi": "10.5555/iccv.1"}
    assert draft.id == "example2025planting"


def test_a_doi_with_signs_that_no_address_holds_is_the_page_all_the_same(drafter):
    doi = "10.1002/(SICI)1:2<3::AID>3.0.CO;2-X"
    alone = PUBLISHED | {"doi": doi, "source": f"doi:{doi}"}
    links = drafter.draft([record(**alone)]).data["links"]
    assert links["paper"] == "https://doi.org/10.1002/(SICI)1:2%3C3::AID%3E3.0.CO;2-X"


def test_full_names_beat_initials_of_the_same_people(drafter):
    initials = record(**PUBLISHED | {"authors": ("A. Example", "W. Li")})
    assert drafter.draft([initials, record()]).data["authors"] == [
        "Ada Example",
        "Wei Li",
    ]
    others = record(**PUBLISHED | {"authors": ("A. Example", "W. Other")})
    draft = drafter.draft([others, record()])
    assert draft.data["authors"] == ["A. Example", "W. Other"]


def test_sources_that_disagree_are_noted(drafter):
    draft = drafter.draft(
        [
            record(**PUBLISHED),
            record(title="Planted Backdoors", authors=("Ada Example",)),
        ]
    )
    assert draft.notes == (
        "arXiv:2401.00001 has the title 'Planted Backdoors'",
        "doi:10.5555/iccv.1 has 2 authors, arXiv:2401.00001 1",
    )


def test_a_title_in_capitals_gives_way(drafter):
    loud = record(**PUBLISHED | {"title": "PLANTING BACKDOORS IN INVENTED ENCODERS"})
    assert drafter.draft([loud, record()]).data["title"]["en"].startswith("Planting")


@pytest.mark.parametrize(
    ("more", "left"),
    [
        ({}, {"title.zh"}),
        ({"authors": ()}, {"title.zh", "authors.0.literal"}),
        (
            {"year": None, "arxiv": None},
            {"title.zh", "venue", "notes.en", "notes.zh", "links.paper"},
        ),
        (
            {"venue_text": "Journal of Invented Results", "kind": "journal"},
            {"title.zh", "venue"},
        ),
    ],
)
def test_what_nobody_knows_is_left_to_the_author(drafter, more, left):
    draft = drafter.draft([record(**more)])
    assert {name for name in draft.todo if not name.startswith("terms.")} == left
    assert draft.paper  # all the same a readable entry


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("BadEncoder: Planting Invented Backdoors", "BadEncoder"),
        ("X-Transfer Attacks: Towards Invented Ones", "X-Transfer Attacks"),
        ("TrojLLM2: An Invented Attack", "TrojLLM2"),
        ("One Surrogate to Fool Them All: Invented Attacks", None),
        ("Patch is Enough: An Invented Patch", None),
        ("Invisible: An Invented Trigger", None),
        ("Planting Backdoors in Invented Encoders", None),
    ],
)
def test_the_name_before_a_colon_is_suggested_and_marked(title, name, drafter):
    draft = drafter.draft([record(title=title)])
    assert draft.data.get("aka") == ([TODO, name] if name else None)
    assert ("aka" in draft.todo) == bool(name)
    assert (f"\naka: [TODO, {name}]\n" in draft.text) == bool(name)


def test_every_axis_waits_for_a_decision(drafter, catalog):
    draft = drafter.draft([record()])
    for axis in catalog.taxonomy.axes:
        if axis.min_terms and not axis.only_for_roles:
            assert draft.data["terms"][axis.id][0] == "todo"
    assert draft.data["terms"]["threat"] == ["todo", "backdoor"]
    assert "“Backdoor & poisoning”" not in draft.text
    (threat,) = draft.suggestions["threat"]
    assert "as " in threat.reason


def test_the_file_is_canonical_and_gives_the_reasons(drafter):
    draft = drafter.draft([record()])
    assert format_text(draft.text) == draft.text
    assert parse(draft.text).data == draft.data
    assert "# backdoor: " in draft.text


def test_an_id_is_given_once(drafter):
    taken = {"example2024planting", "example2024plantingb"}
    assert drafter.draft([record()], taken).id == "example2024plantingc"
    everything = {
        "example2024planting",
        *(f"example2024planting{c}" for c in "bcdefghijklmnopqrstuvwxy"),
    }
    assert drafter.draft([record()], everything).id == "example2024plantingz0"


@pytest.mark.parametrize(
    ("author", "title", "expected"),
    [
        (
            {"given": "Shahbaz", "family": "Rezaei"},
            "A Target-Agnostic Attack on Deep Models",
            "rezaei2020targetagnostic",
        ),
        (
            {"given": "A.", "particle": "van der", "family": "Müller-Lüdenscheidt"},
            "The Ünlü Attack",
            "vandermullerludenscheidt2020unlu",
        ),
        ({"literal": "OpenAI"}, "Can’t Steal Your Encoder", "openai2020steal"),
        ({"literal": "冯世伟", "han": "冯世伟"}, "检测后门", "anonymous2020untitled"),
        ({"family": "Łoś"}, "In/Out of the Box", "los2020out"),
        ({"family": "Do"}, "Do You Trust Me?", "do2020do"),
    ],
)
def test_an_id_can_be_guessed(author, title, expected):
    assert paper_id(Author.model_validate(author), 2020, title) == expected


text = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)


@given(text, st.lists(text, max_size=4), st.none() | text)
def test_any_record_becomes_an_entry_that_reads_back(catalog, title, people, venue):
    record = (
        Record.model_validate(
            {
                "title": title.strip() or "x",
                "authors": [{"literal": name} for name in people],
                "venue_text": venue,
                "year": 2024,
                "source": "x",
            }
        )
        if _plain(title, *people, venue or "x")
        else None
    )
    if record:
        draft = Drafter(catalog, TODAY).draft([record])
        assert parse(draft.text).data == draft.data
        assert draft.paper.id == draft.id
        assert ("title", "zh") in set(marks(draft.data))


def _plain(*texts):
    import unicodedata

    from surveykit.scalars import INVISIBLE

    return all(
        unicodedata.normalize("NFC", t) == t and not INVISIBLE.search(t) for t in texts
    )


def test_a_venue_that_is_not_known_is_a_mark_with_its_own_words_and_a_guess(drafter):
    said = "Internatonal Conference on Computer Vision, Vol. 2"
    draft = drafter.draft([record(**PUBLISHED | {"venue_text": said})])
    assert (draft.data["venue"], "venue" in draft.todo) == ("todo", True)
    assert f"\nvenue: todo  # “{said}” is not registered; perhaps iccv\n" in draft.text
    assert draft.notes == (
        f"“{said}” is not registered; perhaps iccv; choose an id of catalog/venues.yaml, or add the venue there",
    )
    assert format_text(draft.text) == draft.text
    assert (
        "#"
        not in draft.decided(draft.data | {"venue": "iccv"})
        .text.split("year")[0]
        .split("\n", 1)[1]
    )


def test_a_venue_without_any_words_is_a_mark_that_says_so(drafter):
    draft = drafter.draft([record(arxiv=None, kind="conference")])
    assert "\nvenue: todo  # no source names a venue\n" in draft.text


def test_a_misspelled_venue_does_not_outrank_one_that_is_known(drafter):
    misspelled = record(**PUBLISHED | {"venue_text": "ICCCV 2025", "year": 2026})
    draft = drafter.draft([misspelled, record(**PUBLISHED)])
    assert (draft.data["venue"], draft.data["year"]) == ("iccv", 2025)


def test_a_paper_of_proceedings_appeared_in_no_journal(drafter):
    journal = "IEEE Transactions on Information Forensics and Security"
    said = {"venue_text": journal, "year": 2024}
    draft = drafter.draft([record(**PUBLISHED | said)])
    assert draft.data["venue"] == "todo"
    draft = drafter.draft([record(**PUBLISHED | said | {"kind": "journal"})])
    assert draft.data["venue"] == "tifs"
