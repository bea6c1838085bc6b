"""AUROC, thresholds and the attack that evades a detector: known by hand."""

import pytest
import torch

from reference_impls.lab.attacks.adaptive import evade
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.metrics.detection import auroc, threshold_at


def test_auroc_is_the_share_of_pairs_in_order_and_ties_count_half():
    clean, attacked = torch.tensor([0.0, 1.0, 2.0, 3.0]), torch.tensor([2.0, 9.0])
    assert auroc(clean, attacked) == pytest.approx((2.5 + 4) / 8)
    assert auroc(attacked, clean) == pytest.approx(1 - (2.5 + 4) / 8)


@pytest.mark.parametrize(("share", "above"), [(0.05, 5), (0.0, 0), (0.019, 1)])
def test_no_more_clean_scores_than_allowed_lie_above_the_threshold(share, above):
    scores = torch.randperm(100).float()
    assert (scores > threshold_at(scores, share)).sum() == above


def classes(images):
    """Three classes: class 1 where the first pixel is bright, 2 where it is dark."""
    x = images[:, 0, 0, 0]
    return torch.stack([torch.full_like(x, 0.2), x - 0.5, 0.5 - x], dim=1)


BUDGET = Budget(epsilon=0.4, step=0.05, steps=20, random_start=False)


def test_an_evading_image_fools_and_takes_the_class_that_raises_less_suspicion():
    images, labels = torch.full((2, 3, 2, 2), 0.5), torch.tensor([0, 0])
    for sign in (1, -1):
        found = evade(classes, lambda x, s=sign: s * x[:, 0, 0, 0], images, labels, BUDGET)  # fmt: skip
        named = classes(found).argmax(dim=1)
        assert (named == (2 if sign == 1 else 1)).all()
        assert (found - images).abs().max() <= 0.4 + 1e-6


def test_it_lowers_suspicion_that_the_class_does_not_depend_on():
    images, labels = torch.full((1, 3, 2, 2), 0.5), torch.tensor([0])
    found = evade(classes, lambda x: x[:, 1].sum(dim=(1, 2)), images, labels, BUDGET)
    assert classes(found).argmax(dim=1) != 0
    assert found[:, 1].max() < 0.5


def test_where_nothing_fools_the_last_image_is_given():
    images, labels = torch.full((1, 3, 2, 2), 0.5), torch.tensor([0])
    small = Budget(epsilon=0.1, steps=3)
    found = evade(classes, lambda x: x[:, 1, 0, 0], images, labels, small)
    assert classes(found).argmax(dim=1) == 0
    assert 0 < (found - images).abs().max() <= 0.1 + 1e-6
