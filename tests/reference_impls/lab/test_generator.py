"""Canvases and the loop that optimises them, on goals whose answer is known."""

import pytest
import torch
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.generator import (
    CraftSettings,
    Discriminator,
    FreePixels,
    PatchGenerator,
    craft,
    gan_losses,
)

SETTINGS = CraftSettings(steps=60, learning_rate=0.05)


def generator(side=6, seed=0):
    return PatchGenerator(side, latent=8, width=32, seed=seed)


@pytest.mark.parametrize("side", [1, 3, 4, 5, 8, 13, 38])
@pytest.mark.parametrize("kind", ["free", "generator"])
def test_a_canvas_has_any_side_and_stays_in_range(side, kind):
    canvas = FreePixels(side, seed=0) if kind == "free" else generator(side)
    pixels = canvas()
    assert pixels.shape == (3, side, side)
    assert 0 <= pixels.min() <= pixels.max() <= 1


def test_a_full_size_map_needs_no_more_than_the_next_power_of_two():
    canvas = generator(224)
    with torch.no_grad():
        assert canvas.net(canvas.noise).shape[-1] == 256
    assert canvas().shape == (3, 224, 224)


@pytest.mark.parametrize("make", [generator, lambda seed: FreePixels(6, seed=seed)])
def test_the_seed_decides_and_the_global_stream_is_left_alone(make):
    before = torch.random.get_rng_state()
    one, again, other = make(seed=1)(), make(seed=1)(), make(seed=2)()
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), before)


def to_colour(pixels, _):
    goal = torch.tensor([0.9, 0.1, 0.5]).view(3, 1, 1)
    return (pixels - goal).square().mean()


@pytest.mark.parametrize(
    ("canvas", "rate"), [(FreePixels(6, seed=0), 0.2), (generator(), 0.02)]
)
def test_crafting_reaches_a_colour(canvas, rate):
    pixels = craft(canvas, to_colour, CraftSettings(steps=100, learning_rate=rate))
    assert to_colour(pixels, None) < 0.01
    assert not pixels.requires_grad


def windows(seed, count=12):
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_the_gan_losses_are_the_cross_entropies():
    judge = Discriminator(width=4, seed=0)
    real, changed = windows(1), windows(2)
    deceived, judged = gan_losses(judge, real, changed)
    ones, zeros = torch.ones(12), torch.zeros(12)
    expected = F.binary_cross_entropy(judge(changed).sigmoid(), ones)
    torch.testing.assert_close(deceived, expected)
    expected = F.binary_cross_entropy(judge(real).sigmoid(), ones)
    expected = expected + F.binary_cross_entropy(judge(changed).sigmoid(), zeros)
    torch.testing.assert_close(judged, expected)


def test_each_player_gets_the_gradient_of_its_own_loss_alone():
    judge, changed = Discriminator(width=4, seed=0), windows(2).requires_grad_()
    deceived, judged = gan_losses(judge, windows(1), changed)
    weights = list(judge.parameters())
    assert torch.autograd.grad(
        deceived, weights, retain_graph=True, allow_unused=True
    ) == (None,) * len(weights)
    assert torch.autograd.grad(
        judged, [changed], retain_graph=True, allow_unused=True
    ) == (None,)
    (to_image,) = torch.autograd.grad(deceived, [changed], retain_graph=True)
    assert to_image.abs().sum() > 0
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(judged, weights)[-1:])


def test_a_discriminator_learns_to_tell_and_stays_clipped():
    judge = Discriminator(width=8, seed=0)
    settings = CraftSettings(steps=80, learning_rate=0.02, clip_discriminator=0.5)
    dark = 0.3 * windows(1)

    def loss(_, draw):
        bright = 0.7 + 0.3 * torch.rand(12, 3, 8, 8, generator=draw)
        return gan_losses(judge, bright, dark)[1]

    craft(
        FreePixels(2, seed=0),
        lambda p, d: loss(p, d) + 0 * p.sum(),
        settings,
        discriminator=judge,
    )
    with torch.no_grad():
        assert judge(0.7 + 0.3 * windows(5)).mean() > judge(dark).mean() + 0.5
    most = max(weight.abs().max() for weight in judge.parameters())
    assert most <= 0.5 + settings.learning_rate


@pytest.mark.parametrize("make", [lambda: FreePixels(4, seed=0), generator])
def test_a_killed_run_goes_on_and_ends_with_the_same_pixels(make, tmp_path):
    def noisy(pixels, draw):
        return (pixels - torch.rand(1, generator=draw)).square().mean()

    def killer(step, *_):
        if step == 55:
            raise KeyboardInterrupt

    whole = craft(make(), noisy, SETTINGS)
    path = tmp_path / "craft.checkpoint"
    with pytest.raises(KeyboardInterrupt):
        craft(make(), noisy, SETTINGS, checkpoint=path, progress=killer)
    assert path.exists()
    steps = []
    resumed = craft(
        make(), noisy, SETTINGS, checkpoint=path, progress=lambda *a: steps.append(a[0])
    )
    assert steps[0] == 51
    assert torch.equal(resumed, whole)
    assert not path.exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps must be above 0"),
        ({"learning_rate": -1}, "learning_rate must be above 0"),
        ({"betas": (0.5, 1.0)}, "betas"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        CraftSettings(**({"steps": 1, "learning_rate": 0.1} | settings))
