"""The real catalog against services that say just what it says: nothing may be found wrong with it."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from sources.answers import ATOM, atom, atom_entry, crossref, dblp, work
from sources.server import Answer, as_json

from surveykit.checkup import examined
from surveykit.links.engine import Outcome
from surveykit.load import load_catalog
from surveykit.sources import arxiv
from surveykit.verifying import Sought, Status, Verifier, is_preprint


@pytest.fixture(scope="module")
def real():
    return load_catalog(Path(__file__).parents[2])


def mirror(server, catalog):
    """Every service in the words of the catalog: full venue names, initials at Crossref, other case."""
    by_arxiv = {p.identifiers.arxiv: p for p in catalog.papers if p.identifiers.arxiv}
    by_doi = {
        p.identifiers.doi.casefold(): p for p in catalog.papers if p.identifiers.doi
    }

    def on_arxiv(asked):
        entries = [
            atom_entry(
                f"{id_}v1",
                paper.title.en,
                tuple(a.name for a in paper.authors),
                published=f"{paper.year}-01-01T00:00:00Z",
            )
            for id_ in asked.query.get("id_list", "").split(",")
            if (paper := by_arxiv.get(id_))
        ]
        return Answer(atom(*entries), headers={"content-type": ATOM})

    def registered(asked):
        paper = by_doi.get(asked.path.removeprefix("/crossref/").casefold())
        if paper is None:
            return (
                as_json({"message": {"items": []}})
                if asked.query.get("rows")
                else Answer("", 404)
            )
        venue = catalog.venues[paper.venue]
        workshops = venue.workshops or f"{venue.full.en} Workshops"
        names = {"findings": venue.findings, "workshop": workshops}
        container = names.get(paper.track) or venue.full.en
        people = [
            {"name": a.literal}
            if a.literal
            else {
                "given": f"{(a.given or 'X')[0]}.",
                "family": a.last.upper() if " " not in a.last else a.last,
            }
            for a in paper.authors
        ]
        return as_json(
            crossref(
                work(
                    **{
                        "DOI": paper.identifiers.doi,
                        "title": [paper.title.en.upper()],
                        "author": people,
                        "container-title": [f"{paper.year} {container}"],
                        "published-print": {"date-parts": [[paper.year]]},
                        "page": paper.pages,
                    }
                )
            )
        )

    server.answers["/arxiv"] = on_arxiv
    server.answers["/crossref"] = registered
    server.answers["/dblp"] = as_json(dblp())


def agrees(real, verdicts):
    """Fails where a service with a mirror seems to say something else."""
    unheard = {"ACL Anthology", "OpenReview"}  # services without a mirror
    wrong = [
        (v.id, str(d))
        for v in verdicts
        for d in v.differences
        if d.source not in unheard
    ]
    assert wrong == []
    counts = Counter(v.status for v in verdicts)
    assert counts[Status.OK] >= 0.8 * len(real.papers), counts
    for verdict in verdicts:
        ids = real.get(verdict.id).identifiers
        heard, asked = ids.arxiv or ids.doi, ids.acl or ids.openreview
        assert verdict.status is not Status.MISMATCH or asked, verdict
        assert verdict.status is not Status.UNVERIFIED or not heard, verdict
        assert verdict.status is not Status.MISSING, verdict


def test_a_weekly_look_finds_nothing_wrong_and_asks_a_known_number_of_times(
    desk, server, real
):
    mirror(server, real)
    server.answers["/openreview/search"] = as_json({"notes": [], "count": 0})

    async def verify(client):
        return await Verifier(client, real, search=Sought.PUBLISHED).verify(real.papers)

    verdicts = desk.ask(verify)
    agrees(real, verdicts)
    asked = Counter(a.path.split("/")[1] for a in server.asked)
    preprints = sum(is_preprint(real, paper) for paper in real.papers)
    dois = sum(bool(p.identifiers.doi) for p in real.papers)
    assert asked["dblp"] <= 1.02 * preprints  # at 1.5 seconds, the slowest of them
    assert asked["arxiv"] == math.ceil(sum(bool(p.identifiers.arxiv) for p in real.papers) / arxiv.MOST_IDS)  # fmt: skip
    assert asked["crossref"] <= 1.02 * (preprints + dois)
    found = examined(real, verdicts, Outcome(()), None, date(2026, 11, 30)).findings
    assert [f for f in found if f.kind in ("retracted", "withdrawn", "published")] == []
