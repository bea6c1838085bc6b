"""The denoiser: known cases of its losses, what training does, and what it is good for."""

from dataclasses import replace

import pytest
import torch

from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.heads import linear_classifier
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.smoothing.denoiser import (
    ALPHA_BAR,
    Denoiser,
    behind_denoiser,
    mse_loss,
    stability_loss,
    time_step,
)
from reference_impls.smoothing.method import (
    SmoothingConfig,
    accuracy,
    certify_all,
)
from tests.reference_impls.conftest import TINY_LAB


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def silent(*, diffusion):
    """A denoiser that takes nothing for noise."""
    denoiser = Denoiser(diffusion=diffusion)
    for weight in denoiser.parameters():
        weight.data.zero_()
    return denoiser


@pytest.mark.parametrize("sigma", [0.05, 0.12, 0.25, 0.5, 1.0])
def test_the_time_step_is_the_first_with_so_much_noise(sigma):
    t = time_step(sigma)
    before, at = ((1 - ALPHA_BAR[i]) / ALPHA_BAR[i] for i in (t - 1, t))
    assert before < (2 * sigma) ** 2 <= at
    assert time_step(1e9) == len(ALPHA_BAR) - 1


@pytest.mark.parametrize("diffusion", [False, True])
def test_without_weights_the_images_come_back_as_they_went(diffusion):
    images = torch.rand(2, 3, 8, 8) * 3 - 1  # noisy images are not clamped
    back = silent(diffusion=diffusion)(images, 0.25)
    torch.testing.assert_close(back, images, atol=1e-5, rtol=1e-5)


def test_the_loss_of_doing_nothing_is_the_noise():
    clean, noise = torch.rand(2, 3, 8, 8), draw(2, 3, 8, 8)
    left = noise.square().mean()
    plain = mse_loss(silent(diffusion=False), clean, noise, 0.25)
    torch.testing.assert_close(plain, 0.25**2 * left)
    guess = mse_loss(silent(diffusion=True), clean, noise, 0.25)
    torch.testing.assert_close(guess, left, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("diffusion", [False, True])
def test_who_knows_the_noise_loses_nothing(diffusion, monkeypatch):
    clean, noise, sigma = torch.rand(2, 3, 8, 8), draw(2, 3, 8, 8), 0.25
    denoiser = Denoiser(diffusion=diffusion)
    if diffusion:  # the noise of its time step, to the digit
        a = ALPHA_BAR[time_step(sigma)].item()
        sigma = ((1 - a) / a) ** 0.5 / 2 * (1 - 1e-6)
        told = noise
    else:
        told = sigma * noise
    monkeypatch.setattr(denoiser, "noise", lambda images, level: told)
    assert mse_loss(denoiser, clean, noise, sigma).item() < 1e-8


def test_stability_is_cross_entropy_to_the_class_of_the_clean_image():
    def base(images):
        score = images.mean(dim=(1, 2, 3))
        return torch.stack([score, torch.zeros_like(score)], dim=1)

    clean, grey = torch.ones(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    assert stability_loss(base, clean, grey).item() == pytest.approx(0.6931, abs=1e-4)
    assert stability_loss(base, clean, 20 * clean).item() < 1e-6
    assert stability_loss(base, -clean, 20 * clean).item() == pytest.approx(20)


@pytest.fixture(scope="module")
def base(tiny_clip):
    return linear_classifier(tiny_clip.image, train_dataset(TINY_LAB), "background")


@pytest.mark.parametrize("kind", ["mse", "stability", "diffusion"])
def test_every_denoiser_helps_the_classifier_under_noise(kind, base):
    train, test = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB)
    config = SmoothingConfig(denoiser=kind, sigma=0.5, steps=120)
    smoothed = behind_denoiser(base, train, config)
    noisy = test.images_N3HW + 0.5 * draw(*test.images_N3HW.shape)
    labels = test.labels["background"]
    assert accuracy(smoothed, noisy, labels) > accuracy(base, noisy, labels) + 0.05


def test_certified_accuracy_is_higher_behind_a_denoiser(base):
    train, test = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB).first(40)
    settings = SmoothingConfig(sigma=0.5, n0=30, n=200, steps=120)
    found = {}
    for kind in ("none", "mse"):
        config = replace(settings, denoiser=kind)
        smoothed = behind_denoiser(base, train, config)
        labels = test.labels["background"]
        found[kind] = certify_all(smoothed, test.images_N3HW, labels, config)
    assert found["mse"].within(0.25) > found["none"].within(0.25) + 0.05
    assert found["mse"].abstained <= found["none"].abstained


def test_without_a_denoiser_it_is_the_classifier_itself(base):
    config = SmoothingConfig(denoiser="none")
    assert behind_denoiser(base, train_dataset(TINY_LAB), config) is base


def test_the_seed_decides_and_the_classifier_is_left_alone(base, tiny_clip):
    train, config = train_dataset(TINY_LAB), SmoothingConfig(denoiser="stability", steps=3)  # fmt: skip
    before = {k: v.clone() for k, v in tiny_clip.image.module.state_dict().items()}
    for weight in tiny_clip.image.module.parameters():
        weight.grad = None
    one, again = (behind_denoiser(base, train, config) for _ in range(2))
    other = behind_denoiser(base, train, replace(config, seed=1))
    images = train.images_N3HW[:4]
    assert torch.equal(one(images), again(images))
    assert not torch.equal(one(images), other(images))
    after = tiny_clip.image.module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(weight.grad is None for weight in tiny_clip.image.module.parameters())


def test_too_few_images_and_odd_ones_are_refused(base):
    with pytest.raises(DatasetError, match="fewer than one batch of 64"):
        behind_denoiser(base, shapes(10, seed=0, size=16), SmoothingConfig())
    with pytest.raises(DatasetError, match="even sizes only, got 17"):
        behind_denoiser(base, shapes(64, seed=0, size=17), SmoothingConfig())
