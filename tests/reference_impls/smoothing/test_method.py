"""The algorithm boxes: bounds by hand, and a classifier whose radius is known exactly."""

from statistics import NormalDist

import pytest
import torch
from torch import Generator

from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.heads import linear_classifier
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.smoothing.method import (
    ABSTAIN,
    Certified,
    SmoothingConfig,
    accuracy,
    certify,
    certify_all,
    lower_conf_bound,
    sample_under_noise,
)
from tests.reference_impls.conftest import TINY_LAB

CONFIG = SmoothingConfig(n0=50, n=1000, denoiser="none")


def generator(seed=0):
    return Generator().manual_seed(seed)


class Linear:
    """Class 0 where w.x + b > 0; the exact radius of its smoothed self is |w.x + b| / |w|."""

    def __init__(self, seed=12345, shape=(3, 4, 4)):
        self.w = torch.randn(shape, generator=generator(seed))
        self.b = 0.3

    def __call__(self, images):
        score = (images * self.w).sum(dim=(1, 2, 3)) + self.b
        return torch.stack([score, -score], dim=1)

    def at(self, distance):
        """An image so far on the side of class 0."""
        unit = self.w / self.w.norm()
        return unit * (distance - self.b / self.w.norm())


class Scripted:
    """Hands out classes in a fixed order, whatever the image: so many of each in a round."""

    def __init__(self, *counts):
        self.order = [number for number, count in enumerate(counts) for _ in range(count)]  # fmt: skip
        self.classes = len(counts)

    def __call__(self, images):
        chosen, self.order = self.order[: len(images)], self.order[len(images) :]
        return torch.eye(self.classes)[torch.tensor(chosen)]


class TestLowerConfBound:
    @pytest.mark.parametrize("count", [1, 100, 1000, 100_000])
    def test_if_all_agree_it_is_alpha_to_the_one_over_n(self, count):
        exact = 0.001 ** (1 / count)
        assert lower_conf_bound(count, count, 0.001) == pytest.approx(exact, abs=1e-12)

    @pytest.mark.parametrize(
        ("hits", "count"),
        [(1, 10), (60, 100), (990, 1000), (501, 1000), (99_000, 100_000)],
    )
    @pytest.mark.parametrize("alpha", [0.001, 0.05])
    def test_it_is_the_quantile_of_beta(self, hits, count, alpha):
        stats = pytest.importorskip("scipy.stats")
        exact = stats.beta.ppf(alpha, hits, count - hits + 1)
        assert lower_conf_bound(hits, count, alpha) == pytest.approx(exact, abs=1e-9)

    def test_no_hit_bounds_nothing(self):
        assert lower_conf_bound(0, 10, 0.001) == 0


class TestSampleUnderNoise:
    def test_every_copy_votes_once_also_over_several_batches(self):
        base = Linear()
        counts = sample_under_noise(base, base.at(0.1), 1203, 0.25, generator())
        assert counts.shape == (2,)
        assert counts.sum() == 1203

    def test_the_share_is_that_of_the_normal_distribution(self):
        base = Linear()
        counts = sample_under_noise(base, base.at(0.1), 40_000, 0.25, generator())
        exact = NormalDist().cdf(0.1 / 0.25)
        assert counts[0] / 40_000 == pytest.approx(exact, abs=0.01)


class TestCertify:
    @pytest.mark.parametrize("distance", [0.0, 0.05, 0.1, 0.2, 0.4])
    def test_the_radius_of_a_linear_classifier_is_not_exceeded(self, distance):
        base, wrong = Linear(), 0
        for seed in range(100):
            found, radius = certify(base, base.at(distance), CONFIG, generator(seed))
            wrong += found == 1 or radius > distance
        assert wrong <= 1  # each is wrong with probability alpha = 0.001

    @pytest.mark.parametrize("distance", [0.1, 0.3, 0.5])
    def test_many_samples_come_close_to_it(self, distance):
        base, config = Linear(), SmoothingConfig(n=100_000, sigma=0.25)
        found, radius = certify(base, base.at(distance), config, generator())
        assert found == 0
        assert distance - 0.012 < radius <= distance

    def test_so_many_samples_reach_no_further(self):
        base = Linear()
        _, radius = certify(base, base.at(100.0), CONFIG, generator())
        cap = 0.25 * NormalDist().inv_cdf(0.001 ** (1 / 1000))
        assert radius == pytest.approx(cap)
        assert 0.61 < cap < 0.62

    def test_on_the_boundary_it_abstains(self):
        base = Linear()
        assert certify(base, base.at(0.0), CONFIG, generator()) == (ABSTAIN, 0.0)

    def test_the_class_is_chosen_by_the_first_samples_alone(self):
        config = SmoothingConfig(n0=10, n=1000)
        base = Scripted(6, 4)
        base.order += [1] * 1000  # what comes after agrees on the other class
        image = torch.zeros(3, 2, 2)
        assert certify(base, image, config, generator()) == (ABSTAIN, 0.0)


class TestCertified:
    def test_certified_accuracy_counts_right_classes_within_the_radius(self):
        found = Certified(images=4, abstained=1, radii=(0.1, 0.25))
        assert [found.within(r) for r in (0, 0.1, 0.2, 0.25, 0.3)] == [
            0.5,
            0.5,
            0.25,
            0.25,
            0,
        ]

    def test_all_images_are_certified_and_wrong_classes_have_no_radius(self):
        base = Linear()
        images = torch.stack([base.at(d) for d in (0.3, 0.01, -0.3, 0.2)])
        labels = torch.tensor([0, 0, 0, 0])
        found = certify_all(base, images, labels, CONFIG)
        assert (found.images, found.abstained, len(found.radii)) == (4, 1, 2)
        assert found.radii[0] <= 0.2
        assert found.radii[1] <= 0.3
        again = certify_all(base, images, labels, CONFIG)
        assert again == found
        assert accuracy(base, images, labels) == 0.75


def test_the_head_learns_the_task_from_clean_images(tiny_clip):
    train = train_dataset(TINY_LAB)
    base = linear_classifier(tiny_clip.image, train, "background")
    assert accuracy(base, train.images_N3HW, train.labels["background"]) > 0.6


def test_a_task_that_is_not_there_names_the_others(tiny_clip):
    with pytest.raises(DatasetError, match="no task 'weather'; it has shape, foregr"):
        linear_classifier(tiny_clip.image, train_dataset(TINY_LAB), "weather")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sigma": 0}, "sigma must be above 0, got 0"),
        ({"n": 0}, "n must be above 0"),
        ({"n0": -1}, "n0 must be above 0"),
        ({"alpha": 0.5}, r"alpha must lie in \(0, 0.5\), got 0.5"),
        ({"alpha": 0}, "alpha must lie"),
        ({"denoiser": "magic"}, "'magic'; choose one of none, mse"),
        ({"denoiser": "diffusion", "sigma": 2}, "sigma up to 1, got 2"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        SmoothingConfig(**settings)
