"""Values as people write them into the form become values of an entry; the others are refused with how to write them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.addresses import address
from surveykit.answers import Answer, removes, value
from surveykit.errors import IssueError
from surveykit.forms import fields

ENTRY = {
    "year": 2023,
    "authors": ["Ana Cruz", {"given": "Wei", "family": "Zhang", "han": "张伟"}],
}
GUARD = "https://github.com/example/guard"


def read(catalog, field, text):
    answer = Answer(field, text, ENTRY, catalog)
    return (None if removes(answer) else value(answer)), answer.notes


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("authors", "Ana Cruz, Bo Ito", ["Ana Cruz", "Bo Ito"]),
        ("authors", "Ana Cruz; Bo Ito", ["Ana Cruz", "Bo Ito"]),
        ("authors", "Ana Cruz and Bo Ito", ["Ana Cruz", "Bo Ito"]),
        ("authors", "Ana Cruz, Bo Ito, and Linh Duong", ["Ana Cruz", "Bo Ito", "Linh Duong"]),
        ("authors", "Ana Cruz & Bo Ito", ["Ana Cruz", "Bo Ito"]),
        ("authors", "Ana Cruz，Bo Ito", ["Ana Cruz", "Bo Ito"]),
        ("authors", "Cruz, Ana; Ito, Bo", ["Ana Cruz", "Bo Ito"]),
        ("authors", "Ana Cruz\n\nBo  Ito\n", ["Ana Cruz", "Bo Ito"]),
        ("authors", "- Ana Cruz\n- Bo Ito", ["Ana Cruz", "Bo Ito"]),
        ("authors", "1. Ana Cruz\n2. Bo Ito", ["Ana Cruz", "Bo Ito"]),
        ("authors", "Ana Cruz*, Bo Ito†", ["Ana Cruz", "Bo Ito"]),
        ("authors", "Wei Zhang, Ana Cruz", [ENTRY["authors"][1], "Ana Cruz"]),
        ("authors", "Shiwei Feng 冯世伟", [{"given": "Shiwei", "family": "Feng", "han": "冯世伟"}]),
        ("authors", "Shiwei Feng (冯世伟), Ana Cruz", [{"given": "Shiwei", "family": "Feng", "han": "冯世伟"}, "Ana Cruz"]),
        ("authors", "冯世伟（Shiwei Feng）", [{"given": "Shiwei", "family": "Feng", "han": "冯世伟"}]),
        ("authors", "{literal: The Encoder Team}\nBo Ito", [{"literal": "The Encoder Team"}, "Bo Ito"]),
        ("authors", "Anna van der Berg", [{"given": "Anna", "particle": "van der", "family": "Berg"}]),
        ("venue", "CVPR", "cvpr"),
        ("venue", "cvpr 2023", "cvpr"),
        ("venue", "`iccv`", "iccv"),
        ("venue", "ＣＶＰＲ", "cvpr"),
        ("track", "Workshop", "workshop"),
        ("track", "研讨会", "workshop"),
        ("year", " 2024 ", 2024),
        ("year", "2024年", 2024),
        ("year", "２０２４", 2024),
        ("year", "“2024”", 2024),
        ("month", "June", 6),
        ("month", "jun.", 6),
        ("month", "Sept", 9),
        ("month", "6", 6),
        ("month", "06", 6),
        ("month", "6月", 6),
        ("month", "六月", 6),
        ("month", "十二月", 12),
        ("month", "2023-06", 6),
        ("month", "17 June 2023", 6),
        ("pages", "12-25", "12-25"),
        ("pages", "12--25", "12-25"),
        ("pages", "12–25", "12-25"),
        ("pages", "pp. 12 — 25", "12-25"),
        ("pages", "第12～25页", "12-25"),
        ("volume", "Vol. 19", "19"),
        ("volume", "第19卷", "19"),
        ("number", "No. 4", "4"),
        ("identifiers.arxiv", "https://arxiv.org/abs/2303.15180v2", "2303.15180"),
        ("identifiers.arxiv", "arXiv：2303.15180", "2303.15180"),
        ("identifiers.arxiv", "[pdf](https://arxiv.org/pdf/2303.15180.pdf)", "2303.15180"),
        ("identifiers.arxiv", "10.48550/arXiv.2303.15180", "2303.15180"),
        ("identifiers.doi", "https://doi.org/10.5555/ABC.1", "10.5555/ABC.1"),
        ("identifiers.doi", "doi: 10.5555/ABC.1.", "10.5555/ABC.1"),
        ("identifiers.doi", "<https://dl.acm.org/doi/abs/10.5555/ABC.1>", "10.5555/ABC.1"),
        ("identifiers.doi", "10.18653/v1/2022.findings-emnlp.7", "10.18653/v1/2022.findings-emnlp.7"),
        ("identifiers.openreview", "https://openreview.net/forum?id=aBcDeFgHiJ", "aBcDeFgHiJ"),
        ("identifiers.acl", "https://aclanthology.org/2022.findings-emnlp.7.pdf", "2022.findings-emnlp.7"),
        ("links.code", GUARD, GUARD),
        ("links.code", f" <{GUARD}> ", GUARD),
        ("links.code", f"[the code]({GUARD})", GUARD),
        ("links.code", f"`{GUARD}`", GUARD),
        ("links.code", f"“{GUARD}”。", GUARD),
        ("links.code", "github.com/example/guard", GUARD),
        ("links.code", "git@github.com:example/guard", GUARD),
        ("links.code", "https：//github.com/example/guard", GUARD),
        ("links.video", "https://example.org/视频", "https://example.org/%E8%A7%86%E9%A2%91"),
        ("links.paper", "2303.15180v2", "https://arxiv.org/abs/2303.15180"),
        ("links.pdf", "https://arxiv.org/abs/2303.15180v2", "https://arxiv.org/pdf/2303.15180"),
        ("links.paper", "10.5555/ABC.1", "https://doi.org/10.5555/ABC.1"),
        ("links.paper", "2022.findings-emnlp.7", "https://aclanthology.org/2022.findings-emnlp.7/"),
        ("terms.threat", "backdoor", ["backdoor"]),
        ("terms.threat", "Backdoor, PRIVACY", ["backdoor", "privacy"]),
        ("terms.threat", "后门与投毒，隐私", ["backdoor", "privacy"]),
        ("terms.threat", "- backdoor\n- privacy", ["backdoor", "privacy"]),
        ("terms.threat", "[backdoor, backdoor]", ["backdoor"]),
        ("terms.technique", "Encoder Backdoor", ["encoder-backdoor"]),
        ("title.en", "Planting  Seeds：  Now", "Planting Seeds: Now"),
        ("title.zh", "播种：现在", "播种：现在"),
        ("aka", "Gen-AF，TeCoA", ["Gen-AF", "TeCoA"]),
        ("aka", "- Gen-AF\n- Bad Encoder", ["Gen-AF", "Bad Encoder"]),
        ("former_ids", "a2020b, c2021d\ne2022f", ["a2020b", "c2021d", "e2022f"]),
        ("tldr.basis", "摘要", "abstract"),
    ],
)  # fmt: skip
def test_an_answer_is_read_as_it_is_meant(catalog, field, text, expected):
    assert read(catalog, field, text)[0] == expected


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("authors", "Cher", "write {literal: …} for a group"),
        ("authors", "Ana Cruz et al.", "`Given Family`, one a line"),
        ("authors", "{literal: [a]}", "{given: Ana, particle: de la, family: Cruz}"),
        ("authors", "{given: Ana", "{given: Ana, particle: de la, family: Cruz}"),
        ("authors", "123", "`Given Family`, one a line"),
        ("venue", "Conference on Invented Threats", "says how to propose one"),
        ("venue", "cvprr", "did you mean `cvpr`?"),
        ("track", "poster", "'poster' cannot be chosen; write one of main, findings, workshop"),
        ("year", "24", "'24' is not a year; write four digits, like 2024"),
        ("year", "2023 or 2024", "four digits"),
        ("month", "13", "'13' is not a month; write 1 to 12, or its name"),
        ("month", "6/7", "1 to 12"),
        ("month", "spring", "1 to 12"),
        ("month", "May or June", "1 to 12"),
        ("identifiers.arxiv", "soon", "write an arXiv id like 2303.15180"),
        ("identifiers.doi", "10.48550/arXiv.2303.15180", "write it under identifiers.arxiv"),
        ("identifiers.doi", "2303.15180", "write a DOI like 10.1145/3503161.3547801"),
        ("identifiers.acl", "2303.15180", "write an ACL Anthology id like 2020.acl-main.249"),
        ("links.code", "javascript:alert(1)", "write one, like https://example.org/paper.pdf"),
        ("links.code", "ftp://example.org/x", "is not an address"),
        ("links.code", f"{GUARD} {GUARD}2", "is not an address"),
        ("links.code", "https://user:secret@example.org/", "is not an address"),
        ("links.code", "ask the authors", "is not an address"),
        ("links.code", "http://10.0.0.1/x", "is not an address: 10.0.0.1 is not an address of the public"),
        ("links.paper", "https://example.org:99999/", "its port is not a number from 1 to 65535"),
        ("links.pdf", "<http://a.localhost/x.pdf>", "is not a name of the public internet"),
        ("terms.threat", "backdor", "did you mean `backdoor`?"),
        ("terms.role", "backdoor", "did you mean `backdoor` of terms.threat?"),
        ("terms.threat", "quantum", "“When no term or venue fits”, says how to propose one"),
        ("title.en", "(remove)", "write the right value"),
    ],
)  # fmt: skip
def test_a_refusal_says_how_to_write_it_in_one_line(catalog, field, text, said):
    with pytest.raises(IssueError) as caught:
        read(catalog, field, text)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{field}: ")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("field", "text", "note"),
    [
        ("venue", "CVPR 2024", "venue: 2024 was not kept; `year` is its own field"),
        ("venue", "CVPR Workshops", "venue: the track workshop was not kept; `track` is its own field"),
        ("month", "June 2024", "month: 2024 was not kept; `year` is its own field"),
        ("title.en", "Seeds：Now", "title.en: full-width signs were written as ASCII"),
    ],
)  # fmt: skip
def test_what_an_answer_says_beside_its_field_is_noted(catalog, field, text, note):
    assert read(catalog, field, text)[1] == [note]


@given(st.data())
def test_whatever_is_answered_the_end_is_a_value_or_a_refusal(catalog, data):
    field = data.draw(st.sampled_from(fields(catalog.taxonomy)))
    signs = st.sampled_from(
        [*"ab1920 .,;-–：，、/\n[](){}<>`'\"冯伟年月页", "https://", "10.1/", "and "]
    )
    text = "".join(data.draw(st.lists(signs, min_size=1, max_size=40)))
    with contextlib.suppress(IssueError):
        read(catalog, field, text)


@given(st.text(max_size=80))
def test_an_address_is_one_that_an_entry_may_hold_or_none(text):
    found = address(text)
    assert found is None or found.startswith(("http://", "https://", "HTTP"))
