import pytest
import torch

from reference_impls.lab.metrics.similarity import mean_cosine_to, mean_pairwise_cosine


def test_equal_rows_have_cosine_one():
    assert mean_pairwise_cosine(torch.ones(5, 7)).item() == pytest.approx(1)


def test_two_opposite_rows_have_cosine_minus_one():
    assert mean_pairwise_cosine(
        torch.tensor([[1.0, 2], [-2, -4]])
    ).item() == pytest.approx(-1)


def test_agrees_with_the_double_loop():
    rows = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    cosines = [
        torch.cosine_similarity(rows[p], rows[q], dim=0)
        for p in range(6)
        for q in range(6)
        if p != q
    ]
    expected = torch.stack(cosines).mean().item()
    assert mean_pairwise_cosine(rows).item() == pytest.approx(expected, abs=1e-6)


def test_neither_order_nor_length_of_rows_matters():
    rows = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    changed = rows.flip(0) * torch.arange(1, 7)[:, None]
    torch.testing.assert_close(
        mean_pairwise_cosine(changed), mean_pairwise_cosine(rows)
    )


def test_leading_dimensions_are_searches_of_their_own():
    rows = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(2))
    alone = torch.stack([mean_pairwise_cosine(part) for part in rows])
    torch.testing.assert_close(mean_pairwise_cosine(rows), alone)


def test_cosine_to_one_direction_is_the_mean_over_rows():
    rows = torch.tensor([[1.0, 0], [0, 1]])
    assert mean_cosine_to(rows, torch.tensor([[1.0, 0]])).item() == pytest.approx(0.5)
