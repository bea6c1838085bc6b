"""What people paste becomes the right name of the paper, and nothing that they paste breaks it."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from surveykit.errors import IdentifierError
from surveykit.identifier import arxiv_id, doi, identify

SICI = "10.1002/(SICI)1097-4571(199205)43:4<284::AID-ASI3>3.0.CO;2-0"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2303.15180", "arXiv:2303.15180"),
        (" arXiv: 2303.15180v12 ", "arXiv:2303.15180"),
        ("<2303.15180>", "arXiv:2303.15180"),
        ("hep-th/9901001v3", "arXiv:hep-th/9901001"),
        ("math.GT/0309136", "arXiv:math/0309136"),
        ("https://arxiv.org/abs/2303.15180v1", "arXiv:2303.15180"),
        ("http://www.arxiv.org/pdf/2303.15180v1.pdf", "arXiv:2303.15180"),
        ("https://export.arxiv.org/abs/cs/9901001", "arXiv:cs/9901001"),
        ("arxiv.org/abs/2303.15180?context=cs", "arXiv:2303.15180"),
        ("https://ar5iv.labs.arxiv.org/html/2303.15180", "arXiv:2303.15180"),
        ("https://huggingface.co/papers/2303.15180", "arXiv:2303.15180"),
        ("10.48550/arXiv.2303.15180", "arXiv:2303.15180"),
        ("https://doi.org/10.48550/ARXIV.2303.15180", "arXiv:2303.15180"),
        ("10.1145/3503161.3547801", "doi:10.1145/3503161.3547801"),
        ("doi:10.1109/CVPR52729.2023.01569.", "doi:10.1109/CVPR52729.2023.01569"),
        ("DOI 10.1145/3503161.3547801", "doi:10.1145/3503161.3547801"),
        ("(10.1145/3503161.3547801)", "doi:10.1145/3503161.3547801"),
        ("10.1016/S0005-1098(97)00014-X", "doi:10.1016/S0005-1098(97)00014-X"),
        (SICI, f"doi:{SICI}"),
        (
            f"https://doi.org/{SICI.replace('<', '%3C').replace('>', '%3E')}",
            f"doi:{SICI}",
        ),
        (
            "https://dl.acm.org/doi/abs/10.1145/3503161.3547801",
            "doi:10.1145/3503161.3547801",
        ),
        (
            "https://dl.acm.org/doi/pdf/10.1145/3503161.3547801?download=true",
            "doi:10.1145/3503161.3547801",
        ),
        (
            "https://link.springer.com/content/pdf/10.1007/978-3-031-20065-6_1.pdf",
            "doi:10.1007/978-3-031-20065-6_1",
        ),
        (
            "https://onlinelibrary.wiley.com/doi/10.1002/int.22456/full",
            "doi:10.1002/int.22456",
        ),
        (
            "https://www.nature.com/articles/s42256-020-00257-z",
            "doi:10.1038/s42256-020-00257-z",
        ),
        ("2020.acl-main.249", "acl:2020.acl-main.249"),
        ("p19-1001", "acl:P19-1001"),
        ("https://aclanthology.org/2020.acl-main.249v2.pdf", "acl:2020.acl-main.249"),
        ("https://www.aclweb.org/anthology/P19-1001/", "acl:P19-1001"),
        ("10.18653/v1/2020.acl-main.249", "acl:2020.acl-main.249"),
        (
            "https://openreview.net/forum?id=iC4UHbQ01Mp&noteId=x",
            "openreview:iC4UHbQ01Mp",
        ),
        ("https://openreview.net/pdf?id=iC4UHbQ01Mp", "openreview:iC4UHbQ01Mp"),
        ("iC4UHbQ01Mp", "openreview:iC4UHbQ01Mp"),
        (
            "https://github.com/GiantSeaweed/DECREE/tree/main/x#readme",
            "https://github.com/GiantSeaweed/DECREE",
        ),
        ("git@github.com:a/b.git", "https://github.com/a/b"),
        ("github:a/b", "https://github.com/a/b"),
        (
            "https://ieeexplore.ieee.org/document/9833644",
            "https://ieeexplore.ieee.org/document/9833644",
        ),
        ("HTTPS://WWW.Usenix.org/x#top", "https://www.usenix.org/x"),
        ("https://arxiv.org/list/cs.CR/recent", "https://arxiv.org/list/cs.CR/recent"),
    ],
)
def test_every_form_is_understood_and_written_back(text, found):
    assert str(identify(text)) == found
    assert identify(found) == identify(text)


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
        s[-1] in string.ascii_letters + string.digits and s.count("(") == s.count(")")
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
