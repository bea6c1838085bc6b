"""What the entries hold is counted right, and it does not get less."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from surveykit.load import load_catalog
from surveykit.models import Claim
from surveykit.quality import ALL, Quality, quality
from surveykit.texts import Text, TextHead

REPOSITORY = Path(__file__).parents[1]
KEPT = Path(__file__).with_name("quality.json")
"""The counts of the day on which they were last looked at: `surveykit stats --quality --json > tests/quality.json`."""
OWED = ("identifier", "summary")
"""What an entry can always have: their shares do not fall. Of the others the numbers do not, for a new paper may have no program yet."""
CLAIM = Claim(metric="AUC", value="0.99", source="arXiv:2303.00015, abstract")


def fallen(before, now):
    """What has become worse since: shares of what every entry owes, numbers of the rest."""
    names = [
        field.name for field in dataclasses.fields(Quality) if field.name != "topic"
    ]
    return [
        name
        for name in names
        if (
            round(now.share(name), 1) < round(before.share(name), 1)
            if name in OWED
            else getattr(now, name) < getattr(before, name)
        )
    ]


def test_no_threat_has_lost_anything():
    now = {line.topic: line for line in quality(load_catalog(REPOSITORY))}
    kept = [
        Quality(topic=line.pop("threat"), **line)
        for line in json.loads(KEPT.read_text("utf-8"))
    ]
    lost = {line.topic: found for line in kept if (found := fallen(line, now[line.topic]))}  # fmt: skip
    assert not lost, f"less than in {KEPT.name}; where that is meant, write it anew"


def test_every_paper_is_counted_once(catalog):
    *lines, all_ = quality(catalog)
    assert all_.topic == ALL
    assert all_.papers == len(catalog.papers)
    for name in (field.name for field in dataclasses.fields(Quality)[1:]):
        assert sum(getattr(line, name) for line in lines) == getattr(all_, name)
        assert getattr(all_, name) <= all_.papers


def test_what_an_entry_gains_is_seen(catalog):
    paper = next(p for p in catalog.papers if not p.claims and not p.links.code)
    links = paper.links.model_copy(update={"code": "https://forge.test/a/b"})
    richer = paper.model_copy(update={"claims": (CLAIM,), "links": links})
    head = TextHead(title="T", lead="L", kind="page")
    text = Text("open", "en", "open.md", head, f"It is known [@{paper.id}].", 1)
    papers = tuple(richer if p is paper else p for p in catalog.papers)
    after = dataclasses.replace(catalog, papers=papers, texts={"open": {"en": text}})
    old, new = quality(catalog)[-1], quality(after)[-1]
    grown = {n: getattr(new, n) - getattr(old, n) for n in dataclasses.asdict(old) if n != "topic"}  # fmt: skip
    assert {n: d for n, d in grown.items() if d} == {"code": 1, "claims": 1, "text": 1}
    assert fallen(old, new) == []
    assert fallen(new, old) == ["code", "claims", "text"]


@pytest.mark.parametrize("name", OWED)
def test_a_new_entry_without_what_it_owes_is_a_loss(catalog, name):
    line = quality(catalog)[-1]
    full = dataclasses.replace(line, **dict.fromkeys(OWED, line.papers))
    poor = dataclasses.replace(full, papers=full.papers + 1)
    rest = {other: poor.papers for other in OWED if other != name}
    assert fallen(full, dataclasses.replace(poor, **rest)) == [name]


def test_a_new_entry_needs_no_program(catalog):
    line = quality(catalog)[-1]
    full = dataclasses.replace(line, **dict.fromkeys(OWED, line.papers))
    more = dict.fromkeys(("papers", *OWED), line.papers + 1)
    assert fallen(full, dataclasses.replace(full, **more)) == []


def test_the_command_line_shows_the_same(run, catalog):
    lines = [dataclasses.asdict(line) for line in quality(catalog)]
    named = [{"threat": line.pop("topic"), **line} for line in lines]  # its own word
    assert run("stats", "--quality", "--json").json() == named
    shown = run("stats", "--quality").out
    assert f"all\t{len(catalog.papers)}\t" in shown
