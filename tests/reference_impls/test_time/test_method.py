"""The defenses: known answers by hand, and what they do against their controls on a small CLIP."""

from dataclasses import replace

import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.zero_shot import blank_text
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.test_time.method import (
    DefenseConfig,
    counterattack,
    defended,
    purify,
    relative_shift,
)
from reference_impls.test_time.reversal import contrastive_loss, train_projector
from reference_impls.test_time.study import GRID, measure
from tests.reference_impls.conftest import TINY_LAB

EPSILON = 8 / 255


def mean_colour(images):
    """An embedding whose shift is known: three channel means."""
    return images.mean(dim=(2, 3))


def generator(seed=0):
    return Generator().manual_seed(seed)


class TestCounterattack:
    config = DefenseConfig(reach=Budget(epsilon=EPSILON, step=EPSILON, steps=1), tau=9)

    def test_a_step_moves_every_pixel_to_the_edge_and_weighs_exp_beta(self):
        images = torch.full((2, 3, 4, 4), 0.5)
        config = replace(self.config, beta=0.0)
        noise = counterattack(mean_colour, images, replace(config, tau=1e-9), generator())  # fmt: skip
        mixed = counterattack(mean_colour, images, config, generator())
        # Away from where the noise has already moved each channel's mean, as far as it may.
        way = (mean_colour(noise) - mean_colour(images)).sign()
        pushed = (noise + EPSILON * way[..., None, None]).clamp(0.5 - EPSILON, 0.5 + EPSILON)  # fmt: skip
        torch.testing.assert_close(mixed, (noise + pushed) / 2)
        last = counterattack(mean_colour, images, replace(config, beta=50.0), generator())  # fmt: skip
        torch.testing.assert_close(last, pushed)

    def test_an_image_that_noise_moves_keeps_the_noise(self):
        images = torch.rand(4, 3, 4, 4, generator=generator(1))
        noisy = counterattack(mean_colour, images, replace(self.config, tau=1e-9), generator())  # fmt: skip
        shift = relative_shift(mean_colour, images, noisy)
        between = shift.sort().values[1:3].mean().item()
        found = counterattack(mean_colour, images, replace(self.config, tau=between), generator())  # fmt: skip
        kept = (found == noisy).flatten(1).all(dim=1)
        assert torch.equal(kept, shift >= between)
        assert (found - images).abs().max() <= EPSILON + 1e-6

    def test_relative_shift_is_of_lengths(self):
        one, two = torch.full((1, 3, 2, 2), 0.4), torch.full((1, 3, 2, 2), 0.5)
        assert relative_shift(mean_colour, one, two).item() == pytest.approx(0.25)


class TestPurify:
    def test_a_step_is_blank_minus_its_share_of_u(self):
        z, blank = torch.tensor([[3.0, 0.0]]), torch.tensor([0.6, 0.8])
        found = purify(z, blank, eta=0.5, steps=1)
        torch.testing.assert_close(found, 3 * F.normalize(torch.tensor([[1.0, 0.4]])))

    def test_small_steps_end_at_the_text_and_keep_the_length(self):
        z = torch.randn(5, 8, generator=generator())
        blank = F.normalize(torch.randn(8, generator=generator(1)), dim=0)
        found = purify(z, blank, eta=0.3, steps=100)
        torch.testing.assert_close(found.norm(dim=1), z.norm(dim=1))
        assert ((F.normalize(found, dim=1) @ blank) > 0.999).all()

    def test_two_huge_steps_bring_the_direction_back(self):
        """What eta = 30 does: each step turns by almost a right angle, so two of them undo each other."""
        z = torch.tensor([[1.0, 0.0]])
        blank = F.normalize(torch.tensor([0.3, 1.0]), dim=0)
        once, twice = (purify(z, blank, eta=30.0, steps=n) for n in (1, 2))
        assert (once @ z.T).item() < 0.05
        assert (twice @ z.T).item() > 0.95


class TestContrastiveLoss:
    def test_it_is_cross_entropy_at_temperature_a_fifth(self):
        first, second = torch.tensor([[2.0, 0.0]]), torch.tensor([[5.0, 0.0]])
        bank = torch.tensor([[0.0, 1.0], [-4.0, 0.0]])
        odds = torch.tensor([5.0, 0.0, -5.0]).exp()
        expected = -(odds[0] / odds.sum()).log().item()
        assert contrastive_loss(first, second, bank).item() == pytest.approx(
            expected, rel=1e-4
        )

    def test_every_image_has_its_own(self):
        views = torch.randn(3, 8, generator=generator())
        bank = torch.randn(6, 8, generator=generator(1))
        losses = contrastive_loss(views, views, bank)
        assert losses.shape == (3,)
        assert (contrastive_loss(views, -views, bank) > losses).all()

    def test_the_projector_makes_views_agree_and_needs_a_batch(self, tiny_clip):
        train, encode = train_dataset(TINY_LAB), tiny_clip.image.encode
        z = encode(train.images_N3HW[:64]), encode(train.images_N3HW[:64].flip(3))
        losses = [
            contrastive_loss(*(net(one) for one in z), net(z[0][:32])).mean().item()
            for net in (
                train_projector(encode, train, steps=n, seed=0) for n in (1, 60)
            )
        ]
        assert losses[1] < losses[0] - 0.2
        few = shapes(10, seed=0, size=16)
        with pytest.raises(DatasetError, match="fewer than one batch of 128"):
            train_projector(encode, few, steps=1, seed=0)


@pytest.fixture(scope="module")
def setup(tiny_clip):
    return Setup(
        encoder=tiny_clip.image,
        clip=tiny_clip,
        train=train_dataset(TINY_LAB),
        test=dataset_of_test(TINY_LAB).first(60),
        task="background",
    )


def shorter(preset):
    return replace(GRID.presets[preset], training=40, draws=2, attack=Budget(epsilon=6 / 255, steps=5))  # fmt: skip


@pytest.mark.parametrize(("preset", "control"), [("ttc", "noise"), ("reversal", "noise-wide")])  # fmt: skip
def test_who_does_not_know_it_fools_less_than_behind_noise(preset, control, setup):
    found, beside = (measure(setup, shorter(one)) for one in (preset, control))
    assert found["naive"] > beside["naive"] + 0.05
    assert found["aware"] < found["naive"]


def test_without_a_defense_both_attackers_are_one(setup):
    alone = measure(setup, shorter("none"))
    assert alone["naive"] == alone["aware"] < alone["clean"]


@pytest.mark.parametrize("preset", ["noise", "ttc", "reversal", "clipure"])
def test_gradients_reach_the_images_and_the_seed_decides(preset, tiny_clip):
    train = train_dataset(TINY_LAB)
    blank = blank_text(tiny_clip.embed_text, train)
    config = replace(GRID.presets[preset], training=3, steps=2, bank=16)
    images = train.images_N3HW[:3].clone().requires_grad_()
    one, again = (defended(tiny_clip.image, train, blank, config)(images) for _ in range(2))  # fmt: skip
    assert torch.equal(one, again)
    (gradient,) = torch.autograd.grad(one.sum(), images)
    assert (gradient.flatten(1).abs().sum(dim=1) > 0).all()
    other = defended(tiny_clip.image, train, blank, replace(config, seed=1))(images)
    assert torch.equal(one, other) == (preset == "clipure")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"defense": "magic"}, "'magic'; choose one of none, noise, ttc"),
        ({"toward": "magic"}, "unknown toward 'magic'; choose one of text, random"),
        ({"tau": 0}, "tau must be above 0, got 0"),
        ({"eta": -1}, "eta must be above 0"),
        ({"bank": 0}, "bank must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        DefenseConfig(**settings)
