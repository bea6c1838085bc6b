"""Stealing an encoder: known answers of both losses, and what a copy gains against training from scratch."""

from dataclasses import replace

import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.encoders import SmallNetConfig, embed_all
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.stolen_encoder.method import (
    TheftConfig,
    contrastive_theft,
    standardiser,
    steal,
    stolen_distance,
)
from reference_impls.stolen_encoder.study import measure
from tests.reference_impls.conftest import TINY_LAB

TINY = TheftConfig(pictures=128, steps=60, net=SmallNetConfig(widths=(8, 16, 32)))


def test_distance_is_between_directions_and_weighs_views():
    victim = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    copy = torch.tensor([[5.0, 0.0], [3.0, 0.0]])  # distances 0 and the root of 2
    views = torch.tensor([[-1.0, 0.0], [0.0, 4.0]])  # distances 2 and 0
    alone = stolen_distance(copy, views, victim, 0).item()
    assert alone == pytest.approx(2**0.5 / 2)
    assert stolen_distance(copy, views, victim, 3).item() == pytest.approx(alone + 3)


def test_contrastive_loss_has_the_others_of_both_encoders_as_negatives():
    z = torch.randn(4, 6, generator=Generator().manual_seed(0), requires_grad=True)
    victim = torch.randn(3, 6, generator=Generator().manual_seed(1), requires_grad=True)
    copy = z[:3]
    both = F.normalize(torch.cat([copy, victim]), dim=1)
    odds = (both @ both.T / 0.5).exp()
    expected = [
        -(odds[i, (i + 3) % 6] / (odds[i].sum() - odds[i, i])).log() for i in range(6)
    ]
    loss = contrastive_theft(copy, victim, 0.5)
    torch.testing.assert_close(loss, torch.stack(expected).mean())
    loss.backward()
    assert victim.grad is None
    assert z.grad[:3].abs().sum() > 0


def test_answers_are_standardised_and_an_entry_that_never_changes_stays_finite():
    answers = torch.randn(50, 3, generator=Generator().manual_seed(0)) * 5 + 2
    answers[:, 2] = 0
    found = standardiser(answers)(answers)
    torch.testing.assert_close(found[:, :2].std(dim=0), torch.ones(2), atol=0.01, rtol=0)  # fmt: skip
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(3), atol=1e-5, rtol=0)
    assert (found[:, 2] == 0).all()


@pytest.mark.parametrize(
    ("settings", "queries"),
    [
        ({}, 128),
        ({"loss": "contrastive"}, 128),
        ({"loss": "contrastive", "renewed": True}, 128 + 60 * 32),
        ({"loss": "contrastive", "renewed": True, "pictures": 20}, 20 + 60 * 20),
        ({"loss": "scratch", "renewed": True}, 0),
    ],
)
def test_queries_are_counted_as_they_are_asked(settings, queries, tiny_clip):
    config = replace(TINY, **settings)
    assert config.queries == queries
    victim, asked = tiny_clip.image, []
    counted = victim.module.register_forward_hook(lambda *call: asked.append(len(call[2])))  # fmt: skip
    steal(victim, train_dataset(TINY_LAB).images_N3HW[: config.pictures], config)
    counted.remove()
    assert sum(asked) == queries


@pytest.fixture(scope="module")
def setup(tiny_clip):
    data = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB)
    return Setup(encoder=tiny_clip.image, clip=None, train=data[0], test=data[1], task="")  # fmt: skip


@pytest.mark.parametrize("loss", ["distance", "contrastive"])
def test_a_copy_answers_more_as_its_victim_than_one_from_scratch(loss, setup):
    copied, alone = (measure(setup, replace(TINY, loss=one)) for one in (loss, "scratch"))  # fmt: skip
    assert copied["agreement"] > alone["agreement"] + 0.03
    assert copied["errors"] > alone["errors"]
    assert copied["victim"] == alone["victim"] > 0.4


def test_the_seed_decides_and_the_victim_stays_as_it_was(setup):
    images = setup.train.images_N3HW[:40]
    before = embed_all(setup.encoder, images)
    short = replace(TINY, steps=3)
    one, again, other = (
        embed_all(steal(setup.encoder, images, config), images)
        for config in (short, short, replace(short, seed=1))
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(embed_all(setup.encoder, images), before)


def test_what_cannot_be_measured_is_one_line(setup):
    with pytest.raises(DatasetError, match="own-pictures must be at most 256, half of"):
        measure(setup, replace(TINY, pictures=300))
    bare = replace(setup, train=replace(setup.train, labels={}, classes={}))
    with pytest.raises(DatasetError, match="has no labels"):
        measure(bare, TINY)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "magic"}, "'magic'; choose one of scratch, distance"),
        ({"weight": -1}, "weight must be at least 0, got -1"),
        ({"temperature": 0}, "temperature must be above 0"),
        ({"pictures": 1}, "own-pictures and batch must be at least 2"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        TheftConfig(**settings)
