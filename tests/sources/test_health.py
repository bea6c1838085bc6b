"""`surveykit health`: what became of the papers, said once, settled by an edit, and kept where nobody answers."""

from __future__ import annotations

import json
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sources import test_published as preprint
from sources import test_verify as published
from sources.answers import crossref, crossref_list, dblp, dblp_info, work
from sources.server import Answer, as_json

from surveykit.checkup import examined
from surveykit.health import KINDS, Health, HealthFinding
from surveykit.links.engine import LinkFinding, Outcome
from surveykit.links.gather import catalog_links
from surveykit.links.state import Reason, Result, State
from surveykit.load import check, load_catalog
from surveykit.record import Record
from surveykit.render import health as shown
from surveykit.sources.found import Found
from surveykit.verifying import Status, Verdict

FILE = "catalog/health.json"


@pytest.fixture
def papers(world, server):
    """A published paper and a preprint, of which nothing has become."""
    for case, answers in ((published, None), (preprint, preprint.NOBODY)):
        path = world.root / case.PATH
        path.parent.mkdir(exist_ok=True)
        path.write_text(case.ENTRY, encoding="utf-8")
        server.answers.update(answers or {})
    text = preprint.ENTRY.replace("2401.00001", "2402.00002")
    (world.root / preprint.PATH).write_text(text, encoding="utf-8")
    server.answers["/arxiv"] = both_on_arxiv()
    server.answers["/crossref"] = doi()
    return world


def both_on_arxiv(**more):
    from sources.answers import ATOM, atom, atom_entry

    entries = atom_entry(), atom_entry(id_="2402.00002v1", **more)
    return Answer(atom(*entries), headers={"content-type": ATOM})


def doi(**more):
    """Crossref: nothing is found by title; the DOI has this record."""
    item = work(**{"container-title": [published.ICCV]} | published.YEAR | more)

    def answer(asked):
        searched = asked.path == "/crossref"
        return as_json(crossref_list() if searched else crossref(item))

    return answer


def look(world, *more):
    done = world.run("health", published.ID, preprint.ID, "--no-code", "--json", *more)
    return done, json.loads(done.out)["findings"]


def told(findings):
    return [(f["paper"], f["kind"], f.get("says")) for f in findings]


def test_a_healthy_catalog_has_no_findings(papers):
    done, findings = look(papers)
    assert (done.code, findings) == (0, [])
    text = papers.run("health", published.ID, "--no-code", "--format", "markdown")
    assert text.out == "Nothing needs a hand.\n"


@pytest.mark.parametrize(
    ("update", "kind", "says"),
    [
        ("retraction", "retracted", "doi:10.5555/ccs24.0001 was retracted by doi:10.5555/n"),
        ("partial_retraction", "retracted", "doi:10.5555/ccs24.0001 was retracted in part by doi:10.5555/n"),
        ("withdrawal", "withdrawn", "doi:10.5555/ccs24.0001 was withdrawn by doi:10.5555/n"),
        ("expression_of_concern", "concern", "doi:10.5555/ccs24.0001 is under an expression of concern by doi:10.5555/n"),
        ("correction", "corrected", "doi:10.5555/n"),
        ("erratum", "corrected", "doi:10.5555/n"),
    ],
)  # fmt: skip
def test_what_the_publisher_announced_is_a_finding_until_it_is_seen_to(
    papers, server, update, kind, says
):
    notice = [{"type": update, "DOI": "10.5555/n"}] * 2  # Crossref repeats some
    server.answers["/crossref"] = doi(**{"updated-by": notice})
    done, findings = look(papers)
    assert done.code == 1
    assert told(findings) == [(published.ID, kind, says)]
    assert findings[0]["evidence"] == ["doi:10.5555/ccs24.0001", "doi:10.5555/n"]
    path = papers.root / published.PATH
    seen = "verified: {date: '2026-11-20', by: ['https://doi.org/10.5555/N', 'arXiv:2401.00001']}\n"
    path.write_text(published.ENTRY + seen, encoding="utf-8")
    assert look(papers)[1] == []


@pytest.mark.parametrize(
    ("alarm", "kind"),
    [
        ("arXiv:2401.00001 is withdrawn: withdrawn by the author, for privacy concerns", "withdrawn"),
        ("arXiv:2401.00001 is withdrawn: this work retracts no earlier claim", "withdrawn"),
        ("doi:10.5555/a calls itself '[RETRACTED] Privacy Concerns of Encoders'", "retracted"),
        ("doi:10.5555/a calls itself 'Expression of Concern: Retracted Flows'", "concern"),
        ("doi:10.5555/a says: This article has been retracted for ethical concerns", "retracted"),
    ],
)  # fmt: skip
def test_the_words_of_a_paper_do_not_say_what_became_of_it(real_catalog, alarm, kind):
    paper = real_catalog.papers[0]
    record = Record(title=paper.title.en, source="doi:10.5555/a")
    verdict = Verdict(paper.id, Status.MISMATCH, found=(Found(record, (alarm,)),))
    seen = examined(real_catalog, [verdict], Outcome(()), None, date(2026, 12, 1))
    assert [one.kind for one in seen.findings] == [kind]


@pytest.mark.parametrize("name", ["health", "coverage"])
def test_a_broken_file_is_not_written_over(papers, name):
    path = papers.root / f"catalog/{name}.json"
    path.write_text("<<<<<<< ours\n{}\n", "utf-8")
    listed = papers.root / "refs.bib"
    listed.write_text("@article{a, title={On Wool and Bread}, year={2024}}", "utf-8")
    words = {"health": ["--no-code", "--offline"], "coverage": [str(listed)]}[name]
    done = papers.run(name, *words, "--write")
    assert (done.code, path.read_text("utf-8")) == (1, "<<<<<<< ours\n{}\n")
    assert f"catalog/{name}.json:1:1: SK113" in done.err


def test_a_new_version_is_no_correction(papers, server):
    notice = [{"type": "new_version", "DOI": "10.5555/n"}]
    server.answers["/crossref"] = doi(**{"updated-by": notice})
    assert look(papers)[1] == []


def test_a_withdrawn_preprint_is_settled_by_its_entry_alone(papers, server):
    comment = (
        "This paper has been withdrawn by the authors due to an error in Theorem 2"
    )
    server.answers["/arxiv"] = both_on_arxiv(comment=comment)
    path = papers.root / preprint.PATH
    seen = "verified: {date: '2026-11-20', by: ['arXiv:2402.00002']}\n"
    path.write_text(path.read_text(encoding="utf-8") + seen, encoding="utf-8")
    (row,) = told(look(papers)[1])
    assert row[:2] == (preprint.ID, "withdrawn")
    assert comment in row[2]
    event = "history: [{kind: retracted, date: '2026-11-20', note: {en: Withdrawn., zh: 已撤回。}}]\n"
    text = path.read_text(encoding="utf-8").replace("added:", event + "added:")
    path.write_text(text, encoding="utf-8")
    assert look(papers)[1] == []


def test_a_preprint_that_was_published_is_told_with_its_place(papers, server):
    server.answers["/dblp"] = as_json(dblp(dblp_info(**preprint.IN_DBLP | {"doi": None, "ee": None})))  # fmt: skip
    done, findings = look(papers)
    assert done.code == 1
    assert told(findings) == [(preprint.ID, "published", "ICCV 2025")]
    assert findings[0]["evidence"] == ["dblp:conf/iccv/MullerL25"]


def test_published_papers_are_not_searched_for(papers, server):
    look(papers)
    titles = [a.query.get("q") or a.query.get("term") for a in server.asked]
    assert len([t for t in titles if t]) == 2  # the preprint, at DBLP and OpenReview


def test_the_look_is_kept_read_back_and_shown(papers, server):
    server.answers["/crossref"] = doi(**{"updated-by": [{"type": "retraction", "DOI": "10.5555/n"}]})  # fmt: skip
    for path in (papers.root / "catalog/papers").rglob("*.yaml"):
        if path.stem not in (published.ID, preprint.ID):
            path.unlink()
    done = papers.run("health", "--write", "--no-code", "--format", "markdown")
    assert done.code == 1
    assert "### Retracted (1)" in done.out
    assert f"`{published.ID}` Planting Backdoors in Invented Encoders" in done.out
    kept = check(papers.root).readable.health
    assert kept is not None
    assert [f.kind for f in kept.findings] == ["retracted"]
    again = papers.run("health", "--write", "--no-code", "--format", "markdown")
    assert again.out == done.out
    assert "--write" in papers.run("health", preprint.ID, "--write").err


def test_a_day_stays_and_silence_takes_nothing_back(papers, server):
    notice = {"updated-by": [{"type": "retraction", "DOI": "10.5555/n"}]}
    server.answers["/crossref"] = doi(**notice)
    (one,) = look(papers)[1]
    old = Health(date=date(2026, 1, 2), papers=1, preprints=0, repositories=0, findings=[one | {"since": "2026-01-02"}])  # fmt: skip
    (papers.root / FILE).write_text(shown.as_json(old), encoding="utf-8")
    (again,) = look(papers)[1]
    assert again["since"] == "2026-01-02"
    server.answers["/crossref"] = Answer(status=503)
    done, (kept,) = look(papers, "--refresh", "--cache", "elsewhere")
    assert kept["since"] == "2026-01-02"
    assert "Crossref" in done.err
    server.answers["/crossref"] = doi()
    papers.desk.now += 10 * 86400
    assert look(papers, "--refresh")[1] == []


@pytest.mark.parametrize(
    ("state", "reason", "target", "kind"),
    [
        (State.MOVED, Reason.REPOSITORY_RENAMED, "https://github.com/ada/sown", "code-moved"),
        (State.BROKEN, Reason.REPOSITORY_GONE, None, "code-gone"),
        (State.OK, Reason.REPOSITORY_ARCHIVED, None, "code-archived"),
        (State.OK, Reason.REACHED, None, None),
        (State.SUSPECT, Reason.TIMEOUT, None, None),
    ],
)  # fmt: skip
def test_programs_are_told_of_by_what_the_link_checker_found(
    papers, state, reason, target, kind
):
    catalog = check(papers.root).readable
    links = catalog_links(catalog, papers.root, ids={preprint.ID}, kinds=("code",))
    outcome = Outcome(tuple(LinkFinding(link, Result(link.url, state, reason, target=target)) for link in links))  # fmt: skip
    seen = examined(catalog, [], outcome, None, date(2026, 11, 30))
    url = "https://github.com/ada/planting"
    expected = [(preprint.ID, kind, target or url)] if kind else []
    assert [(f.paper, f.kind, f.says) for f in seen.findings] == expected
    assert bool(seen.pressing) == (kind in ("code-moved", "code-gone"))
    old = seen if kind else None
    later = examined(catalog, [], Outcome(()), old, date(2026, 12, 7))
    assert later.findings == seen.findings  # not looked at: as before


def test_a_link_that_was_mended_is_no_finding_any_more(papers):
    catalog = check(papers.root).readable
    one = HealthFinding(paper=preprint.ID, kind="code-gone", says="https://github.com/ada/old", evidence=("https://github.com/ada/old",), since=date(2026, 1, 1))  # fmt: skip
    old = Health(date=one.since, papers=1, preprints=1, repositories=1, findings=(one,))
    assert examined(catalog, [], Outcome(()), old, date(2026, 1, 8)).findings == ()


@pytest.mark.parametrize("text", ["{", "[]", '{"date": "today"}', '{"date": "2026-01-01", "papers": -1}'])  # fmt: skip
def test_a_broken_file_is_a_problem_with_its_place(catalog_dir, text):
    (catalog_dir / FILE).write_text(text, encoding="utf-8")
    problems = [p for p in check(catalog_dir).problems if p.path == FILE]
    assert problems


WORDS = st.text(min_size=1).filter(lambda s: s.strip() and s.isprintable())


@given(st.lists(st.tuples(st.sampled_from(KINDS), WORDS, WORDS), max_size=120))
def test_the_issue_is_bounded_and_nothing_in_it_is_markup(real_catalog, rows):
    paper = real_catalog.papers[0].id
    found = []
    for kind, says, by in rows:
        try:
            found.append(HealthFinding(paper=paper, kind=kind, says=f"<b>@x {says}", evidence=(by,), since=date(2026, 1, 1)))  # fmt: skip
        except ValueError:
            continue
    health = Health(date=date(2026, 1, 1), papers=1, preprints=0, repositories=0, findings=tuple(found))  # fmt: skip
    text = shown.markdown(real_catalog, health)
    assert "<b>" not in text
    assert text.count("\n- ") <= shown.MOST * len(KINDS)
    later = health.model_copy(update={"date": date(2027, 1, 1)})
    assert shown.markdown(real_catalog, later) == text


@pytest.fixture(scope="module")
def real_catalog(write_catalog, tmp_path_factory):
    return load_catalog(write_catalog(tmp_path_factory.mktemp("health") / "repo"))


def test_the_file_is_plain_data(papers):
    done = papers.run("health", published.ID, "--no-code", "--json")
    assert yaml.safe_load(done.out)["papers"] == 1


def test_the_issue_has_room_on_the_forge(real_catalog):
    papers = [p.id for p in real_catalog.papers]
    found = [
        HealthFinding(paper=papers[n % len(papers)], kind=kind, says=f"{n} " + "<" * 198, evidence=(f"doi:10.5555/{n}" + "x" * 100,), since=date(2026, 1, 1))
        for kind in KINDS
        for n in range(shown.MOST)
    ]  # fmt: skip
    health = Health(date=date(2026, 1, 1), papers=1, preprints=0, repositories=0, findings=tuple(found))  # fmt: skip
    text = shown.markdown(real_catalog, health)
    assert 50_000 < len(text) < 60_000
    assert text.endswith("and more (`surveykit health`)\n")


def test_a_month_from_the_look_to_the_digest(papers, server):
    """A preprint is seen to be published, taken over, and told of in both languages."""
    server.answers["/dblp"] = as_json(dblp(dblp_info(**preprint.IN_DBLP | {"doi": None, "ee": None})))  # fmt: skip
    assert told(look(papers)[1]) == [(preprint.ID, "published", "ICCV 2025")]
    done = papers.run("verify", "--published", preprint.ID, "--fix")
    assert done.code == 0, done.out + done.err
    assert look(papers)[1] == []
    (papers.root / published.PATH).unlink()  # the same paper, for another test
    for lang, said in (("en", "Published: ICCV 2025."), ("zh", "已正式发表：ICCV 2025。")):  # fmt: skip
        text = papers.run("news", "--since", "2026-01-01", "--format", "markdown", "--lang", lang)  # fmt: skip
        assert said in text.out, text.err
