"""Processor seconds of what Gen-AF spends its time on, beside the published program's way.

PGD: there, every step of the attack back-propagates into all weights; here, into the images
alone. Sensitivity: every layer moved by gradient ascent, beside one backward pass for all.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import torch
from timing import least
from torch.nn import functional as F

from reference_impls.gen_af.config import HardenConfig, SensitivityConfig
from reference_impls.gen_af.method import harden
from reference_impls.gen_af.model import Downstream, build, task_of
from reference_impls.gen_af.sensitivity import measure_sensitivity, rank_correlation
from reference_impls.lab.attacks.pgd import Budget, pgd
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import LabData, clean_encoder, train_dataset

RECORDED = {"published": 0.245, "ours": 0.180}
"""Least seconds of PGD-10 on 64 images, measured earlier with the published program itself."""
BUDGET = Budget(epsilon=4 / 255, steps=10, random_start=False)


def published_pgd(
    model: Downstream, images: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """PGD at the published cost: gradients of the images and of all weights, never cleared."""
    attacked = images.clone()
    for _ in range(BUDGET.steps):
        attacked = attacked.detach().requires_grad_()
        F.cross_entropy(model.logits(attacked), labels, reduction="sum").backward()
        assert attacked.grad is not None
        moved = attacked + BUDGET.step_size * attacked.grad.sign()
        attacked = images + (moved - images).clamp(-BUDGET.epsilon, BUDGET.epsilon)
        attacked = attacked.clamp(0, 1)
    return attacked.detach()


@dataclass(frozen=True)
class Costs:
    """Processor seconds of both ways, and how far they agree."""

    published_pgd: float
    """PGD-10 on 64 images into all weights, the least of several."""
    our_pgd: float
    """The same into the images alone."""
    exact: float
    """Sensitivity of all layers on 256 images, layer by layer."""
    first_order: float
    """The same from one backward pass."""
    ranks: float
    """Spearman correlation of the two."""
    spared: tuple[tuple[str, ...], tuple[str, ...]]
    """Least sensitive fifth of the layers, exact and first-order."""


def measure(repeats: int = 7) -> Costs:
    """Both on a lab encoder that Gen-AF's task has been added to, one thread."""
    torch.set_num_threads(1)
    lab = LabData()
    encoder = clean_encoder(SimCLRConfig(steps=200), lab)
    task = task_of(train_dataset(lab), "foreground")
    model = build(encoder, len(task.classes), HardenConfig()).eval().requires_grad_()
    images, labels = task.images_N3HW[:64], task.labels_N[:64]
    config = HardenConfig(
        method="pgd-at",
        budget=Budget(epsilon=4 / 255, steps=5, random_start=False),
        adaptation=None,
        epochs=3,
        precision="bf16",
    )
    robust = harden(encoder, task, config).model
    few, their_labels = task.images_N3HW[:256], task.labels_N[:256]
    attacked = pgd(robust.logits, few, their_labels, BUDGET)
    exact = measure_sensitivity(robust, attacked, their_labels, SensitivityConfig())
    fast = measure_sensitivity(
        robust, attacked, their_labels, SensitivityConfig(mode="first-order")
    )
    return Costs(
        published_pgd=least(lambda: published_pgd(model, images, labels), repeats),
        our_pgd=least(lambda: pgd(model.logits, images, labels, BUDGET), repeats),
        exact=exact.processor_seconds,
        first_order=fast.processor_seconds,
        ranks=rank_correlation(
            [one.contribution for one in exact.layers],
            [one.contribution for one in fast.layers],
        ),
        spared=(tuple(exact.spare(0.2)), tuple(fast.spare(0.2))),
    )


if __name__ == "__main__":
    found = measure()
    their_layers, our_layers = (", ".join(names) for names in found.spared)
    sys.stdout.write(
        f"PGD-10 on 64 images: {found.published_pgd:.3f} s into all weights, {found.our_pgd:.3f} s into the images "
        f"({found.our_pgd / found.published_pgd:.2f}x; recorded {RECORDED['ours']} and {RECORDED['published']} s)\n"
        f"sensitivity on 256 images: exact {found.exact:.2f} s, first-order {found.first_order:.3f} s "
        f"({found.exact / found.first_order:.0f}x), rank correlation {found.ranks:.3f}, "
        f"least fifth: {their_layers} and {our_layers}\n"
    )
