"""What became of preprints: found by title and authors, shown with evidence, taken over only when asked."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import yaml
from sources.answers import (
    ATOM,
    atom,
    atom_entry,
    crossref,
    crossref_list,
    dblp,
    dblp_info,
    note,
    work,
)
from sources.server import Answer, as_json

from surveykit.load import check
from surveykit.sources.services import Service

ID = "vanmuller2024planting"
PATH = f"catalog/papers/2024/{ID}.yaml"
ENTRY = """\
# yaml-language-server: $schema=../../schema.json
id: vanmuller2024planting
title:
  en: Planting Backdoors in Invented Encoders
  zh: 在虚构的编码器中植入后门
authors:
  - {given: Ada B., particle: van, family: Müller}
  - Wei Li
venue: arxiv
year: 2024
identifiers:
  arxiv: '2401.00001'
links:
  paper: https://arxiv.org/abs/2401.00001
  code: https://github.com/ada/planting
terms:
  role: [attack]
  threat: [backdoor]  # and nothing else
  technique: [encoder-backdoor]
  stage: [use]
  modality: [vision]
added: '2026-11-01'
"""
ICCV = "2025 IEEE/CVF International Conference on Computer Vision (ICCV)"
REGISTERED = {
    "DOI": "10.5555/iccv25.0001",
    "container-title": [ICCV],
    "published-print": {"date-parts": [[2025, 10]]},
    "author": [
        {"given": "Ada B.", "family": "van Müller"},
        {"given": "Wei", "family": "Li"},
    ],
}
IN_DBLP = {"venue": "ICCV", "year": "2025", "key": "conf/iccv/MullerL25"}
NOBODY = {
    "/dblp": as_json(dblp()),
    "/crossref": as_json(crossref_list()),
    "/openreview/search": as_json({"notes": [], "count": 0}),
}


def on_arxiv(**more):
    return Answer(atom(atom_entry(**more)), headers={"content-type": ATOM})


def registered(asked, **more):
    """Crossref: a search gives a list, a DOI its record."""
    item = work(**REGISTERED | more)
    if asked.path == "/crossref":
        return as_json(crossref_list(item))
    return as_json(crossref(item))


@pytest.fixture
def entry(world, server):
    path = world.root / PATH
    path.parent.mkdir(exist_ok=True)
    path.write_text(ENTRY, encoding="utf-8")
    server.answers["/arxiv"] = on_arxiv()
    server.answers.update(NOBODY)
    return path


def published(world, *more):
    done = world.run("verify", "--published", ID, "--json", *more)
    (row,) = json.loads(done.out)
    return done.code, row


def test_a_draft_without_a_venue_is_no_preprint_yet(world, entry, server):
    text = ENTRY.replace("venue: arxiv", "venue: todo")
    (world.root / PATH).write_text(text, encoding="utf-8")
    done = world.run("verify", "--published", ID)
    assert (done.code, done.out) == (0, "0 preprints: 0 published, 0 not found elsewhere\n")  # fmt: skip
    server.answers["/arxiv"] = on_arxiv()
    assert world.run("health", ID, "--no-code").code == 0


def test_a_preprint_that_nobody_knows_elsewhere_is_no_finding(world, entry):
    code, row = published(world)
    assert (code, row["publications"], row["failures"]) == (0, [], [])
    out = world.run("verify", "--published", ID).out
    assert out == "1 preprint: 0 published, 1 not found elsewhere\n"


def test_registrar_and_bibliography_tell_of_one_publication(world, entry, server):
    server.answers["/crossref"] = registered
    told = {"doi": "10.5555/ICCV25.0001", "ee": None}
    server.answers["/dblp"] = as_json(dblp(dblp_info(**IN_DBLP | told)))
    before = entry.read_bytes()
    code, row = published(world)
    (place,) = row["publications"]
    assert code == 1
    assert place["name"] == "ICCV 2025"
    assert place["sure"]
    assert place["facts"] == {
        "venue": "iccv",
        "year": 2025,
        "pages": "101-115",
        "doi": "10.5555/iccv25.0001",
        "paper": "https://doi.org/10.5555/iccv25.0001",
    }
    assert [e["source"] for e in place["evidence"]] == [
        "doi:10.5555/iccv25.0001",
        "dblp:conf/iccv/MullerL25",
    ]
    assert {e["agrees"] for e in place["evidence"]} == {"title, 2 of 2 authors"}
    assert entry.read_bytes() == before  # never unasked


@pytest.mark.parametrize(
    ("venue", "venueid", "found"),
    [
        ("ICCV 2025 poster", "thecvf.com/ICCV/2025/Conference", "ICCV 2025"),
        ("ICCV 2025 spotlightposter", "thecvf.com/ICCV/2025/Conference", "ICCV 2025"),
        ("Submitted to ICLR 2025", "ICLR.cc/2025/Conference/Rejected_Submission", ""),
        ("ICLR 2025 Conference Withdrawn Submission", "ICLR.cc/2025/Conference/Withdrawn_Submission", ""),
        ("CoRR 2024", "dblp.org/journals/CORR/2024", ""),
    ],
)  # fmt: skip
def test_openreview_counts_where_the_paper_was_accepted(
    world, entry, server, venue, venueid, found
):
    server.answers["/openreview/search"] = as_json(note(venue, venueid=venueid))
    _, row = published(world)
    assert [p["name"] for p in row["publications"]] == ([found] if found else [])
    (asked,) = [a for a in server.asked if a.path == "/openreview/search"]
    assert asked.query["content"] == "title"
    assert asked.query["source"] == "forum"


def test_a_chapter_of_proceedings_printed_a_year_later_is_one_publication(
    world, entry, server
):
    chapter = {
        "type": "book-chapter",
        "DOI": "10.1007/978-3-031-00000-0_1",
        "container-title": ["Lecture Notes in Computer Science", "ICCV 2024"],
        "published-print": {"date-parts": [[2025]]},
    }
    server.answers["/crossref"] = lambda asked: registered(asked, **chapter)
    told = {"venue": "ICCV (5)", "year": "2024", "doi": chapter["DOI"], "ee": None}
    server.answers["/dblp"] = as_json(dblp(dblp_info(**IN_DBLP | told)))
    _, row = published(world)
    (place,) = row["publications"]
    assert (place["name"], place["sure"]) == ("ICCV 2024", True)
    assert [e["source"] for e in place["evidence"]] == ["doi:10.1007/978-3-031-00000-0_1", "dblp:conf/iccv/MullerL25"]  # fmt: skip


def test_a_chapter_of_a_book_is_no_publication(world, entry, server):
    book = {"type": "book-chapter", "container-title": ["Handbook of Everything"]}
    server.answers["/crossref"] = lambda asked: registered(asked, **book)
    _, row = published(world)
    assert row["publications"] == []


def test_an_anthology_paper_is_asked_for_where_dblp_leads_there(world, entry, server):
    from sources.answers import MODS

    title = "Planting Backdoors in Invented Encoders"
    mods = MODS.replace("Planting <i xmlns=\"\">Backdoors</i> in Invented Text Encoders", title)  # fmt: skip
    mods = mods.replace("Suharto", "Li").replace('<namePart type="family">Li', '<namePart type="given">Wei</namePart><namePart type="family">Li')  # fmt: skip
    server.answers["/acl"] = Answer(mods, headers={"content-type": "application/xml"})
    ee = "https://aclanthology.org/2023.findings-emnlp.1"
    info = dblp_info(venue="EMNLP (Findings)", year="2023", doi=None, ee=ee, pages=None)
    server.answers["/dblp"] = as_json(dblp(info))
    _, row = published(world)
    (place,) = row["publications"]
    assert place["name"] == "EMNLP 2023 (findings)"
    assert place["evidence"][0]["source"] == "acl:2023.findings-emnlp.1"
    assert place["facts"]["pages"] == "1-12"


def test_a_new_title_on_arxiv_is_looked_for_as_well(world, entry, server):
    new = "Sowing Backdoors into Encoders Nobody Trained"
    server.answers["/arxiv"] = on_arxiv(title=new)

    def search(asked):
        hit = "sowing" in asked.query["q"]
        return as_json(dblp(*([dblp_info(**IN_DBLP, title=new)] if hit else [])))

    server.answers["/dblp"] = search
    _, row = published(world)
    assert [p["name"] for p in row["publications"]] == ["ICCV 2025"]


@pytest.mark.parametrize(
    "more",
    [
        {"title": "Uprooting Backdoors in Invented Encoders."},
        {"authors": {"author": [{"text": "Somebody Else"}]}},
        {"venue": "CoRR", "type": "Informal and Other Publications"},
        {"venue": "SSRN Electronic Journal", "type": "Journal Articles"},
        {"type": "Withdrawn Items"},
    ],
)
def test_another_paper_and_another_preprint_server_are_no_publication(
    world, entry, server, more
):
    info = dblp_info(**IN_DBLP | {"doi": None, "ee": None} | more)
    server.answers["/dblp"] = as_json(dblp(info))
    _, row = published(world)
    assert row["publications"] == []


def test_a_venue_that_the_registry_does_not_know_is_left_to_a_person(
    world, entry, server
):
    info = dblp_info(**IN_DBLP | {"venue": "Obscure Conf.", "doi": None, "ee": None})
    server.answers["/dblp"] = as_json(dblp(info))
    _, row = published(world)
    (place,) = row["publications"]
    assert (place["name"], place["sure"]) == ("Obscure Conf. 2025", False)
    before = entry.read_bytes()
    code, row = published(world, "--fix")
    assert (code, row["written"]) == (1, False)
    assert "no publication that is certain" in row["kept"]
    assert entry.read_bytes() == before


def test_taking_it_over_moves_the_entry_and_keeps_id_and_comments(world, entry, server):
    server.answers["/crossref"] = registered
    code, row = published(world, "--fix")
    new = world.root / f"catalog/papers/2025/{ID}.yaml"
    assert (code, row["written"], row["path"]) == (0, True, new.relative_to(world.root).as_posix())  # fmt: skip
    assert not entry.exists()
    text = new.read_text(encoding="utf-8")
    assert "# and nothing else" in text
    data = yaml.safe_load(text)
    assert (data["id"], data["venue"], data["year"]) == (ID, "iccv", 2025)
    assert data["identifiers"] == {"arxiv": "2401.00001", "doi": "10.5555/iccv25.0001"}
    assert data["links"]["paper"] == "https://doi.org/10.5555/iccv25.0001"
    assert data["links"]["pdf"] == "https://arxiv.org/pdf/2401.00001"
    (event,) = data["history"]
    assert event["kind"] == "published"
    assert event["note"] == {"en": "Published: ICCV 2025.", "zh": "已正式发表：ICCV 2025。"}  # fmt: skip
    assert data["verified"]["by"] == ["doi:10.5555/iccv25.0001"]
    problems = [p for p in check(world.root).problems if ID in p.path]
    assert [p for p in problems if p.severity == "error"] == []
    assert world.run("verify", "--published", ID).out.startswith("0 preprints")


def test_a_move_that_was_cut_off_is_ended_by_the_same_command(world, entry, server):
    server.answers["/crossref"] = registered
    published(world, "--fix")
    new = world.root / f"catalog/papers/2025/{ID}.yaml"
    text = new.read_text(encoding="utf-8")
    earlier = re.sub(r"2026-\d\d-\d\d'\n  by", "2026-01-01'\n  by", text)
    new.write_text(earlier, encoding="utf-8")
    entry.write_text(
        ENTRY, encoding="utf-8"
    )  # what a kill between the two steps leaves
    code, row = published(world, "--fix")
    assert (code, row["written"]) == (0, True)
    assert not entry.exists()
    assert new.read_text(encoding="utf-8") == text


def test_nothing_is_written_over(world, entry, server):
    server.answers["/crossref"] = registered
    other = world.root / f"catalog/papers/2025/{ID}.yaml"
    other.parent.mkdir(exist_ok=True)
    other.write_text("mine\n", encoding="utf-8")
    done = world.run("verify", "--published", ID, "--fix")
    assert done.code == 3
    assert "exists already" in done.err
    assert entry.read_text(encoding="utf-8") == ENTRY
    assert other.read_text(encoding="utf-8") == "mine\n"


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        ("12 pages, accepted at ICCV 2025", True),
        ("To appear in the Proceedings of ICCV", True),
        ("Submitted to ICCV 2025, to appear if accepted", False),
        ("12 pages, 3 figures", False),
    ],
)
def test_what_only_the_authors_say_is_shown_and_is_no_evidence(
    world, entry, server, comment, told
):
    server.answers["/arxiv"] = on_arxiv(comment=comment)
    code, row = published(world)
    assert (code, row["publications"]) == (0, [])
    assert row["remarks"] == ([f"arXiv:2401.00001 says: {comment}"] if told else [])
    assert ("only the authors say so" in world.run("verify", "--published", ID).out) == told  # fmt: skip


@pytest.mark.parametrize("words", [("--published", "--quick", ID), ("--published", "--fix")])  # fmt: skip
def test_what_does_not_go_together_is_refused(world, entry, words):
    assert world.run("verify", *words).code == 2


@pytest.mark.parametrize(
    "fault",
    [
        Answer("<!DOCTYPE html><title>Making sure you are not a bot</title>"),
        Answer(status=429),
        Answer(status=429, headers={"retry-after": "5"}),
        Answer(status=429, headers={"retry-after": "4000"}),
        Answer(status=403, body="{}"),
        Answer('{"result": {"hits": {"hit": [{"info": null}, 3, {"info": {"title": ""}}]}}, "notes": [null, {"id": 7}]}'),
        Answer('["no object"]'),
        Answer(""),
    ],
)  # fmt: skip
def test_a_service_with_a_fault_takes_nothing_from_the_others(
    world, entry, server, fault, monkeypatch
):
    services = server.services()
    other = {n: Service(n, f"{server.site}/{n}", 0.0) for n in ("dblp", "openreview")}
    monkeypatch.setattr(server, "services", lambda: replace(services, **other))
    server.answers["/crossref"] = registered
    server.answers["/dblp"] = server.answers["/openreview"] = fault
    server.answers["/openreview/search"] = fault
    code, row = published(world)
    assert code == 1
    assert [p["name"] for p in row["publications"]] == ["ICCV 2025"]
    assert all("Traceback" not in text for text in row["failures"])


def test_silence_is_not_said_to_be_an_answer(world, entry, server):
    for path in ("/dblp", "/crossref", "/openreview"):
        server.answers[path] = Answer(status=503)
    server.answers["/openreview/search"] = Answer(status=503)
    done = world.run("verify", "--published", ID)
    assert done.code == 3
    assert done.out == "1 preprint: 0 published, 0 not found elsewhere, 1 not known, as services were silent\n"  # fmt: skip


def test_a_service_that_shows_a_page_for_people_is_soon_left_alone(
    world, entry, server
):
    for number in range(2, 8):
        text = ENTRY.replace(ID, f"li2024planting{number}").replace("2401.0000", f"2401.0{number}00")  # fmt: skip
        text = text.replace("Planting", f"Planting {number} kinds of")
        text = text.replace("  - {given: Ada B., particle: van, family: Müller}\n", "")
        path = entry.with_name(f"li2024planting{number}.yaml")
        path.write_text(text, encoding="utf-8")
    server.answers["/dblp"] = Answer("<!DOCTYPE html><title>Are you a bot?</title>")
    done = world.run("verify", "--published")
    asked = [a for a in server.asked if a.path == "/dblp"]
    searched = [a for a in server.asked if a.path == "/openreview/search"]
    assert len(searched) >= 7
    assert 3 <= len(asked) < 3 + 8  # those that stood in line already
    assert done.err.count("DBLP: answered with a web page") == 1
