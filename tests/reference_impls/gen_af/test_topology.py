"""The genetic regulariser against a plain double loop, by hand for three images, and at its extremes."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_impls.gen_af.topology import (
    CLAMP,
    evolved_distances,
    genetic_loss,
    graph_divergence,
    neighbour_probabilities,
    relative_distances,
)


def by_loops(features, parent, labels, difficulty):
    """The same from the formulas, edge by edge, in Python numbers."""

    def distances(rows):
        n = len(rows)
        raw = [
            [
                1
                - sum(a * b for a, b in zip(x, y, strict=True))
                / (math.hypot(*x) * math.hypot(*y))
                for y in rows
            ]
            for x in rows
        ]
        near = [min(raw[i][j] for j in range(n) if j != i) for i in range(n)]
        return [
            [0.0 if i == j else raw[i][j] - near[i] for j in range(n)] for i in range(n)
        ]

    def probabilities(table):
        kept = [[(2 - min(max(d, CLAMP), 2 - CLAMP)) / 2 for d in row] for row in table]
        return [[s / sum(row) for s in row] for row in kept]

    target = distances(parent)
    for i, row in enumerate(target):
        for j in range(len(row)):
            weight = math.tanh((difficulty[i] + difficulty[j]) / 32)
            sign = -1 if labels[i] == labels[j] else 1
            row[j] = (1 - weight) * row[j] + 2 * sign * weight
    wanted, found = probabilities(target), probabilities(distances(features))
    return sum(
        p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
        for row, other in zip(wanted, found, strict=True)
        for p, q in zip(row, other, strict=True)
    )


def draw(n, width, seed):
    return torch.randn(
        n, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.integers(2, 5), st.integers(0, 10_000))
def test_it_is_the_double_loop(n, width, seed):
    features, parent = draw(n, width, seed), draw(n, width + 1, seed + 1)
    labels = torch.arange(n) % 2
    difficulty = draw(n, 1, seed + 2).abs().squeeze(1)
    expected = by_loops(
        features.tolist(), parent.tolist(), labels.tolist(), difficulty.tolist()
    )
    got = genetic_loss(features, parent, labels, difficulty).item()
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_three_images_by_hand():
    # Two at right angles, the third between them: cosines 0, 1/sqrt 2, 1/sqrt 2.
    features = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])
    near = 1 - math.sqrt(0.5)
    far = 1 - near  # what remains of a distance of 1
    expected = torch.tensor([[0, far, 0], [far, 0, 0], [0, 0, 0]])
    torch.testing.assert_close(
        relative_distances(features), expected, atol=1e-6, rtol=0
    )

    row = torch.tensor([1, 1 - far / 2, 1])
    probabilities = neighbour_probabilities(expected)
    torch.testing.assert_close(probabilities[0], row / row.sum(), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        probabilities[2], torch.full((3,), 1 / 3), atol=1e-5, rtol=0
    )


def test_labels_move_the_target_by_tanh_of_the_losses():
    flat = torch.full((3, 3), 0.5)
    labels, difficulty = torch.tensor([0, 0, 1]), torch.tensor([1.0, 3.0, 0.0])
    target = evolved_distances(flat, labels, difficulty)
    same, other = math.tanh(4 / 32), math.tanh(1 / 32)
    assert target[0, 1].item() == pytest.approx((1 - same) * 0.5 - 2 * same)
    assert target[0, 2].item() == pytest.approx((1 - other) * 0.5 + 2 * other)
    torch.testing.assert_close(target, target.T)


def test_graphs_that_agree_cost_nothing_and_others_something():
    features, labels = draw(5, 4, 0), torch.tensor([0, 1, 0, 1, 2])
    easy = torch.zeros(5, dtype=torch.float64)
    scaled = features * torch.tensor([[1.0], [2], [3], [4], [5]], dtype=torch.float64)
    assert genetic_loss(features, features, labels, easy).item() == pytest.approx(
        0, abs=1e-12
    )
    assert genetic_loss(scaled, features, labels, easy).item() == pytest.approx(
        0, abs=1e-12
    )
    assert genetic_loss(draw(5, 4, 1), features, labels, easy).item() > 0.01
    assert genetic_loss(features, features, labels, easy + 2).item() > 0.01


def test_the_order_of_the_two_graphs_matters():
    first, second = draw(6, 3, 1), draw(6, 3, 2)
    labels, difficulty = torch.arange(6) % 3, torch.full((6,), 3.0, dtype=torch.float64)
    there = genetic_loss(first, second, labels, difficulty)
    back = genetic_loss(second, first, labels, difficulty)
    assert abs(there - back) > 1e-3


def test_it_is_a_sum_that_grows_with_the_batch():
    def at(n):
        easy = torch.zeros(n, dtype=torch.float64)
        return genetic_loss(draw(n, 8, 3), draw(n, 8, 4), torch.zeros(n), easy).item()

    assert at(64) > 2 * at(16)


def test_the_permutation_of_a_batch_changes_nothing():
    features, parent = draw(6, 4, 5), draw(6, 4, 6)
    labels, difficulty = torch.arange(6) % 2, draw(6, 1, 7).abs().squeeze(1)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    expected = genetic_loss(features, parent, labels, difficulty)
    shuffled = genetic_loss(
        features[order], parent[order], labels[order], difficulty[order]
    )
    torch.testing.assert_close(shuffled, expected)


def test_gradients_reach_both_graphs_and_the_difficulty():
    labels = torch.tensor([0, 1, 0, 1])
    inputs = [
        tensor.requires_grad_()
        for tensor in (
            draw(4, 3, 8),
            draw(4, 3, 9),
            draw(4, 1, 10).abs().squeeze(1) + 0.1,
        )
    ]
    assert torch.autograd.gradcheck(
        lambda a, b, w: genetic_loss(a, b, labels, w), inputs
    )
    slopes = torch.autograd.grad(
        genetic_loss(inputs[0], inputs[1], labels, inputs[2]), inputs
    )
    assert all(slope.abs().max() > 0 for slope in slopes)


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0])
def test_it_stays_finite_where_all_features_are_alike(value):
    features = torch.full((4, 3), value, requires_grad=True)
    loss = genetic_loss(
        features, draw(4, 3, 0).float(), torch.arange(4), torch.full((4,), 50.0)
    )
    loss.backward()
    assert loss.isfinite()
    assert features.grad.isfinite().all()


def test_divergence_of_equal_tables_is_zero_and_never_negative():
    first = neighbour_probabilities(torch.rand(5, 5) * 2)
    second = neighbour_probabilities(torch.rand(5, 5) * 2)
    assert graph_divergence(first, first).item() == pytest.approx(0, abs=1e-6)
    assert graph_divergence(first, second).item() > 0
