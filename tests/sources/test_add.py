"""`surveykit add` as a person runs it, in a whole repository, against services on loopback."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml
from sources.answers import (
    ATOM,
    README,
    atom,
    atom_entry,
    crossref,
    dblp,
    dblp_info,
    work,
)
from sources.server import Answer, as_json

from surveykit.sources.services import Service

PREPRINT, DOI = "2401.00001", "10.5555/ccs24.0001"


@pytest.fixture
def paper(server):
    """One paper that arXiv, Crossref and DBLP know; its venue is in the registry."""
    server.answers["/arxiv"] = Answer(
        atom(atom_entry()), headers={"content-type": ATOM}
    )
    booktitle = ["2024 IEEE/CVF International Conference on Computer Vision (ICCV)"]
    item = work(
        **{
            "container-title": booktitle,
            "published-print": {"date-parts": [[2023, 10]]},
        }
    )
    server.answers["/crossref"] = as_json(crossref(item))
    server.answers["/dblp"] = as_json(dblp(dblp_info(venue="ICCV", year="2023")))


def entry(world, done):
    path = done.out.split()[0]
    return yaml.safe_load((world.root / path).read_text(encoding="utf-8"))


def test_a_preprint_becomes_an_entry_of_its_published_version(world, paper):
    done = world.run("add", PREPRINT)
    assert (done.code, done.out) == (
        0,
        "catalog/papers/2023/vanmuller2023planting.yaml\n",
    )
    data = entry(world, done)
    assert data["title"] == {
        "en": "Planting Backdoors in Invented Encoders",
        "zh": "TODO",
    }
    assert data["authors"] == [
        {"given": "Ada B.", "particle": "van", "family": "Müller"},
        "Wei Li",
    ]
    assert (data["venue"], data["year"], data["pages"]) == ("iccv", 2023, "101-115")
    assert data["identifiers"] == {"arxiv": PREPRINT, "doi": DOI}
    assert data["arxiv_class"] == "cs.CR"
    assert data["links"] == {
        "paper": f"https://doi.org/{DOI}",
        "pdf": f"https://arxiv.org/pdf/{PREPRINT}",
    }
    assert data["terms"]["threat"][:2] == ["todo", "backdoor"]
    assert "verified" not in data
    assert "left to you: title.zh, terms.role" in done.err


@pytest.mark.parametrize(
    ("told", "kept"),
    [({"volume": "38", "issue": "7"}, ["38", "7"]), ({"volume": "38"}, [None, None])],
)
def test_proceedings_with_volume_and_number_keep_them(world, paper, server, told, kept):
    title = ["2024 IEEE/CVF International Conference on Computer Vision (ICCV)"]
    item = work(**{"container-title": title, **told})
    server.answers["/crossref"] = as_json(crossref(item))
    data = entry(world, world.run("add", DOI))
    assert [data.get("volume"), data.get("number")] == kept


def test_an_unfinished_entry_is_refused_until_it_is_decided(world, paper):
    path = world.root / world.run("add", DOI).out.strip()
    refused = world.run("validate")
    assert refused.code == 1
    assert "SK352" in refused.out
    assert {
        line.split()[1]
        for line in refused.out.splitlines()
        if line.startswith("catalog")
    } == {"SK352"}
    text = (
        path.read_text(encoding="utf-8")
        .replace("TODO", "植入后门")
        .replace("[todo, ", "[")
    )
    data = yaml.safe_load(text)
    for axis, terms in data["terms"].items():
        if terms == ["todo"]:
            text = text.replace(
                f"{axis}: [todo]", f"{axis}: [{'use' if axis == 'stage' else 'vision'}]"
            )
    path.write_text(text, encoding="utf-8")
    assert world.run("validate").out == "no errors, no warnings\n"


@pytest.mark.parametrize(
    "identifier",
    [
        f"https://arxiv.org/pdf/{PREPRINT}v2",
        f"https://doi.org/{DOI}",
        "https://github.com/ada/planting",
    ],
)
def test_every_way_in_leads_to_the_same_entry(world, paper, server, identifier):
    server.answers["/github/ada/planting/readme"] = Answer(README)
    data = entry(world, world.run("add", identifier))
    assert data["id"] == "vanmuller2023planting"
    assert data["identifiers"] == {"arxiv": PREPRINT, "doi": DOI}
    code = "https://github.com/ada/planting" if "github" in identifier else None
    assert data["links"].get("code") == code


def test_two_names_of_one_paper_make_one_entry(world, paper):
    before = world.entries()
    done = world.run("add", PREPRINT, DOI, "--json")
    first, second = json.loads(done.out)
    assert (first["state"], second["state"], done.code) == ("new", "known", 1)
    assert second["matches"][0]["id"] == first["id"] == "vanmuller2023planting"
    assert world.entries() - before == {"vanmuller2023planting.yaml"}
    assert first["suggestions"]["threat"][0]["reason"]


def test_a_paper_of_the_catalog_is_known_without_asking_anybody(world, server):
    arxiv = "2303.00015"
    server.answers.clear()
    known = next(
        data
        for path in (world.root / "catalog/papers").rglob("*.yaml")
        if (data := yaml.safe_load(path.read_text(encoding="utf-8")))
        and data.get("identifiers", {}).get("arxiv")
    )
    arxiv = known["identifiers"]["arxiv"]
    done = world.run("add", arxiv)
    assert done.code == 1
    assert f"{known['id']}: has arXiv:{arxiv}" in done.err
    assert server.asked == []


def test_the_same_title_and_authors_are_known_under_another_identifier(
    world, paper, server
):
    world.run("add", PREPRINT)
    item = work(
        DOI="10.5555/other.2", title=["Planting Backdoors in Invented Encoders"]
    )
    server.answers["/crossref/10.5555/other.2"] = as_json(crossref(item))
    server.answers["/arxiv"] = Answer(atom())
    done = world.run("add", "10.5555/other.2")
    assert done.code == 1
    assert (
        "doubtful: vanmuller2023planting: same title, authors in common, but another DOI"
        in done.err
    )


def test_a_dry_run_writes_nothing(world, paper):
    before = world.entries()
    done = world.run("add", PREPRINT, "--dry-run")
    assert done.out.startswith(
        "# catalog/papers/2023/vanmuller2023planting.yaml\n# yaml-language-server"
    )
    assert world.entries() == before


def test_a_withdrawn_paper_is_not_added_unless_asked_to(world, server):
    gone = atom_entry(comment="Withdrawn: Theorem 2 is wrong")
    server.answers["/arxiv"] = Answer(atom(gone), headers={"content-type": ATOM})
    server.answers["/dblp"] = as_json(dblp())
    before = world.entries()
    done = world.run("add", PREPRINT)
    assert done.code == 1
    assert "is withdrawn: Withdrawn: Theorem 2 is wrong; --anyway" in done.err
    assert world.entries() == before
    assert world.run("add", PREPRINT, "--anyway", "--offline").code == 0
    assert len(world.entries()) == len(before) + 1


def test_a_text_that_is_no_identifier_stops_before_anybody_is_asked(
    world, paper, server
):
    done = world.run("add", PREPRINT, "hello")
    assert done.code == 2
    assert done.err.startswith("Error: 'hello' names no paper; give an arXiv id, a DOI")
    assert server.asked == []


def test_what_one_service_knows_is_kept_when_another_is_down(world, paper, server):
    before = world.entries()
    server.answers["/openreview"] = Answer("slow down", 429, {"Retry-After": "600"})
    done = world.run("add", PREPRINT, "openreview:AbCdEfGh12")
    assert done.code == 3
    assert (
        "openreview:AbCdEfGh12: failed: OpenReview: is busy or down (it answered 429); try again in 10 min"
        in done.err
    )
    assert world.entries() - before == {"vanmuller2023planting.yaml"}


def test_a_published_version_that_could_not_be_looked_for_is_said(world, paper, server):
    server.answers["/dblp"] = Answer("", 503)
    done = world.run("add", PREPRINT)
    assert done.code == 0
    assert "its published version was not looked for: DBLP: is busy or down" in done.err
    assert entry(world, done)["venue"] == "arxiv"


def test_a_doi_that_could_not_be_checked_is_left_out_and_said(world, paper, server):
    server.answers["/crossref"] = Answer("", 503)
    done = world.run("add", PREPRINT)
    assert done.code == 0
    assert (
        "doi 10.5555/CCS24.0001, named by dblp:conf/ccs/MullerL24, is left out: Crossref: is busy"
        in done.err
    )
    data = entry(world, done)
    assert (data["venue"], data["identifiers"]) == ("iccv", {"arxiv": PREPRINT})


def test_an_unknown_paper(world, server):
    server.answers["/arxiv"] = Answer(atom(), headers={"content-type": ATOM})
    done = world.run("add", "2401.99999")
    assert (done.code, done.err) == (
        1,
        "arXiv:2401.99999: not-found: arXiv: knows no paper 2401.99999\n",
    )


def test_offline_answers_from_the_cache_alone(world, paper, server):
    assert world.run("add", PREPRINT, "--dry-run").code == 0
    server.asked.clear()
    done = world.run("add", PREPRINT, "--offline")
    assert (done.code, server.asked) == (0, [])
    done = world.run("add", "2401.00009", "--offline")
    assert done.code == 3
    assert "arXiv: not in the cache" in done.err


def test_many_preprints_are_asked_for_at_once_and_told_in_order(world, server):
    other = atom_entry(
        "2402.00002v1", "Scanning Imaginary Encoders", ("Grace Example",)
    )
    server.answers["/arxiv"] = Answer(
        atom(other, atom_entry()), headers={"content-type": ATOM}
    )
    server.answers["/dblp"] = as_json(dblp())
    done = world.run("add", PREPRINT, "2499.99999", "2401.99999", "2402.00002")
    assert (done.code, server.asked) == (2, [])  # there is no 99th month
    done = world.run("add", PREPRINT, "2401.99999", "2402.00002", "--json")
    rows = json.loads(done.out)
    assert [row["state"] for row in rows] == ["new", "not-found", "new"]
    assert rows[0]["identifier"] == f"arXiv:{PREPRINT}"
    asked = [a.query["id_list"] for a in server.asked if "id_list" in a.query]
    assert asked == [f"{PREPRINT},2401.99999,2402.00002"]


def test_offline_says_how_the_cache_is_filled(world, server):
    done = world.run("add", PREPRINT, "--offline")
    assert done.code == 3
    assert "not in the cache; omit --offline to ask for it" in done.err
    assert server.asked == []


def test_a_machine_without_network_is_one_line(world, server, desk):
    nobody = Service("arXiv", "http://127.0.0.1:9/api", 0.0)
    services = replace(server.services(), arxiv=nobody, crossref=nobody)
    desk.server = SimpleNamespace(services=lambda: services)
    for json_too in ((), ("--json",)):
        done = world.run("add", PREPRINT, DOI, "2401.00002", "--yes", *json_too)
        assert done.code == 3
        last = done.err.splitlines()[-1]
        assert last.startswith("Error: no service could be reached (arXiv: did not")
        assert last.endswith("--offline uses cached answers only")
        assert "failed:" not in done.err


def test_an_unfinished_entry_does_not_stop_the_next_one(world, paper, server):
    world.run("add", PREPRINT)
    other = atom_entry(
        "2402.00002v1", "Scanning Imaginary Encoders", ("Grace Example",)
    )
    server.answers["/arxiv"] = Answer(atom(other), headers={"content-type": ATOM})
    server.answers["/dblp"] = as_json(dblp())
    assert world.run("add", "2402.00002").code == 0


def test_an_id_that_is_taken_gets_a_letter(world, paper, server):
    folder = world.root / "catalog/papers/2023"
    (folder / "vanmuller2023planting.yaml").write_text("torn: [", encoding="utf-8")
    done = world.run("add", PREPRINT)
    assert done.out == "catalog/papers/2023/vanmuller2023plantingb.yaml\n"
    assert (folder / "vanmuller2023planting.yaml").read_text(
        encoding="utf-8"
    ) == "torn: ["


def test_a_full_disk_leaves_no_partial_entry(world, paper, monkeypatch):
    from surveykit import outputs

    before = world.entries()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs.os, "replace", full)
    done = world.run("add", PREPRINT)
    assert done.code == 3
    assert "No space left" in done.err
    assert world.entries() == before


def test_an_entry_that_appeared_meanwhile_is_not_written_over(world, paper, server):
    theirs = world.root / "catalog/papers/2023/vanmuller2023planting.yaml"

    def answer(_):
        theirs.write_text("theirs\n", encoding="utf-8")
        return as_json(dblp(dblp_info(venue="ICCV", year="2023")))

    server.answers["/dblp"] = answer
    done = world.run("add", PREPRINT)
    assert (done.code, "exists already" in done.err) == (3, True)
    assert theirs.read_text(encoding="utf-8") == "theirs\n"


def test_a_record_that_names_another_papers_doi_does_not_take_it_in(
    world, paper, server
):
    server.answers["/arxiv"] = Answer(
        atom(atom_entry(doi="10.5555/wrong")), headers={"content-type": ATOM}
    )
    other = work(
        DOI="10.5555/wrong",
        title=["Deep Learning"],
        author=[{"given": "Y.", "family": "LeCun"}],
    )
    server.answers["/crossref/10.5555/wrong"] = as_json(crossref(other))
    done = world.run("add", PREPRINT)
    assert (
        "doi 10.5555/wrong, named by arXiv:2401.00001, is left out: it is 'Deep Learning'"
        in done.err
    )
    assert entry(world, done)["identifiers"] == {"arxiv": PREPRINT, "doi": DOI}


def test_a_preprint_whose_published_version_was_retracted_is_not_added(world, server):
    entry = atom_entry(doi=DOI)
    server.answers["/arxiv"] = Answer(atom(entry), headers={"content-type": ATOM})
    title = "RETRACTED: Planting Backdoors in Invented Encoders"
    server.answers["/crossref"] = as_json(crossref(work(title=[title])))
    server.answers["/dblp"] = as_json(dblp())
    done = world.run("add", PREPRINT)
    assert done.out == ""
    assert f"calls itself {title!r}" in done.err


def test_a_venue_that_the_registry_lacks_is_left_to_the_author(world, server):
    server.answers["/crossref"] = as_json(crossref(work()))
    server.answers["/arxiv"] = Answer(atom(), headers={"content-type": ATOM})
    done = world.run("add", DOI)
    assert entry(world, done)["venue"] == "todo"
    said = "“Proceedings of the 2024 on ACM SIGSAC Conference on Computer and Communications Security” is not registered"
    assert said in done.err
    file = (world.root / done.out.strip()).read_text(encoding="utf-8")
    assert f"\nvenue: todo  # {said}\n" in file


def test_a_doi_that_was_made_of_a_sici_code_is_kept(world, server):
    sici = "10.5555/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-O"
    server.answers["/crossref"] = as_json(crossref(work(DOI=sici)))
    server.answers["/arxiv"] = Answer(atom(), headers={"content-type": ATOM})
    done = world.run("add", sici.replace("<", "&lt;").replace(">", "&gt;"))
    assert server.asked[0].path == f"/crossref/{sici}"
    assert entry(world, done)["identifiers"]["doi"] == sici


def test_a_doi_that_an_entry_cannot_hold_is_said(world, server):
    odd = "10.5555/planting~seeds^1"
    server.answers["/crossref"] = as_json(crossref(work(DOI=odd)))
    server.answers["/arxiv"] = Answer(atom(), headers={"content-type": ATOM})
    done = world.run("add", odd)
    assert f"doi:{odd} is left out: an entry cannot hold its signs" in done.err


def test_hostile_text_stays_text(world, server):
    title = "{{ 7*7 }} `rm -rf` ${{ secrets.X }} <script>alert(1)</script>\r\n--- !!python/name:os.system"
    people = ("Ada 'Bobby' Tables", "<img src=x> Example")
    server.answers["/arxiv"] = Answer(
        atom(atom_entry(title=title, authors=people)), headers={"content-type": ATOM}
    )
    server.answers["/dblp"] = as_json(dblp())
    done = world.run("add", PREPRINT)
    data = entry(world, done)
    assert "<script>" not in data["title"]["en"]
    assert "\n" not in data["title"]["en"]
    assert data["id"].isalnum()
    bad = {
        line.split()[1]
        for line in world.run("validate").out.splitlines()
        if line.startswith("catalog")
    }
    assert "SK352" in bad  # and what is known of markup in titles
    assert bad <= {"SK352", "SK357"}
