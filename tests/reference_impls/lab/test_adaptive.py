"""What an aware attacker does: gradients and shares known by hand."""

import pytest
import torch

from reference_impls.lab.attacks.adaptive import bpda, eot, soft_sign, withstood


def test_bpda_goes_forward_through_the_change_and_back_past_it():
    images = torch.tensor([[[[0.2, 0.7]]]], requires_grad=True)
    changed = bpda(torch.round, images)
    torch.testing.assert_close(changed.detach(), torch.tensor([[[[0.0, 1.0]]]]))
    (gradient,) = torch.autograd.grad((3 * changed).sum(), images)
    assert gradient.unique().tolist() == [3]


def test_eot_is_the_mean_over_draws():
    draws = iter([torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 4.0]])])
    found = eot(lambda images: next(draws), 2)(torch.zeros(1))
    assert found.tolist() == [[2.0, 2.0]]


def test_a_soft_sign_is_a_sign_with_the_slope_of_a_ramp():
    slope = torch.tensor([[[[1.0, -1.0, 8.0, -2.0]]]], requires_grad=True)  # mean 3
    found = soft_sign(slope)
    assert found.flatten().tolist() == [1, -1, 1, -1]
    (gradient,) = torch.autograd.grad(found.sum(), slope)
    assert gradient.flatten().tolist() == pytest.approx([0.1] * 4)
    steep = torch.tensor([[[[30.0] + [0.1] * 99]]], requires_grad=True)
    (gradient,) = torch.autograd.grad(soft_sign(steep).sum(), steep)
    assert gradient.flatten()[0] == 0  # beyond the ramp


def test_an_image_must_withstand_every_attack():
    attacks = [torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0.0, 1.0, 1.0])]

    def logits(images):
        return torch.stack([1 - images, images], dim=1)

    labels = torch.tensor([0, 0, 1])
    assert withstood(logits, attacks, labels).tolist() == [True, False, True]
