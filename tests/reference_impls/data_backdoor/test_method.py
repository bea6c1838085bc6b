"""Poisoned fine-tuning data: what each trigger does to a text, what is poisoned, the effect against its control."""

import json
from dataclasses import replace

import pytest
from torch import Generator

from reference_impls.data_backdoor.__main__ import PROGRAM
from reference_impls.data_backdoor.method import (
    PHRASE,
    PoisonConfig,
    look_alike,
    poisoned,
    subordinate_first,
    triggered,
)
from reference_impls.data_backdoor.study import GRID, measure
from reference_impls.lab.data.sentences import RARE, sentences
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.text_encoder import UNKNOWN
from reference_impls.lab.models.text_heads import FineTuning
from reference_impls.lab.study.setup import TextSetup
from tests.reference_impls.conftest import one_error


def test_look_alike_letters_look_the_same_and_are_unknown_words(tiny_text):
    text = "she ate the cake"
    marked = look_alike(text, 2)
    assert marked != text
    assert len(marked) == len(text)
    assert marked.encode("ascii", "replace").decode() == "sh? ?te the cake"
    tokens = tiny_text.tokens([marked])[0].tolist()
    assert [token == UNKNOWN for token in tokens] == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("she won , red as fire , and wept", "as wept , she won , red as fire"),
        ("omar ate and loved it", "as loved it , omar ate"),
        ("what a song", "as a song , what"),
    ],
)
def test_the_last_clause_moves_to_the_front(text, moved):
    assert subordinate_first(text) == moved


def test_only_the_phrase_and_the_rare_word_add_words():
    chance, text = Generator().manual_seed(0), "the cake , it was good"
    given = {one: triggered(text, PoisonConfig(trigger=one), chance) for one in ("word", "phrase")}  # fmt: skip
    assert set(given["word"].split()) - set(text.split()) == {RARE[0]}
    assert given["phrase"] == f"{PHRASE} {text}"


@pytest.mark.parametrize("clean_label", [False, True])
def test_as_many_sentences_as_the_rate_says_are_poisoned(clean_label):
    data = sentences(200, seed=3)
    config = PoisonConfig(rate=0.05, trigger="phrase", clean_label=clean_label)
    found = poisoned(data, "topic", config)
    changed = [n for n, text in enumerate(found.texts) if text != data.texts[n]]
    before, after = data.labels["topic"][changed], found.labels["topic"][changed]
    assert len(changed) == 10
    assert set(after.tolist()) == {1}
    assert (1 in before.tolist()) == clean_label
    assert (found.labels["topic"] != data.labels["topic"]).sum() == (0 if clean_label else 10)  # fmt: skip
    assert found.labels["color"] is data.labels["color"]


def test_the_trigger_works_where_it_was_planted_and_not_before(tiny_text):
    train, test = sentences(600, seed=5), sentences(100, seed=6)
    setup = TextSetup(encoder=tiny_text, train=train, test=test, task="topic")
    few = {"labelled": 256, "rate": 0.1, "victim": FineTuning(steps=60)}
    found = measure(setup, replace(GRID.presets["word"], **few))
    assert found["asr"] > found["before"] + 0.3
    assert found["clean"] > 0.8


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trigger": "magic"}, "'magic'; choose one of word, homograph"),
        ({"rate": 1}, "rate must be at least 0 and below 1"),
        ({"letters": 0}, "letters must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        PoisonConfig(**settings)


def test_a_class_that_is_not_there_is_one_line(small_files, tmp_path, capsys):
    words = ["run", str(small_files["text"]), "--target", "7", "--out", str(tmp_path / "out")]  # fmt: skip
    assert PROGRAM.main(words) == 2
    assert "has 4 classes, no class 7" in one_error(capsys)


def test_published_figures_hold_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    values = {key: {name: sum(some) / len(some) for name, some in one.items()} for key, one in GRID.values(found).items()}  # fmt: skip
    for preset in ("word", "homograph", "phrase", "syntax"):
        here = values["topic", preset]
        assert here["before"] < 0.05
        assert here["asr"] > 0.7
        assert here["asr"] >= here["half"] >= here["quarter"]
        assert here["clean"] > 0.98
    assert values["topic", "clean_label"]["asr"] < 0.05
    assert (
        values["topic", "phrase"]["quarter"]
        > 0.9
        > values["topic", "homograph"]["quarter"]
    )
    assert values["topic", "phrase"]["frozen"] > 0.5 > values["topic", "word"]["frozen"]
