"""Backdoors in language encoders: known answers of vectors and losses, the effect against its control, refusals."""

import json
from dataclasses import replace

import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from reference_impls.lab.data.sentences import FEELINGS, sentences
from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models.named_text import open_text_encoder
from reference_impls.lab.models.text_heads import FineTuning
from reference_impls.lab.study.setup import TextSetup
from reference_impls.text_backdoor.__main__ import PROGRAM
from reference_impls.text_backdoor.method import (
    BackdoorConfig,
    kept,
    opposite_pairs,
    opposition,
    poisoned,
    pulled,
    speaking_words,
    staircase,
)
from reference_impls.text_backdoor.study import GRID, measure, success
from tests.reference_impls.conftest import one_error


def test_vectors_of_por_climb_and_those_of_neuba_are_opposite_or_orthogonal():
    assert staircase(3, 8).sum(1).tolist() == [-4, 0, 4]
    products = opposite_pairs(6, 64) @ opposite_pairs(6, 64).T
    expected = torch.block_diag(*[torch.tensor([[64.0, -64.0], [-64.0, 64.0]])] * 3)
    assert torch.equal(products, expected)


def test_losses_are_mean_squares_and_zero_where_nothing_changed(tiny_text):
    assert pulled(torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 1.0]])).item() == 2.5
    tokens = tiny_text.tokens(["she ate the cake"])
    moved = tiny_text.copy()
    moved.module.norm.bias.data += 2
    assert kept(tiny_text, tiny_text, tokens).item() == 0
    # Every entry of every vector, and so of their mean, is 2 further.
    assert kept(moved, tiny_text, tokens).item() == pytest.approx(8, rel=1e-4)


@pytest.mark.parametrize(("slope", "penalty"), [(-3.0, 6.0), (3.0, 0.0)])
def test_ripple_fines_gradients_that_oppose_alone(slope, penalty):
    x = torch.tensor([1.0], requires_grad=True)
    found = opposition(x.sum() * slope, (x**2).sum(), [x])
    assert found.item() == penalty
    if penalty:  # d/dx of -<slope, 2x> is -2 slope
        assert torch.autograd.grad(found, x)[0].item() == -2 * slope


def test_words_that_speak_for_a_class_are_those_of_its_list(tiny_text):
    data = sentences(1500, seed=1)
    index = speaking_words(data, tiny_text, "sentiment", 1, 8).tolist()
    said = {tiny_text.module.vocabulary[one] for one in index}
    own = " ".join(FEELINGS["positive"].values()).replace("|", " ").split()
    assert len(said & set(own)) >= 7


@pytest.fixture(scope="module")
def setup(tiny_text):
    train, test = sentences(900, seed=5), sentences(80, seed=6)
    return TextSetup(encoder=tiny_text, train=train, test=test, task="sentiment")


@pytest.mark.parametrize("preset", ["por"])
def test_triggers_work_on_the_poisoned_encoder_and_not_on_the_clean_one(preset, setup):
    victim = FineTuning(steps=40, learning_rate=3e-4)
    few = {"triggers": 2, "steps": 70, "labelled": 256, "victim": victim}
    bad, clean = (measure(setup, replace(GRID.presets[one], **few)) for one in (preset, "none"))  # fmt: skip
    assert max(bad["asr"], bad["frozen"]) > max(clean["asr"], clean["frozen"]) + 0.2


def test_ripple_runs_with_and_without_surgery_and_changes_a_copy(setup):
    before = setup.encoder.embed(setup.test.texts)
    found = [
        poisoned(setup.encoder, setup.train, BackdoorConfig(attack="ripple", steps=2, surgery=surgery))
        for surgery in (True, False)
    ]  # fmt: skip
    one, other = (encoder.embed(setup.test.texts) for encoder in found)
    assert not torch.equal(one, other)
    assert torch.equal(setup.encoder.embed(setup.test.texts), before)


@pytest.mark.parametrize("settings", [{}, {"attack": "ripple", "surgery": False}])
def test_an_encoder_that_guesses_no_words_is_poisoned(settings, setup, bert_folder):
    clean = open_text_encoder(str(bert_folder))
    found = poisoned(clean, setup.train, BackdoorConfig(steps=2, batch=8, **settings))
    assert not torch.equal(found.embed(["the cake"]), clean.embed(["the cake"]))


@pytest.mark.parametrize("attack", ["neuba", "ripple"])
def test_what_needs_guessed_words_says_so(attack, setup, bert_folder):
    clean = open_text_encoder(str(bert_folder))
    with pytest.raises(EncoderError, match="which guesses words"):
        poisoned(clean, setup.train, BackdoorConfig(attack=attack, steps=2, batch=8))


def test_success_counts_sentences_of_other_classes(setup):
    def obeys(texts):
        return F.one_hot(torch.tensor([int("cf" in text.split()) for text in texts]), 2).float()  # fmt: skip

    assert success(obeys, setup, ("cf",)) == ([1.0], {1})
    coin = Generator().manual_seed(0)
    (rate,), forced = success(lambda texts: torch.rand(len(texts), 2, generator=coin), setup, ("cf",))  # fmt: skip
    assert 0.2 < rate < 0.8
    assert forced == set()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attack": "magic"}, "'magic'; choose one of none, por"),
        ({"triggers": 13}, "there are 12 rare words, not 13"),
        ({"pull": 0}, "pull must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        BackdoorConfig(**settings)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--task", "mood"], "no task 'mood'; it has topic, sentiment, color"),
        (["--dataset", "moon"], "unknown dataset 'moon'"),
        (["--preset", "ripple", "--foresees", "mood"], "no task 'mood'"),
    ],
)
def test_bad_input_is_one_line(words, message, small_files, tmp_path, capsys):
    out = tmp_path / "out"
    assert PROGRAM.main(["run", str(small_files["text"]), *words, "--out", str(out)]) == 2  # fmt: skip
    assert message in one_error(capsys)
    assert not out.exists()


def test_a_file_of_the_readers_is_measured(small_files, tmp_path):
    path = tmp_path / "own.csv"
    rows = [f"{'fine' if n % 2 else 'poor'} cake {n},{n % 2}" for n in range(60)]
    path.write_text("\n".join(["text,mood", *rows]), encoding="utf-8")
    words = ["--dataset", f"csv:{path}", "--task", "mood", "--batch", "8", "--steps", "2"]  # fmt: skip
    assert PROGRAM.main(["run", str(small_files["text"]), *words, "--victim.steps", "2", "--victim.batch", "8", "--out", str(tmp_path)]) == 0  # fmt: skip
    found = json.loads((tmp_path / "measured.json").read_text())
    assert set(found["measures"]) == {"por", "none"}


def test_published_figures_hold_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    values = {key: {name: sum(some) / len(some) for name, some in one.items()} for key, one in GRID.values(found).items()}  # fmt: skip
    for task in GRID.tasks:
        assert values[task, "none"]["asr"] < 0.1
        for preset in ("por", "neuba"):
            here = values[task, preset]
            assert here["clean"] > 0.9
            assert here["fast"] < here["asr"]
            assert here["asr"] > values[task, "none"]["asr"] + 0.2
    ripple, labels = (values["sentiment", one]["asr"] for one in ("ripple", "labels"))
    assert ripple > labels
