"""The detectors: known answers by hand, and what they do against their controls on a small CLIP."""

from dataclasses import replace

import pytest
import torch
from torch import Generator

from reference_impls.adversarial_detection.method import (
    PRESETS,
    DetectorConfig,
    detector,
    disagreement,
    doubt,
    mirror_distance,
    standardised,
)
from reference_impls.adversarial_detection.run import (  # fmt: skip
    detection,
    judged,
    named_right,
    scene_of,
    unaware,
)
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.training import SimCLRConfig, train_simclr
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from tests.reference_impls.conftest import TINY_CLIP, TINY_LAB

ATTACK = Budget(epsilon=8 / 255, steps=5)


def test_doubt_is_what_is_left_of_the_first_class():
    logits = torch.tensor([[0.0, 0.0], [0.0, 3.0]]).log_softmax(dim=1)
    expected = [0.5, 1 / (1 + torch.tensor(3.0).exp().item())]
    assert doubt(logits).tolist() == pytest.approx(expected)


def test_the_mirror_is_the_picture_of_the_nearest_caption():
    captions, pictures = torch.eye(3), torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])  # fmt: skip
    image, seen = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[0.6, 0.8]])
    found = mirror_distance(image, seen, captions, pictures, 1)
    assert found.item() == pytest.approx(1 - 0.6)
    between = torch.tensor([[0.5, 0.5, 0.0]])
    found = mirror_distance(between, seen, captions, pictures, 2)
    assert found.item() == pytest.approx(1 - 0.7)


def test_disagreement_counts_labels_and_averages_cosines():
    own = torch.tensor([[1.0, 0.0]])
    views = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[-1.0, 0.0]], [[0.0, 1.0]]])
    named = torch.tensor([[0.9], [0.6], [0.4], [0.1]]).log().requires_grad_()
    found = disagreement(own, views, named)
    assert found.tolist() == [[0.5, 1.0]]
    (gradient,) = torch.autograd.grad(found[0, 0], named)
    assert gradient.flatten().tolist() == [-0.25] * 4


def test_the_largest_signal_counts_in_standard_deviations_of_clean_images():
    clean = torch.arange(40.0).view(40, 1, 1, 1)

    def score(images):
        value = images.flatten()
        return torch.stack([value, -10 * value], dim=1)

    suspicion = standardised(score, clean)
    away = (39.0 - 19.5) / clean.std().item()
    ends = suspicion(torch.tensor([0.0, 39.0]))
    assert ends.tolist() == pytest.approx([away, away])
    with pytest.raises(DatasetError, match="must set the threshold, got 3"):
        standardised(score, clean[:3])


@pytest.fixture(scope="module")
def scene(tiny_clip):
    train = train_dataset(TINY_LAB)
    config = SimCLRConfig(steps=60, batch=64, net=TINY_CLIP.net, bf16=False)
    observer = train_simclr(train, config)
    return scene_of(tiny_clip.image, tiny_clip.embed_text, observer, train, "background")  # fmt: skip


@pytest.fixture(scope="module")
def measure(scene):
    test = dataset_of_test(TINY_LAB)
    images, labels = test.images_N3HW, test.labels["background"]
    pair = named_right(scene.victim, images[:60], labels[:60])
    kept, _ = named_right(scene.victim, images[60:], labels[60:])
    attacked = unaware(scene.victim, *pair, ATTACK)

    def of(preset):
        config = replace(PRESETS[preset], views=4)
        found = detection(scene, pair, kept, config, ATTACK, attacked)
        return {one.attack: one for one in found}

    return of


def test_detectors_beat_the_victims_own_doubt_and_noise_is_no_attack(measure):
    control = measure("confidence")
    for preset in ("mirror", "beyond"):
        found = measure(preset)
        assert found["pgd"].auroc > control["pgd"].auroc + 0.05
        assert 0.3 < found["noise"].auroc < 0.7
        assert found["pgd"].fooled == control["pgd"].fooled


def test_who_knows_the_detector_goes_unseen_more_often(measure):
    found = measure("mirror")
    assert found["aware"].evaded > found["pgd"].evaded
    assert found["aware"].auroc < found["pgd"].auroc - 0.05


@pytest.mark.parametrize("preset", PRESETS)
def test_gradients_reach_the_images_and_the_seed_decides(preset, scene):
    clean = dataset_of_test(TINY_LAB).images_N3HW[:30]
    config = replace(PRESETS[preset], views=2)
    images = clean[:4].clone().requires_grad_()
    one, again = (detector(scene, config, clean)(images) for _ in range(2))
    assert torch.equal(one, again)
    (gradient,) = torch.autograd.grad(one.sum(), images)
    assert (gradient.flatten(1).abs().sum(dim=1) > 0).all()


def test_an_observer_gets_images_of_its_own_size(scene):
    images = torch.rand(2, 3, 40, 40, generator=Generator().manual_seed(0))
    found = scene.observe(images)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2))


def test_shares_are_of_fooling_images_and_noise_counts_whole(scene):
    def victim(images):
        return torch.stack([0.5 - images.flatten(), images.flatten() - 0.5], dim=1)

    clean, labels = torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.zeros(4, dtype=torch.long)
    attacked = torch.tensor([0.9, 0.6, 0.1, 0.1])
    pairs = {"pgd": attacked, "noise": clean, "nothing": clean}
    pgd, noise, nothing = judged(victim, lambda x: x, 0.35, pairs, clean, labels)
    assert (pgd.fooled, pgd.auroc, pgd.found, pgd.evaded) == (0.5, 1.0, 1.0, 0.0)
    assert (noise.auroc, noise.found, noise.false_alarms) == (0.5, 0.25, 0.25)
    assert nothing.auroc is nothing.found is None
    unseen, *_ = judged(victim, lambda x: -x, 0.0, pairs, clean, labels)
    assert (unseen.auroc, unseen.found, unseen.evaded) == (0.0, 0.0, 0.5)


def test_a_victim_that_is_always_wrong_is_refused(scene):
    images = torch.rand(3, 3, 16, 16)
    wrong = (scene.victim(images).argmax(dim=1) + 1) % 8
    with pytest.raises(DatasetError, match="none of 3 images"):
        named_right(scene.victim, images, wrong)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"detector": "magic"}, "'magic'; choose one of confidence, mirror"),
        ({"views": 0}, "views must be above 0, got 0"),
        ({"mirrors": -1}, "mirrors must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        DetectorConfig(**settings)
