"""Signs that a white-box attack failed because gradients mislead, and not because the model is robust.

Athalye, Carlini and Wagner, "Obfuscated Gradients Give a False Sense of Security", ICML 2018,
https://arxiv.org/abs/1802.00420, section 3.1.

Shape letters: B batch, H and W pixels, 3 colour channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Generator, Tensor

from reference_impls.lab.attacks.pgd import (
    Budget,
    Classifier,
    cross_entropy,
    pgd,
    project,
)

Sign = Literal["noise", "steps", "transfer"]
"""Noise of the same size raises the loss more than PGD; more steps raise it less; an attack that
never saw the model fools it more often."""
SLACK = 0.01
"""Share by which a comparison may fail by chance."""
MORE = 4
"""Times as many steps must not be weaker."""


@torch.no_grad()
def masking_signs(
    logits_of: Classifier,
    images_B3HW: Tensor,
    labels_B: Tensor,
    budget: Budget,
    *,
    transferred: Sequence[Tensor] = (),
) -> tuple[Sign, ...]:
    """What speaks for masked gradients; nothing if there is no sign of them.

    `transferred` are the same images under attacks made without the model. They are cut to
    the budget first, so that size decides nothing.

    Raises:
        ConfigError: as `pgd`.
    """
    generator = Generator().manual_seed(budget.seed)
    signs_B3HW = torch.rand(images_B3HW.shape, generator=generator).to(images_B3HW)
    noisy = images_B3HW + budget.epsilon * (2 * (signs_B3HW < 0.5).float() - 1)
    longer = replace(budget, steps=MORE * budget.steps)
    attacked, further = (
        pgd(logits_of, images_B3HW, labels_B, one) for one in (budget, longer)
    )

    def loss(images: Tensor) -> float:
        return cross_entropy(logits_of(images), labels_B).mean().item()

    def fooled(images: Tensor) -> float:
        return (logits_of(images).argmax(dim=1) != labels_B).float().mean().item()

    cut = [project(images, images_B3HW, budget) for images in transferred]
    found: dict[Sign, bool] = {
        "noise": loss(attacked) < (1 - SLACK) * loss(noisy.clamp(0, 1)),
        "steps": loss(further) < (1 - SLACK) * loss(attacked),
        "transfer": any(fooled(one) > fooled(attacked) + SLACK for one in cut),
    }
    return tuple(sign for sign, seen in found.items() if seen)


def traced(logits_of: Classifier) -> Classifier:
    """The classifier with a gradient of zero where it has none, so that attacks run and `flat_share` tells."""

    def logits(images_B3HW: Tensor) -> Tensor:
        logits_BC = logits_of(images_B3HW)
        if logits_BC.requires_grad or not images_B3HW.requires_grad:
            return logits_BC
        return logits_BC + 0 * images_B3HW.sum()

    return logits


def flat_share(logits_of: Classifier, images_B3HW: Tensor, labels_B: Tensor) -> float:
    """Share of images at which the loss has no slope: every entry of its gradient is 0, or some is no number."""
    with torch.enable_grad():
        images = images_B3HW.detach().clone().requires_grad_()
        loss = cross_entropy(traced(logits_of)(images), labels_B).sum()
        (slope,) = torch.autograd.grad(loss, images)
    size_B = slope.flatten(1).abs().amax(dim=1)
    return (~(size_B > 0)).float().mean().item()
