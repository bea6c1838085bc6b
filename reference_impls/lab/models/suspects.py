"""What becomes of an encoder in other hands, and how it then answers downstream.

Shape letters: N images, M labelled images, D embedding width, T tasks, C classes.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.heads import fit_linear_probe, linear_probe
from reference_impls.lab.models.training import (
    draw_batch,
    fine_tuning_learner,
    fit,
)


def check_labelled(dataset: Dataset) -> None:
    """Refuse a dataset that no head can learn from.

    Raises:
        DatasetError: it has no labels.
    """
    if not dataset.labels:
        raise DatasetError(f"{dataset.name} has no labels, so there is no task to try an encoder on")  # fmt: skip


def predictions(encoder: Encoder, labelled: Dataset, images_N3HW: Tensor) -> Tensor:
    """Classes (T, N) that linear heads on an encoder give images, by task."""
    learned_MD, z_ND = (embed_all(encoder, x) for x in (labelled.images_N3HW, images_N3HW))  # fmt: skip
    heads = [
        fit_linear_probe(learned_MD, labels_M, classes=len(labelled.classes[task]))
        for task, labels_M in labelled.labels.items()
    ]
    return torch.stack([head.predict(z_ND) for head in heads])


def fine_tuned(
    encoder: Encoder,
    train: Dataset,
    task: str,
    *,
    steps: int,
    batch: int = 32,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> Encoder:
    """A copy that learned a task together with a linear head, which had learned it before; the head is left behind."""
    tuned, head = encoder.copy(), linear_probe(encoder, train, task)
    parts = {"encoder": tuned.module, "head": head.module}
    learner = fine_tuning_learner(parts, steps=steps, learning_rate=learning_rate, seed=seed)  # fmt: skip

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(train), batch, chance)
        logits_BC = head.logits(tuned.encode(train.images_N3HW[index_B]))
        return F.cross_entropy(logits_BC, train.labels[task][index_B])

    fit(loss_of_step, learner, steps=steps)
    return tuned


@torch.no_grad()
def pruned(encoder: Encoder, share: float) -> Encoder:
    """A copy whose smallest weights are 0: this share, in [0, 1), of all those of its convolutions and linear layers."""
    copy = encoder.copy()
    weights = [part.weight for part in copy.module.modules() if isinstance(part, nn.Conv2d | nn.Linear)]  # fmt: skip
    sizes = torch.cat([one.abs().flatten() for one in weights]).sort().values
    for one in weights:
        one[one.abs() < sizes[int(share * len(sizes))]] = 0
    return copy
