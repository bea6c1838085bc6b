"""The three kinds of defense that AdvCLIP was tried against, each as a defended victim.

Input corruption and pruning keep the text tower's space; adversarial training leaves it, so
only heads can be measured on what it returns.

Shape letters: B batch, H and W pixels, D embedding width, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, get_args

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.training import (
    Learner,
    Progress,
    draw_batch,
    fit,
    seeded,
)

Defense = Literal["none", "noise", "blur", "pruning", "adversarial-training"]
DEFENSES: tuple[Defense, ...] = get_args(Defense)

NOISE = 0.1
"""Standard deviation of the noise on every pixel, on the [0, 1] scale."""
PRUNED = 0.3
"""Fraction of each layer's weights that pruning sets to 0, the smallest."""
EPSILON, STEP, ATTACK_STEPS = 8 / 255, 3 / 255, 3
"""Bound, step and number of steps of the adversary in training."""


def defend(
    victim: ImageText,
    defense: Defense,
    train: Dataset,
    *,
    task: str | None = None,
    steps: int = 200,
    seed: int = 0,
    progress: Progress | None = None,
) -> ImageText:
    """The victim behind a defense; `task` (default: the first) and `steps` are of the training.

    Raises:
        DatasetError: adversarial training without a labelled task.
    """
    image = victim.image
    if defense == "none":
        return victim
    if defense in ("noise", "blur"):
        encoder = corrupted(image, noise if defense == "noise" else blur)
    elif defense == "pruning":
        encoder = pruned(image, PRUNED)
    else:
        encoder = adversarially_trained(
            image, train, task=task, steps=steps, seed=seed, progress=progress
        )
    named = encoder.named(f"{image.name}+{defense}")
    text = None if defense == "adversarial-training" else victim.text
    return ImageText(image=named, text=text)


# -- Input corruption ----------------------------------------------------------------


def noise(images_B3HW: Tensor) -> Tensor:
    """Gaussian noise on every pixel, the same for equal batches."""
    draw = torch.randn(images_B3HW.shape, generator=Generator().manual_seed(0))
    return (images_B3HW + NOISE * draw.to(images_B3HW)).clamp(0, 1)


def blur(images_B3HW: Tensor) -> Tensor:
    """A 3 x 3 binomial filter; brightness is kept, edges are repeated."""
    line_3 = images_B3HW.new_tensor([0.25, 0.5, 0.25])
    kernel_3133 = (line_3[:, None] * line_3).expand(3, 1, 3, 3)
    padded = F.pad(images_B3HW, (1, 1, 1, 1), mode="replicate")
    return F.conv2d(padded, kernel_3133, groups=3)


class _Before(nn.Module):
    """Corrupts plain images, then does what the encoder did: normalise and encode."""

    def __init__(self, encoder: Encoder, corrupt: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.module, self.corrupt = encoder.module, corrupt
        self.mean, self.std = encoder.mean, encoder.std

    def forward(self, images_B3HW: Tensor) -> Tensor:
        mean_311 = images_B3HW.new_tensor(self.mean).view(3, 1, 1)
        std_311 = images_B3HW.new_tensor(self.std).view(3, 1, 1)
        changed_B3HW = (self.corrupt(images_B3HW) - mean_311) / std_311
        embeddings_BD: Tensor = self.module(changed_B3HW)
        return embeddings_BD


def corrupted(encoder: Encoder, corrupt: Callable[[Tensor], Tensor]) -> Encoder:
    """The encoder with all its images corrupted first."""
    module = _Before(encoder, corrupt).eval()
    return replace(encoder, module=module, mean=(0.0,) * 3, std=(1.0,) * 3)


# -- Pruning -------------------------------------------------------------------------


@torch.no_grad()
def pruned(encoder: Encoder, fraction: float) -> Encoder:
    """A copy whose smallest weights are 0, the same fraction in every layer.

    Raises:
        ConfigError: the fraction is outside [0, 1).
    """
    if not 0 <= fraction < 1:
        raise ConfigError(f"the pruned fraction must lie in [0, 1), got {fraction}")
    copy = encoder.copy()
    for layer in copy.module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            sizes = layer.weight.abs().flatten()
            count = int(fraction * len(sizes))
            dropped = torch.zeros_like(sizes, dtype=torch.bool)
            dropped[sizes.argsort()[:count]] = True
            layer.weight.masked_fill_(dropped.view(layer.weight.shape), 0)
    return copy


# -- Adversarial training ------------------------------------------------------------


def adversarially_trained(
    encoder: Encoder,
    train: Dataset,
    *,
    task: str | None,
    steps: int,
    seed: int,
    progress: Progress | None = None,
) -> Encoder:
    """A copy fine-tuned with a linear head on images that an adversary changed (Madry et al., 2018).

    Raises:
        DatasetError: the dataset has no such task.
    """
    task = task or next(iter(train.labels), "")
    if task not in train.labels:
        raise DatasetError(
            f"adversarial training needs a labelled task; {train.name} has "
            f"{', '.join(train.labels) or 'none'}, not {task}"
        )
    labels_N, batch = train.labels[task], min(64, len(train))
    copy = encoder.copy()
    module = copy.module.eval().requires_grad_()  # BatchNorm keeps its statistics
    classes = len(train.classes[task])
    head = seeded(lambda: nn.Linear(encoder.dimension, classes), seed)
    head = head.to(encoder.device)
    players = nn.ModuleDict({"encoder": module, "head": head})
    optimizer = torch.optim.Adam(players.parameters(), lr=1e-3)
    learner = Learner(
        modules=players,
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps),
        generator=Generator().manual_seed(seed),
    )

    def loss_of(images_B3HW: Tensor, labels_B: Tensor) -> Tensor:
        return F.cross_entropy(head(copy.encode(images_B3HW)), labels_B)

    def loss_of_step(generator: Generator) -> Tensor:
        index_B = draw_batch(len(train), batch, generator)
        images_B3HW = train.images_N3HW[index_B].to(encoder.device)
        labels_B = labels_N[index_B].to(encoder.device)
        return loss_of(worst_case(images_B3HW, labels_B, loss_of), labels_B)

    fit(loss_of_step, learner, steps=steps, progress=progress)
    return copy


def worst_case(
    images_B3HW: Tensor,
    labels_B: Tensor,
    loss_of: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Images within EPSILON of the given ones that raise the loss (projected gradient ascent).

    Gradients are asked for at the images alone, so that the weights collect none of them.
    """
    changed_B3HW = images_B3HW.clone()
    for _ in range(ATTACK_STEPS):
        changed_B3HW = changed_B3HW.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss_of(changed_B3HW, labels_B), changed_B3HW)
        moved = changed_B3HW.detach() + STEP * gradient.sign()
        low, high = images_B3HW - EPSILON, images_B3HW + EPSILON
        changed_B3HW = moved.clamp(low, high).clamp(0, 1)
    return changed_B3HW.detach()
