"""Defended victims: what each defense does to images, weights and robustness."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reference_impls.advclip.defenses import (
    DEFENSES,
    EPSILON,
    blur,
    defend,
    noise,
    pruned,
    worst_case,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.encoders import embed_all
from reference_impls.lab.models.heads import fit_linear_probe
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from tests.reference_impls.conftest import TINY_LAB


@pytest.fixture(scope="module")
def victim(tiny_clip):
    return ImageText.of_clip(tiny_clip)


def test_blurring_keeps_a_constant_image_and_spreads_a_point():
    torch.testing.assert_close(
        blur(torch.full((1, 3, 8, 8), 0.3)), torch.full((1, 3, 8, 8), 0.3)
    )
    point = torch.zeros(1, 3, 5, 5)
    point[..., 2, 2] = 1
    line = torch.tensor([0.25, 0.5, 0.25])
    torch.testing.assert_close(blur(point)[0, 0, 1:4, 1:4], line[:, None] * line)


def test_noise_is_the_same_twice_and_stays_in_range():
    images = torch.rand(4, 3, 16, 16)
    assert torch.equal(noise(images), noise(images))
    assert 0 <= noise(images).min() <= noise(images).max() <= 1
    assert 0.05 < (noise(images) - images).std() < 0.1


@pytest.mark.parametrize("defense", ["noise", "blur"])
def test_corruption_comes_before_the_encoder(defense, victim):
    images = torch.rand(4, 3, 16, 16)
    corrupt = noise if defense == "noise" else blur
    found = defend(victim, defense, train_dataset(TINY_LAB))
    with torch.no_grad():
        expected = victim.image.encode(corrupt(images))
        torch.testing.assert_close(found.image.encode(images), expected)
    assert found.name.endswith(f"+{defense}")
    assert found.text is victim.text


def test_pruning_zeroes_the_smallest_weights_of_every_layer(victim):
    copy = pruned(victim.image, 0.3)
    for before, after in zip(
        victim.image.module.modules(), copy.module.modules(), strict=True
    ):
        if isinstance(before, (nn.Conv2d, nn.Linear)):
            gone = after.weight == 0
            assert int(gone.sum()) == int(0.3 * before.weight.numel())
            assert before.weight[gone].abs().max() <= before.weight[~gone].abs().min()
            assert torch.equal(before.weight[~gone], after.weight[~gone])
            assert not (before.weight == 0).all()


def test_pruning_everything_is_refused(victim):
    with pytest.raises(ConfigError, match=r"\[0, 1\), got 1"):
        pruned(victim.image, 1)


def test_the_adversary_stays_in_its_ball_and_raises_the_loss(victim):
    images = dataset_of_test(TINY_LAB).images_N3HW[:16]
    direction = torch.randn(16, generator=torch.Generator().manual_seed(0))
    weight = nn.Parameter(direction)

    def loss(changed, _):
        return (victim.image.encode(changed) @ weight).mean()

    changed = worst_case(images, torch.zeros(16), loss)
    assert (changed - images).abs().max() <= EPSILON + 1e-6
    assert 0 <= changed.min() <= changed.max() <= 1
    assert loss(changed, None) > loss(images, None)
    assert weight.grad is None


def test_adversarial_training_resists_what_the_victim_does_not(victim):
    train, test = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB)
    task = "background"
    before = victim.image.module.features[0].weight.clone()
    hardened = defend(victim, "adversarial-training", train, task=task, steps=80)
    assert hardened.text is None
    assert torch.equal(victim.image.module.features[0].weight, before)

    def robust_accuracy(image):
        head = fit_linear_probe(
            embed_all(image, train.images_N3HW), train.labels[task], classes=8
        )

        def loss(images, labels):
            unit = F.normalize(image.encode(images), dim=1)
            return F.cross_entropy(
                head.module((unit - head.mean_D) / head.std_D), labels
            )

        changed = worst_case(test.images_N3HW, test.labels[task], loss)
        return head.accuracy(embed_all(image, changed), test.labels[task])

    assert robust_accuracy(hardened.image) > robust_accuracy(victim.image) + 0.05


def test_adversarial_training_needs_a_labelled_task(victim):
    bare = Dataset(name="bare", images_N3HW=torch.rand(8, 3, 16, 16))
    with pytest.raises(DatasetError, match="bare has none"):
        defend(victim, "adversarial-training", bare)
    with pytest.raises(DatasetError, match="not weather"):
        defend(victim, "adversarial-training", train_dataset(TINY_LAB), task="weather")


def test_no_defense_is_the_victim_itself(victim):
    assert defend(victim, "none", train_dataset(TINY_LAB)) is victim
    assert len(DEFENSES) == 5
