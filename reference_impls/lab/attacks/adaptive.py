"""What an attacker does who knows that something stands before the classifier.

Athalye, Carlini and Wagner, "Obfuscated Gradients Give a False Sense of Security", ICML 2018,
https://arxiv.org/abs/1802.00420, section 4.

Shape letters: B batch, H and W pixels, 3 colour channels, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from reference_impls.lab.attacks.pgd import Budget, Classifier, ascend, margin


def bpda(change: Callable[[Tensor], Tensor], images_B3HW: Tensor) -> Tensor:
    """The changed images, with the gradient of leaving them alone (backward pass differentiable approximation)."""
    changed_B3HW = change(images_B3HW.detach())
    return images_B3HW + (changed_B3HW - images_B3HW).detach()


def soft_sign(gradient_B3HW: Tensor) -> Tensor:
    """The sign of a gradient, whose own gradient is that of a ramp around zero.

    A defense that takes signed steps can so be differentiated; the ramp reaches from -1 to 1
    over 3.3 times the image's mean gradient to either side.
    """
    size = gradient_B3HW.detach().abs().mean(dim=(1, 2, 3), keepdim=True)
    ramp = (0.3 * gradient_B3HW / size.clamp(min=1e-12)).clamp(-1, 1)
    return ramp + (gradient_B3HW.sign() - ramp).detach()


def eot(logits_of: Classifier, draws: int) -> Classifier:
    """A classifier that draws noise, as its mean over draws (expectation over transformation)."""
    return lambda images: torch.stack([logits_of(images) for _ in range(draws)]).mean(0)


@torch.no_grad()
def withstood(
    logits_of: Classifier, attacked: Sequence[Tensor], labels_B: Tensor
) -> Tensor:
    """Which images (B,) are classified right under every one of several attacks."""
    right = [logits_of(images).argmax(dim=1) == labels_B for images in attacked]
    return torch.stack(right).all(dim=0)


@torch.no_grad()
def evade(
    logits_of: Classifier,
    suspicion_of: Callable[[Tensor], Tensor],
    images_B3HW: Tensor,
    labels_B: Tensor,
    budget: Budget,
    *,
    targets: int = 3,
) -> Tensor:
    """Images that are misclassified and raise little suspicion (B,): selective projected gradient descent.

    A step raises the margin of a wrong class until it is named, and lowers suspicion from then on. The likeliest
    wrong classes take turns, `budget.steps` each.
    The answer is, for each image, the least suspicious misclassified one that was met, else the last.
    """
    best = last = images_B3HW.detach()
    least_B = best.new_full((len(best),), float("inf"))
    logits_BC = logits_of(best)
    wrong_BC = logits_BC.scatter(1, labels_B.unsqueeze(1), float("-inf"))
    targets = min(targets, logits_BC.shape[1] - 1)
    for target_B in wrong_BC.topk(targets, dim=1).indices.unbind(1):

        def look(images: Tensor) -> tuple[Tensor, Tensor]:
            nonlocal best, least_B
            raised_B = -margin(logits_of(images), target_B)  # noqa: B023
            suspicion_B = suspicion_of(images)
            better_B = (raised_B > 0) & (suspicion_B < least_B)
            least_B = torch.where(better_B, suspicion_B, least_B).detach()
            best = torch.where(better_B.view(-1, 1, 1, 1), images, best).detach()
            return raised_B, suspicion_B

        def objective(images: Tensor) -> Tensor:
            raised_B, suspicion_B = look(images)
            return torch.where(raised_B > 0, -suspicion_B, raised_B).sum()

        last = ascend(objective, images_B3HW, budget)
        look(last)
    return torch.where(least_B.isinf().view(-1, 1, 1, 1), last, best)
