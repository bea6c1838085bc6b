"""Membership inference: features by hand, what the classifiers learn, and that members are found where there are any."""

import json
import math
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from reference_impls.encoder_mi.method import (
    PRESETS,
    AttackConfig,
    SetNet,
    learn,
    membership_features,
    part_features,
    responses,
)
from reference_impls.encoder_mi.study import GRID, measure
from reference_impls.lab.data.augment import Views
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.feature_maps import image_tokens
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from tests.reference_impls.conftest import TINY_LAB

STILL = Views(smallest_crop=1, jitter=0, jitter_probability=0, gray_probability=0)


def generator(seed=0):
    return Generator().manual_seed(seed)


def features(count, middle, seed):
    return middle + 0.1 * torch.randn(count, 6, generator=generator(seed))


class TestFeatures:
    def test_they_are_the_cosines_of_all_pairs_of_views_in_falling_order(self):
        config = AttackConfig(views=3)
        images = torch.rand(2, 3, 8, 8, generator=generator())
        seen = []

        def encode(views):
            seen.append(views.flatten(1))
            return seen[-1]

        found = membership_features(encode, images, config, generator(1))
        unit = F.normalize(torch.cat(seen), dim=1).view(2, 3, -1)
        for number in range(2):
            one, two, three = unit[number]
            expected = sorted(((one @ two).item(), (one @ three).item(), (two @ three).item()), reverse=True)  # fmt: skip
            assert found[number].tolist() == pytest.approx(expected, abs=1e-6)

    def test_views_that_only_mirror_embed_alike_where_mirroring_does_not_matter(self):
        config = AttackConfig(views=4, augmentation=STILL)
        images = torch.rand(300, 3, 8, 8, generator=generator())
        found = membership_features(lambda x: x.mean(dim=(2, 3)), images, config, generator(1))  # fmt: skip
        assert found.shape == (300, 6)
        torch.testing.assert_close(found, torch.ones(300, 6))


class TestParts:
    def test_a_part_found_nowhere_is_even_and_one_found_at_a_place_is_far_from_it(self):
        places = torch.eye(4).unsqueeze(0)
        parts = torch.tensor([[[0.0] * 4, [0.0, 0, 9, 0]]])
        found = responses(parts, places)[0]
        log = torch.tensor([0.0, 0, 9, 0]).log_softmax(dim=0)
        sharp = (0.25 * (math.log(0.25) - log)).sum().item()
        assert found[:2].tolist() == pytest.approx([sharp, 0], abs=1e-6)
        # The normal quantiles of 1/8, 3/8, 5/8 and 7/8 are -1.1503, -0.3186, 0.3186 and 1.1503; their variance is 0.9498.
        bell = torch.tensor([1.3233, 0.1015, 0.1015, 1.3233]).div(-2 * 0.9498).softmax(dim=0)  # fmt: skip
        expected = [(bell * (bell.log() - one)).sum().item() for one in (log, torch.full((4,), math.log(0.25)))]  # fmt: skip
        assert found[2:].tolist() == pytest.approx(expected, abs=1e-3)

    def test_the_order_of_parts_does_not_matter(self):
        parts, places = torch.randn(2, 5, 3, generator=generator()), torch.randn(2, 9, 3, generator=generator(1))  # fmt: skip
        found = responses(parts, places)
        assert found.shape == (2, 10)
        torch.testing.assert_close(found, responses(parts.flip(1), places))

    def test_parts_are_small_and_embedded_where_the_whole_is(self, tiny_clip, monkeypatch):  # fmt: skip
        seen = []

        def tokens(encoder, images):
            seen.append(images)
            return image_tokens(encoder, images)

        monkeypatch.setattr("reference_impls.encoder_mi.method.image_tokens", tokens)
        across = torch.linspace(0, 1, 16).expand(40, 3, 16, 16)
        config = AttackConfig(kind="parts", views=4)
        found = part_features(tiny_clip.image, across, config, generator())
        assert found.shape == (40, 8)
        parts, whole = seen
        assert (len(parts), len(whole)) == (160, 40)
        width = (parts[:, 0, 0, 0] - parts[:, 0, 0, -1]).abs()
        assert width.min() > 0.05**0.5
        assert width.max() < 0.2**0.5


class TestClassifiers:
    def test_the_threshold_compares_means(self):
        score = learn(features(9, 1, 0), features(9, 0, 1), AttackConfig(kind="threshold"))  # fmt: skip
        assert score(torch.tensor([[0.2, 0.4]])).item() == pytest.approx(0.3)

    @pytest.mark.parametrize("kind", ["vector", "set", "parts"])
    def test_they_learn_what_sets_members_apart(self, kind):
        config = AttackConfig(kind=kind, epochs=100)
        score = learn(features(100, 0.6, 0), features(100, 0.3, 1), config)
        members, others = score(features(50, 0.6, 2)), score(features(50, 0.3, 3))
        assert (members.unsqueeze(1) > others).float().mean() > 0.95

    def test_a_set_has_no_order_and_a_vector_has(self):
        net, rows = SetNet(), features(5, 0.5, 0)
        torch.testing.assert_close(net(rows), net(rows.flip(1)))
        score = learn(features(20, 1, 0), features(20, 0, 1), AttackConfig(epochs=5))
        assert not torch.allclose(score(rows), score(rows.flip(1)))


def setup_of(clip):
    train, test = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB)
    return Setup(encoder=clip.image, clip=None, train=train, test=test, task="shape")


def test_members_of_a_long_training_are_found_and_others_are_not(tiny_clip):
    setup = setup_of(tiny_clip)
    config = replace(PRESETS["threshold"], steps=250, views=6)
    found = measure(setup, config)
    outsider = measure(setup, replace(config, outsider=True))
    assert found["auroc"] > outsider["auroc"] + 0.1
    assert 0.35 < outsider["auroc"] < 0.65
    assert found["tpr01"] <= found["tpr1"] <= 1


def test_the_control_of_a_given_encoder_asks_for_images_that_it_never_saw(tiny_clip):
    setup = setup_of(tiny_clip)
    config = replace(PRESETS["given"], kind="threshold", shadow_steps=2, views=4)
    chance = measure(setup, replace(config, outsider=True))
    assert 0.35 < chance["auroc"] < 0.65
    flat = replace(setup, train=setup.train.take([0] * len(setup.train)))
    # Members that are all one image: told from others, and the control knows nothing of them.
    assert abs(measure(flat, config)["auroc"] - 0.5) > 0.1
    assert measure(flat, replace(config, outsider=True)) == chance


def test_too_few_images_are_told(tiny_clip):
    setup = setup_of(tiny_clip)
    with pytest.raises(DatasetError, match="256 images are needed, got 200"):
        measure(replace(setup, train=setup.train.first(200)), PRESETS["vector"])
    with pytest.raises(DatasetError, match="256 test images are needed, got 200"):
        measure(replace(setup, test=setup.test.first(200)), PRESETS["given"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "magic"}, "'magic'; choose one of threshold, vector, set, parts"),
        ({"views": 1}, "views must be at least 2, got 1"),
        ({"smallest_part": 0.3}, "the smallest first, got 0.3 to 0.2"),
        ({"steps": -1}, "steps must be 0 or more, got -1"),
        ({"members": 0}, "members must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        AttackConfig(**settings)


def test_published_rates_grow_with_training_and_the_control_is_chance():
    found = GRID.values(json.loads((GRID.home / "results.json").read_text("utf-8")))
    auroc = {preset: mean(one["auroc"]) for (_, preset), one in found.items()}
    assert auroc["short"] < auroc["medium"] < auroc["vector"]
    assert abs(auroc["outsider"] - 0.5) < 0.05
    assert auroc["parts"] < auroc["parts-large"] < auroc["threshold"]
    for one in found.values():
        assert mean(one["tpr01"]) <= mean(one["tpr1"])
