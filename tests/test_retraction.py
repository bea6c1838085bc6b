"""Which titles, remarks and abstracts say that a paper no longer stands, and which only speak of such things."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.text.retraction import in_abstract, in_comment, in_title, unmarked

BARE = "Planting Backdoors in Invented Encoders"
MARKED = [
    f"RETRACTED: {BARE}",
    f"Retracted: {BARE}",
    f"[Retracted] {BARE}",
    f"[RETRACTED] {BARE}",
    f"[REMOVED] {BARE}",
    f"REMOVED: {BARE}",
    f"Retracted Article: {BARE}",
    f"RETRACTED ARTICLE: {BARE}",
    f"RETRACTED ARTICLE： {BARE}",
    f"[RETRACTED ARTICLE] {BARE}",
    f"(Retracted) {BARE}",
    f"{BARE} (Retracted)",
    f"{BARE} [Retracted]",
    f"{BARE} (Retracted article)",
    f"{BARE} (Retracted Article. See vol. 12, 2019)",
    f"{BARE} (Retraction of vol 3, pg 14, 2020)",
    f"{BARE} – RETRACTED",
    f"{BARE} (withdrawn)",
    f"WITHDRAWN: {BARE}",
    f"Withdrawn: {BARE}",
    f"WITHDRAWN - {BARE}",
    f"Article withdrawn: {BARE}",
    f"WITHDRAWN ARTICLE: {BARE}",
    f"PARTIALLY RETRACTED: {BARE}",
    f"TEMPORARY REMOVAL: {BARE}",
    f"Temporarily withdrawn: {BARE}",
    f"Retraction: {BARE}",
    f"Retraction notice to “{BARE}”",
    f"Retraction Note: {BARE}",
    f"Retraction Note to: {BARE}",
    f"Retraction of “{BARE}”",
    f"Statement of Retraction: {BARE}",
    f"Retraction Statement: {BARE}",
    f"Notice of Retraction: {BARE}",
    f"Notice of Retraction {BARE}",
    f"Notice of Violation of IEEE Publication Principles: {BARE}",
    f"Notice of Violation of IEEE Publication Principles {BARE}",
    f"Expression of Concern: {BARE}",
    f"Editorial Expression of Concern: {BARE}",
    f"Expression of concern to: {BARE}",
    "Editorial Expression of Concern",
    f"RETIRADO: {BARE}",
    f"ARTÍCULO RETRACTADO: {BARE}",
    f"[ARTIGO RETRATADO]: {BARE}",
    "撤稿：在虚构编码器中植入后门",
    "【撤稿】在虚构编码器中植入后门",
    "[已撤稿] 在虚构编码器中植入后门",
    "在虚构编码器中植入后门（已撤稿）",
    "论文撤回：在虚构编码器中植入后门",
    "关于《在虚构编码器中植入后门》的撤稿声明",
]
UNMARKED = [
    BARE,
    "Retracted Gaussian Flows",
    "Withdrawn from the World: Models Without Users",
    "Model Retraction",
    "Model Retraction: Unlearning by Retractions on Manifolds",
    "Retraction-Free Optimization: A Study",
    "Detecting Retracted Articles with Language Models",
    "Citing Retracted Papers: What Encoders Remember",
    "What is Retracted? A Benchmark (Retraction Watch)",
    "Removed but Not Forgotten: Unlearning in Encoders",
    "Removed: What Happens to Deleted Images",
    "Expressions of Concern in Invented Reviews",
    "Learning When Papers are Withdrawn",
    "Withdrawal Symptoms of Language Models",
    "Notice of Change: A Study",
    "A Concern of Expression: Faces and Encoders",
    "Editorial: Backdoors",
    "撤稿论文的检测方法",
    "可撤回的隐私保护编码器：一项研究",
]
COMMENTS = [
    "This paper has been withdrawn by the author due to a crucial error in Lemma 2",
    "This paper has been withdrawn by the authors.",
    "withdrawn",
    "Withdrawn",
    "Withdrawn.",
    "12 pages, 3 figures, withdrawn",
    "12 pages. This paper is withdrawn because the proof is wrong",
    "Withdrawn by arXiv administrators",
    "Paper withdrawn by the author",
    "Paper is withdrawn due to further studies",
    "The paper is hereby withdrawn",
    "This submission has been withdrawn by arXiv administrators because it contains text of others",
    "arXiv admin note: This paper has been withdrawn by arXiv due to unverifiable authorship",
    "arXiv admin note: This version has been removed by arXiv administrators as the submitter had no right to it",
    "This submissions has been withdrawn",
    "This submission has been removed",
    "We withdraw this paper as the experiments do not hold",
    "The authors have withdrawn this paper",
    "The authors wish to withdraw this submission",
    "Due to a bug, we have decided to withdraw this manuscript",
    "Withdrawn due to an error",
    "Withdrawal of the paper due to a mistake",
    "[This paper has been withdrawn]",
    "This article (arXiv:2303.00001) has been withdrawn",
    "This manuscript, written in a hurry, has been withdrawn",
    "The paper needs to be withdrawn",
    "This paper was withdrawn from arXiv",
    "v2 withdrawn, see the new submission",
    "This article has been retracted",
]
NO_COMMENTS = [
    "",
    "12 pages, 3 figures",
    "This paper is superseded by arXiv:2401.00001",
    "This article supersedes arXiv:2301.00001",
    "This paper has not been withdrawn",
    "not withdrawn",
    "Replaces the withdrawn version 1",
    "the withdrawn version 1 had an error",
    "v1 was withdrawn; this version mends the proof",
    "Version 1 was withdrawn by mistake",
    "Withdrawn from ICLR 2024, accepted at ICML 2024",
    "This paper was withdrawn from ICLR 2024",
    "This version removed an error of Lemma 2",
    "arXiv admin note: substantial text overlap with arXiv:2301.00001",
    "Accepted at CVPR 2024; code is removed from the repository",
    "Our method shows which samples are withdrawn",
    "Papers are withdrawn from journals for many reasons",
]
ABSTRACTS = [
    "this paper has been withdrawn",
    "Withdrawn. Work never submitted.",
    "[This paper has been withdrawn by the author due to newer results] As encoders spread, backdoors do.",
    "The following paper has been withdrawn from consideration for publication because there are mistakes.",
    "arXiv admin note: This submission has been withdrawn by arXiv administrators due to its language",
    "- Paper withdrawn by the author - Encoders for invented sensors",
]
NO_ABSTRACTS = [
    "We study whether a paper has been withdrawn from a benchmark.",
    "When a submission has been withdrawn, reviewers update their priors.",
    "We consider how a plate is withdrawn from a bath.",
    "Papers are withdrawn from journals for many reasons, which we survey here.",
    "Many drugs have been withdrawn from the market, at a cost of billions.",
    "Withdrawn users leave traces in encoders.",
    "This paper shows that withdrawn models are remembered.",
    "This work retracted claims by reading them again.",
    "Encoders are used everywhere. This paper has been withdrawn from view.",
]


@pytest.mark.parametrize("title", MARKED)
def test_a_title_with_a_mark_is_known_by_it(title):
    assert in_title(title)
    assert in_title(title.replace("Planting", "An Attack of"))


@pytest.mark.parametrize("title", UNMARKED)
def test_a_title_that_speaks_of_retraction_has_no_mark(title):
    assert in_title(title) == ""
    assert unmarked(title) == title


@pytest.mark.parametrize("title", [t for t in MARKED if BARE in t])
def test_without_its_mark_a_title_is_itself(title):
    assert unmarked(title).strip("“”") == BARE


@pytest.mark.parametrize("comment", COMMENTS)
def test_a_remark_says_that_the_paper_is_withdrawn(comment):
    assert in_comment(comment, 2)


@pytest.mark.parametrize("comment", NO_COMMENTS)
def test_a_remark_that_says_something_else_is_no_alarm(comment):
    assert not in_comment(comment, 2)


def test_a_remark_about_a_version_counts_for_that_version():
    assert in_comment("v1 has been withdrawn", 1)
    assert not in_comment("v1 has been withdrawn", 3)
    assert in_comment("v1 has been withdrawn")


@pytest.mark.parametrize("abstract", ABSTRACTS)
def test_an_abstract_opens_with_the_notice(abstract):
    assert in_abstract(abstract)


@pytest.mark.parametrize("abstract", NO_ABSTRACTS)
def test_an_abstract_about_withdrawals_is_no_notice(abstract):
    assert not in_abstract(abstract)


@given(st.text(max_size=200))
def test_no_text_breaks_the_search(text):
    in_title(text)
    unmarked(text)
    in_comment(text)
    in_abstract(text)


@pytest.mark.parametrize(
    "piece",
    ["(", "[[", " ", "this ", "paper, ", "paper has ", "retracted ", "(retracted. ", "关于", ". withdrawn x"],
)  # fmt: skip
def test_a_long_text_takes_little_time(piece):
    text = piece * (100_000 // len(piece))
    start = time.process_time()
    for search in (in_title, unmarked, in_comment, in_abstract):
        search(text)
    assert time.process_time() - start < 2
