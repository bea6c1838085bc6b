"""White-box attack on a classifier, one perturbation for each image: PGD.

A classifier is a function from images in [0, 1] to logits that normalises inside, such as
`lambda images: head(encoder.encode(images))`: what is attacked is then what is deployed.
Gradients are taken with respect to the images alone, so no parameter's `.grad` changes.
Whether BatchNorm and dropout are in training mode is the caller's choice; see `evaluating`.

PGD: Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR
2018, https://arxiv.org/abs/1706.06083. Stronger and slower: `auto_pgd`.

Shape letters: B batch, H and W pixels, 3 colour channels, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.bilingual import plural
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.study.options import Fraction

Classifier = Callable[[Tensor], Tensor]
"""Images (B, 3, H, W) in [0, 1] to logits (B, C)."""
Loss = Callable[[Tensor, Tensor], Tensor]
"""Logits (B, C) and labels (B,) to one loss per image, (B,); attacks raise it."""
Norm = Literal["linf"]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How far an attack may go, and how hard it may try."""

    epsilon: Fraction = 4 / 255
    """Largest change of a pixel's channel, on the [0, 1] scale; 0 leaves images alone."""
    step: float | None = None
    """Change in one step of PGD; none takes 2.5 epsilon / steps, Madry et al.'s rule."""
    steps: int = 10
    """Gradient steps."""
    random_start: bool = True
    """Start uniform in the ball instead of at the image."""
    norm: Norm = "linf"
    """What epsilon measures; only the maximum norm is offered."""
    seed: int = 0
    """Of the start, where no generator is given."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        if not 0 <= self.epsilon <= 1:
            raise ConfigError(
                f"epsilon must lie in [0, 1], got {self.epsilon}; 8 of 255 levels are {8 / 255:.4f}"
            )
        if self.step is not None and not self.step > 0:
            raise ConfigError(f"step must be above 0, got {self.step}")
        if self.steps < 1:
            raise ConfigError(f"steps must be at least 1, got {self.steps}")
        check_choices(self)

    @property
    def step_size(self) -> float:
        """Change in one step of PGD, on the [0, 1] scale."""
        return 2.5 * self.epsilon / self.steps if self.step is None else self.step


# -- Losses: pure functions, one per image -------------------------------------------


def cross_entropy(logits_BC: Tensor, labels_B: Tensor) -> Tensor:
    """Cross entropy of each image, (B,)."""
    return F.cross_entropy(logits_BC, labels_B, reduction="none")


def margin(logits_BC: Tensor, labels_B: Tensor) -> Tensor:
    """Best wrong logit minus the right one, (B,); above 0 the image is misclassified."""
    right_B1 = labels_B.unsqueeze(1)
    wrong_BC = logits_BC.scatter(1, right_B1, float("-inf"))
    return wrong_BC.amax(dim=1) - logits_BC.gather(1, right_B1).squeeze(1)


# -- PGD -----------------------------------------------------------------------------


def pgd(
    logits_of: Classifier,
    images_B3HW: Tensor,
    labels_B: Tensor,
    budget: Budget,
    generator: Generator | None = None,
    *,
    loss: Loss = cross_entropy,
) -> Tensor:
    """Images within the budget that raise the loss: the last step of projected gradient ascent.

    Raises:
        ConfigError: images outside [0, 1], or labels that the classifier does not have.
    """
    logits_of = checked(logits_of, images_B3HW, labels_B)
    return ascend(
        lambda images: loss(logits_of(images), labels_B).sum(),
        images_B3HW,
        budget,
        generator,
    )


def ascend(
    objective: Callable[[Tensor], Tensor],
    images_B3HW: Tensor,
    budget: Budget,
    generator: Generator | None = None,
) -> Tensor:
    """Images within the budget after `steps` signed gradient steps up an objective (a scalar).

    A sum over images, not a mean: the sign of each image's gradient must not depend on
    how small the batch makes it.
    """
    if budget.epsilon == 0:
        return images_B3HW.detach().clone()
    attacked = start_of(images_B3HW, budget, generator)
    for _ in range(budget.steps):
        gradient = _gradient(objective, attacked)
        attacked = project(
            attacked + budget.step_size * gradient.sign(), images_B3HW, budget
        )
    return attacked


def start_of(
    images_B3HW: Tensor, budget: Budget, generator: Generator | None
) -> Tensor:
    """Where an attack begins: at the images, or anywhere in the ball around them."""
    images_B3HW = images_B3HW.detach()
    if not budget.random_start:
        return images_B3HW.clone()
    generator = generator or Generator().manual_seed(budget.seed)
    # Drawn where the generator lives, so that every device starts alike.
    noise = torch.rand(
        images_B3HW.shape, generator=generator, device=generator.device
    ).to(images_B3HW)
    return project(images_B3HW + budget.epsilon * (2 * noise - 1), images_B3HW, budget)


def project(attacked: Tensor, images_B3HW: Tensor, budget: Budget) -> Tensor:
    """The nearest images within the budget around the clean ones, in [0, 1]."""
    low, high = images_B3HW - budget.epsilon, images_B3HW + budget.epsilon
    return attacked.clamp(low, high).clamp(0, 1)


def _gradient(objective: Callable[[Tensor], Tensor], images_B3HW: Tensor) -> Tensor:
    with torch.enable_grad():
        variable = images_B3HW.detach().requires_grad_()
        # Of the images only: parameters keep their `.grad`, and theirs is not computed.
        return torch.autograd.grad(objective(variable), variable)[0]


def checked(logits_of: Classifier, images_B3HW: Tensor, labels_B: Tensor) -> Classifier:
    """The classifier, which now refuses labels that it does not have.

    Raises:
        ConfigError: images outside [0, 1], or labels that cannot be right.
    """
    if len(images_B3HW) != len(labels_B):
        raise ConfigError(
            f"{plural(len(images_B3HW), 'image')} must have as many labels, got {len(labels_B)}"
        )
    low, high = images_B3HW.min().item(), images_B3HW.max().item()
    if not (low >= 0 and high <= 1):
        raise ConfigError(
            f"images must lie in [0, 1], these reach from {low:.3g} to {high:.3g}; "
            "hand over plain images, the encoder normalises"
        )
    least, most = labels_B.min().item(), labels_B.max().item()
    if least < 0:
        raise ConfigError(f"labels count from 0, got {least}")

    def known(images: Tensor) -> Tensor:
        logits_BC = logits_of(images)
        if most >= logits_BC.shape[1]:
            raise ConfigError(
                f"label {most} is outside the head, which knows classes 0..{logits_BC.shape[1] - 1}"
            )
        return logits_BC

    return known


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """BatchNorm and dropout as in deployment; afterwards every submodule's mode is as it was."""
    parts = [part for module in modules for part in module.modules()]
    modes = [part.training for part in parts]
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for part, mode in zip(parts, modes, strict=True):
            part.training = mode
