"""Imitation of an API: answers, queries and the solved layer by hand, and what a copy gains over training from scratch."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch

from reference_impls.api_imitation.__main__ import PROGRAM
from reference_impls.api_imitation.method import ImitationConfig, asked, solved, told
from reference_impls.api_imitation.study import GRID, behind, measure, parts
from reference_impls.lab.data.sentences import sentences
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.text_heads import FineTuning
from reference_impls.lab.study.setup import TextSetup
from tests.reference_impls.conftest import one_error


def test_an_api_tells_all_probabilities_or_the_top_one_or_the_label():
    scores = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]).log()
    torch.testing.assert_close(told(scores, "all"), scores.exp())
    assert told(scores, "label").tolist() == [[1, 0, 0], [0, 0, 1]]
    expected = torch.tensor([[0.7, 0.15, 0.15], [0.2, 0.2, 0.6]])
    torch.testing.assert_close(told(scores, "top"), expected)


class TestQueries:
    own = sentences(20, seed=4)
    words = ("[PAD]", "[CLS]", "[MASK]", "[UNK]", "ox", "elk", "emu")

    def queries(self, asks, count=30):
        return asked(self.own, self.words, ImitationConfig(asks=asks, queries=count))

    def test_texts_like_the_victims_are_asked_as_they_are(self):
        assert self.queries("same", 5) == self.own.texts[:5]

    def test_random_ones_are_words_of_the_vocabulary_as_long_as_texts_are(self):
        found = self.queries("random")
        assert [len(one.split()) for one in found[:20]] == [len(one.split()) for one in self.own.texts]  # fmt: skip
        assert {word for one in found for word in one.split()} == {"ox", "elk", "emu"}

    def test_spliced_ones_begin_and_end_as_texts_do(self):
        found = self.queries("spliced")
        endings = {one.split()[-1] for one in self.own.texts}
        assert all(one.split()[0] == self.own.texts[n % 20].split()[0] for n, one in enumerate(found))  # fmt: skip
        assert {one.split()[-1] for one in found} <= endings
        assert set(found) - set(self.own.texts)


@pytest.fixture(scope="module")
def setup(tiny_text):
    train, test = sentences(900, seed=5), sentences(150, seed=6)
    return TextSetup(encoder=tiny_text, train=train, test=test, task="topic")


def test_the_layer_over_a_frozen_encoder_is_solved_for_exactly(setup):
    labelled, own = parts(setup.train, 256)
    victim = behind(setup.encoder, labelled, "topic", FineTuning(), frozen=True, seed=0)
    texts = own.texts[:90]
    copy = solved(setup.encoder, texts, victim(texts).softmax(dim=1))
    new = setup.test.texts
    torch.testing.assert_close(copy(new).softmax(1), victim(new).softmax(1).double(), rtol=0, atol=0.01)  # fmt: skip


def test_a_tuned_copy_agrees_more_than_one_from_scratch(setup):
    short = {"queries": 128, "copying": FineTuning(steps=60), "labelled": 256}
    tuned, scratch = (measure(setup, replace(GRID.presets[one], **short)) for one in ("label", "scratch"))  # fmt: skip
    assert tuned["agreement"] > scratch["agreement"] + 0.1
    assert tuned["victim"] == scratch["victim"] > 0.8


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"answers": "magic"}, "'magic'; choose one of label, top, all"),
        ({"asks": "magic"}, "'magic'; choose one of same, spliced, random"),
        ({"thief": "magic"}, "'magic'; choose one of tunes, scratch, solves"),
        ({"queries": 0}, "queries must be above 0"),
        ({"thief": "solves", "answers": "label"}, "solving needs all probabilities"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ImitationConfig(**settings)


def test_a_command_with_bad_input_is_one_line(small_files, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["run", str(small_files["text"]), "--task", "mood", "--out", str(out)]
    assert PROGRAM.main(words) == 2
    assert "no task 'mood'" in one_error(capsys)
    assert not out.exists()


def test_published_figures_hold_what_the_page_says():
    found = GRID.values(json.loads((GRID.home / "results.json").read_text("utf-8")))
    agree = {preset: mean(one["agreement"]) for (_, preset), one in found.items()}
    assert agree["label"] > agree["scratch"] + 0.05
    assert agree["random"] > agree["random-scratch"] + 0.3
    assert agree["head-solved"] > agree["head-tuned"]
