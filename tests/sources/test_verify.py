"""`surveykit verify` over a whole repository: what agrees, what does not, and what may be mended."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import yaml
from sources.answers import (
    ATOM,
    atom,
    atom_entry,
    atom_error,
    crossref,
    crossref_list,
    dblp,
    dblp_info,
    work,
)
from sources.server import Answer, as_json

ID = "vanmuller2023planting"
PATH = f"catalog/papers/2023/{ID}.yaml"
ENTRY = """\
# yaml-language-server: $schema=../../schema.json
id: vanmuller2023planting
# The title as on the first page.
title:
  en: Planting Backdoors in Invented Encoders
  zh: 在虚构的编码器中植入后门
authors:
  - {given: Ada B., particle: van, family: Müller}
  - Wei Li
venue: iccv
year: 2023
pages: 101-115
identifiers:
  arxiv: '2401.00001'
  doi: 10.5555/ccs24.0001
links:
  paper: https://doi.org/10.5555/ccs24.0001
  pdf: https://arxiv.org/pdf/2401.00001
terms:
  role: [attack]
  threat: [backdoor]  # and nothing else
  technique: [encoder-backdoor]
  stage: [use]
  modality: [vision]
added: '2026-11-01'
"""
ICCV = "2023 IEEE/CVF International Conference on Computer Vision (ICCV)"
YEAR = {"published-print": {"date-parts": [[2023, 10]]}}


def on_arxiv(*entries, **more):
    return Answer(
        atom(*(entries or [atom_entry(**more)])), headers={"content-type": ATOM}
    )


def registered(**more):
    return as_json(crossref(work(**{"container-title": [ICCV]} | YEAR | more)))


@pytest.fixture
def services(server):
    """Services that agree with ENTRY."""
    server.answers["/arxiv"] = on_arxiv()
    server.answers["/crossref"] = registered()
    server.answers["/dblp"] = as_json(dblp(dblp_info(venue="ICCV", year="2023")))
    return server


@pytest.fixture
def entry(world):
    def write(text=ENTRY):
        path = world.root / PATH
        path.write_text(text, encoding="utf-8")
        return path

    write()
    return write


def verdict(world, *more):
    done = world.run("verify", ID, "--json", *more)
    (row,) = json.loads(done.out)
    return done.code, row


def told(row):
    return {(d["field"], d["theirs"]) for d in row["differences"]}


def test_an_entry_on_which_all_agree(world, entry, services):
    code, row = verdict(world)
    assert (code, row["status"], row["differences"], row["candidates"]) == (
        0,
        "ok",
        [],
        [],
    )
    assert row["agreed"] == ["arXiv:2401.00001", "doi:10.5555/ccs24.0001"]
    assert world.run("verify", ID).out == "1 entry: 1 ok\n"


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (
            {"title": ["Planting Backdoors in Some Encoders"]},
            ("title.en", "Planting Backdoors in Some Encoders"),
        ),
        (
            {"author": [{"given": "A. B.", "family": "van Müller"}]},
            ("authors", "A. B. van Müller"),
        ),
        ({"published-print": {"date-parts": [[2020]]}}, ("year", "2020")),
        ({"container-title": ["CVPR"]}, ("venue", "cvpr: CVPR")),
        ({"page": "7-9"}, ("pages", "7-9")),
        (
            {
                "title": ["Deep Learning"],
                "author": [{"given": "Yann", "family": "LeCun"}],
            },
            ("identifiers.doi", "'Deep Learning' by Yann LeCun"),
        ),
        (
            {"updated-by": [{"type": "retraction", "DOI": "10.5555/r"}]},
            ("state", "doi:10.5555/ccs24.0001 was retracted by doi:10.5555/r"),
        ),
    ],
)
def test_what_the_registrar_says_otherwise_is_a_mismatch(
    world, entry, services, more, found
):
    services.answers["/crossref"] = registered(**more)
    code, row = verdict(world)
    assert (code, row["status"]) == (1, "mismatch")
    assert told(row) == {found}


@pytest.mark.parametrize(
    "more",
    [
        {"title": ["PLANTING BACKDOORS IN INVENTED ENCODERS."]},
        {
            "author": [
                {"given": "A.", "family": "Müller"},
                {"given": "Li", "family": "Wei"},
            ]
        },
        {"published-print": {"date-parts": [[2024]]}},
        {"container-title": ["Journal That Nobody Knows"]},
        {"page": None},
    ],
)
def test_spelling_and_what_is_only_near_is_no_mismatch(world, entry, services, more):
    services.answers["/crossref"] = registered(**more)
    assert verdict(world)[1]["status"] == "ok"


def test_a_preprint_may_have_had_another_title(world, entry, services):
    services.answers["/arxiv"] = on_arxiv(
        title="Backdoors in Invented Encoders, Planted"
    )
    code, row = verdict(world)
    assert (code, row["status"]) == (0, "ok")
    assert "Planted" in row["notes"][0]


def test_an_arxiv_id_of_another_paper_is_found(world, entry, services):
    services.answers["/arxiv"] = on_arxiv(
        title="Deep Learning", authors=("Yann LeCun",)
    )
    done = world.run("verify", ID)
    assert done.code == 1
    line = done.out.splitlines()[0]
    assert line.startswith(
        f"{PATH}:14:10: mismatch identifiers.arxiv: ours '2401.00001'"
    )
    assert "'Deep Learning' by Yann LeCun" in line.replace('"', "")


def test_a_withdrawn_preprint_is_a_mismatch(world, entry, services):
    services.answers["/arxiv"] = on_arxiv(comment="withdrawn by the authors")
    assert "is withdrawn" in verdict(world)[1]["differences"][0]["theirs"]


def test_an_identifier_that_nobody_knows_is_a_mismatch(world, entry, services):
    services.answers["/arxiv"] = on_arxiv(atom_entry("2401.99999v1"))
    services.answers["/crossref"] = Answer("Resource not found.", 404)
    assert told(verdict(world)[1]) == {
        ("identifiers.arxiv", "unknown to arXiv"),
        ("identifiers.doi", "unknown to Crossref"),
    }


PREPRINT = (
    ENTRY.replace(
        "venue: iccv\nyear: 2023\npages: 101-115\n", "venue: arxiv\nyear: 2024\n"
    )
    .replace("  doi: 10.5555/ccs24.0001\n", "")
    .replace("doi.org/10.5555/ccs24.0001", "arxiv.org/abs/2401.00001")
)


def test_a_published_version_of_a_preprint_is_missing(world, entry, services):
    entry(PREPRINT)
    code, row = verdict(world)
    assert (code, row["status"]) == (1, "missing")
    found = {(c["field"], c["value"], c["safe"]) for c in row["candidates"]}
    assert found == {
        ("identifiers.doi", "10.5555/ccs24.0001", False),
        ("venue", "iccv 2023", False),
    }
    assert verdict(world, "--quick")[1]["status"] == "ok"


def test_a_preprint_without_a_published_version_is_fine(world, entry, services):
    entry(PREPRINT)
    services.answers["/dblp"] = as_json(
        dblp(dblp_info(title="Planting Trees.", doi="10.5555/trees"))
    )
    assert verdict(world)[1]["status"] == "ok"


BARE = ENTRY.replace(
    "identifiers:\n  arxiv: '2401.00001'\n  doi: 10.5555/ccs24.0001\n", ""
).replace(
    "  paper: https://doi.org/10.5555/ccs24.0001\n  pdf: https://arxiv.org/pdf/2401.00001\n",
    "  paper: https://example.com/planting\n",
)


def test_a_title_alone_proves_nothing(world, entry, services):
    entry(BARE)
    services.answers["/dblp"] = as_json(
        dblp(dblp_info(authors={"author": [{"text": "Somebody Else"}]}))
    )
    other = work(author=[{"given": "Some", "family": "Body"}])
    services.answers["/crossref"] = as_json(crossref_list(other))
    services.answers["/arxiv"] = on_arxiv(authors=("Some Body",))
    code, row = verdict(world)
    assert (code, row["status"], row["candidates"]) == (0, "unverified", [])


def test_fix_fills_in_what_is_proven_and_keeps_every_other_byte(world, entry, services):
    path = entry(
        ENTRY.replace("  doi: 10.5555/ccs24.0001\n", "").replace(
            "doi.org/10.5555/ccs24.0001", "arxiv.org/abs/2401.00001"
        )
    )
    before = path.read_text(encoding="utf-8")
    done = world.run("verify", ID, "--fix")
    assert (done.code, "1 entry written" in done.err) == (1, True)
    day = datetime.now(UTC).date().isoformat()
    after = path.read_text(encoding="utf-8")
    expected = before.replace(
        "  arxiv: '2401.00001'\n", "  arxiv: '2401.00001'\n  doi: 10.5555/ccs24.0001\n"
    )
    expected += f"verified:\n  date: '{day}'\n  by:\n    - arXiv:2401.00001\n    - dblp:conf/ccs/MullerL24\n    - doi:10.5555/ccs24.0001\n"
    assert after == expected
    assert world.run("validate").code == 0


def test_a_doi_that_authors_told_arxiv_is_proven_by_its_registrar(
    world, entry, services
):
    entry(
        ENTRY.replace("  doi: 10.5555/ccs24.0001\n", "").replace(
            "doi.org/10.5555/ccs24.0001", "arxiv.org/abs/2401.00001"
        )
    )
    services.answers["/arxiv"] = on_arxiv(doi="10.5555/ccs24.0001")
    services.answers["/dblp"] = as_json(dblp())
    (found,) = verdict(world)[1]["candidates"]
    assert (found["source"], found["safe"]) == ("doi:10.5555/ccs24.0001", True)
    services.answers["/crossref"] = Answer("", 404)
    world.desk.now += 90_000
    (found,) = verdict(world)[1]["candidates"]
    assert (found["source"], found["safe"]) == ("arXiv:2401.00001", False)
    services.answers["/crossref"] = registered(title=["Deep Learning"])
    world.desk.now += 90_000
    assert not verdict(world)[1]["candidates"][0]["safe"]


def test_fix_keeps_what_was_known_before(world, entry, services):
    doubt = "  doubt:\n    en: The pages were not seen.\n    zh: 未见到页码。\n"
    path = entry(
        ENTRY
        + "verified:\n  date: '2025-01-01'\n  by: [a list, arXiv:2401.00001]\n"
        + doubt
    )
    assert world.run("verify", ID, "--fix").code == 0
    data = yaml.safe_load(path.read_text(encoding="utf-8"))["verified"]
    assert data["by"] == ["arXiv:2401.00001", "doi:10.5555/ccs24.0001", "a list"]
    assert data["doubt"]["zh"] == "未见到页码。"
    assert path.read_text(encoding="utf-8").startswith(ENTRY)


def test_fix_leaves_a_mismatch_and_a_commented_key_to_a_person(world, entry, services):
    path = entry(
        ENTRY + "verified:\n  date: '2025-01-01'\n  # by hand\n  by: [a list]\n"
    )
    before = path.read_bytes()
    done = world.run("verify", ID, "--fix")
    assert f"{PATH} stays: comments" in done.err
    assert path.read_bytes() == before
    entry()
    services.answers["/crossref"] = registered(page="7-9")
    world.desk.now += 90_000
    assert world.run("verify", ID, "--fix").code == 1
    assert path.read_text(encoding="utf-8") == ENTRY


def test_a_service_that_is_down_is_said_and_nothing_is_stamped(world, entry, services):
    services.answers["/crossref"] = Answer("", 503, {"Retry-After": "120"})
    path = world.root / PATH
    done = world.run("verify", ID, "--fix")
    assert done.code == 3
    assert "Crossref: is busy or down (it answered 503); try again in 2 min" in done.err
    assert path.read_text(encoding="utf-8") == ENTRY


def test_all_arxiv_ids_go_into_one_request_and_a_second_run_asks_nothing(
    world, entry, services
):
    assert world.run("verify").code in (0, 1)
    lists = [a.query["id_list"] for a in services.asked if "id_list" in a.query]
    assert len(lists) == 1
    assert lists[0].count(",") >= 3
    services.asked.clear()
    again = world.run("verify")
    assert services.asked == []
    assert world.run("verify", "--offline").out == again.out
    assert services.asked == []


def test_one_wrong_id_does_not_spoil_the_others(world, entry, services):
    def answer(asked):
        if "," in asked.query.get("id_list", ""):
            return Answer(atom_error("incorrect id format"))
        return on_arxiv(atom_entry(asked.query.get("id_list", "2401.00001") + "v1"))

    services.answers["/arxiv"] = answer
    done = world.run("verify", "--json")
    rows = {row["id"]: row for row in json.loads(done.out)}
    assert rows[ID]["agreed"][0] == "arXiv:2401.00001"


def test_an_unknown_id_is_wrong_usage(world, server):
    done = world.run("verify", "feng2023detectin")
    assert (done.code, server.asked) == (2, [])
    assert "did you mean feng2023detecting" in done.err
