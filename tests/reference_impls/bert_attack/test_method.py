"""BERT-Attack and FreeLB: known answers of importance, proposals and shifts, effects against controls, refusals."""

import json
from dataclasses import replace

import pytest
import torch
from torch import Generator

from reference_impls.bert_attack import method
from reference_impls.bert_attack.method import (
    AttackConfig,
    attacked,
    common_words,
    freelb,
    importance,
    proposed,
)
from reference_impls.bert_attack.study import GRID, measure
from reference_impls.lab.data.sentences import CLASSES, TASKS, sentences, told
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.text_encoder import SPECIAL
from reference_impls.lab.models.text_heads import (
    FineTuning,
    TextClassifier,
    cross_entropy,
    new_head,
)
from reference_impls.lab.study.setup import TextSetup


def by_word(word):
    """A classifier of texts: class 1 where the word is."""
    return lambda texts: torch.tensor([[0.0, 4.0 if word in t.split() else -4.0] for t in texts])  # fmt: skip


def test_the_word_that_decides_is_the_one_that_matters():
    def probabilities(texts):
        return by_word("good")([" ".join(one) for one in texts]).softmax(1)

    own, found = importance(probabilities, ["a", "good", "cake"], 1)
    assert own > 0.9
    assert found.argmax() == 1
    assert found[[0, 2]].tolist() == [0, 0]


def test_proposals_are_words_likely_ones_first(tiny_text):
    found = proposed(tiny_text, ["she", "ate", "the", "cake"], 5)
    assert [len(one) for one in found] == [5] * 4
    assert not set(SPECIAL) & {word for one in found for word in one}


def test_common_words_are_those_of_many_texts():
    assert common_words(["a b", "a c", "a d"], 0.5) == {"a"}


@pytest.mark.parametrize("forbidden", [False, True])
def test_the_attack_removes_what_decides_unless_it_may_not(tiny_text, forbidden):
    config = AttackConfig(candidates=8, changed=0.5)
    found = attacked(
        by_word("good"), tiny_text, "she baked a good cake", 1, config,
        stop=frozenset({"a", "she"}), allowed=lambda words: not forbidden, chance=Generator(),
    )  # fmt: skip
    assert found.fooled != forbidden
    assert found.changed == (0 if forbidden else 1)
    assert found.words[0] == "she"
    assert found.queries <= 6 + 3 * 8
    assert ("good" in found.words) == forbidden


@pytest.mark.parametrize("task", TASKS)
def test_a_made_sentence_tells_its_class_and_nothing_else(task):
    data = sentences(150, seed=4)
    for text, label in zip(data.texts, data.labels[task].tolist(), strict=True):
        assert told(text, task, CLASSES[task]) == {CLASSES[task][label]}
    assert told("not great", "sentiment", CLASSES["sentiment"]) == {"negative"}
    assert told("great", "mood", ("good", "bad")) == frozenset()


def test_shifts_begin_at_nothing_and_stay_in_the_ball_of_their_text(
    tiny_text, monkeypatch
):
    lengths, start = [], torch.nn.Parameter(torch.ones(()))

    def recorded(model, tokens_BL, labels_B, shift_BLD):
        lengths.append(shift_BLD.detach().flatten(1).norm(dim=1))
        return start * (shift_BLD[0].sum() + 3 * shift_BLD[1].sum())

    monkeypatch.setattr(method, "cross_entropy", recorded)
    model = TextClassifier(tiny_text, new_head(tiny_text, 2, 0))
    freelb(4, 0.5)(
        model, tiny_text.tokens(["she ate", "the cake"]), torch.tensor([0, 1])
    ).backward()
    torch.testing.assert_close(
        torch.stack(lengths), torch.tensor([[0.0], [0.25], [0.5], [0.5]]).expand(4, 2)
    )
    assert start.grad > 0


def test_freelb_is_the_usual_loss_in_one_step_and_higher_in_more(tiny_text):
    assert freelb(0, 1.0) is cross_entropy
    model = TextClassifier(tiny_text, new_head(tiny_text, 2, 0))
    tokens, labels = tiny_text.tokens(["she ate the cake", "cake"]), torch.tensor([0, 1])  # fmt: skip
    usual = cross_entropy(model, tokens, labels)
    torch.testing.assert_close(freelb(1, 1.0)(model, tokens, labels), usual)
    assert freelb(3, 1.0)(model, tokens, labels) > usual
    assert freelb(3, 2.0)(model, tokens, labels) > freelb(3, 1.0)(model, tokens, labels)


def test_the_attack_fools_a_fine_tuned_classifier_within_its_share_of_words(tiny_text):
    train, test = sentences(600, seed=5), sentences(40, seed=6)
    setup = TextSetup(encoder=tiny_text, train=train, test=test, task="sentiment")
    few = {"labelled": 256, "victim": FineTuning(steps=60)}
    bert, random = (measure(setup, replace(GRID.presets[one], **few)) for one in ("bert", "random"))  # fmt: skip
    assert bert["clean"] == random["clean"]
    assert bert["success"] > 0
    assert 0 < bert["changed"] <= 0.4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"proposals": "magic"}, "'magic'; choose one of random, bert"),
        ({"ascents": -1}, "ascents must be at least 0"),
        ({"radius": 0}, "radius must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        AttackConfig(**settings)


def test_published_figures_hold_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    values = {key: {name: sum(some) / len(some) for name, some in one.items() if some} for key, one in GRID.values(found).items()}  # fmt: skip
    bert, random, tuned, harder = (values["sentiment", one] for one in ("bert", "random", "bert_freelb", "random_freelb"))  # fmt: skip
    assert all(one["clean"] > 0.98 for one in (bert, random, tuned, harder))
    assert 0.4 < bert["success"] < random["success"]
    assert bert["odd"] < random["odd"]
    assert tuned["attacked"] > bert["attacked"] + 0.05
    assert harder["attacked"] > random["attacked"] + 0.05
