import math

import pytest
import torch
from torch.nn import functional as F

from reference_impls.lab import training
from reference_impls.lab.encoders import SmallNetConfig, embed_all
from reference_impls.lab.errors import ConfigError, WorldError
from reference_impls.lab.heads import recall_at
from reference_impls.lab.shapes import shapes
from reference_impls.lab.training import (
    CLIPConfig,
    SimCLRConfig,
    clip_loss,
    nt_xent,
    train_clip,
    train_simclr,
)
from reference_impls.lab.worlds import World

NET = SmallNetConfig(widths=(4, 8, 16))
TINY = SimCLRConfig(steps=6, batch=8, net=NET, bf16=False)


@pytest.fixture(scope="module")
def world():
    return shapes(64, seed=0, size=16)


def rows(seed, shape=(5, 4)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_nt_xent_agrees_with_the_double_loop():
    first, second, temperature = rows(1), rows(2), 0.3
    views = F.normalize(torch.cat([first, second]), dim=1)
    losses = []
    for i in range(10):
        partner = (i + 5) % 10
        similarities = [
            math.exp(float(views[i] @ views[k]) / temperature)
            for k in range(10)
            if k != i
        ]
        own = math.exp(float(views[i] @ views[partner]) / temperature)
        losses.append(-math.log(own / sum(similarities)))
    assert nt_xent(first, second, temperature).item() == pytest.approx(
        sum(losses) / 10, rel=1e-5
    )


def test_nt_xent_is_symmetric_in_the_two_views():
    torch.testing.assert_close(
        nt_xent(rows(1), rows(2), 0.2), nt_xent(rows(2), rows(1), 0.2)
    )


def test_nt_xent_of_a_constant_encoder_is_the_logarithm_of_the_others():
    same = torch.ones(5, 4)
    assert nt_xent(same, same, 0.2).item() == pytest.approx(math.log(9))


def test_clip_loss_of_matching_pairs_vanishes_and_of_equal_ones_does_not():
    scale = torch.tensor(100.0)
    assert clip_loss(torch.eye(4), torch.eye(4), scale).item() == pytest.approx(
        0, abs=1e-6
    )
    same = torch.ones(4, 3)
    assert clip_loss(same, same, scale).item() == pytest.approx(math.log(4))


def test_clip_loss_agrees_with_the_loop():
    images, texts = rows(3), rows(4)
    scale = torch.tensor(2.0)
    cosines = F.cosine_similarity(images[:, None], texts[None], dim=2) * 2
    losses = [
        -(table[i, i] - table[i].logsumexp(0))
        for table in (cosines, cosines.T)
        for i in range(5)
    ]
    torch.testing.assert_close(
        clip_loss(images, texts, scale), torch.stack(losses).mean()
    )


def weights(encoder):
    return torch.cat(
        [values.flatten() for values in encoder.module.state_dict().values()]
    )


def test_the_same_seed_trains_the_same_encoder(world):
    one, same = (train_simclr(world, TINY) for _ in range(2))
    other = train_simclr(
        world, SimCLRConfig(steps=6, batch=8, net=NET, bf16=False, seed=1)
    )
    assert torch.equal(weights(one), weights(same))
    assert not torch.equal(weights(one), weights(other))


def test_a_trained_encoder_is_frozen_and_in_eval_mode(world):
    module = train_simclr(world, TINY).module
    assert not module.training
    assert not any(weight.requires_grad for weight in module.parameters())


class KilledError(Exception):
    """Stands for a kill."""


def test_a_killed_run_goes_on_and_ends_where_it_would_have(
    world, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", 2)
    whole = train_simclr(world, TINY)
    steps = []

    def die_at_five(step, total, loss):
        if step == 5:
            raise KilledError

    with pytest.raises(KilledError):
        train_simclr(world, TINY, checkpoint=tmp_path / "c.pt", progress=die_at_five)
    assert (tmp_path / "c.pt").exists()
    resumed = train_simclr(
        world,
        TINY,
        checkpoint=tmp_path / "c.pt",
        progress=lambda step, *_: steps.append(step),
    )
    assert steps[0] > 1
    assert torch.equal(weights(resumed), weights(whole))
    assert not list(tmp_path.iterdir())


def test_training_draws_nothing_from_the_global_stream(world):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_simclr(world, TINY)
    assert torch.equal(torch.rand(3), expected)


def test_a_small_clip_learns_to_match_pictures_and_captions():
    world = shapes(256, seed=0, size=16)
    net = SmallNetConfig(widths=(8, 16, 32), embedding=16)
    clip = train_clip(world, CLIPConfig(steps=60, batch=64, net=net, bf16=False))
    images, texts = (
        embed_all(clip.image, world.images_N3HW),
        clip.embed_text(world.captions),
    )
    assert recall_at(images, texts, k=10) > 3 * 10 / 256


def test_unknown_words_are_named():
    world = shapes(32, seed=0, size=16)
    net = SmallNetConfig(widths=(4, 8, 16), embedding=8)
    clip = train_clip(world, CLIPConfig(steps=1, batch=8, net=net, bf16=False))
    with pytest.raises(WorldError, match="'zebra'"):
        clip.embed_text(["a large zebra circle on a plain red background"])


def test_too_few_images_are_refused(world):
    with pytest.raises(WorldError, match="64 images, fewer than one batch of 128"):
        train_simclr(world, SimCLRConfig(steps=1))


def test_a_world_without_captions_trains_no_clip():
    silent = World(name="silent", images_N3HW=torch.rand(16, 3, 16, 16))
    with pytest.raises(WorldError, match="silent has no captions"):
        train_clip(silent, CLIPConfig(steps=1, batch=8))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SimCLRConfig(steps=0), "steps must be above 0, got 0"),
        (lambda: SimCLRConfig(temperature=-1), "temperature must be above 0, got -1"),
        (lambda: CLIPConfig(net=SmallNetConfig()), r"needs net\.embedding"),
    ],
)
def test_bad_settings_say_what_they_got(build, message):
    with pytest.raises(ConfigError, match=message):
        build()
