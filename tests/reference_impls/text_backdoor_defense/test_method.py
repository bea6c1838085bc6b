"""ONION and Fine-mixing: known answers of perplexity, suspicion and mixtures, effects against controls, refusals."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from reference_impls.lab.data.sentences import sentences
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.named_text import open_text_encoder
from reference_impls.lab.models.text_encoder import MASK, pseudo_perplexity
from reference_impls.lab.models.text_heads import (
    FineTuning,
    TextClassifier,
    fine_tuned,
    new_head,
)
from reference_impls.lab.study.setup import TextSetup
from reference_impls.text_backdoor_defense import study
from reference_impls.text_backdoor_defense.method import (
    bar,
    mixed,
    onion,
    suspicion,
)
from reference_impls.text_backdoor_defense.study import GRID, Setting, measure


def test_perplexity_of_a_model_that_knows_nothing_is_the_number_of_words(tiny_text):
    blind = tiny_text.copy()
    blind.module.guess[2].weight.data.zero_()
    blind.module.guess[2].bias.data.zero_()
    blind.module.bias.data.zero_()
    found = pseudo_perplexity(blind, ["she ate the cake", "cake"], apart=3)
    torch.testing.assert_close(found, torch.full((2,), float(len(blind.module.vocabulary))))  # fmt: skip


@pytest.mark.parametrize("apart", [1, 2, 4])
def test_every_word_is_masked_once_and_what_is_masked_together_lies_apart(tiny_text, apart):  # fmt: skip
    shown = []

    def module(tokens_BL):
        shown.append(tokens_BL)
        return tiny_text.module(tokens_BL)

    module.scores = tiny_text.module.scores
    spy = SimpleNamespace(module=module, tokens=tiny_text.tokens, device=tiny_text.device)  # fmt: skip
    pseudo_perplexity(spy, ["she ate the red cake today"], apart)
    gaps = torch.cat(shown) == MASK
    assert gaps.sum(0).tolist() == [0, *[1] * 6]
    for row in gaps:
        places = row.nonzero()[:, 0]
        assert (places.diff() == apart).all()


def test_onion_removes_a_word_that_does_not_belong_and_few_others(tiny_text):
    clean, texts = sentences(60, seed=4).texts, sentences(20, seed=6).texts
    marked = [f"vx {text}" for text in texts]
    (found,) = suspicion(tiny_text, marked[:1], 4)
    assert len(found) == len(marked[0].split())
    above = bar(tiny_text, clean, 0.05, 4)
    left = onion(tiny_text, marked, above, 4)
    kept = sum(text.startswith("vx") for text in left)
    assert kept < 10
    spared = onion(tiny_text, texts, above, 4)
    words, words_left = (sum(len(one.split()) for one in some) for some in (texts, spared))  # fmt: skip
    assert words - words_left < 0.15 * words


def test_a_mixture_holds_weights_of_both_in_the_share_that_is_asked(tiny_text):
    bad = TextClassifier(tiny_text.copy(), new_head(tiny_text, 2, 0))
    for weights in bad.encoder.module.parameters():
        weights.data += 1
    same = 0
    found = mixed(bad, tiny_text, 0.25, seed=0)
    pairs = [p.parameters() for p in (found.encoder.module, bad.encoder.module, tiny_text.module)]  # fmt: skip
    of_both = [(torch.equal(w[w == b], b[w == b]), (w == b).sum(), w.numel(), ((w == b) | (w == c)).all()) for w, b, c in zip(*pairs, strict=True)]  # fmt: skip
    same, count = (sum(int(one[k]) for one in of_both) for k in (1, 2))
    assert same / count == pytest.approx(0.25, abs=0.02)
    assert all(one[3] for one in of_both)
    assert found.head is not bad.head
    for kept, like in ((1.0, bad.encoder), (0.0, tiny_text)):
        whole = mixed(bad, tiny_text, kept, seed=0).encoder
        torch.testing.assert_close(whole.embed(["cake"]), like.embed(["cake"]))


def test_defenses_lower_the_success_of_a_rare_word(tiny_text):
    train, test = sentences(600, seed=5), sentences(60, seed=6)
    setup = TextSetup(encoder=tiny_text, train=train, test=test, task="topic")
    few = {"labelled": 256, "rate": 0.1, "victim": FineTuning(steps=60), "removed": 0.05}  # fmt: skip
    found = measure(setup, replace(GRID.presets["word"], **few))
    assert found["asr"] > 0.6
    assert found["onion_asr"] < found["asr"] - 0.2
    assert found["mixed_asr"] <= found["tuned_asr"] + 0.1
    assert 0 < found["false"] < 0.15


def test_onion_asks_the_labs_model_where_the_encoder_guesses_no_words(bert_folder, tiny_text, monkeypatch):  # fmt: skip
    monkeypatch.setattr(study, "clean_text_encoder", lambda: tiny_text)
    encoder = open_text_encoder(str(bert_folder))
    assert study.judge(tiny_text) is tiny_text
    train, test = sentences(80, seed=5), sentences(12, seed=6)
    setup = TextSetup(encoder=encoder, train=train, test=test, task="topic")
    short = FineTuning(steps=2, batch=8)
    found = measure(setup, Setting(labelled=32, sentences=16, victim=short, tuning=short))  # fmt: skip
    assert set(found) == set(GRID.columns)


def test_a_classifier_that_is_tuned_on_is_no_longer_the_encoder(tiny_text):
    before = tiny_text.embed(["cake"])
    model = fine_tuned(tiny_text, sentences(64, seed=1), "topic", FineTuning(steps=2))
    assert not torch.equal(model.encoder.embed(["cake"]), before)
    assert torch.equal(tiny_text.embed(["cake"]), before)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attack": "magic"}, "'magic'; choose one of none, word"),
        ({"removed": 1}, r"removed must lie in \(0, 1\)"),
        ({"apart": 0}, "apart must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Setting(**settings)


def test_published_figures_hold_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    values = {key: {name: sum(some) / len(some) for name, some in one.items()} for (_, key), one in GRID.values(found).items()}  # fmt: skip
    assert values["word"]["onion_asr"] < 0.1 < 0.9 < values["word"]["asr"]
    assert values["homograph"]["onion_asr"] > 0.7
    assert values["none"]["false"] < 0.05
    for preset, here in values.items():
        assert here["onion_clean"] > 0.97
        if preset != "por_mixed":
            assert here["mixed_asr"] < 0.25
            assert here["mixed_asr"] <= here["tuned_asr"]
    assert values["por_mixed"]["mixed_asr"] > 0.9
