"""What people paste becomes the right name of the paper, and nothing that they paste breaks it."""

from __future__ import annotations

import contextlib
import string
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from surveykit.errors import IdentifierError
from surveykit.identifier import arxiv_id, doi, identify

SICI = "10.1002/(SICI)1097-4571(199205)43:4<284::AID-ASI3>3.0.CO;2-0"
SICI_CODED = SICI.replace("<", "%3C").replace(">", "%3E")
FENG, ACM = "2303.15180", "10.1145/3503161.3547801"
SPRINGER = "10.1007/978-3-031-20065-6_1"

# what is found: the texts that say so
UNDERSTOOD = {
    f"arXiv:{FENG}": [
        "2303.15180",
        " arXiv: 2303.15180v12 ",
        "ARXIV:2303.15180",
        "<2303.15180>",
        "`2303.15180`",
        "**arXiv:2303.15180**",
        "“2303.15180”",
        "(arXiv:2303.15180)",
        "[arXiv:2303.15180]",
        "2303.15180.",
        "arXiv:2303.15180,",
        "arXiv:2303.15180v1  [cs.CV]  27 Mar 2023",
        "arXiv:2303.15180v1 [cs.CV] 27 Mar 2023\n",
        "arXiv:2303.15180 [cs.CV]",
        "arXiv:2303.15180v2\u00a0[stat.ML]\u00a01 Jan 2024",
        "arXiv preprint arXiv:2303.15180",
        "arXiv preprint arXiv:2303.15180, 2023.",
        "arXiv preprint arXiv:2303.15180 (2023)",
        "arXiv preprint 2303.15180",
        "arXiv 2303.15180",
        "arXiv e-print: 2303.15180",
        "An Invented Title of a Paper. arXiv:2303.15180",
        "https://arxiv.org/abs/2303.15180 [cs.CV]",
        "arXiv：2303.15180",
        "ａｒＸｉｖ：２３０３．１５１８０ｖ１",
        "arXiv:2303.15180。",
        "（2303.15180）",
        "2303.15180v2.pdf",
        "2303.15180v2 (1).pdf",
        "2303.15180v2(3).pdf",
        "2303.15180.pdf",
        "2303.15180v1-2.pdf",
        "2303.15180 copy.pdf",
        "arXiv-2303.15180v2.tar.gz",
        "arxiv_2303.15180.pdf",
        "/home/ada/Downloads/2303.15180v2.pdf",
        r"C:\Users\ada\Downloads\2303.15180v2 (1).pdf",
        "https://arxiv.org/abs/2303.15180v1",
        "http://www.arxiv.org/pdf/2303.15180v1.pdf",
        "https://arxiv.org/pdf/2303.15180#page=3",
        "https://arxiv.org/pdf/2303.15180v2.pdf#page=3",
        "arxiv.org/abs/2303.15180?context=cs",
        "https://arxiv.org/abs/2303.15180?utm_source=x&utm_medium=y",
        "https://arxiv.org/abs/arXiv:2303.15180",
        "https://arxiv.org/html/2303.15180v2",
        "https://arxiv.org/html/2303.15180v2#S3.F2",
        "https://arxiv.org/html/2303.15180v2/x1.png",
        "https://arxiv.org/format/2303.15180",
        "https://arxiv.org/e-print/2303.15180",
        "https://arxiv.org/ftp/arxiv/papers/2303/2303.15180.pdf",
        "https://ar5iv.labs.arxiv.org/html/2303.15180",
        "https://ar5iv.org/abs/2303.15180",
        "https://browse.arxiv.org/pdf/2303.15180.pdf",
        "http://export.arxiv.org/abs/2303.15180",
        "http://cn.arxiv.org/abs/2303.15180",
        "http://xxx.itp.ac.cn/pdf/2303.15180",
        "https://www.alphaxiv.org/overview/2303.15180v1",
        "https://huggingface.co/papers/2303.15180",
        "https://hf.co/papers/2303.15180",
        "https://papers.cool/arxiv/2303.15180",
        "https://www.semanticscholar.org/arxiv/2303.15180",
        "https://api.semanticscholar.org/arXiv:2303.15180",
        "https://api.semanticscholar.org/graph/v1/paper/arXiv:2303.15180?fields=title",
        "https://scirate.com/arxiv/2303.15180",
        "https://dblp.org/rec/journals/corr/abs-2303-15180.html",
        "https://dblp.org/rec/journals/corr/abs-2303-15180?view=bibtex",
        "https://www.google.com/url?q=https://arxiv.org/abs/2303.15180&sa=D",
        "https://link.zhihu.com/?target=https%3A//arxiv.org/abs/2303.15180",
        "https://web.archive.org/web/2023/https://arxiv.org/abs/2303.15180",
        "https://arxiv-org.ezproxy.example.edu/abs/2303.15180",
        "10.48550/arXiv.2303.15180",
        "https://doi.org/10.48550/ARXIV.2303.15180",
        "https://doi.org/10.48550/arXiv.2303.15180v2",
        "[2303.15180](https://arxiv.org/abs/2303.15180)",
        '[Paper](https://arxiv.org/abs/2303.15180 "arXiv")',
        "<https://arxiv.org/abs/2303.15180>",
        "https://arxiv.org/abs/2303.15180).",
        "see https://arxiv.org/abs/2303.15180",
    ],
    "arXiv:hep-th/9901001": ["hep-th/9901001v3", "arXiv:hep-th/9901001"],
    "arXiv:2002.08619": ["cs.LG/2002.08619", "arXiv:stat.ML/2002.08619v2"],
    "arXiv:cs/9901001": [
        "https://export.arxiv.org/abs/cs/9901001",
        "https://arxiv.org/pdf/cs/9901001v2",
        "arXiv:cs.CR/9901001",
    ],
    "arXiv:math/0309136": ["math.GT/0309136", "https://arxiv.org/abs/math.GT/0309136"],
    f"doi:{ACM}": [
        ACM,
        f"doi:{ACM}",
        f"DOI {ACM}",
        f"DOI: {ACM}",
        f"doi={ACM}",
        f"({ACM})",
        f"{ACM}.",
        f"{ACM}.pdf",
        f"`{ACM}`",
        f"**{ACM}**",
        f"doi：{ACM}",
        f"DOI：{ACM}。",
        "１０．１１４５／３５０３１６１．３５４７８０１",
        "10.1145%2F3503161.3547801",
        f"[{ACM}](https://doi.org/{ACM})",
        f"[https://doi.org/{ACM}](https://doi.org/{ACM})",
        f"<https://doi.org/{ACM}>",
        f"https://doi.org/{ACM}",
        f"http://dx.doi.org/{ACM}",
        f"DOI: https://doi.org/{ACM}",
        f"doi:https://doi.org/{ACM}",
        f"doi.org/{ACM}",
        f"doi.org/{ACM}.",
        f"(doi.org/{ACM})",
        f"doi.org/{ACM}).",
        f"https://doi.org/{ACM}]",
        f"Ada Example. 2022. An Invented Title. https://doi.org/{ACM}",
        f"https://dl.acm.org/doi/{ACM}",
        f"https://dl.acm.org/doi/abs/{ACM}",
        f"https://dl.acm.org/doi/pdf/{ACM}?download=true",
        f"https://dl.acm.org/doi/fullHtml/{ACM}",
        f"https://dl.acm.org/doi/{ACM}#sec-2",
        f"https://doi.acm.org/{ACM}",
        f"https://doi-org.ezproxy.example.edu/{ACM}",
        f"https://www-doi-org.lama.example.fr/{ACM}",
        f"http://0-www.doi.org.library.example.eu/{ACM}",
        f"https://dl-acm-org.proxy.example.edu/doi/{ACM}",
        f"http://dl.acm.org.proxy.example.edu/doi/pdf/{ACM}",
        f"https://login.proxy.example.edu/login?url=https://dl.acm.org/doi/{ACM}",
        f"https://go.openathens.example/redirector/x?url=https%3A%2F%2Fdoi.org%2F{ACM}",
    ],
    "doi:10.1109/CVPR52729.2023.01569": ["doi:10.1109/CVPR52729.2023.01569."],
    "doi:10.1016/S0005-1098(97)00014-X": [
        "10.1016/S0005-1098(97)00014-X",
        "https://doi.org/10.1016/S0005-1098(97)00014-X",
        "[x](https://doi.org/10.1016/S0005-1098(97)00014-X)",
    ],
    f"doi:{SICI}": [
        SICI,
        f"<{SICI}>",
        f"doi: {SICI}.",
        SICI.replace("<", "&lt;").replace(">", "&gt;"),
        SICI.replace("<", "&amp;lt;").replace(">", "&amp;gt;"),
        SICI_CODED,
        f"https://doi.org/{SICI_CODED}",
        f"https://onlinelibrary.wiley.com/doi/abs/{SICI_CODED}",
    ],
    f"doi:{SPRINGER}": [
        f"https://link.springer.com/chapter/{SPRINGER}",
        f"https://link.springer.com/chapter/{SPRINGER}#Abs1",
        f"https://link.springer.com/content/pdf/{SPRINGER}.pdf",
        f"https://link.springer.com/chapter/{SPRINGER}/figures/2",
        "https://link.springer.com/chapter/10.1007%2F978-3-031-20065-6_1",
        f"https://link-springer-com.ezproxy.example.edu/chapter/{SPRINGER}",
        r"10.1007/978-3-031-20065-6\_1",
        "10.1007/978‐3‐031‐20065‐6_1",
    ],
    "doi:10.1002/int.22456": [
        "https://onlinelibrary.wiley.com/doi/10.1002/int.22456/full",
        "https://onlinelibrary.wiley.com/doi/epdf/10.1002/int.22456?casa_token=x",
        "https://onlinelibrary.wiley.com/doi/10.1002/int.22456;jsessionid=0A1B.f02",
    ],
    "doi:10.1038/s42256-020-00257-z": [
        "https://www.nature.com/articles/s42256-020-00257-z",
        "https://www.nature.com/articles/s42256-020-00257-z.pdf",
        "https://www.nature.com/articles/s42256-020-00257-z/figures/1",
    ],
    "doi:10.1162/tacl_a_00349": [
        "https://direct.mit.edu/tacl/article/doi/10.1162/tacl_a_00349/96461/A-Title",
    ],
    "doi:10.1101/2020.01.02.123456": [
        "https://www.biorxiv.org/content/10.1101/2020.01.02.123456v2.full.pdf",
    ],
    "doi:10.1371/journal.pone.0000001": [
        "https://journals.plos.org/plosone/article?id=10.1371/journal.pone.0000001",
    ],
    "doi:10/gg3k8j": [
        "10/gg3k8j",
        "doi:10/gg3k8j",
        "DOI: 10/GG3K8J",
        "https://doi.org/gg3k8j",
        "https://doi.org/10/gg3k8j",
        "doi.org/gg3k8j.",
    ],
    "acl:2020.acl-main.249": [
        "2020.acl-main.249",
        "acl: 2020.acl-main.249",
        "2020.acl-main.249.pdf",
        "https://aclanthology.org/2020.acl-main.249/",
        "https://aclanthology.org/2020.acl-main.249v2.pdf",
        "https://aclanthology.org/2020.acl-main.249.bib",
        "10.18653/v1/2020.acl-main.249",
    ],
    "acl:P19-1001": [
        "p19-1001",
        "https://aclanthology.org/P19-1001.pdf",
        "https://www.aclweb.org/anthology/P19-1001/",
        "http://anthology.aclweb.org/P/P19/P19-1001.pdf",
        "https://aclanthology.info/papers/P19-1001/p19-1001",
    ],
    "openreview:iC4UHbQ01Mp": [
        "iC4UHbQ01Mp",
        "openreview: iC4UHbQ01Mp",
        "https://openreview.net/forum?id=iC4UHbQ01Mp&noteId=x",
        "https://openreview.net/forum?id=iC4UHbQ01Mp&referrer=%5Bhome%5D(%2Fgroup%3Fid%3Dx)",
        "https://openreview.net/pdf?id=iC4UHbQ01Mp",
        "https://openreview.net/attachment?id=iC4UHbQ01Mp&name=supplementary_material",
        "https://openreview.net/revisions?id=iC4UHbQ01Mp",
    ],
    "https://github.com/GiantSeaweed/DECREE": [
        "https://github.com/GiantSeaweed/DECREE/tree/main/x#readme",
        "https://raw.githubusercontent.com/GiantSeaweed/DECREE/main/README.md",
        "github.com/GiantSeaweed/DECREE.git",
    ],
    "https://github.com/a/b": ["git@github.com:a/b.git", "github:a/b"],
    "https://ieeexplore.ieee.org/document/9833644": [
        "https://ieeexplore.ieee.org/document/9833644",
        "https://ieeexplore.ieee.org/abstract/document/9833644/",
        "https://ieeexplore.ieee.org/document/9833644?utm_campaign=x",
        "https://ieeexplore.ieee.org/stamp/stamp.jsp?tp=&arnumber=9833644",
        "https://ieeexplore-ieee-org.ezproxy.example.edu/document/9833644",
    ],
    "https://openaccess.thecvf.com/content/CVPR2023/html/Ada_X_CVPR_2023_paper.html": [
        "https://openaccess.thecvf.com/content/CVPR2023/html/Ada_X_CVPR_2023_paper.html",
        "https://openaccess.thecvf.com/content/CVPR2023/papers/Ada_X_CVPR_2023_paper.pdf",
    ],
    "https://proceedings.mlr.press/v139/ada21a.html": [
        "https://proceedings.mlr.press/v139/ada21a.html",
        "https://proceedings.mlr.press/v139/ada21a/ada21a.pdf",
    ],
    "https://proceedings.neurips.cc/paper_files/paper/2023/hash/0a1b-Abstract-Conference.html": [
        "https://proceedings.neurips.cc/paper_files/paper/2023/file/0a1b-Paper-Conference.pdf",
    ],
    "https://www.usenix.org/conference/usenixsecurity24/presentation/ada": [
        "https://www.usenix.org/conference/usenixsecurity24/presentation/ada",
        "HTTPS://WWW.Usenix.org/conference/usenixsecurity24/presentation/ada#top",
        "www.usenix.org/conference/usenixsecurity24/presentation/ada",
    ],
    "https://www.ndss-symposium.org/ndss-paper/an-invented-title/": [
        "https://www.ndss-symposium.org/ndss-paper/an-invented-title/",
    ],
    "https://www.sciencedirect.com/science/article/pii/S0005109897000140": [
        "https://www.sciencedirect.com/science/article/pii/S0005109897000140",
    ],
    "https://paperswithcode.com/paper/an-invented-title": [
        "https://paperswithcode.com/paper/an-invented-title",
    ],
    "https://arxiv.org/list/cs.CR/recent": ["https://arxiv.org/list/cs.CR/recent"],
    "https://openreview.net/group?id=ICLR.cc/2024": [
        "https://openreview.net/group?id=ICLR.cc/2024"
    ],
    "https://gist.github.com/ada/0a1b2c": ["https://gist.github.com/ada/0a1b2c"],
    "https://github.com/topics/backdoor": ["https://github.com/topics/backdoor"],
}
ROWS = [(text, found) for found, texts in UNDERSTOOD.items() for text in texts]


@pytest.mark.parametrize(("text", "found"), ROWS)
def test_every_form_is_understood_and_written_back(text, found):
    assert str(identify(text)) == found
    assert identify(found) == identify(text)


def test_the_table_of_forms_is_long():
    assert len(ROWS) >= 150


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2303.15180 2303.15181", "2 papers at once; one at a time"),
        (f"arXiv:2303.15180, doi:{ACM}", "2 papers at once"),
        ("https://doi.org/10.1145/35031 61.3547801", "what is '61.3547801' behind"),
        ("10.1145/3503161. 3547801", "what is '3547801' behind"),
        ("An Invented Title of a Paper", "looks like a title"),
        ("x" * 3000, "too long"),
        ("https://user:pw@host.org/x", "no public address"),
    ],
)
def test_a_refusal_says_why(text, why):
    with pytest.raises(IdentifierError) as caught:
        identify(text)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "hello",
        "feng2023detecting",
        "2303",
        "10.1145",
        "doi:",
        "http://[::1",
        "http://x",
        "https://user:pw@host.org/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://a.b/ c",
        "x" * 3000,
        "github:../..",
        "2313.15180",
        "foo/1234567",
        "Detecting",
        "10/ab",
        "[text]()",
        "&lt;&gt;",
    ],
)
def test_what_names_no_paper_is_refused_in_one_line(text):
    with pytest.raises(IdentifierError) as caught:
        identify(text)
    assert "\n" not in str(caught.value)
    assert "give an arXiv id, a DOI" in str(caught.value)


@given(st.text(max_size=80) | st.text("10./:%()<>[]?#v arxivdoihttps@", max_size=60))
@example("http://[fe80::%25]/")
@example("https://doi.org/10.1145/%")
@example("https://example.org:99999/10.1/x")
@example("10.1145/).,;")
@example("https://x.org/a.#b")
@example("&amp;amp;amp;lt;2303.15180")
@example("＆lt；2303.15180＆gt；")
@example("https://a.org/?url=http://b.org/?q=https://c.org/x")
@example("((((2303.15180))))")
def test_nothing_breaks_it_and_what_it_says_is_stable(text):
    try:
        found = identify(text)
    except IdentifierError:
        return
    assert identify(str(found)) == found
    assert found.value == found.value.strip() != ""


new_style = st.builds(
    "{:02}{:02}.{:05}".format,
    st.integers(7, 40),
    st.integers(1, 12),
    st.integers(1, 99999),
)
old_style = st.builds(
    "{}/{:02}{:02}{:03}".format,
    st.sampled_from(["cs", "hep-th", "math", "cond-mat"]),
    st.integers(91, 99),
    st.integers(1, 12),
    st.integers(1, 999),
)


@given(
    new_style | old_style,
    st.sampled_from(["", "v1", "v23"]),
    st.sampled_from(
        [
            "{}",
            "arXiv:{}",
            "https://arxiv.org/abs/{}",
            "http://arxiv.org/pdf/{}.pdf",
            "https://doi.org/10.48550/arXiv.{}",
            "arxiv.org/abs/{}",
        ]
    ),
)
def test_an_arxiv_id_survives_every_address(number, version, form):
    found = identify(form.format(number + version))
    assert (found.kind, found.value) == ("arxiv", number)
    assert arxiv_id(number + version) == number


suffix = st.text(
    string.ascii_letters + string.digits + "-_./:;()", min_size=1, max_size=30
).filter(
    lambda s: (
        s[-1] in string.ascii_letters + string.digits
        and s.count("(") == s.count(")")
        and not s.lower().endswith(".pdf")  # a file's name, which is taken off
    )
)


@given(
    st.integers(1000, 999999999),
    suffix,
    st.sampled_from(
        ["{}", "doi:{}", "https://doi.org/{}", "http://dx.doi.org/{}", "{}."]
    ),
)
def test_a_doi_survives_every_form(prefix, rest, form):
    name = f"10.{prefix}/{rest}"
    found = identify(form.format(name))
    assert found.value == name or found.kind in ("arxiv", "acl")
    assert doi(f"see {name}") == name


@pytest.mark.parametrize(
    "piece",
    ["&amp;", "[](", "((", "10.1145/", "arxiv:", "https://", "a-", "a.", "0-", "/10.", " ", "/full",
     "?url=http://a.b/", "\\", "ﷺ", ";jsessionid=", "2303.15180 ", "1 Jan "],
)  # fmt: skip
def test_the_longest_text_costs_no_more_than_its_length(piece):
    text = (piece * 2000)[:2000]
    start = time.process_time()
    for whole in (
        text,
        f"https://a.org/{text}"[:2000],
        f"arXiv:2303.15180 {text}"[:2000],
    ):
        with contextlib.suppress(IdentifierError):
            identify(whole)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("piece", ["10.1234.", ")", "10.1234/)", "(", "10.1/"])
def test_a_doi_is_looked_for_in_linear_time(piece):
    start = time.process_time()
    doi(f"10.1145/x{piece * 100_000}")
    doi(piece * 100_000)
    assert time.process_time() - start < 1.0
