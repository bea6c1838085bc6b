"""The leaves dataset: pictures of opaque leaves that fell on each other, drawn without a download.

Occlusion with sizes that follow a power law gives the statistics of natural scenes (Lee, Mumford and Huang, IJCV 2001;
used for pre-training by Baradad et al., NeurIPS 2021), so encoders of it differ from those of `shapes`. Three attributes
vary independently, each a downstream task.

Shape letters: N images, H and W pixels, 3 colour channels.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.shapes import COLOURS
from reference_impls.lab.errors import DatasetError

FORMS = ("discs", "squares", "diamonds", "bars")
GRAINS = {"fine": (0.04, 0.2), "coarse": (0.1, 0.45)}
"""Smallest and largest radius of a leaf, as a fraction of the image's edge."""
CLASSES = {"colour": tuple(COLOURS), "form": FORMS, "grain": tuple(GRAINS)}
LEAVES = 48
"""Leaves on a picture; few of the first are still to be seen."""
COLOURED = 0.6
"""Share of the leaves that have about the picture's own colour."""
CHUNK = 1024


def leaves(count: int, *, seed: int, size: int = 32) -> Dataset:
    """`count` pictures of `size` x `size` pixels with labels and captions, the same for the same seed.

    Raises:
        DatasetError: no image, or one below 8 pixels.
    """
    if count < 1 or size < 8:
        raise DatasetError(
            f"a leaves dataset needs images of 8 pixels or more, got {count} of {size}"
        )
    generator = Generator().manual_seed(seed)
    labels = {
        task: torch.randint(len(names), (count,), generator=generator)
        for task, names in CLASSES.items()
    }
    parts = [
        _draw({task: v[i : i + CHUNK] for task, v in labels.items()}, size, generator)
        for i in range(0, count, CHUNK)
    ]
    words = [
        " ".join(CLASSES[task][int(labels[task][i])] for task in ("grain", "colour", "form"))
        for i in range(count)
    ]  # fmt: skip
    return Dataset(
        name=f"leaves-{size}-{seed}",
        images_N3HW=torch.cat(parts),
        labels=labels,
        classes=CLASSES,
        captions=tuple(words),
    )


def _draw(labels: dict[str, Tensor], size: int, generator: Generator) -> Tensor:
    count = len(labels["form"])
    axis = (torch.arange(size) + 0.5) / size
    y_HW, x_HW = torch.meshgrid(axis, axis, indexing="ij")
    own_N3 = torch.tensor(list(COLOURS.values()))[labels["colour"]]
    low_N, high_N = torch.tensor(list(GRAINS.values()))[labels["grain"]].T
    images_N3HW = torch.rand(count, 3, 1, 1, generator=generator).repeat(1, 1, size, size)  # fmt: skip
    for _ in range(LEAVES):
        u_N = torch.rand(count, generator=generator)
        # Density r^-3 between the two radii, drawn by the inverse of its distribution.
        radius_N = (low_N**-2 - u_N * (low_N**-2 - high_N**-2)) ** -0.5
        middle_2N11 = torch.rand(2, count, 1, 1, generator=generator)
        angle_N11 = math.pi * torch.rand(count, 1, 1, generator=generator)
        x_NHW, y_NHW = x_HW - middle_2N11[0], y_HW - middle_2N11[1]
        a_NHW = (angle_N11.cos() * x_NHW + angle_N11.sin() * y_NHW).abs()
        b_NHW = (angle_N11.cos() * y_NHW - angle_N11.sin() * x_NHW).abs()
        inside_NHW = _reach(a_NHW, b_NHW, labels["form"]) < radius_N.view(-1, 1, 1)
        mine_N1 = torch.rand(count, 1, generator=generator) < COLOURED
        spread_N3 = 0.12 * torch.randn(count, 3, generator=generator)
        other_N3 = torch.rand(count, 3, generator=generator)
        colour_N3 = torch.where(mine_N1, own_N3 + spread_N3, other_N3)
        images_N3HW = torch.where(
            inside_NHW[:, None], colour_N3[..., None, None], images_N3HW
        )
    noise_N3HW = torch.randn(images_N3HW.shape, generator=generator)
    return (images_N3HW + 0.02 * noise_N3HW).clamp(0, 1)


def _reach(a_NHW: Tensor, b_NHW: Tensor, form_N: Tensor) -> Tensor:
    """How large a leaf of each picture's form must be to reach a point."""
    every = (
        (a_NHW.square() + b_NHW.square()).sqrt(),
        torch.maximum(a_NHW, b_NHW),
        a_NHW + b_NHW,
        torch.maximum(a_NHW / 2, 2 * b_NHW),
    )
    return torch.stack(every)[form_N, torch.arange(len(form_N))]
