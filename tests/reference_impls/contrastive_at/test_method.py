"""The losses: known answers by hand; the loop: what an attack inside it gives an encoder."""

from dataclasses import replace

import pytest
import torch
from torch import Generator, nn

from reference_impls.contrastive_at.method import (
    LOSSES,
    Learning,
    PretrainConfig,
    contrast,
    other_norms,
    pretrain,
    quarter_turns,
)
from reference_impls.contrastive_at.study import GRID, measure
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.encoders import SmallNetConfig, small_encoder
from reference_impls.lab.models.training import nt_xent, projection_head
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from tests.reference_impls.conftest import TINY_LAB

NET = SmallNetConfig(widths=(8, 16, 32))


def generator(seed=0):
    return Generator().manual_seed(seed)


def learning(**settings):
    encoder = small_encoder(NET, name="new", size=16, seed=0)
    encoder.module.train()
    plain = replace(encoder, module=other_norms(encoder.module))
    width = 4 if settings.get("loss") == "rotation" else 64
    head = projection_head(encoder.dimension, 0, width)
    config = PretrainConfig(**settings)
    return Learning(config=config, robust=encoder, plain=plain, head=head)


class TestLosses:
    def test_of_two_views_it_is_nt_xent(self):
        one, two = torch.randn(2, 5, 8, generator=generator())
        found, expected = contrast([one, two], 0.3), nt_xent(one, two, 0.3)
        torch.testing.assert_close(found, expected)

    def test_three_views_share_the_numerator(self):
        """Two images at right angles, three equal views each: an anchor has two positives of e, three negatives of 1."""
        views = [torch.eye(2)] * 3
        e = torch.tensor(1.0).exp()
        expected = ((2 * e + 3) / (2 * e)).log()
        torch.testing.assert_close(contrast(views, 1.0), expected)

    def test_quarter_turns_can_be_turned_back(self):
        images = torch.rand(40, 3, 6, 6, generator=generator())
        turned, turns = quarter_turns(images, generator(1))
        assert set(turns.tolist()) == {0, 1, 2, 3}
        for image, there, count in zip(images, turned, turns.tolist(), strict=True):
            assert torch.equal(there.rot90(-count, (1, 2)), image)

    def test_norms_are_apart_and_weights_are_one(self):
        net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
        twin = other_norms(net)
        assert twin[0].weight is net[0].weight
        assert twin[1].weight is not net[1].weight
        twin.train()(torch.rand(8, 3, 2, 2))
        assert torch.equal(net[1].running_mean, torch.zeros(4))

    @pytest.mark.parametrize("loss", LOSSES)
    def test_the_attack_raises_what_the_step_lowers(self, loss):
        """The same step, once with noise and once with an attack of the same size."""
        images = train_dataset(TINY_LAB).images_N3HW[:32]
        reach = Budget(epsilon=8 / 255, steps=3)
        noise, attack = (
            LOSSES[loss](learning(loss=loss, change=one, reach=reach), images, generator(2)).item()
            for one in ("noise", "attack")
        )  # fmt: skip
        assert attack > noise


def test_attacked_views_make_the_linear_head_more_robust(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    encoder = small_encoder(NET, name="new", size=16, seed=0)
    setup = Setup(
        encoder=encoder,
        clip=None,
        train=train_dataset(TINY_LAB),
        test=dataset_of_test(TINY_LAB).first(100),
        task="background",
    )
    small = {"steps": 60, "tuning": 2, "attack": Budget(epsilon=6 / 255, steps=5)}
    plain, rocl = (measure(setup, replace(GRID.presets[one], **small)) for one in ("simclr", "rocl"))  # fmt: skip
    assert rocl["robust"] > plain["robust"] + 0.05
    assert all(one["robust"] <= one["clean"] for one in (plain, rocl))
    assert len(list(tmp_path.rglob("contrastive-at-*.safetensors"))) == 2


@pytest.mark.parametrize("loss", LOSSES)
def test_the_seed_decides_and_the_start_counts(loss):
    train = train_dataset(TINY_LAB)
    encoder = small_encoder(NET, name="new", size=16, seed=3)
    config = PretrainConfig(loss=loss, steps=1, batch=16)
    x = train.images_N3HW[:4]
    one, again, other, on = (
        pretrain(encoder, train, replace(config, **how)).encode(x)
        for how in ({}, {}, {"seed": 1}, {"start": "given"})
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert not torch.equal(one, on)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "magic"}, "'magic'; choose one of acl, rocl, rotation"),
        ({"change": "blur"}, "'blur'; choose one of attack, noise, none"),
        ({"steps": 0}, "steps must be above 0, got 0"),
        ({"weight": -1}, "weight must be above 0, got -1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        PretrainConfig(**settings)


def test_fewer_images_than_a_batch_are_refused():
    encoder = small_encoder(NET, name="new", size=16, seed=0)
    with pytest.raises(DatasetError, match="fewer than one batch of 900"):
        pretrain(encoder, train_dataset(TINY_LAB), PretrainConfig(batch=900))
