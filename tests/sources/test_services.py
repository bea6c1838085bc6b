"""Each service's answer, in its documented format, becomes the right record."""

from __future__ import annotations

import pytest
from sources.answers import (
    ABSTRACT,
    ATOM,
    MODS,
    PAGE,
    README,
    atom,
    atom_entry,
    atom_error,
    crossref,
    datacite,
    dblp,
    dblp_info,
    note,
    work,
)
from sources.server import Answer, as_json

from surveykit.errors import NotFoundError, ServiceError
from surveykit.sources import (
    acl,
    arxiv,
    github,
    openreview,
    page,
)
from surveykit.sources import (
    crossref as crossref_module,
)
from surveykit.sources import (
    datacite as datacite_module,
)
from surveykit.sources import (
    dblp as dblp_module,
)
from surveykit.sources.resolve import find_short_doi

NAMES = ["Ada B. van Müller", "Wei Li"]


def names(found):
    return [author.name for author in found.record.authors]


def feed(*entries: str) -> Answer:
    return Answer(atom(*entries), headers={"content-type": ATOM})


def test_arxiv_gives_one_paper(desk, server):
    server.answers["/arxiv"] = feed(
        atom_entry(comment="14 pages", doi="10.5555/ccs24.0001")
    )
    found = desk.ask(arxiv.find, "2401.00001")
    record = found.record
    assert record.title == "Planting Backdoors in Invented Encoders"
    assert names(found) == NAMES
    assert record.authors[0].particle == "van"
    assert (record.year, record.month, record.kind) == (2024, 1, "preprint")
    assert (record.arxiv, record.doi) == ("2401.00001", "10.5555/ccs24.0001")
    assert record.arxiv_class == "cs.CR"
    assert record.abstract == ABSTRACT
    assert found.notes == ("arXiv:2401.00001 says: 14 pages",)
    assert server.asked[0].query == {"id_list": "2401.00001", "max_results": "1"}


def test_arxiv_is_asked_once_for_many_papers(desk, server):
    ids = ["2401.00001", "2401.00002", "hep-th/9901001"]
    server.answers["/arxiv"] = feed(
        atom_entry("2401.00001v1"),
        atom_entry("hep-th/9901001v3", published="1999-01-01T00:00:00Z"),
    )
    found = desk.ask(arxiv.find_all, ids)
    assert list(found) == ["2401.00001", "hep-th/9901001"]
    assert len(server.asked) == 1
    assert server.asked[0].query["id_list"] == ",".join(ids)


def prefetched(ids):
    async def ask(client):
        await arxiv.prefetch(client, ids)
        found = [await arxiv.find(client, one) for one in ids[:2]]
        with pytest.raises(NotFoundError, match=f"knows no paper {ids[2]}"):
            await arxiv.find(client, ids[2])
        return [one.record.title for one in found]

    return ask


IDS = ["2401.00001", "2401.00002", "2401.99999"]
PAIR = (atom_entry("2401.00001v2"), atom_entry("2401.00002v1", "Another Title"))
TITLES = ["Planting Backdoors in Invented Encoders", "Another Title"]


@pytest.mark.parametrize("age", [0.0, 86_400.0])
def test_what_arxiv_told_of_many_is_known_of_each(desk, server, age):
    server.answers["/arxiv"] = feed(*PAIR)
    more = {"max_age_seconds": age}
    assert desk.ask(prefetched(IDS), **more) == TITLES
    assert [asked.query["id_list"] for asked in server.asked] == [",".join(IDS)]
    one = desk.ask(arxiv.find, IDS[1], offline=True).record
    assert (one.title, one.source) == ("Another Title", "arXiv:2401.00002")
    desk.ask(arxiv.prefetch, IDS[:2], offline=True)
    assert len(server.asked) == 1


def test_one_wrong_id_does_not_spoil_the_others(desk, server):
    def answer(asked):
        ids = asked.query["id_list"].split(",")
        if len(ids) > 1:
            return Answer(atom_error("incorrect id format for x"))
        found = [entry for entry in PAIR if f"/{ids[0]}v" in entry]
        return feed(*found)

    server.answers["/arxiv"] = answer
    assert desk.ask(prefetched(IDS)) == TITLES


def test_an_old_answer_for_many_does_not_pass_for_a_new_one(desk, server):
    server.answers["/arxiv"] = feed(*PAIR)
    desk.ask(arxiv.prefetch, IDS)
    told = desk.now
    desk.now += 90_000
    server.answers["/arxiv"] = Answer("", 503)
    desk.ask(arxiv.prefetch, IDS)
    kept = [
        desk.cache.get(f"{server.url}/arxiv?id_list={i}&max_results=1") for i in IDS
    ]
    assert {one.fetched for one in kept} == {told}


def test_arxiv_has_no_such_paper(desk, server):
    server.answers["/arxiv"] = feed()
    with pytest.raises(NotFoundError, match="arXiv: knows no paper 2401"):
        desk.ask(arxiv.find, "2401.99999")
    server.answers["/arxiv"] = Answer(atom_error("incorrect id format for x"))
    with pytest.raises(NotFoundError, match="incorrect id format"):
        desk.ask(arxiv.find, "2401.99998")


@pytest.mark.parametrize(
    "entry",
    [
        atom_entry(comment="This paper has been withdrawn due to an error in Lemma 2"),
        atom_entry(comment="Withdrawn by the authors"),
        atom_entry(summary="This paper has been withdrawn by the author."),
        atom_entry(comment="We withdraw this paper as Lemma 2 does not hold"),
        atom_entry(comment="arXiv admin note: This submission has been removed"),
        atom_entry("2401.00001v3", comment="v3 is withdrawn"),
    ],
)
def test_arxiv_says_that_a_paper_is_withdrawn(desk, server, entry):
    server.answers["/arxiv"] = feed(entry)
    assert (
        "arXiv:2401.00001 is withdrawn" in desk.ask(arxiv.find, "2401.00001").alarms[0]
    )


def test_a_paper_about_withdrawal_is_not_withdrawn(desk, server):
    abstract = (
        "We study why models keep data that users have withdrawn. This paper is long."
    )
    comment = "Supersedes withdrawn arXiv:2301.00001; code for users who have withdrawn"
    server.answers["/arxiv"] = feed(atom_entry(summary=abstract, comment=comment))
    assert desk.ask(arxiv.find, "2401.00001").alarms == ()


def test_what_is_withdrawn_may_be_another_version(desk, server):
    entry = atom_entry("2401.00001v3", comment="v2 was withdrawn by mistake")
    server.answers["/arxiv"] = feed(entry)
    found = desk.ask(arxiv.find, "2401.00001")
    assert found.alarms == ()
    assert found.notes == ("arXiv:2401.00001 says: v2 was withdrawn by mistake",)


def test_a_title_loses_its_mark_so_that_the_paper_is_known_again(desk, server):
    title = "RETRACTED ARTICLE: Planting Backdoors in Invented Encoders"
    server.answers["/crossref"] = as_json(crossref(work(title=[title])))
    found = desk.ask(crossref_module.find, "10.5555/x")
    assert found.record.title == "Planting Backdoors in Invented Encoders"
    assert found.alarms == (f"doi:10.5555/ccs24.0001 calls itself {title!r}",)


@pytest.mark.parametrize(
    ("page", "alarms"),
    [
        ('<meta content="[RETRACTED] A Title" name=citation_title>', ("acl:2023.findings-emnlp.1 was retracted",)),
        ("<h2 id=title>[REMOVED] A Title</h2>", ("acl:2023.findings-emnlp.1 was removed",)),
        ("<h2 id=title>A [RETRACTED] Title</h2>", ()),
    ],
)  # fmt: skip
def test_the_page_of_the_anthology_tells_of_a_retraction(desk, server, page, alarms):
    server.answers["/acl/2023.findings-emnlp.1.xml"] = Answer(MODS)
    server.answers["/acl/2023.findings-emnlp.1/"] = Answer(page)
    found = desk.ask(acl.find, "2023.findings-emnlp.1")
    assert (found.alarms, found.notes) == (alarms, ())


@pytest.mark.parametrize(
    ("fields", "alarm"),
    [
        ({"state": "registered"}, "is no longer findable"),
        ({"isActive": False}, "is no longer findable"),
        ({"titles": [{"title": "WITHDRAWN: A Report"}]}, "calls itself"),
        (
            {
                "descriptions": [
                    {"description": "<p>This paper has been withdrawn.</p>"}
                ]
            },
            "says: This paper has been withdrawn.",
        ),
    ],
)
def test_datacite_tells_of_a_withdrawal(desk, server, fields, alarm):
    server.answers["/datacite/10.5281/zenodo.1"] = as_json(datacite(**fields))
    found = desk.ask(datacite_module.find, "10.5281/zenodo.1")
    assert alarm in found.alarms[0]


def test_dblp_tells_of_a_withdrawal_and_keeps_the_paper_findable(desk, server):
    server.answers["/dblp"] = as_json(dblp(dblp_info(type="Withdrawn Items")))
    (found,) = desk.ask(dblp_module.search, "Planting Backdoors")
    assert found.alarms == ("dblp:conf/ccs/MullerL24 is among the withdrawn items",)
    assert found.record.kind == "conference"


def test_a_page_of_the_anthology_that_was_not_seen_is_a_note(desk, server):
    server.answers["/acl/2023.findings-emnlp.1.xml"] = Answer(MODS)
    found = desk.ask(acl.find, "2023.findings-emnlp.1")
    assert found.alarms == ()
    assert "was retracted was not seen: ACL Anthology:" in found.notes[0]


def test_crossref_gives_a_published_paper(desk, server):
    server.answers["/crossref/10.5555/ccs24.0001"] = as_json(crossref(work()))
    record = desk.ask(
        crossref_module.find, "10.5555/ccs24.0001", mailto="a@b.org"
    ).record
    assert [a.last for a in record.authors] == ["van Müller", "Li"]
    assert (record.year, record.kind, record.pages) == (2024, "conference", "101-115")
    assert record.venue_text.endswith("Computer and Communications Security")
    assert server.asked[0].query == {"mailto": "a@b.org"}


def test_crossref_is_asked_for_a_doi_with_brackets(desk, server):
    doi = "10.1016/S0005-1098(97)00014-X"
    server.answers[f"/crossref/{doi}"] = as_json(crossref(work(DOI=doi)))
    assert desk.ask(crossref_module.find, doi).record.doi == doi


def test_markup_in_a_title_becomes_text(desk, server):
    titles = {
        "Robust <i>CLIP</i> &amp;amp; <sub>2</sub>": "Robust CLIP & 2",
        "An <mml:math><mml:msub>\n <mml:mi>ℓ</mml:mi>\n <mml:mi>p</mml:mi></mml:msub></mml:math> Attack": "An ℓp Attack",
        "<jats:p>Scanning</jats:p> <tex-math>$x_1$</tex-math>Encoders.": "Scanning Encoders",
        "If n &lt; 3 and m > 4": "If n < 3 and m > 4",
        "Attacks on $\\ell_p$ balls": "Attacks on ℓ_p balls",
        "Müller&#8217;s   Trigger\u200b": "Müller’s Trigger",
    }
    for number, (written, printed) in enumerate(titles.items()):
        doi = f"10.5555/{number}"
        server.answers[f"/crossref/{doi}"] = as_json(
            crossref(work(DOI=doi, title=[written]))
        )
        assert desk.ask(crossref_module.find, doi).record.title == printed


def test_crossref_joins_title_and_subtitle(desk, server):
    server.answers["/crossref"] = as_json(
        crossref(work(title=["DECOY"], subtitle=["Scanning for Triggers"]))
    )
    assert (
        desk.ask(crossref_module.find, "10.5555/x").record.title
        == "DECOY: Scanning for Triggers"
    )


@pytest.mark.parametrize(
    ("fields", "alarm"),
    [
        (
            {"updated-by": [{"type": "retraction", "DOI": "10.5555/r"}]},
            "was retracted by doi:10.5555/r",
        ),
        (
            {"updated-by": [{"type": "expression_of_concern"}]},
            "under an expression of concern",
        ),
        ({"title": ["RETRACTED: Planting Backdoors"]}, "calls itself 'RETRACTED"),
        ({"title": ["Retracted Article: Planting"]}, "calls itself"),
        (
            {"update-to": [{"type": "retraction", "DOI": "10.5555/y"}]},
            "is a notice about doi:10.5555/y",
        ),
        (
            {"update-to": [{"label": "Retraction", "DOI": "10.5555/CCS24.0001"}]},
            "doi:10.5555/ccs24.0001 was retracted",
        ),
        (
            {
                "updated-by": [
                    {"type": "Partial Retraction", "source": "retraction-watch"}
                ]
            },
            "was retracted in part by its publisher",
        ),
        ({"relation": {"is-retracted-by": [{"id": "10.5555/r"}]}}, "is retracted by"),
        ({"title": ["Planting Backdoors (Retracted article)"]}, "calls itself"),
    ],
)
def test_crossref_tells_of_a_retraction(desk, server, fields, alarm):
    server.answers["/crossref"] = as_json(crossref(work(**fields)))
    assert alarm in desk.ask(crossref_module.find, "10.5555/x").alarms[0]


def test_a_correction_is_only_a_note(desk, server):
    fields = {"updated-by": [{"type": "erratum", "DOI": "10.5555/e"}]}
    server.answers["/crossref"] = as_json(crossref(work(**fields)))
    found = desk.ask(crossref_module.find, "10.5555/x")
    assert found.alarms == ()
    assert found.notes == (
        "doi:10.5555/ccs24.0001 was updated (erratum) by doi:10.5555/e",
    )


def test_crossref_names_the_preprint(desk, server):
    relation = {"has-preprint": [{"id-type": "doi", "id": "10.48550/arXiv.2401.00001"}]}
    server.answers["/crossref"] = as_json(crossref(work(relation=relation)))
    assert desk.ask(crossref_module.find, "10.5555/x").record.arxiv == "2401.00001"


def test_groups_han_names_and_capitals_are_authors(desk, server):
    people = [
        {"name": "The Invented Consortium"},
        {"given": "世伟", "family": "冯"},
        {"given": "HANRUI", "family": "WANG"},
        {"family": "Suharto"},
        {"given": "<b>Ada</b>", "family": "Example", "suffix": "Jr."},
    ]
    server.answers["/crossref"] = as_json(crossref(work(author=people)))
    found = desk.ask(crossref_module.find, "10.5555/x")
    assert names(found) == [
        "The Invented Consortium",
        "冯世伟",
        "Hanrui Wang",
        "Suharto",
        "Ada Example Jr.",
    ]


def test_three_thousand_authors(desk, server):
    people = [
        {"given": f"Ada {chr(65 + n % 26)}.", "family": f"Family{'x' * (n % 7)}"}
        for n in range(3000)
    ]
    server.answers["/crossref"] = as_json(crossref(work(author=people)))
    assert len(desk.ask(crossref_module.find, "10.5555/x").record.authors) == 3000


def test_a_value_that_no_entry_can_hold_is_left_out(desk, server):
    item = work(
        DOI="10.1002/planting~seeds",
        page="e1:e2;x",
        volume="a very long volume name",
    )
    server.answers["/crossref"] = as_json(crossref(item))
    record = desk.ask(crossref_module.find, "10.1002/x").record
    assert (record.doi, record.pages, record.volume) == (None, None, None)
    assert record.title


def test_datacite_gives_what_crossref_does_not_have(desk, server):
    server.answers["/datacite/10.5281/zenodo.1"] = as_json(datacite())
    found = desk.ask(datacite_module.find, "10.5281/zenodo.1")
    record = found.record
    assert record.title == "A Report on Invented Encoders"
    assert names(found) == ["Ada Example", "Invented Lab"]
    assert (record.year, record.kind, record.pages, record.volume) == (
        2023,
        "journal",
        "1-9",
        "3",
    )
    assert (record.publisher, record.abstract) == ("Zenodo", "We report.")


def alias(*values):
    """What doi.org's interface tells of a handle."""
    told = [
        {"index": n, "type": kind, "data": {"format": "string", "value": value}}
        for n, (kind, value) in enumerate(values, 1)
    ]
    return as_json({"responseCode": 1, "handle": "10/gg3k8j", "values": told})


def test_a_short_doi_is_that_of_the_paper_it_stands_for(desk, server):
    admin = ("HS_ADMIN", {"handle": "0.NA/10", "index": 200})
    server.answers["/doi/10/gg3k8j"] = alias(admin, ("HS_ALIAS", "10.5555/CCS24.0001"))
    server.answers["/crossref/10.5555/CCS24.0001"] = as_json(crossref(work()))
    found = desk.ask(find_short_doi, "gg3k8j")
    assert found.record.doi == "10.5555/ccs24.0001"
    assert server.paths() == ["/doi/10/gg3k8j", "/crossref/10.5555/CCS24.0001"]


def test_a_short_doi_of_a_preprint_leads_to_arxiv(desk, server):
    server.answers["/doi"] = alias(("HS_ALIAS", "10.48550/arXiv.2401.00001"))
    server.answers["/arxiv"] = feed(atom_entry())
    assert desk.ask(find_short_doi, "gg3k8j").record.arxiv == "2401.00001"


@pytest.mark.parametrize(
    "answer",
    [
        Answer('{"responseCode": 100, "handle": "10/zzzz"}', 404),
        alias(("URL", "https://example.org")),
        alias(("HS_ALIAS", "10/other")),
        alias(("HS_ALIAS", "http://169.254.169.254/")),
        as_json({"responseCode": 1, "values": "x"}),
    ],
)
def test_a_short_doi_that_stands_for_no_doi_is_unknown(desk, server, answer):
    server.answers["/doi"] = answer
    with pytest.raises(NotFoundError, match=r"doi\.org: knows no"):
        desk.ask(find_short_doi, "zzzz")


def test_dblp_finds_the_published_version(desk, server):
    preprint = dblp_info(
        venue="CoRR",
        type="Informal and Other Publications",
        doi="10.48550/ARXIV.2401.00001",
        ee="https://doi.org/10.48550/arXiv.2401.00001",
        volume="abs/2401.00001",
    )
    server.answers["/dblp"] = as_json(dblp(dblp_info(), preprint))
    one, two = desk.ask(
        dblp_module.search, "Planting Backdoors: Invented (Encoders)", "van Müller"
    )
    assert (
        server.asked[0].query["q"] == "planting backdoors invented encoders van muller"
    )
    assert one.record.title == "Planting Backdoors in Invented Encoders"
    assert names(one) == NAMES
    assert (one.record.venue_text, one.record.kind, one.record.doi) == (
        "CCS",
        "conference",
        "10.5555/CCS24.0001",
    )
    assert (two.record.kind, two.record.arxiv, two.record.doi) == (
        "preprint",
        "2401.00001",
        None,
    )


def test_dblp_writes_one_author_and_one_hit_without_a_list(desk, server):
    info = dblp_info(
        authors={"author": {"@pid": "1", "text": "Ada Example"}},
        ee=["https://aclanthology.org/2023.acl-long.1", "https://x.org/1"],
        doi=None,
    )
    data = dblp()
    data["result"]["hits"]["hit"] = {"info": info}
    server.answers["/dblp"] = as_json(data)
    (found,) = desk.ask(dblp_module.search, "x")
    assert (names(found), found.record.acl) == (["Ada Example"], "2023.acl-long.1")
    server.answers["/dblp"] = as_json(dblp())
    assert desk.ask(dblp_module.search, "nothing") == ()


def test_acl_gives_a_findings_paper(desk, server):
    server.answers["/acl/2023.findings-emnlp.1.xml"] = Answer(MODS)
    found = desk.ask(acl.find, "2023.findings-emnlp.1")
    record = found.record
    assert record.title == "Planting Backdoors in Invented Text Encoders"
    assert names(found) == ["Ada B. Müller", "Suharto"]
    assert (record.year, record.month, record.pages, record.kind) == (
        2023,
        12,
        "1-12",
        "conference",
    )
    assert record.venue_text.startswith("Findings of")
    assert record.doi == "10.18653/v1/2023.findings-emnlp.1"


@pytest.mark.parametrize("wrapped", [True, False])
def test_openreview_gives_an_accepted_paper(desk, server, wrapped):
    where = "/openreview" if wrapped else "/openreview_before_2024"
    server.answers["/openreview"] = Answer('{"name":"ForbiddenError"}', 403)
    server.answers[where] = as_json(note(wrapped=wrapped))
    record = desk.ask(openreview.find, "AbCdEfGh12").record
    assert (record.title, record.year) == (
        "Planting Backdoors in Invented Encoders",
        2024,
    )
    assert (record.venue_text, record.kind) == ("ICLR 2024 poster", "conference")


def test_a_submission_to_openreview_has_no_venue(desk, server):
    server.answers["/openreview"] = as_json(note("Submitted to ICLR 2024"))
    found = desk.ask(openreview.find, "AbCdEfGh12")
    assert (found.record.venue_text, found.record.kind) == (None, "other")
    assert "Submitted to ICLR 2024" in found.notes[0]
    server.answers["/openreview"] = as_json(
        note("ICLR 2024 Conference Withdrawn Submission")
    )
    desk.now += 90_000
    assert "was withdrawn" in desk.ask(openreview.find, "AbCdEfGh12").alarms[0]
    server.answers["/openreview"] = as_json(
        note("ICLR 2024 Conference Desk Rejected Submission")
    )
    desk.now += 90_000
    assert "was desk rejected" in desk.ask(openreview.find, "AbCdEfGh12").alarms[0]


def test_github_gives_the_paper_that_a_readme_cites(desk, server):
    server.answers["/github/ada/planting/readme"] = Answer(README)
    found = desk.ask(github.find, "ada/planting", github_token="secret")
    record = found.record
    assert record.title == "Planting Backdoors in Invented Encoders"
    assert names(found) == NAMES
    assert (record.doi, record.code_url) == (
        "10.5555/ccs24.0001",
        "https://github.com/ada/planting",
    )
    assert server.asked[0].headers["authorization"] == "Bearer secret"


def test_github_without_bibtex_gives_the_first_link(desk, server):
    readme = "# Planting\n[paper](https://arxiv.org/abs/2401.00001v2), [other](https://arxiv.org/abs/2401.00002)\n@article{torn, title={x"
    server.answers["/github"] = Answer(readme)
    found = desk.ask(github.find, "ada/planting")
    assert (found.record.arxiv, found.record.title) == ("2401.00001", "Planting")
    assert "no BibTeX" in found.notes[0]
    server.answers["/github"] = Answer("# Nothing here")
    with pytest.raises(NotFoundError, match="no BibTeX and no link"):
        desk.ask(github.find, "ada/other")


def test_a_page_tells_its_paper(desk, server):
    server.answers["/page"] = Answer(PAGE, headers={"content-type": "text/html"})
    found = desk.ask(page.find, f"{server.url}/page/x.html")
    record = found.record
    assert record.title == "Planting Backdoors in Invented Encoders"
    assert names(found) == NAMES
    assert (record.year, record.pages, record.kind) == (2024, "101-115", "conference")
    assert record.pdf_url == "https://openaccess.thecvf.com/x.pdf"


def test_a_page_about_nothing(desk, server):
    server.answers["/page"] = Answer("<html><title>Sign in</title>")
    with pytest.raises(NotFoundError, match="does not say which paper"):
        desk.ask(page.find, f"{server.url}/page/login")


@pytest.mark.parametrize(
    ("module", "path", "value", "body"),
    [
        (crossref_module.find, "/crossref", "10.5555/x", "{}"),
        (
            crossref_module.find,
            "/crossref",
            "10.5555/x",
            '{"message": {"title": null}}',
        ),
        (crossref_module.find, "/crossref", "10.5555/x", '{"message": [1]}'),
        (
            datacite_module.find,
            "/datacite",
            "10.5281/x",
            '{"data": {"attributes": {"titles": "x"}}}',
        ),
        (openreview.find, "/openreview", "AbCdEfGh12", '{"notes": [{"content": 3}]}'),
        (
            acl.find,
            "/acl",
            "2023.acl-long.1",
            '<mods xmlns="http://www.loc.gov/mods/v3"/>',
        ),
    ],
)
def test_an_answer_without_a_title_is_an_error_of_the_service(
    desk, server, module, path, value, body
):
    server.answers[path] = Answer(body)
    with pytest.raises(ServiceError):
        desk.ask(module, value)
