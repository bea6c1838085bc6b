"""The losses by hand, and what tuning does against its control on a small CLIP."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Generator

from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.data.shapes import CLASSES, caption, shapes
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.metrics.similarity import mean_cosine_to
from reference_impls.lab.models.prompts import Context, few
from reference_impls.lab.models.zero_shot import zero_shot_classifier
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.robust_clip.method import (
    TuningConfig,
    divergence,
    fare_loss,
    pmg_aft_loss,
    tecoa_loss,
    tune,
)
from reference_impls.robust_clip.prompts import PromptConfig, learn_prompt
from reference_impls.robust_clip.run import accuracies
from tests.reference_impls.conftest import TINY_LAB

TASK, ATTACK = "background", Budget(epsilon=6 / 255, steps=5)
ONE = {"size": "small", "foreground": "red", "shape": "circle", "texture": "plain"}
CAPTIONS = [caption(**ONE, background=name) for name in CLASSES[TASK]]


class TestLosses:
    def test_tecoa_is_cross_entropy(self):
        logits = torch.tensor([[math.log(3.0), 0.0], [0.0, 0.0]])
        expected = (math.log(4 / 3) + math.log(2)) / 2
        loss = tecoa_loss(logits, torch.tensor([0, 1]))
        assert loss.item() == pytest.approx(expected, rel=1e-5)

    def test_divergence_is_of_the_target_from_the_answer(self):
        target, answer = torch.tensor([[math.log(3.0), 0.0]]), torch.zeros(1, 2)
        expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
        assert divergence(target, answer).item() == pytest.approx(expected, rel=1e-5)
        assert divergence(answer, target).item() == pytest.approx(
            0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25), rel=1e-5
        )
        assert divergence(target, target + 7).item() == pytest.approx(0, abs=1e-6)

    def test_pmg_aft_adds_both_distances(self):
        attacked, clean, untuned = torch.randn(3, 4, 5, generator=Generator().manual_seed(0))  # fmt: skip
        labels = torch.tensor([0, 1, 2, 3])
        own, far = divergence(clean, attacked), divergence(untuned, attacked)
        found = pmg_aft_loss(attacked, clean, untuned, labels, general=2.0, clean=3.0)
        torch.testing.assert_close(found, tecoa_loss(attacked, labels) + 2 * far + 3 * own)  # fmt: skip

    def test_fare_is_the_squared_distance(self):
        attacked = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
        untuned = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
        assert fare_loss(attacked, untuned).item() == pytest.approx((4 + 9) / 2)


@pytest.fixture(scope="module")
def classifier(tiny_clip):
    train = train_dataset(TINY_LAB)
    return zero_shot_classifier(tiny_clip.image, tiny_clip.embed_text, train, TASK)


@pytest.fixture(scope="module")
def tuned(classifier):
    train = train_dataset(TINY_LAB)
    config = TuningConfig(steps=60, attack=replace(ATTACK, steps=2))
    return {
        loss: tune(classifier, train, TASK, replace(config, loss=loss))
        for loss in ("clean", "tecoa", "pmg-aft", "fare")
    }


def robust(classifier, encoder):
    test = dataset_of_test(TINY_LAB).first(80)
    one = classifier.with_encoder(encoder)
    return accuracies(one, test.images_N3HW, test.labels[TASK], ATTACK)[1]


@pytest.mark.parametrize("loss", ["tecoa", "pmg-aft"])
def test_attacks_in_training_make_it_more_robust_than_the_same_labels_without(
    loss, classifier, tuned
):
    found, control = (robust(classifier, tuned[one]) for one in (loss, "clean"))
    assert found > control + 0.05


def test_fare_makes_it_more_robust_without_labels(classifier, tuned):
    """Without attacks its loss is 0, so its control is the CLIP as it was."""
    untuned = robust(classifier, classifier.encoder)
    assert robust(classifier, tuned["fare"]) > untuned + 0.05


def test_fare_keeps_embeddings_and_tecoa_does_not(classifier, tuned):
    images = dataset_of_test(TINY_LAB).images_N3HW
    before = classifier.encoder.encode(images)
    kept = {loss: mean_cosine_to(one.encode(images), before).item() for loss, one in tuned.items()}  # fmt: skip
    assert kept["fare"] > 0.8
    assert kept["fare"] > kept["tecoa"] + 0.1


def test_the_seed_decides_and_the_clip_is_left_alone(classifier):
    train = train_dataset(TINY_LAB)
    before = {k: v.clone() for k, v in classifier.encoder.module.state_dict().items()}
    config = TuningConfig(steps=2, batch=8, loss="pmg-aft")
    images = train.images_N3HW[:4]
    one, again, other = (
        tune(classifier, train, TASK, replace(config, seed=seed)).encode(images)
        for seed in (0, 0, 1)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    after = classifier.encoder.module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


class TestPrompts:
    def test_the_first_context_is_the_captions_and_the_class_word_stays(
        self, tiny_clip
    ):
        context = Context(tiny_clip.text, CAPTIONS)
        torch.testing.assert_close(context(), tiny_clip.embed_text(CAPTIONS))
        assert context.named_L.sum() == 1
        assert [name for name, _ in context.named_parameters()] == ["vectors_LW"]

    def test_shots_are_of_every_class(self):
        train = train_dataset(TINY_LAB)
        counts = train.labels[TASK][few(train, TASK, 4)].bincount()
        assert counts.tolist() == [4] * len(CLASSES[TASK])

    def test_learning_beats_the_prompt_it_began_at_and_leaves_the_towers_alone(
        self, tiny_clip, classifier, tuned
    ):
        train, test = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB).first(80)
        tower = classifier.with_encoder(tuned["fare"])
        hand = replace(tower, classes_CD=tiny_clip.embed_text(CAPTIONS))
        before = {k: v.clone() for k, v in tiny_clip.text.state_dict().items()}
        config = PromptConfig(attack=replace(ATTACK, steps=2))
        learned = learn_prompt(tower, tiny_clip.text, CAPTIONS, train, TASK, config)
        found, beside = (
            accuracies(one, test.images_N3HW, test.labels[TASK], ATTACK)
            for one in (learned, hand)
        )
        assert found[1] > beside[1]
        after = tiny_clip.text.state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)


def test_too_few_images_are_refused(classifier):
    few_images = shapes(10, seed=0, size=16)
    with pytest.raises(DatasetError, match="fewer than one batch of 64"):
        tune(classifier, few_images, TASK, TuningConfig())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "magic"}, "'magic'; choose one of clean, tecoa"),
        ({"steps": 0}, "steps must be above 0, got 0"),
        ({"learning_rate": -1}, "learning_rate must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        TuningConfig(**settings)


def test_prompts_need_a_shot():
    with pytest.raises(ConfigError, match="shots must be above 0, got 0"):
        PromptConfig(shots=0)
