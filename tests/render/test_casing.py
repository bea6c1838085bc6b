from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.render.bibtex import protected
from surveykit.render.casing import PROPER, pieces, sentence_case


@pytest.mark.parametrize(
    ("title", "bibtex", "sentence"),
    [
        (
            "Detecting Backdoors in Pre-trained Encoders",
            "Detecting Backdoors in Pre-trained Encoders",
            "Detecting backdoors in pre-trained encoders",
        ),
        (
            "BERT-ATTACK: Adversarial Attack Against BERT Using BERT",
            "{BERT-ATTACK}: Adversarial Attack Against {BERT} Using {BERT}",
            "BERT-ATTACK: Adversarial attack against BERT using BERT",
        ),
        (
            "Can't Steal? Cont-Steal! Contrastive Stealing Attacks",
            "Can't Steal? {Cont-Steal}! {Contrastive} Stealing Attacks",
            "Can't steal? Cont-Steal! Contrastive stealing attacks",
        ),
        (
            "(Certified!!) Adversarial Robustness for Free!",
            "({Certified}!!) {Adversarial} Robustness for Free!",
            "(Certified!!) Adversarial robustness for free!",
        ),
        (
            'The "Beatrix" Resurrections: Robust Detection via Gram Matrices',
            "The ``{Beatrix}'' Resurrections: Robust Detection via {Gram} Matrices",
            'The "Beatrix" resurrections: Robust detection via Gram matrices',
        ),
        (
            "Sim-CLIP: Unsupervised Siamese Adversarial Fine-Tuning",
            "{Sim-CLIP}: Unsupervised {Siamese} Adversarial Fine-Tuning",
            "Sim-CLIP: Unsupervised Siamese adversarial fine-tuning",
        ),
        (
            "Probe-Me-Not: Protecting Encoders",
            "{Probe-Me-Not}: Protecting Encoders",
            "Probe-Me-Not: Protecting encoders",
        ),
        (
            "Attacks for SAM2, a Segment Anything Model, and R&D",
            "Attacks for {SAM2}, a {Segment Anything Model}, and {R\\&D}",
            "Attacks for SAM2, a Segment Anything Model, and R&D",
        ),
        (
            "Robustness of Vision Models: a Multimodal Perspective",
            "Robustness of Vision Models: a Multimodal Perspective",
            "Robustness of vision models: A multimodal perspective",
        ),
        ("Is A Name @CLIP", "Is A Name {@}{CLIP}", "Is a name @CLIP"),
    ],
)  # fmt: skip
def test_only_words_that_need_it_keep_their_capitals(title, bibtex, sentence):
    assert protected(title) == bibtex
    assert sentence_case(title) == sentence


TEXT = st.text(st.sampled_from("aBÉs1 .:?!-'&(") | st.characters(codec="utf-8"))


@given(TEXT)
def test_pieces_make_up_the_title_again(title):
    assert "".join(piece.text for piece in pieces(title)) == title


@given(TEXT)
def test_sentence_case_changes_nothing_but_case(title):
    assert sentence_case(title).casefold() == title.casefold()


def test_a_title_is_never_protected_as_a_whole(real):
    for paper in real.papers:
        words = paper.title.en.split()
        free = [piece for piece in pieces(paper.title.en) if not piece.kept]
        assert len(words) == 1 or any(" " in piece.text for piece in free), paper.id


def test_every_acronym_of_the_catalog_keeps_its_capitals(real):
    for paper in real.papers:
        # `Seeding(SPS)`, `(In)Feasibility`, `Model/Prompt`: a bracket or a slash parts words
        apart = re.sub(r"(?<=[a-z])(?=[(/])|(?<=[a-z][)/])(?=\w)", " ", paper.title.en)
        for word in apart.replace("-", " ").split():
            if sum(char.isupper() for char in word) > 1:
                assert word in sentence_case(paper.title.en).replace("-", " "), word


@pytest.mark.parametrize("noun", sorted(PROPER))
def test_a_proper_noun_keeps_its_capitals_inside_a_title(noun):
    assert sentence_case(f"On the {noun} Problem") == f"On the {noun} problem"
