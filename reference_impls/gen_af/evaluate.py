"""How a downstream model fares: clean, under universal attacks made on its encoder, and white-box.

Shape letters: N images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from reference_impls.gen_af.model import Downstream, Task
from reference_impls.gen_af.training import accuracy
from reference_impls.lab.attacks.auto_pgd import auto_pgd
from reference_impls.lab.attacks.masking import Sign, masking_signs
from reference_impls.lab.attacks.pgd import Budget, pgd
from reference_impls.lab.attacks.universal import Universal
from reference_impls.lab.study.options import Fraction

WHITE_BOX: dict[str, tuple[int, Callable[..., Tensor]]] = {
    "pgd-10": (10, pgd),
    "pgd-20": (20, pgd),
    "adaptive": (20, auto_pgd),
}
"""Steps and attack; `adaptive` is Auto-PGD with both its losses, the worst of the two."""
CLEAN = "clean"
WORST = "worst"
"""The worst of the transferred universal attacks, model by model."""
ATTACKS = ("advencoder-per", "advencoder-pat", "uap", "random-perturbation")
"""Universal attacks, made on the public encoder; the last is the control."""
TRANSFERRED = ATTACKS[:3]
"""Those of them that an attacker would use."""


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """How hard the evaluation tries."""

    epsilon: Fraction = 4 / 255
    """Of the white-box attacks, on the [0, 1] scale; 0 leaves them out."""
    white_box_images: int = 256
    """Test images that white-box attacks are made for; all others see every image."""
    batch: int = 128
    """Images per step of the white-box attacks."""
    seed: int = 0
    """Of their starts."""


def evaluate(
    model: Downstream,
    test: Task,
    universal: Mapping[str, Universal],
    config: EvaluationConfig,
) -> dict[str, float]:
    """Accuracy in [0, 1] per attack, `clean` first; universal attacks keep their own size."""
    model.deployed()
    found = {CLEAN: accuracy(model, test)}
    for name, change in universal.items():
        changed = change.apply(test.images_N3HW)
        found[name] = accuracy(model, replace(test, images_N3HW=changed))
    if config.epsilon == 0:
        return found
    few = test.part(0, config.white_box_images)
    for name, (steps, attack) in WHITE_BOX.items():
        budget = Budget(epsilon=config.epsilon, steps=steps, seed=config.seed)
        found[name] = _under(attack, model, few, budget, config)
    return found


def _under(
    attack: Callable[..., Tensor],
    model: Downstream,
    test: Task,
    budget: Budget,
    config: EvaluationConfig,
) -> float:
    generator = Generator().manual_seed(config.seed)
    right = 0
    for images, labels in test.batches(config.batch):
        images, labels = images.to(model.device), labels.to(model.device)
        attacked = attack(model.logits, images, labels, budget, generator)
        with torch.no_grad():
            right += int((model.logits(attacked).argmax(dim=1) == labels).sum())
    return right / len(test)


def masking(
    model: Downstream,
    test: Task,
    universal: Mapping[str, Universal],
    config: EvaluationConfig,
) -> tuple[Sign, ...]:
    """Signs that the white-box figures rest on masked gradients, by the first batch of test images."""
    if config.epsilon == 0:
        return ()
    few = test.part(0, config.batch)
    images, labels = (one.to(model.device) for one in (few.images_N3HW, few.labels_N))
    return masking_signs(
        model.deployed().logits,
        images,
        labels,
        Budget(epsilon=config.epsilon, steps=WHITE_BOX["pgd-10"][0], seed=config.seed),
        transferred=[universal[name].apply(images) for name in TRANSFERRED],
    )


def worst(accuracies: Mapping[str, float]) -> float:
    """Accuracy under the worst of the universal attacks made on the public encoder."""
    return min(accuracies[name] for name in TRANSFERRED)
