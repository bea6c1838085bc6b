"""Pre-training without labels in which every step attacks its own loss.

ACL: Jiang et al., "Robust Pre-Training by Adversarial Contrastive Learning", NeurIPS 2020, arXiv:2010.13337.
RoCL: Kim et al., "Adversarial Self-Supervised Contrastive Learning", NeurIPS 2020, arXiv:2006.07589.
Rotation: Chen et al., "Adversarial Robustness: From Self-Supervised Pre-Training to Fine-Tuning", CVPR 2020,
arXiv:2003.12862. One loop, three losses; without an attack the first is SimCLR.

Shape letters: B batch, H and W pixels, D embedding width, C classes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from reference_impls.lab.attacks.pgd import (
    Budget,
    ascend,
    evaluating,
    start_of,
)
from reference_impls.lab.data.augment import Views, random_views
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import check_choices
from reference_impls.lab.models.encoders import Encoder, fresh
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
    fit,
    nt_xent,
    one_cycle_learner,
    projection_head,
)

Loss = Literal["acl", "rocl", "rotation"]
Change = Literal["attack", "noise", "none"]
Start = Literal["fresh", "given"]


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Which loss, and how it is minimised."""

    loss: Loss = "acl"
    """`acl` contrasts two attacked views beside two plain ones, `rocl` an attacked view with its plain ones, `rotation`
    names by how many quarter turns an attacked image was turned."""
    change: Change = "attack"
    """What is done to views; `noise` of the same size and `none`, which makes `acl` SimCLR, are controls."""
    reach: Budget = field(
        default_factory=lambda: Budget(epsilon=8 / 255, step=10 / 255, steps=1)
    )
    """Of attack and noise inside training."""
    start: Start = "fresh"
    """New weights in the encoder's architecture, or go on from the given ones."""
    steps: int = 150
    """Optimiser steps."""
    batch: int = 64
    """Images per step."""
    learning_rate: float = 3e-3
    """Peak of AdamW's one-cycle schedule."""
    temperature: float = 0.2
    """Of the contrastive losses."""
    weight: float = 1 / 256
    """RoCL: lambda, of the loss between the attacked view and its target alone."""
    seed: int = 0
    """Of weights, batches, views and attacks."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(steps=self.steps, batch=self.batch, weight=self.weight)
        check_positive(learning_rate=self.learning_rate, temperature=self.temperature)


PRESETS: dict[str, PretrainConfig] = {
    "simclr": PretrainConfig(change="none"),
    "noise": PretrainConfig(loss="rocl", change="noise"),
    "acl": PretrainConfig(),
    "rocl": PretrainConfig(loss="rocl"),
    "rotation": PretrainConfig(loss="rotation", change="none"),
    "rotation-at": PretrainConfig(loss="rotation"),
}
"""What is measured, each control before what it is the control of."""

# -- Losses --------------------------------------------------------------------------


def contrast(views: Sequence[Tensor], temperature: float) -> Tensor:
    """RoCL's contrastive loss (Eq. 3) of V views (B, D), each in turn the anchor, mean over all.

    -log of the share that an anchor's other views have in the sum of exp(cosine / temperature) over all other
    embeddings of the batch. For two views it is NT-Xent.
    """
    unit = F.normalize(torch.cat(list(views)), dim=1)
    own = torch.arange(len(unit), device=unit.device) % len(views[0])
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    logits = (unit @ unit.T / temperature).masked_fill(itself, float("-inf"))
    positive = logits.masked_fill(own != own.unsqueeze(1), float("-inf"))
    return (logits.logsumexp(dim=1) - positive.logsumexp(dim=1)).mean()


def quarter_turns(images_B3HW: Tensor, chance: Generator) -> tuple[Tensor, Tensor]:
    """Square images, each turned by 0 to 3 quarters, and by how many (B,)."""
    turns_B = torch.randint(4, (len(images_B3HW),), generator=chance)
    turned = [x.rot90(k, (1, 2)) for x, k in zip(images_B3HW, turns_B.tolist(), strict=True)]  # fmt: skip
    return torch.stack(turned), turns_B.to(images_B3HW.device)


def other_norms(module: nn.Module) -> nn.Module:
    """A copy that shares all weights except BatchNorm's: ACL counts attacked and plain images apart."""
    twin = copy.deepcopy(module)
    for own, other in zip(module.modules(), twin.modules(), strict=True):
        if not isinstance(own, _BatchNorm):
            other._parameters = own._parameters
    return twin


@dataclass(frozen=True, eq=False, kw_only=True)
class Learning:
    """An encoder and a head in training, and how a step changes the images that they see."""

    config: PretrainConfig
    robust: Encoder
    plain: Encoder
    """The same with BatchNorm layers of its own, for images that nobody changed (ACL)."""
    head: nn.Sequential

    def see(self, images_B3HW: Tensor) -> Tensor:
        """What a loss compares, (B, D)."""
        seen_BD: Tensor = self.head(self.robust.encode(images_B3HW))
        return seen_BD

    def changed(self, loss: Callable[[Tensor], Tensor], images: Tensor, chance: Generator) -> Tensor:  # fmt: skip
        """The images within reach that raise a loss of what is seen of them, or with noise."""
        if self.config.change == "noise":
            return start_of(images, self.config.reach, chance)
        with evaluating(self.robust.module, self.head):
            return ascend(lambda x: loss(self.see(x)), images, self.config.reach, chance)  # fmt: skip


def acl_loss(learning: Learning, images: Tensor, chance: Generator) -> Tensor:
    """ACL with two streams: the mean of NT-Xent of two plain views and of both views attacked."""
    views = torch.cat([random_views(images, Views(), chance) for _ in range(2)])

    def loss(seen: Tensor) -> Tensor:
        first, second = seen.chunk(2)
        return nt_xent(first, second, learning.config.temperature)

    if learning.config.change == "none":
        return loss(learning.see(views))
    attacked = learning.changed(loss, views, chance)
    plain = learning.head(learning.plain.encode(views))
    return (loss(plain) + loss(learning.see(attacked))) / 2


def rocl_loss(learning: Learning, images: Tensor, chance: Generator) -> Tensor:
    """RoCL: contrast of two views and the first one attacked, plus lambda times that of the last two alone."""
    first, second = (random_views(images, Views(), chance) for _ in range(2))
    how, config = learning.config.temperature, learning.config
    with torch.no_grad(), evaluating(learning.robust.module, learning.head):
        target = learning.see(second)
    attacked = learning.changed(lambda z: contrast([z, target], how), first, chance)
    seen = learning.see(torch.cat([first, second, attacked])).chunk(3)
    return contrast(seen, how) + config.weight * contrast(seen[1:], how)


def rotation_loss(learning: Learning, images: Tensor, chance: Generator) -> Tensor:
    """Cross entropy of the quarter turns, the mean of plain and attacked images (Chen et al.)."""
    turned, turns_B = quarter_turns(random_views(images, Views(), chance), chance)

    def loss(seen: Tensor) -> Tensor:
        return F.cross_entropy(seen, turns_B)

    plain = loss(learning.see(turned))
    if learning.config.change == "none":
        return plain
    attacked = learning.changed(loss, turned, chance)
    return (plain + loss(learning.see(attacked))) / 2


LOSSES = {"acl": acl_loss, "rocl": rocl_loss, "rotation": rotation_loss}


# -- The loop ------------------------------------------------------------------------


def pretrain(
    encoder: Encoder,
    train: Dataset,
    config: PretrainConfig,
    progress: Progress | None = None,
) -> Encoder:
    """An encoder that learned from images alone; of ACL, the one whose BatchNorm saw attacked images.

    Raises:
        DatasetError: fewer images than a batch.
    """
    check_dataset(train, config.batch)
    new = config.start == "fresh"
    robust = fresh(encoder, config.seed) if new else encoder.copy()
    width = 4 if config.loss == "rotation" else 64
    head = projection_head(robust.dimension, config.seed, width)
    learning = Learning(
        config=config,
        robust=robust,
        plain=replace(robust, module=other_norms(robust.module)),
        head=head.to(robust.device),
    )

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(train), config.batch, chance)
        images = train.images_N3HW[index_B].to(robust.device)
        return LOSSES[config.loss](learning, images, chance)

    modules = {"robust": robust.module, "plain": learning.plain.module, "head": head}
    learner = one_cycle_learner(
        modules,
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )
    fit(loss_of_step, learner, steps=config.steps, progress=progress)
    return robust
