"""Reversal: an image is changed until two random views of it agree again, as those of clean images do.

Mao et al., "Adversarial Attacks are Reversible with Natural Supervision", ICCV 2021,
https://arxiv.org/abs/2103.14222.

Shape letters: B batch, H and W pixels, D embedding width, P projected width, N bank of negatives.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.augment import Views, random_views
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.training import (
    check_dataset,
    draw_batch,
    fit,
    nt_xent,
    one_cycle_learner,
    seeded,
)

Encode = Callable[[Tensor], Tensor]
"""Images (B, 3, H, W) to embeddings (B, D); gradients reach the images."""
BATCH, TEMPERATURE, WIDTH = 128, 0.2, 32
"""Images of a step of the projector's training; of the contrastive loss; P."""


def contrastive_loss(first_BP: Tensor, second_BP: Tensor, bank_NP: Tensor) -> Tensor:
    """Of each image (B,): cross entropy of its two views' cosine against those of the first to the bank."""
    first_BP, second_BP = F.normalize(first_BP, dim=1), F.normalize(second_BP, dim=1)
    own_B1 = (first_BP * second_BP).sum(dim=1, keepdim=True)
    cosines = torch.cat([own_B1, first_BP @ F.normalize(bank_NP, dim=1).T], dim=1)
    return -F.log_softmax(cosines / TEMPERATURE, dim=1)[:, 0]


def train_projector(
    encode: Encode, train: Dataset, *, steps: int, seed: int
) -> nn.Module:
    """A projector that makes two views of an image agree, by SimCLR's loss on frozen embeddings.

    Raises:
        DatasetError: fewer images than a batch.
    """
    check_dataset(train, BATCH)
    images_N3HW = train.images_N3HW
    width = encode(images_N3HW[:1]).shape[1]
    projector = seeded(lambda: nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, WIDTH)), seed).to(images_N3HW.device)  # fmt: skip
    learner = one_cycle_learner(
        {"projector": projector}, steps=steps, learning_rate=3e-3, seed=seed
    )

    def loss_of_step(chance: Generator) -> Tensor:
        images = images_N3HW[draw_batch(len(train), BATCH, chance)].repeat(2, 1, 1, 1)
        with torch.no_grad():
            embeddings = encode(random_views(images, Views(), chance))
        first, second = projector(embeddings).chunk(2)
        return nt_xent(first, second, TEMPERATURE)

    fit(loss_of_step, learner, steps=steps)
    return projector


def view_agreement(
    encode: Encode, train: Dataset, steps: int, bank: int, seed: int, chance: Generator
) -> Callable[[Tensor], Tensor]:
    """What reversal raises: minus the contrastive loss of images (B, 3, H, W), summed; views are drawn anew each time."""
    projector = train_projector(encode, train, steps=steps, seed=seed)

    def projected(images_B3HW: Tensor) -> Tensor:
        views_B3HW = random_views(images_B3HW, Views(), chance)
        projected_BP: Tensor = projector(encode(views_B3HW))
        return projected_BP

    with torch.no_grad():
        bank_NP = projected(train.images_N3HW[:bank])

    def agreement(images_B3HW: Tensor) -> Tensor:
        first, second = projected(images_B3HW.repeat(2, 1, 1, 1)).chunk(2)
        return -contrastive_loss(first, second, bank_NP).sum()

    return agreement
