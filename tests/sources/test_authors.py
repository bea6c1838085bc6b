"""What is doubtful about the authors that a service names reaches the person who asked."""

from __future__ import annotations

import pytest
from sources.answers import ATOM, atom, atom_entry, crossref, datacite, work
from sources.server import Answer, as_json

from surveykit.sources import arxiv
from surveykit.sources import crossref as crossref_module
from surveykit.sources import datacite as datacite_module


@pytest.mark.parametrize(
    ("author", "name", "said"),
    [
        ({"given": "et", "family": "al."}, None, "complete it"),
        ({"name": "et al."}, None, "complete it"),
        ({"given": "X"}, "X", "for a group"),
        ({"name": "Google, Inc."}, "Google, Inc.", None),
        ({"name": "Li Lab"}, "Li Lab", None),
        ({"given": "Ai", "family": "Chen"}, "Ai Chen", None),
        ({"given": "Bo", "family": "Li Lab"}, "Bo Li Lab", None),
        ({"given": "世伟", "family": "冯"}, "冯世伟", None),
        ({"given": "Ana", "family": "Cruz (冯世伟)"}, "Ana Cruz", None),
        ({"given": "Ana", "family": "Cruz", "suffix": "Jr."}, "Ana Cruz Jr.", None),
        ({}, None, None),
    ],
)
def test_crossref(desk, server, author, name, said):
    people = [{"given": "Bo", "family": "Li"}, author]
    server.answers["/crossref"] = as_json(crossref(work(author=people)))
    found = desk.ask(crossref_module.find, "10.5555/x")
    assert [a.name for a in found.record.authors] == [
        "Bo Li",
        *([name] if name else []),
    ]
    notes = [note for note in found.notes if "authors:" in note]
    assert len(notes) == bool(said)
    assert not said or said in notes[0]


def test_arxiv(desk, server):
    entry = atom_entry().replace("Wei Li", "Wei Li et al.")
    server.answers["/arxiv"] = Answer(atom(entry), headers={"content-type": ATOM})
    found = desk.ask(arxiv.find, "2401.00001")
    assert [a.name for a in found.record.authors][-1] == "Wei Li"
    assert any("complete it" in note for note in found.notes)


def test_datacite_says_which_creators_are_organisations(desk, server):
    creators = [
        {"name": "Li Lab", "nameType": "Organizational"},
        {"name": "Cruz, Ana", "nameType": "Personal"},
        {"name": "Do, Cy", "givenName": "Cy", "familyName": "Do"},
        {"name": "Meta AI"},
    ]
    answer = datacite()
    answer["data"]["attributes"]["creators"] = creators
    server.answers["/datacite/10.5281/zenodo.1"] = as_json(answer)
    found = desk.ask(datacite_module.find, "10.5281/zenodo.1")
    lab, *people = found.record.authors
    assert lab.literal == "Li Lab"
    assert [a.last for a in people] == ["Cruz", "Do", "AI"]
    assert "'Meta AI' is read as a person" in found.notes[0]
