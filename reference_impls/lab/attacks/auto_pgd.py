"""Auto-PGD, and the adaptive attack that defenses are judged by.

Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse
parameter-free attacks", ICML 2020, https://arxiv.org/abs/2003.01690.

Shape letters: B batch, H and W pixels, 3 colour channels, C classes.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from reference_impls.lab.attacks.pgd import (
    Budget,
    Classifier,
    Loss,
    checked,
    cross_entropy,
    margin,
    project,
    start_of,
)


def logits_ratio(logits_BC: Tensor, labels_B: Tensor) -> Tensor:
    """Difference of Logits Ratio (Croce and Hein, Eq. 6), (B,).

    The margin over the distance from the largest to the third largest logit, so that
    scaling the logits does not make gradients vanish. With two classes there is no third
    logit, and it is the margin.
    """
    raised_B = margin(logits_BC, labels_B)
    if logits_BC.shape[1] < 3:
        return raised_B
    top_B3 = logits_BC.topk(3, dim=1).values
    return raised_B / (top_B3[:, 0] - top_B3[:, 2] + 1e-12)


# -- APGD: no step size to choose ----------------------------------------------------

MOMENTUM, RISING = 0.75, 0.75
"""Alpha of Croce and Hein's Eq. 2, and rho of condition 1."""


def checkpoints(steps: int) -> list[int]:
    """Steps after which APGD asks whether to halve its step size (section 3.2)."""
    hundredths = [0, 22]  # whole numbers: a rounded 0.57 x 100 would count as 58
    while hundredths[-1] < 100:
        last, before = hundredths[-1], hundredths[-2]
        hundredths.append(last + max(last - before - 3, 6))
    return sorted(
        {-(-share * steps // 100) for share in hundredths if share <= 100} - {0}
    )


def apgd(
    logits_of: Classifier,
    images_B3HW: Tensor,
    labels_B: Tensor,
    budget: Budget,
    generator: Generator | None = None,
    *,
    loss: Loss = cross_entropy,
) -> Tensor:
    """Auto-PGD: for each image a misclassified one if any was met, else the one of highest loss.

    `budget.step` is not used: steps begin at 2 epsilon and are halved where they no longer pay.

    Raises:
        ConfigError: as `pgd`.
    """
    logits_of = checked(logits_of, images_B3HW, labels_B)
    if budget.epsilon == 0:
        return images_B3HW.detach().clone()
    ascent = _Ascent(logits_of, images_B3HW.detach(), labels_B, budget, loss)
    ascent.begin(start_of(images_B3HW, budget, generator))
    halvings, last = set(checkpoints(budget.steps)), 0
    for step in range(1, budget.steps + 1):
        ascent.step()
        if step in halvings:
            ascent.adapt(step - last)
            last = step
    return ascent.answer()


class _Ascent:
    """The state of Auto-PGD's Algorithm 1, for every image of a batch at once."""

    def __init__(
        self,
        logits_of: Classifier,
        images_B3HW: Tensor,
        labels_B: Tensor,
        budget: Budget,
        loss: Loss,
    ) -> None:
        """Nothing is computed yet."""
        self.logits_of, self.clean, self.labels_B = logits_of, images_B3HW, labels_B
        self.budget, self.loss = budget, loss
        count = len(images_B3HW)
        self.step_B = images_B3HW.new_full((count, 1, 1, 1), 2 * budget.epsilon)
        self.rises_B = torch.zeros(count, device=images_B3HW.device)
        self.halved_B = torch.ones(count, dtype=torch.bool, device=images_B3HW.device)

    def begin(self, start: Tensor) -> None:
        """The first point; its predecessor is itself, so it has no momentum."""
        self.now = self.before = self.best = self.fooling = start
        self.found_B = torch.zeros_like(self.halved_B)
        self.value_B, self.gradient = self._look(start)
        self.best_B, self.best_gradient = self.value_B, self.gradient
        self.checked_B = self.best_B

    def step(self) -> None:
        """One step with momentum (Eqs. 1 and 2), and what it found."""
        z = project(
            self.now + self.step_B * self.gradient.sign(), self.clean, self.budget
        )
        moved = self.now + MOMENTUM * (z - self.now)
        moved = moved + (1 - MOMENTUM) * (self.now - self.before)
        self.before, self.now = self.now, project(moved, self.clean, self.budget)
        value_B, self.gradient = self._look(self.now)
        self.rises_B = self.rises_B + (value_B > self.value_B)
        self.value_B = value_B
        better_B = value_B > self.best_B
        self.best_B = value_B.maximum(self.best_B)
        self.best = _where(better_B, self.now, self.best)
        self.best_gradient = _where(better_B, self.gradient, self.best_gradient)

    def adapt(self, taken: int) -> None:
        """Halve the step and go back to the best point where one of the conditions holds."""
        too_rarely_B = self.rises_B < RISING * taken
        stuck_B = ~self.halved_B & (self.best_B <= self.checked_B)
        self.halved_B = too_rarely_B | stuck_B
        self.step_B = _where(self.halved_B, self.step_B / 2, self.step_B)
        # The momentum of the point that is left would carry the step away from the best.
        self.before = _where(self.halved_B, self.best, self.before)
        self.now = _where(self.halved_B, self.best, self.now)
        self.gradient = _where(self.halved_B, self.best_gradient, self.gradient)
        self.value_B = torch.where(self.halved_B, self.best_B, self.value_B)
        self.checked_B, self.rises_B = self.best_B, torch.zeros_like(self.rises_B)

    def answer(self) -> Tensor:
        """A misclassified image where one was met, else the one of highest loss."""
        return _where(self.found_B, self.fooling, self.best)

    def _look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            variable = images.detach().requires_grad_()
            logits_BC = self.logits_of(variable)
            value_B = self.loss(logits_BC, self.labels_B)
            gradient = torch.autograd.grad(value_B.sum(), variable)[0]
        fooled_B = logits_BC.detach().argmax(dim=1) != self.labels_B
        self.fooling = _where(fooled_B, images, self.fooling)
        self.found_B = self.found_B | fooled_B
        return value_B.detach(), gradient


def _where(chosen_B: Tensor, there: Tensor, here: Tensor) -> Tensor:
    return torch.where(chosen_B.view(-1, 1, 1, 1), there, here)


# -- The adaptive attack -------------------------------------------------------------

ENSEMBLE: tuple[Loss, ...] = (cross_entropy, logits_ratio)
"""The losses of the ensemble, in AutoAttack's order."""


@torch.no_grad()
def auto_pgd(
    logits_of: Classifier,
    images_B3HW: Tensor,
    labels_B: Tensor,
    budget: Budget,
    generator: Generator | None = None,
) -> Tensor:
    """The worst that APGD-CE and APGD-DLR find: AutoAttack's two white-box attacks.

    Each attack sees only the images that are still classified right.

    Raises:
        ConfigError: as `pgd`.
    """
    logits_of = checked(logits_of, images_B3HW, labels_B)
    generator = generator or Generator().manual_seed(budget.seed)
    attacked = images_B3HW.detach().clone()
    for loss in ENSEMBLE:
        standing = (logits_of(attacked).argmax(dim=1) == labels_B).nonzero().squeeze(1)
        if len(standing):
            attacked[standing] = apgd(
                logits_of,
                images_B3HW[standing],
                labels_B[standing],
                budget,
                generator,
                loss=loss,
            )
    return attacked
