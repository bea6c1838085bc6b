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
from surveykit.venue_names import Appearance, VenueNames
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

    from surveykit.models import INVISIBLE

    return all(
        unicodedata.normalize("NFC", t) == t and not INVISIBLE.search(t) for t in texts
    )


@pytest.fixture(scope="module")
def real_venues():
    from pathlib import Path

    from surveykit.load import load_catalog

    return VenueNames(load_catalog(Path(__file__).parents[1]).venues)


@pytest.mark.parametrize(
    ("said", "venue", "track"),
    [
        (
            "2023 IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            "cvpr",
            "main",
        ),
        (
            "2024 IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops (CVPRW)",
            "cvpr",
            "workshop",
        ),
        ("CVPR Workshops", "cvpr", "workshop"),
        (
            "Proceedings of the 30th ACM International Conference on Multimedia",
            "acm-mm",
            "main",
        ),
        (
            "Proceedings of the 2022 International Conference on Multimedia Retrieval",
            "icmr",
            "main",
        ),
        ("Computer Vision – ECCV 2022", "eccv", "main"),
        ("ECCV (5)", "eccv", "main"),
        (
            "Findings of the Association for Computational Linguistics: EMNLP 2023",
            "emnlp",
            "findings",
        ),
        ("EMNLP (Findings)", "emnlp", "findings"),
        (
            "Proceedings of the 61st Annual Meeting of the Association for Computational Linguistics (Volume 1: Long Papers)",
            "acl",
            "main",
        ),
        (
            "Proceedings of the 2023 ACM SIGSAC Conference on Computer and Communications Security",
            "acm-ccs",
            "main",
        ),
        ("2022 IEEE Symposium on Security and Privacy (SP)", "ieee-sp", "main"),
        ("2018 IEEE Security and Privacy Workshops (SPW)", "ieee-sp", "workshop"),
        ("IEEE Trans. Inf. Forensics Secur.", "ieee-tifs", "main"),
        ("Proc. Priv. Enhancing Technol.", "popets", "main"),
        ("Advances in Neural Information Processing Systems 36", "neurips", "main"),
        ("ICLR 2023 poster", "iclr", "main"),
        ("NuerIPS 2023", "neurips", "main"),
        ("CoRR", "arxiv", "main"),
        ("arXiv preprint arXiv:2303.15180", "arxiv", "main"),
    ],
)
def test_a_venue_is_recognised_in_the_words_of_the_services(
    real_venues, said, venue, track
):
    found = real_venues.find(said)
    assert (found.venue, found.track) == (venue, track)


@pytest.mark.parametrize(
    "said",
    [
        "Nature",
        "Journal of Imaginary Results",
        "Submitted to ICLR 2024",
        "ICLR 2022 Conference Withdrawn Submission",
        "",
        "2023",
        "Proceedings",
        "Workshop",
    ],
)
def test_an_unknown_venue_is_not_guessed(real_venues, said):
    assert real_venues.find(said) is None


def test_a_misspelled_venue_is_a_guess(real_venues):
    assert real_venues.find("NuerIPS") == Appearance("neurips", "main", guessed=True)


@given(st.text(max_size=120))
def test_no_text_breaks_the_venue_names(real_venues, said):
    real_venues.find(said)
