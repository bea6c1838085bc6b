"""AdvEncoder's losses against plain loops, and its attack on encoders whose answer is known."""

import cmath
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from reference_impls.advencoder.method import (
    AdvEncoderConfig,
    attack,
    contrast_loss,
    frequency_loss,
    high_frequencies,
    quality_loss,
)
from reference_impls.lab.attacks.universal import random_patch, random_sign_perturbation
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError, DatasetError, EncoderError
from reference_impls.lab.models.encoders import embed_all
from reference_impls.lab.models.training import SimCLRConfig, train_simclr

QUICK = {"steps": 40, "batch": 32, "bf16": False}


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# -- Losses --------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 9), st.integers(2, 9), st.integers(0, 60))
def test_the_frequency_mask_is_that_of_a_double_loop(height, width, tenths):
    radius = tenths / 10
    mask = high_frequencies(height, width, radius)
    for row in range(height):
        for column in range(width):
            # Frequencies above half the edge are the negative ones.
            up = row if row < (height + 1) // 2 else row - height
            right = column if column < (width + 1) // 2 else column - width
            expected = math.sqrt(up**2 + right**2) >= radius
            assert mask[row, column] == expected, (row, column)


def test_the_frequency_loss_is_that_of_filtered_images():
    """Bilingual images filtered by a discrete Fourier transform written as sums."""
    height, width = 5, 4
    clean, attacked = random(3, height, width), random(3, height, width, seed=1)
    mask = high_frequencies(height, width, 1.5)

    def filtered(plane):
        waves = [
            (row, column)
            for row in range(height)
            for column in range(width)
            if mask[row, column]
        ]
        spectrum = {
            (u, v): sum(
                plane[y][x]
                * cmath.exp(-2j * cmath.pi * (u * y / height + v * x / width))
                for y in range(height)
                for x in range(width)
            )
            for u, v in waves
        }
        return [
            sum(
                value * cmath.exp(2j * cmath.pi * (u * y / height + v * x / width))
                for (u, v), value in spectrum.items()
            ).real
            / (height * width)
            for y in range(height)
            for x in range(width)
        ]

    squares = [
        (a - b) ** 2
        for channel in range(3)
        for a, b in zip(
            filtered(attacked[channel].tolist()),
            filtered(clean[channel].tolist()),
            strict=True,
        )
    ]
    loss = frequency_loss((attacked - clean)[None], mask)
    assert loss.item() == pytest.approx(-sum(squares) / len(squares), rel=1e-4)


def test_a_constant_change_has_no_high_frequencies_and_without_cutoff_all_count():
    flat, any_change = torch.full((2, 3, 8, 8), 0.3), random(2, 3, 8, 8)
    assert frequency_loss(flat, high_frequencies(8, 8, 1)).abs() < 1e-10
    torch.testing.assert_close(
        frequency_loss(any_change, high_frequencies(8, 8, 0)), -quality_loss(any_change)
    )


def test_the_contrast_loss_falls_as_embeddings_leave_their_twins():
    clean = F.normalize(random(16, 8), dim=1)
    at_home, swapped = (
        contrast_loss(clean, clean),
        contrast_loss(clean.roll(1, 0), clean),
    )
    assert swapped < contrast_loss(random(16, 8, seed=1), clean) < at_home
    assert at_home <= 0


# -- The attack ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def dataset():
    return shapes(512, seed=5)


@pytest.fixture(scope="module")
def encoder():
    """Trained for a moment: enough to have something to lose."""
    return train_simclr(
        shapes(512, seed=6), SimCLRConfig(steps=40, batch=96, bf16=False)
    )


def cosine_to_clean(encoder, dataset, change):
    clean = embed_all(encoder, dataset.images_N3HW)
    attacked = embed_all(encoder, change.apply(dataset.images_N3HW))
    return F.cosine_similarity(clean, attacked).mean().item()


@pytest.fixture(scope="module")
def crafted(encoder, dataset):
    """Every variant with every crafter."""
    choices = [
        ("perturbation", "generator"),
        ("perturbation", "direct"),
        ("perturbation", "signs"),
        ("patch", "generator"),
        ("patch", "direct"),
    ]
    return {
        (variant, crafter): attack(
            encoder,
            dataset,
            AdvEncoderConfig(
                variant=variant,
                crafter=crafter,
                patch=PatchSpec(share=0.0625),
                **QUICK,
            ),
        )
        for variant, crafter in choices
    }


def test_every_perturbation_moves_embeddings_further_than_noise(encoder, crafted):
    test = shapes(256, seed=7)  # pictures that the attacker never saw
    noise = random_sign_perturbation(10 / 255, 32, seed=0)
    moved_by_noise = 1 - cosine_to_clean(encoder, test, noise)
    for (variant, crafter), change in crafted.items():
        if variant == "perturbation":
            moved = 1 - cosine_to_clean(encoder, test, change)
            assert moved > 3 * moved_by_noise, crafter


def test_every_patch_moves_embeddings_further_than_noise(encoder, crafted):
    test = shapes(256, seed=7)
    noise = random_patch(PatchSpec(share=0.0625), 32, seed=0)
    moved_by_noise = 1 - cosine_to_clean(encoder, test, noise)
    for (variant, crafter), change in crafted.items():
        if variant == "patch":
            moved = 1 - cosine_to_clean(encoder, test, change)
            assert moved > 1.5 * moved_by_noise, crafter


def test_what_is_applied_stays_in_range_and_within_its_bound(crafted, dataset):
    """The published program clamps neither perturbed images nor, rightly, patches."""
    images = dataset.images_N3HW[:64]
    for (variant, _), change in crafted.items():
        attacked = change.apply(images)
        assert attacked.min() >= 0
        assert attacked.max() <= 1
        if variant == "perturbation":
            assert (attacked - images).abs().max() <= 10 / 255 + 1e-6
        else:
            outside = change.mask_HW == 0
            assert attacked[:, :, outside].equal(images[:, :, outside])
            assert (~outside).sum() == 8 * 8


def test_the_encoder_is_left_alone(encoder, dataset):
    victim = encoder.copy()
    victim.module.zero_grad()
    before = {n: v.clone() for n, v in victim.module.state_dict().items()}
    attack(victim, dataset, AdvEncoderConfig(steps=2, batch=32))
    after = victim.module.state_dict()
    assert all(value.equal(after[name]) for name, value in before.items())
    assert all(weight.grad is None for weight in victim.module.parameters())


@pytest.mark.parametrize("crafter", ["generator", "direct", "signs"])
def test_the_same_seed_gives_the_same_change(encoder, dataset, crafter):
    config = AdvEncoderConfig(crafter=crafter, steps=3, batch=32, bf16=False)
    first, second = (attack(encoder, dataset, config).delta_3HW for _ in range(2))
    assert first.equal(second)
    other = AdvEncoderConfig(crafter=crafter, steps=3, batch=32, bf16=False, seed=1)
    assert not attack(encoder, dataset, other).delta_3HW.equal(first)


def test_a_killed_attack_goes_on_to_the_same_change(encoder, dataset, tmp_path):
    config = AdvEncoderConfig(variant="patch", crafter="direct", steps=60, batch=8)
    whole = attack(encoder, dataset, config)

    def die(done, total, loss):
        if done == 55:
            raise KeyboardInterrupt

    checkpoint = tmp_path / "attack.checkpoint"
    with pytest.raises(KeyboardInterrupt):
        attack(encoder, dataset, config, checkpoint=checkpoint, progress=die)
    steps = []
    resumed = attack(
        encoder,
        dataset,
        config,
        checkpoint=checkpoint,
        progress=lambda done, *_: steps.append(done),
    )
    assert steps == list(range(51, 61))
    torch.testing.assert_close(resumed.pattern_3HW, whole.pattern_3HW)


# -- Bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({"variant": "sticker"}, "unknown variant 'sticker'"),
        ({"crafter": "luck"}, "unknown crafter 'luck'"),
        ({"epsilon": 10.0}, "epsilon must lie in"),
        ({"epsilon": 0.0}, "epsilon must lie in"),
        ({"steps": 0}, "steps must be above 0"),
        ({"batch": 1}, "batch must be at least 2"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"cutoff": 0.6}, "cutoff must lie in"),
        ({"quality_weight": -1.0}, "quality_weight must not be negative"),
        ({"variant": "patch", "crafter": "signs"}, "use generator or direct"),
    ],
)
def test_settings_out_of_range_are_refused(settings_, said):
    with pytest.raises(ConfigError, match=said):
        AdvEncoderConfig(**settings_)


def test_a_patch_larger_than_the_image_is_refused(encoder, dataset):
    spec = PatchSpec(share=1.0)
    with pytest.raises(ConfigError, match="does not fit"):
        attack(encoder, dataset, AdvEncoderConfig(variant="patch", patch=spec, **QUICK))


def test_too_few_images_and_images_of_another_size_are_refused(encoder, dataset):
    with pytest.raises(DatasetError, match="fewer than one batch of 32"):
        attack(encoder, dataset.first(10), AdvEncoderConfig(**QUICK))
    with pytest.raises(EncoderError, match="resize them first"):
        attack(encoder, shapes(64, seed=0, size=16), AdvEncoderConfig(**QUICK))
