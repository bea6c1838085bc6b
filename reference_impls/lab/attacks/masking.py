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
