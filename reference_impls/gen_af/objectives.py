"""What each method trains on, and the loss it takes: the one thing in which they differ.

Madry et al., ICLR 2018 (PGD adversarial training); Zhang et al., ICML 2019 (TRADES, Eq. 5);
Zhou et al., IEEE S&P 2024 (Gen-AF, stage 1).

Shape letters: B batch, C classes, D embedding width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.gen_af.config import HardenConfig
from reference_impls.gen_af.model import Downstream, Outputs
from reference_impls.gen_af.processes import whole_batch
from reference_impls.gen_af.topology import genetic_loss
from reference_impls.lab.attacks.pgd import Budget, ascend, evaluating, pgd
from reference_impls.lab.models.encoders import Encoder


class Objective(Protocol):
    """A method: which versions of the images go through the model, and what is minimised."""

    def views(
        self, model: Downstream, images: Tensor, labels: Tensor, generator: Generator
    ) -> list[Tensor]:
        """Versions of the images; they go through the model as one batch."""

    def loss(self, views: list[Tensor], seen: list[Outputs], labels: Tensor) -> Tensor:
        """A scalar, from what the model says of each version."""


@dataclass(frozen=True)
class Plain:
    """Cross entropy on images as they are: linear probe, standard fine-tuning, stage 2."""

    def views(
        self, model: Downstream, images: Tensor, labels: Tensor, generator: Generator
    ) -> list[Tensor]:
        """The images."""
        return [images]

    def loss(self, views: list[Tensor], seen: list[Outputs], labels: Tensor) -> Tensor:
        """Cross entropy."""
        return F.cross_entropy(seen[0].logits_BC, labels)


@dataclass(frozen=True)
class Adversarial:
    """Cross entropy on PGD's images alone: PGD adversarial fine-tuning."""

    budget: Budget

    def views(
        self, model: Downstream, images: Tensor, labels: Tensor, generator: Generator
    ) -> list[Tensor]:
        """The adversarial images."""
        return [adversarial(model, images, labels, self.budget, generator)]

    def loss(self, views: list[Tensor], seen: list[Outputs], labels: Tensor) -> Tensor:
        """Cross entropy."""
        return F.cross_entropy(seen[0].logits_BC, labels)


@dataclass(frozen=True)
class Trades:
    """Right on clean images, and the same answer on those around them."""

    budget: Budget
    weight: float

    def views(
        self, model: Downstream, images: Tensor, labels: Tensor, generator: Generator
    ) -> list[Tensor]:
        """The images, and those near them on which the answer differs most."""
        with evaluating(model):
            with torch.no_grad():
                clean_BC = model.logits(images)
                # At the image itself the divergence has no gradient, so start beside it.
                beside = images + 1e-3 * torch.randn(
                    images.shape, generator=generator
                ).to(images)
            far = ascend(
                lambda changed: divergence(clean_BC, model.logits(changed)).sum(),
                beside.clamp(0, 1),
                self.budget,
            )
        low, high = images - self.budget.epsilon, images + self.budget.epsilon
        return [images, far.clamp(low, high)]

    def loss(self, views: list[Tensor], seen: list[Outputs], labels: Tensor) -> Tensor:
        """Cross entropy plus `weight` times the mean divergence."""
        clean, changed = (outputs.logits_BC for outputs in seen)
        apart = divergence(clean, changed).mean()
        return F.cross_entropy(clean, labels) + self.weight * apart


def divergence(clean_BC: Tensor, changed_BC: Tensor) -> Tensor:
    """KL(clean || changed) of the two answers to each image, (B,)."""
    log_clean_BC = clean_BC.log_softmax(dim=1)
    return (log_clean_BC.exp() * (log_clean_BC - changed_BC.log_softmax(dim=1))).sum(1)


@dataclass(frozen=True, eq=False)
class Genetic:
    """Stage 1 of Gen-AF: cross entropy on adversarial images plus the genetic regulariser."""

    budget: Budget
    weight: float
    variant: str
    teacher: Encoder
    """The pre-trained encoder, frozen; `frozen-teacher` asks it."""

    def views(
        self, model: Downstream, images: Tensor, labels: Tensor, generator: Generator
    ) -> list[Tensor]:
        """The images and PGD's: the two tracks."""
        return [images, adversarial(model, images, labels, self.budget, generator)]

    def loss(self, views: list[Tensor], seen: list[Outputs], labels: Tensor) -> Tensor:
        """Cross entropy plus `weight` times how far the graphs are apart."""
        clean, changed = seen
        loss = F.cross_entropy(changed.logits_BC, labels)
        return loss + self.weight * self._genetic(views[0], clean, changed, labels)

    def _genetic(
        self, images: Tensor, clean: Outputs, changed: Outputs, labels: Tensor
    ) -> Tensor:
        features, parent = clean.logits_BC, changed.logits_BC
        if self.variant == "as-named":
            features, parent = parent, features
        elif self.variant == "frozen-teacher":
            with torch.no_grad():
                features, parent = changed.embeddings_BD, self.teacher.encode(images)
        difficulty_B = F.cross_entropy(clean.logits_BC, labels, reduction="none")
        # KNNClassifier are sought in the whole batch, however many processes share it.
        parts = (features, parent.float(), labels, difficulty_B)
        return genetic_loss(*(whole_batch(part) for part in parts))


def adversarial(
    model: Downstream,
    images: Tensor,
    labels: Tensor,
    budget: Budget,
    generator: Generator,
) -> Tensor:
    """PGD's images for the model as it would be deployed: eval mode, its own normalisation."""
    with evaluating(model):
        return pgd(model.logits, images, labels, budget, generator)


def objective(config: HardenConfig, teacher: Encoder) -> Objective:
    """The objective of the settings; `teacher` is the pre-trained encoder."""
    if config.method == "pgd-at":
        return Adversarial(config.budget)
    if config.method == "trades":
        return Trades(config.budget, config.trades_weight)
    if config.method == "gen-af":
        return Genetic(config.budget, config.genetic_weight, config.variant, teacher)
    return Plain()
