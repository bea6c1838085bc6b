"""A service that counts buckets: known answers of every formula, what it costs a thief, and what the page claims."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator

from reference_impls.bucks.method import (
    Service,
    ServiceConfig,
    aligned,
    buckets,
    coverage,
    noise_at,
    transformed,
)
from reference_impls.bucks.study import GRID, measure, narrow
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from tests.reference_impls.conftest import TINY_LAB


def normal(*shape, seed=0):
    return torch.randn(shape, generator=Generator().manual_seed(seed))


def test_a_bucket_is_the_signs_as_binary_digits():
    z = torch.tensor([[1.0, -1.0], [1.0, 1.0], [-1.0, -1.0]])
    assert buckets(z, torch.eye(2)).tolist() == [1, 3, 0]


def test_coverage_counts_each_bucket_once_in_the_order_of_queries():
    assert coverage(torch.tensor([5, 5, 2, 5, 7]), 8).tolist() == [1 / 8, 1 / 8, 2 / 8, 2 / 8, 3 / 8]  # fmt: skip


def test_noise_is_nothing_at_the_start_and_alpha_at_beta():
    config = ServiceConfig(alpha=2, beta=0.4)
    some, at_beta = noise_at(torch.tensor([0.0, 0.2, 0.4]), config)[[0, 2]].tolist()
    assert some == 0
    assert at_beta == pytest.approx(2, rel=1e-4)
    assert noise_at(torch.tensor([0.2]), config).item() == pytest.approx((2 * 1e-6) ** 0.5, rel=0.01)  # fmt: skip
    flat = replace(config, noise="flat")
    assert noise_at(torch.tensor([0.0, 1.0]), flat).tolist() == [2, 2]


def test_accounts_get_different_embeddings_of_the_same_worth():
    z = normal(40, 6)
    one, again, other = (transformed(z, 3, account) for account in (1, 1, 2))
    assert one.shape == (40, 9)
    assert torch.equal(one, again)
    assert not torch.allclose(one, other)
    assert torch.linalg.matrix_rank(one - one.mean(dim=0)) == 6
    torch.testing.assert_close(aligned(other[20:], other[:20], one[:20]), one[20:], atol=0.1, rtol=0)  # fmt: skip


def test_who_asks_for_much_gets_more_noise_than_who_asks_for_little():
    z = normal(300, 5)
    service = Service(z, ServiceConfig(transformed=False, planes=4, beta=0.5))
    near = z[0] + 0.01 * normal(300, 5, seed=1)
    wide, few = ((service.answer(one, 1) - one).norm(dim=1)[-50:].mean() for one in (z, near))  # fmt: skip
    assert wide > 0.5
    assert few < 0.01


def test_an_honest_user_has_a_quarter_of_the_classes():
    found = narrow(shapes(64, seed=0, size=16), "shape").labels["shape"]
    assert set(found.tolist()) == {0, 1}


def test_noise_and_transformations_cost_the_thief(tiny_clip):
    data = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB)
    setup = Setup(encoder=tiny_clip.image, clip=None, train=data[0], test=data[1], task="")  # fmt: skip
    tiny = ServiceConfig(planes=4, alpha=3, beta=0.5, queries=128, common=32, steps=60)
    free = measure(setup, replace(tiny, noise="none", transformed=False))
    paid = measure(setup, tiny)
    assert paid["thief"] < free["thief"] - 0.05
    assert free["sybils"] is free["aware"] is None
    assert paid["seen-thief"] >= paid["seen"]
    bare = replace(setup, train=replace(setup.train, labels={}, classes={}))
    with pytest.raises(DatasetError, match="has no labels"):
        measure(bare, tiny)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": "loud"}, "'loud'; choose one of none, flat"),
        ({"beta": 0}, "beta must be above 0"),
        ({"accounts": 1}, "sybils at least 2"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ServiceConfig(**settings)


def test_published_figures_say_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    rows = {name: {key: mean(of) for key, of in one.items() if of} for (_, name), one in GRID.values(found).items()}  # fmt: skip
    free, paid = rows["none"], rows["b4b"]
    assert paid["honest"] == free["honest"]
    assert paid["users"] < free["users"] - 0.1
    assert paid["thief"] > free["thief"]
    assert paid["sybils"] < paid["aware"] - 0.03
