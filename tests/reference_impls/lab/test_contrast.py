import math

import pytest
import torch
from torch.nn import functional as F

from reference_impls.lab.models.contrastive import info_nce


def rows(seed, shape=(5, 4)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_it_agrees_with_the_double_loop():
    queries, keys, temperature = rows(1), rows(2), 0.3
    losses = []
    for i, query in enumerate(queries):
        scores = [
            math.exp(float(F.cosine_similarity(query, key, dim=0)) / temperature)
            for key in keys
        ]
        losses.append(-math.log(scores[i] / sum(scores)))
    assert info_nce(queries, keys, temperature).item() == pytest.approx(
        sum(losses) / 5, rel=1e-5
    )


def test_orthogonal_pairs_have_a_known_value():
    # Own cosine 1, the two others 0: -log(e^10 / (e^10 + 2)).
    expected = math.log(1 + 2 * math.exp(-10))
    assert info_nce(torch.eye(3), torch.eye(3)).item() == pytest.approx(
        expected, rel=1e-2
    )


def test_pairs_that_all_look_alike_cost_the_logarithm_of_the_batch():
    same = torch.ones(6, 3)
    assert info_nce(same, same).item() == pytest.approx(math.log(6))


def test_lengths_do_not_matter_and_the_order_of_arguments_does():
    queries, keys = rows(1), rows(2)
    torch.testing.assert_close(info_nce(3 * queries, keys), info_nce(queries, 7 * keys))
    assert info_nce(queries, keys).item() != pytest.approx(
        info_nce(keys, queries).item(), abs=1e-4
    )


def test_its_gradient_is_the_one_of_finite_differences():
    queries, keys = rows(1).double().requires_grad_(), rows(2).double().requires_grad_()
    assert torch.autograd.gradcheck(info_nce, (queries, keys, 0.5))
