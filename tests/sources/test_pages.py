"""What pages of papers tell of them, in the fields and forms that publishers and repositories use."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sources.server import Answer

from surveykit.errors import NotFoundError, ServiceError
from surveykit.sources import page
from surveykit.sources.cache import Kept
from surveykit.sources.found import year_month

TITLE = "Planting Backdoors in Invented Encoders"
AUTHORS = ["Ada Example", "Wei Li"]
HTML = "text/html"


def meta(**fields):
    """`<meta>` elements; `__` in a name is a dot, a list makes several."""
    pairs = [
        (name.replace("__", "."), value)
        for name, values in fields.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return "".join(f'<meta name="{name}" content="{value}">\n' for name, value in pairs)


def told(desk, server, body, *, kind=HTML, path="/page/x", **more):
    server.answers["/page"] = Answer(body, headers={"content-type": kind} | more)
    return desk.ask(page.find, f"{server.site}{path}")


def names(found):
    return [author.name for author in found.record.authors]


HIGHWIRE = meta(
    citation_title=TITLE,
    citation_author=["Example, Ada", "Li, Wei"],
    citation_publication_date="2024/06/17",
    citation_conference_title="Proceedings of an Invented Symposium",
    citation_firstpage="101",
    citation_lastpage="115",
    citation_doi="10.5555/ccs24.0001",
)
BEPRESS = meta(
    bepress_citation_title=TITLE,
    bepress_citation_author=["Example, Ada", "Li, Wei"],
    bepress_citation_date="2024",
    bepress_citation_online_date="2025/1/5",
    bepress_citation_journal_title="Journal of Invented Results",
    bepress_citation_volume="3",
    bepress_citation_issue="2",
    bepress_citation_firstpage="101",
    bepress_citation_lastpage="115",
    bepress_citation_doi="https://doi.org/10.5555/ccs24.0001",
)
EPRINTS = meta(
    eprints__title=TITLE,
    eprints__creators_name=["Example, Ada", "Li, Wei"],
    eprints__date="2024-06",
    eprints__datestamp="2025-01-05 10:11:12",
    eprints__publication="Journal of Invented Results",
    eprints__volume="3",
    eprints__number="2",
    eprints__pagerange="101-115",
    eprints__id_number="doi:10.5555/ccs24.0001",
    DC__identifier="https://eprints.example.org/1/1/paper.pdf",
)
PRISM = meta(
    prism__title=TITLE,
    dc__creator=["Example, Ada", "Li, Wei"],
    prism__publicationDate="2024-06-17",
    prism__publicationName="Journal of Invented Results",
    prism__volume="3",
    prism__number="2",
    prism__startingPage="101",
    prism__endingPage="115",
    prism__doi="10.5555/ccs24.0001",
)
DUBLIN = meta(
    DC__title=TITLE,
    DC__creator=["Example, Ada", "Li, Wei"],
    DCTERMS__issued="2024-06",
    DC__date="2025-01-05T10:11:12Z",
    DC__identifier=["1577", "https://hdl.handle.net/1/2", "doi:10.5555/ccs24.0001"],
)
JOURNAL_SYSTEM = meta(
    DC__Title="Ein anderer Titel",
    DC__Creator__PersonalName=AUTHORS,
    DC__Date__issued="2024-06-17",
    DC__Identifier__DOI="10.5555/ccs24.0001",
    DC__Identifier__pageNumber="101-115",
    citation_title=TITLE,
    citation_author=AUTHORS,
    citation_journal_title="Journal of Invented Results",
    citation_volume="3",
    citation_issue="2",
    citation_firstpage="101",
    citation_lastpage="115",
)
ATYPON = (
    meta(dc__Title=TITLE, dc__Creator=AUTHORS)
    + '<meta name="dc.Date" scheme="WTN8601" content="2024-06-17T00:00:00Z">'
    + '<meta name="dc.Identifier" scheme="publisher" content="81839">'
    + '<meta name="dc.Identifier" scheme="doi" content="10.5555/ccs24.0001"></meta>'
)


@pytest.mark.parametrize(
    ("fields", "journal"),
    [
        (HIGHWIRE, None),
        (BEPRESS, "3/2"),
        (EPRINTS, "3/2"),
        (PRISM, "3/2"),
        (DUBLIN, ""),
        (JOURNAL_SYSTEM, "3/2"),
        (ATYPON, ""),
        (HIGHWIRE.replace("name=", "property="), None),
        (HIGHWIRE.upper().replace(TITLE.upper(), TITLE).replace("EXAMPLE, ADA", "Example, Ada")
         .replace("LI, WEI", "Li, Wei"), None),
    ],
    ids=["highwire", "bepress", "eprints", "prism", "dublin", "ojs", "atypon", "property", "upper"],
)  # fmt: skip
def test_each_family_of_fields_tells_the_paper(desk, server, fields, journal):
    found = told(desk, server, f"<!DOCTYPE html><html><head>{fields}</head><body>")
    record = found.record
    assert (record.title, names(found)) == (TITLE, AUTHORS)
    assert (record.year, record.doi.lower()) == (2024, "10.5555/ccs24.0001")
    if journal is None:
        assert (record.kind, record.pages) == ("conference", "101-115")
    elif journal:
        assert (record.kind, record.pages) == ("journal", "101-115")
        assert f"{record.volume}/{record.number}" == journal
    else:
        assert record.kind == "other"
    assert found.notes == ()


@pytest.mark.parametrize(
    ("authors", "expected"),
    [
        ({"citation_author": ["Example, Ada", "Li, Wei"], "citation_authors": "Example, Ada; Li, Wei"}, AUTHORS),
        ({"citation_authors": "Example, Ada; Li, Wei"}, AUTHORS),
        ({"citation_authors": "Example, Ada and Li, Wei", "DC__creator": AUTHORS}, AUTHORS),
        ({"DC__creator": AUTHORS, "DCTERMS__creator": AUTHORS, "citation_author": AUTHORS}, AUTHORS),
        ({"citation_author": AUTHORS + AUTHORS}, AUTHORS),
        ({"citation_author": ["Wei Wang", "Wei Wang"]}, ["Wei Wang", "Wei Wang"]),
    ],
)  # fmt: skip
def test_authors_that_stand_twice_are_taken_once(desk, server, authors, expected):
    assert names(told(desk, server, meta(citation_title=TITLE, **authors))) == expected


def test_a_head_that_stands_twice_is_one_paper(desk, server):
    head = meta(citation_title=TITLE, citation_author="Wei Wang")
    assert names(told(desk, server, head + head)) == ["Wei Wang"]


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2024/06/17", (2024, 6)),
        ("2024-6", (2024, 6)),
        ("2024.06", (2024, 6)),
        ("2024", (2024, None)),
        ("20240617", (2024, 6)),
        ("2024-06-17T00:00:00Z", (2024, 6)),
        ("2024-00-00", (2024, None)),
        ("17 June 2024", (2024, 6)),
        ("17-Jun-2024", (2024, 6)),
        ("June 2024", (2024, 6)),
        ("Jun 17, 2024", (2024, 6)),
        ("Sept. 3, 2024", (2024, 9)),
        ("June 17-21, 2024", (2024, 6)),
        ("June 30 - July 2, 2024", (2024, None)),
        ("Mon, 17 Jun 2024 12:00:00 GMT", (2024, 6)),
        ("06/17/2024", (2024, 6)),
        ("17/06/2024", (2024, 6)),
        ("17.6.2024", (2024, 6)),
        ("06/06/2024", (2024, 6)),
        ("05/06/2024", (2024, None)),
        ("99/99/2024", (2024, None)),
        ("(SCHEME=ISO8601) 2024-06-17", (2024, 6)),
        ("2024年6月17日", (2024, 6)),
        ("Spring 2024", (2024, None)),
        ("2021-2022", (2021, None)),
        ("n.d.", (None, None)),
        ("0001-01-01", (None, None)),
        ("", (None, None)),
    ],
)
def test_dates_are_read_as_publishers_write_them(date, expected):
    assert year_month(date) == expected


GERMAN, CHINESE = "Hintertüren in erfundenen Größen", "预训练编码器的后门检测"


def declared(title, declaration=""):
    return f"{declaration}<html><head><title>x</title>{meta(citation_title=title)}"


@pytest.mark.parametrize(
    ("title", "declaration", "kind", "encoding"),
    [
        (GERMAN, "", f"{HTML}; charset=ISO-8859-1", "latin-1"),
        (GERMAN, '<meta charset="windows-1252">', HTML, "cp1252"),
        (GERMAN, "<META HTTP-EQUIV='Content-Type' CONTENT='text/html; charset=iso-8859-15'>", HTML, "iso-8859-15"),
        (GERMAN, '<?xml version="1.0" encoding="ISO-8859-1"?>', "application/xhtml+xml", "latin-1"),
        (GERMAN, '<meta charset="utf-8">', HTML, "utf-8-sig"),
        (GERMAN, "", HTML, "utf-16"),
        (GERMAN, "", HTML, "utf-8"),
        (GERMAN, "", HTML, "latin-1"),
        (GERMAN, '<meta charset="utf-8">', HTML, "latin-1"),
        (GERMAN, "", f"{HTML}; charset=ISO-8859-1", "utf-8"),
        (GERMAN, '<meta charset="x-unknown">', f"{HTML}; charset=none", "utf-8"),
        (CHINESE, '<meta charset="gb2312">', HTML, "gbk"),
        (CHINESE, "", f"{HTML};charset=GBK", "gb18030"),
        (CHINESE, "", HTML, "gb18030"),
        (CHINESE, '<meta charset="big5">', HTML, "utf-8"),
        ("預訓練編碼器", '<meta charset="big5">', HTML, "big5"),
        ("事前学習エンコーダ", '<meta charset="Shift_JIS">', HTML, "shift_jis"),
    ],
)  # fmt: skip
def test_the_charset_is_the_declared_one_or_looked_for(
    desk, server, title, declaration, kind, encoding
):
    body = declared(title, declaration).encode(encoding)
    assert told(desk, server, body, kind=kind).record.title == title


def test_a_broken_letter_behind_the_fields_does_no_harm(desk, server):
    body = declared(GERMAN).encode() + b"</head><body>" + b" " * 70_000 + b"\xff\xfe"
    assert told(desk, server, body).record.title == GERMAN


def test_authors_in_one_field_that_may_be_one_or_two_are_a_note(desk, server):
    fields = meta(citation_title=TITLE, citation_authors="Ada Example, Wei Li")
    assert "if it is two" in told(desk, server, fields).notes[0]


@pytest.mark.parametrize("encoding", ["latin-1", "gb18030"])
def test_a_charset_that_was_looked_for_is_a_note(desk, server, encoding):
    title = CHINESE if encoding == "gb18030" else GERMAN
    (note,) = told(desk, server, declared(title).encode(encoding)).notes
    assert re.search(r"in no charset that it declares; read as (gb18030|cp1252)", note)
    assert told(desk, server, declared(title).encode(), path="/page/y").notes == ()


def test_bytes_that_are_no_text_are_an_error_of_the_service(desk, server):
    with pytest.raises(ServiceError, match="instead of text in a charset"):
        told(desk, server, bytes(range(256)) * 20)


@pytest.mark.parametrize(
    ("pdf", "base", "expected"),
    [
        ("paper.pdf", "", "{}/page/paper.pdf"),
        ("/files/paper.pdf", "", "{}/files/paper.pdf"),
        ("../paper.pdf?a=1&amp;b=2", "", "{}/paper.pdf?a=1&b=2"),
        ("paper.pdf", "/journal/", "{}/journal/paper.pdf"),
        ("paper.pdf", "https://cdn.example.org/x/", "https://cdn.example.org/x/paper.pdf"),
        ("//cdn.example.org/paper.pdf", "", "http://cdn.example.org/paper.pdf"),
        ("https://example.org/paper.pdf", "", "https://example.org/paper.pdf"),
        ("javascript:alert(1)", "", None),
        ("file:///etc/passwd", "", None),
        ("http://[::1", "", None),
        ("paper.pdf", "http://[::1", None),
    ],
)  # fmt: skip
def test_addresses_of_the_pdf_are_made_whole(desk, server, pdf, base, expected):
    head = f'<base href="{base}">' if base else ""
    found = told(desk, server, head + meta(citation_title=TITLE, citation_pdf_url=pdf))
    assert found.record.pdf_url == (expected and expected.format(server.site))


def test_a_relative_address_belongs_to_the_page_where_redirects_led(desk, server):
    body = meta(citation_title=TITLE, citation_pdf_url="paper.pdf")
    server.answers["/page"] = Answer("", 302, {"Location": "/moved/here/x"})
    server.answers["/moved"] = Answer(body, headers={"content-type": HTML})
    for _ in range(2):  # the second answer comes from the cache
        found = desk.ask(page.find, f"{server.site}/page/x")
        assert found.record.pdf_url == f"{server.site}/moved/here/paper.pdf"


@pytest.mark.parametrize("pdf", ["http://10.0.0.1/a.pdf", "http://intra.local/a.pdf"])
def test_a_private_address_of_a_pdf_is_left_out(desk, server, pdf):
    found = told(desk, server, meta(citation_title=TITLE, citation_pdf_url=pdf))
    assert found.record.pdf_url is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10.5555/ccs24.0001", ("10.5555/ccs24.0001", None)),
        ("info:doi/10.5555/ccs24.0001", ("10.5555/ccs24.0001", None)),
        ("https://doi.org/10.5555/ccs24.0001", ("10.5555/ccs24.0001", None)),
        ("10.48550/arXiv.2401.00001", (None, "2401.00001")),
        ("n/a", (None, None)),
    ],
)
def test_a_doi_may_come_with_its_address(desk, server, value, expected):
    record = told(desk, server, meta(citation_title=TITLE, citation_doi=value)).record
    assert (record.doi, record.arxiv) == expected


def test_the_arxiv_id_stands_beside_the_doi(desk, server):
    fields = meta(
        citation_title=TITLE,
        citation_arxiv_id="2401.00001",
        DC__identifier="10.5555/ccs24.0001",
    )
    record = told(desk, server, fields).record
    assert (record.doi, record.arxiv) == ("10.5555/ccs24.0001", "2401.00001")


def test_of_several_languages_the_english_one_is_taken(desk, server):
    fields = (
        '<meta name="citation_title" xml:lang="zh" content="预训练编码器的后门">'
        f'<meta name="citation_title" xml:lang="en-US" content="{TITLE}">'
        + meta(citation_author=AUTHORS)
    )
    found = told(desk, server, fields)
    assert (found.record.title, names(found)) == (TITLE, AUTHORS)


def test_a_page_of_several_papers_is_not_guessed_from(desk, server):
    fields = meta(citation_title=[TITLE, "Another Invented Paper"])
    with pytest.raises(NotFoundError, match=r"tells of 2 papers, 'Planting.* give its"):
        told(desk, server, fields)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<title>Just a moment...</title><script>challenge()</script>", "it calls itself 'Just a moment...'; give"),
        ("<title>Cookie &amp; consent</title><meta property='og:title' content='A Paper'>", "'Cookie & consent'"),
        ("<title>x</title><script>meta={\"doi\":\"10.5555/ccs24.0001\"}</script>", "perhaps doi:10.5555/ccs24.0001"),
        ("%PDF-1.7 \x00 <meta name=citation_title content=x>", "it calls itself 'PDF'; give its DOI"),
        ("", r"no citation_title\); give its DOI"),
        ("<!-- <meta name='citation_title' content='Template'> -->", "does not say"),
        ("<script>'<meta name=citation_title content=Template>'</script>", "does not say"),
    ],
)  # fmt: skip
def test_a_page_that_tells_of_no_paper_says_what_it_is(desk, server, body, said):
    with pytest.raises(NotFoundError, match=said):
        told(desk, server, body)


def read(body: bytes):
    return page._read(Kept("https://example.org/x", body, 0.0, content_type=HTML))


@pytest.mark.parametrize(
    "piece",
    ["<div>", "<a>", "<meta ", '<meta "', "<meta name=citation_title content=x>", "<!--",
     "<title>", "<script>", "<", "</title>", "<base>", "<?xml ", "<table>", "charset=", "&lt", "<p><b>"],
)  # fmt: skip
def test_a_page_of_one_thing_costs_no_more_than_its_length(piece):
    start = time.process_time()
    read(piece.encode() * (1_000_000 // len(piece)))
    assert time.process_time() - start < 3.0


@given(
    st.binary(max_size=200)
    | st.lists(
        st.sampled_from(
            ["<meta ", "name=", '"', "citation_title", "content=", ">", "<title>", "charset=", "utf-7",
             "<base href=", "http://[", "\x00", "\ud800", "&#x110000;", "<!--", "-->", "dc.", "<?xml encoding='"]
        ),
        max_size=30,
    ).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass"))
)  # fmt: skip
def test_no_bytes_break_the_reader(body):
    try:
        told = read(body)
    except ValueError:  # which the client makes an error of the service
        return
    assert all(isinstance(text, str) for text in told.one_of("title"))


@pytest.mark.parametrize(
    "charset", ["rot13", "hex", "zlib", "bz2", "base64", "quopri", "uu", "undefined"]
)
def test_what_is_no_charset_is_passed_over(desk, server, charset):
    """Some of these names mean a packing, which could unpack to gigabytes."""
    head = f"<meta charset={charset}>{meta(citation_title=TITLE)}"
    kind = f"text/html; charset={charset}"
    assert told(desk, server, head, kind=kind).record.title == TITLE


def test_no_charset_takes_long(desk, server):
    head = f"<meta charset=punycode>{meta(citation_title=TITLE)}-{'a' * 60_000}"
    start = time.process_time()
    assert told(desk, server, head).record.title == TITLE
    assert time.process_time() - start < 0.2
