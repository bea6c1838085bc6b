"""Papers of some days, from services in their documented forms and with their faults."""

import gzip
import json
import re
from datetime import date

import pytest
from sources.answers import ATOM, MODS, atom, atom_entry, dblp, dblp_info, note
from sources.server import Answer, as_json

from surveykit.discover.candidate import unlike
from surveykit.discover.question import asked
from surveykit.errors import ServiceError
from surveykit.sources import arxiv, openalex
from surveykit.sources.recent import Wanted
from surveykit.sources.services import Services

WEEK = Wanted(
    date(2026, 11, 16),
    date(2026, 11, 17),
    ("cs.CR", "cs.CV"),
    (("backdoor", "adversarial"), ("encoder", "clip")),
    ("acl-long",),
)


def day_of(query):
    return re.search(r"submittedDate:\[([0-9]{8})0000 TO \1 ?2359\]", query)[1]


class Listing:
    """arXiv with papers by day, in pages of its own size, and with its faults."""

    def __init__(self, **days):
        self.days = {name[1:]: numbers for name, numbers in days.items()}
        self.faults = []
        """Answers that come first, whatever is asked."""

    @staticmethod
    def day(asked):
        return day_of(asked.query["search_query"])

    def __call__(self, asked):
        if self.faults:
            return self.faults.pop(0)
        day = day_of(asked.query["search_query"])
        numbers = self.days.get(day, [])
        start, most = int(asked.query["start"]), int(asked.query["max_results"])
        when = f"{day[:4]}-{day[4:6]}-{day[6:]}T12:00:00Z"
        entries = [
            atom_entry(f"2611.{n:05d}v1", f"Paper Number {n} of a Kind", published=when)
            for n in numbers[start : start + most]
        ]
        text = re.sub(
            r"(<opensearch:totalResults[^>]*>)[0-9]+",
            rf"\g<1>{len(numbers)}",
            atom(*entries),
        )
        return Answer(text, headers={"content-type": ATOM})


def found(desk, source="arxiv", wanted=WEEK, **more):
    return desk.ask(asked, source, wanted, **more)


def test_arxiv_is_asked_day_by_day_and_page_by_page(server, desk):
    papers = list(range(1, 2 * arxiv.PAGE + 6))
    server.answers["/arxiv"] = Listing(_20261116=papers, _20261117=[9000])
    some = found(desk)
    assert [c.id for c in some] == [f"2611.{n:05d}" for n in (*papers, 9000)]
    assert {c.day for c in some} == {date(2026, 11, 16), date(2026, 11, 17)}
    queries = [a.query["search_query"] for a in server.asked]
    assert len(queries) == 4
    assert all(q.startswith("(cat:cs.CR OR cat:cs.CV) AND ") for q in queries)
    found(desk)
    assert len(server.asked) == 4  # from the cache


HTML = Answer(
    "<!DOCTYPE html><html>Sorry</html>", headers={"content-type": "text/html"}
)


@pytest.mark.parametrize(
    "fault",
    [
        Answer("busy", 429),
        Answer("busy", 429, {"Retry-After": "7"}),
        Answer("busy", 503),
        HTML,
        Answer("", headers={"content-type": ATOM}),
        Answer(atom().replace(">0<", ">5<"), headers={"content-type": ATOM}),
    ],
    ids=["429", "429-later", "503", "html", "nothing", "empty page"],
)
def test_a_passing_fault_costs_a_wait_and_no_paper(server, desk, fault):
    listing = Listing(_20261116=[1, 2], _20261117=[3])
    listing.faults = [fault]
    server.answers["/arxiv"] = listing
    assert [c.id for c in found(desk)] == ["2611.00001", "2611.00002", "2611.00003"]
    assert len(server.asked) == 3
    assert desk.slept
    if fault.headers.get("Retry-After"):
        assert 7.0 in desk.slept


def test_a_fault_that_stays_is_an_error_and_what_came_before_is_kept(server, desk):
    listing = Listing(_20261116=[1], _20261117=[3])
    server.answers["/arxiv"] = listing
    found(desk, wanted=Wanted(WEEK.first, WEEK.first, WEEK.categories))
    server.answers["/arxiv"] = HTML
    with pytest.raises(ServiceError, match="a web page"):
        found(desk)
    before = len(server.asked)
    server.answers["/arxiv"] = listing
    assert len(found(desk)) == 2
    assert len(server.asked) == before + 1  # the first day was kept


def test_a_count_that_is_not_reached_is_said(server, desk):
    def short(asked):
        answer = Listing(_20261116=[1, 2])(asked)
        answer.body = answer.body.replace(">2<", ">7<")
        return answer

    server.answers["/arxiv"] = short
    assert len(found(desk, wanted=Wanted(WEEK.first, WEEK.first, ("cs.CR",)))) == 2
    assert desk.client.notes == ["arXiv of 2026-11-16 counts 7 papers and gave 2"]


def test_a_week_of_four_classes_takes_few_questions_three_seconds_apart(server, desk):
    sizes = {
        "16": 812,
        "17": 874,
        "18": 791,
        "19": 823,
        "20": 740,
        "21": 268,
        "22": 301,
    }
    start, days = 0, {}
    for day, size in sizes.items():
        days[f"_202611{day}"] = range(start, start + size)
        start += size
    server.answers["/arxiv"] = Listing(**days)
    classes = ("cs.CR", "cs.CV", "cs.LG", "cs.CL")
    week = Wanted(date(2026, 11, 16), date(2026, 11, 22), classes)
    assert len(found(desk, wanted=week)) == sum(sizes.values())
    assert len(server.asked) <= 40
    assert Services().arxiv.spacing == 3.0


def test_pages_that_overlap_and_change_their_order_give_each_paper_once(server, desk):
    listing = Listing(_20261116=list(range(2 * arxiv.PAGE)))

    def moved(asked):
        """A paper more has come in at the front, so that the second page begins with one of the first."""
        start = int(asked.query["start"])
        asked.query["start"] = str(max(0, start - 1))
        return listing(asked)

    server.answers["/arxiv"] = moved
    some = found(desk, wanted=Wanted(WEEK.first, WEEK.first, ("cs.CR",)))
    ids = [c.id for c in unlike(some, ())]
    assert len(some) > len(ids) == len(set(ids))
    again = [c.id for c in unlike(some[::-1], ())]
    assert again == ids


def test_withdrawn_papers_and_errors_in_place_of_papers_are_left_out(server, desk):
    gone = atom_entry("2611.00002v2", comment="This paper has been withdrawn")
    text = atom(gone, atom_entry("2611.00003v1", published="2026-11-16T00:00:00Z"))
    server.answers["/arxiv"] = Answer(text, headers={"content-type": ATOM})
    some = found(desk, wanted=Wanted(WEEK.first, WEEK.first, ("cs.CR",)))
    assert [c.id for c in some] == ["2611.00003"]


def work(number, **more):
    return {
        "id": f"https://openalex.org/W{number}",
        "doi": f"https://doi.org/10.5555/w.{number}",
        "title": f"A Backdoor in <i>Encoder</i> {number}",
        "publication_date": "2026-11-16",
        "type": "article",
        "is_retracted": False,
        "authorships": [{"raw_author_name": "Ada B. van Müller"}],
        "locations": [{"landing_page_url": "https://arxiv.org/abs/2611.00001v2"}],
        "abstract_inverted_index": {"plant": [1], "We": [0], "backdoors.": [2]},
    } | more


def works(*some, count=None):
    total = len(some) if count is None else count
    return as_json(
        {"meta": {"count": total, "page": 1, "per_page": 100}, "results": [*some]}
    )


def test_openalex_gives_pages_of_works_with_abstracts(server, desk):
    many = [work(n) for n in range(openalex.PAGE)]
    pages = {"1": works(*many, count=102), "2": works(work(200), work(201, is_retracted=True), count=102)}  # fmt: skip
    server.answers["/openalex"] = lambda asked: pages[asked.query["page"]]
    some = found(desk, "openalex", openalex_key="a key")
    assert len(some) == 101  # one is retracted
    first = some[0]
    assert first.record.title == "A Backdoor in Encoder 0"
    assert first.record.abstract == "We plant backdoors."
    assert first.record.arxiv == "2611.00001"
    assert first.record.doi == "10.5555/w.0"
    query = server.asked[0].query
    assert query["api_key"] == "a key"
    assert query["filter"] == (
        'title_and_abstract.search:("backdoor" OR "adversarial") AND ("encoder" OR "clip"),'
        "from_publication_date:2026-11-16,to_publication_date:2026-11-17"
    )
    kept = b"".join(path.read_bytes() for path in desk.cache.folder.iterdir())
    assert b"key" not in kept.replace(b"keywords", b"")


def test_openalex_spent_for_the_day_is_an_error(server, desk):
    answer = as_json({"error": "Rate limit"}, status=429)
    answer.headers["Retry-After"] = "40000"
    server.answers["/openalex"] = answer
    with pytest.raises(ServiceError, match="11 h"):
        found(desk, "openalex")


@pytest.mark.parametrize(
    ("index", "text"),
    [
        ({}, ""),
        (None, ""),
        ([1], ""),
        ({"a": [0, 2], "b": [1]}, "a b a"),
        ({"a": [10**9, -1, "x", None], "b": 3}, "b"),
    ],
)
def test_an_inverted_index_is_read_as_far_as_it_goes(index, text):
    assert openalex.abstract(index) == text


def test_dblp_knows_years_alone(server, desk):
    infos = [dblp_info(title=f"Planting Backdoors {n}.", year="2026") for n in range(3)]
    server.answers["/dblp"] = as_json(dblp(*infos))
    some = found(desk, "dblp")
    assert len(some) == 3
    assert {c.day for c in some} == {date(2026, 11, 17)}
    assert server.asked[0].query["q"] == "backdoor|adversarial encoder|clip year:2026:"


def test_dblp_behind_its_gate_is_an_error(server, desk):
    server.answers["/dblp"] = HTML
    with pytest.raises(ServiceError, match="a web page"):
        found(desk, "dblp")


def test_the_anthology_gives_volumes_that_are_out(server, desk):
    text = MODS.replace("2023-12", "2026-11").replace("2023.findings-emnlp.1", "2026.acl-long.1")  # fmt: skip
    server.answers["/acl/volumes/2026.acl-long.xml"] = Answer(text)
    wide = Wanted(date(2025, 12, 30), date(2026, 11, 17), volumes=("acl-long",))
    (one,) = found(desk, "acl", wide)
    assert one.record.acl == "2026.acl-long.1"
    assert one.day == date(2026, 11, 1)
    assert [*server.paths()] == ["/acl/volumes/2025.acl-long.xml", "/acl/volumes/2026.acl-long.xml"]  # fmt: skip


def test_openreview_gives_submissions_that_were_shown_in_these_days(server, desk):
    def answer(asked):
        shown = note("ICLR 2027 Conference Submission", odate=None)
        old = note()["notes"][0]
        new = shown["notes"][0] | {"odate": 1_794_830_400_000, "id": "NewNewNew1", "forum": "NewNewNew1"}  # fmt: skip
        gone = note("Withdrawn")["notes"][0] | {"odate": 1_794_830_400_000}
        other = note(title="On Trees", abstract="Roots.")["notes"][0] | {"odate": 1_794_830_400_000}  # fmt: skip
        return as_json({"notes": [old, new, gone, other, 7], "count": 5})

    server.answers["/openreview/search"] = answer
    some = found(desk, "openreview")
    assert {c.record.openreview for c in some} == {"NewNewNew1"}
    assert [a.query["term"] for a in server.asked] == ["encoder", "clip"]
    assert {c.day for c in some} == {date(2026, 11, 16)}


def test_a_file_of_json_lines_is_read_and_faults_are_named(tmp_path):
    from surveykit.discover import listed

    lines = [
        {"id": "2501.00707v2", "date": "2025-01-01", "title": "One $\\delta$", "abstract": "a\nb"},
        {"id": "10.5555/x.1", "date": "1 March 2025", "title": "Two", "arxiv": "2501.00001"},
        {"id": "", "date": "2025-01-01", "title": "x"},
        {"id": "x", "date": "someday", "title": "x"},
        [1],
    ]  # fmt: skip
    raw = "\n".join(json.dumps(line) for line in lines) + "\nno json\n\n"
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(raw.encode()))
    listing = listed.read(path)
    first, second = listing.candidates
    assert (first.record.arxiv, first.record.title, first.record.abstract) == (
        "2501.00707",
        "One δ",
        "a b",
    )
    assert (second.record.doi, second.record.arxiv, second.day) == (
        "10.5555/x.1",
        "2501.00001",
        date(2025, 3, 1),
    )
    assert [fault.split(": ")[0] for fault in listing.faults] == [
        f"a.jsonl.gz:{n}" for n in (3, 4, 5, 6)
    ]
