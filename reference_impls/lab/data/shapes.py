"""The shapes dataset: captioned pictures drawn from signed distances, without a download.

Every picture shows one object on a background. Five attributes vary independently
(foreground and background colour differ), so there are five downstream tasks.

Shape letters: N images, H and W pixels, 3 colour channels, S shapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from reference_impls.lab.bilingual import LAB
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.85, 0.15, 0.15),
    "green": (0.15, 0.65, 0.2),
    "blue": (0.15, 0.3, 0.85),
    "yellow": (0.92, 0.85, 0.2),
    "pink": (0.95, 0.55, 0.75),
    "cyan": (0.2, 0.8, 0.85),
    "orange": (0.95, 0.55, 0.1),
    "purple": (0.5, 0.2, 0.6),
}
SHAPES = ("circle", "square", "triangle", "star", "cross", "diamond", "ring", "bar")
TEXTURES = ("plain", "striped", "dotted", "gradient", "noisy", "checkered")
SIZES = ("small", "large")
RADIUS = (0.27, 0.4)
"""Of a small and of a large object, as a fraction of the image's edge."""
TILT_DEGREES = 20.0
CHUNK = 1024

Uniform = Callable[[float, float], Tensor]
"""Draws one number per picture, shape (N, 1, 1), between two bounds."""

CLASSES: dict[str, tuple[str, ...]] = {
    "shape": SHAPES,
    "foreground": tuple(COLOURS),
    "background": tuple(COLOURS),
    "texture": TEXTURES,
    "size": SIZES,
}
TASK_NAMES = LAB.group("tasks")
"""The downstream tasks as readers see them."""


def shapes(count: int, *, seed: int, size: int = 32) -> Dataset:
    """`count` pictures of `size` x `size` pixels with labels, captions and masks.

    The same seed gives the same pictures on every machine with the same torch.
    """
    if count < 1 or size < 8:
        raise DatasetError(
            f"a shapes dataset needs images of 8 pixels or more, got {count} of {size}"
        )
    generator = torch.Generator().manual_seed(seed)
    labels = _draw_labels(count, generator)
    parts = [
        _render(
            {task: values[start : start + CHUNK] for task, values in labels.items()},
            size,
            generator,
        )
        for start in range(0, count, CHUNK)
    ]
    return Dataset(
        name=f"shapes-{size}-{seed}",
        images_N3HW=torch.cat([images for images, _ in parts]),
        labels=labels,
        classes=CLASSES,
        captions=tuple(_caption(labels, i) for i in range(count)),
        masks_NHW=torch.cat([masks for _, masks in parts]),
    )


def _draw_labels(count: int, generator: torch.Generator) -> dict[str, Tensor]:
    def draw(high: int) -> Tensor:
        return torch.randint(high, (count,), generator=generator)

    foreground = draw(len(COLOURS))
    return {
        "shape": draw(len(SHAPES)),
        "foreground": foreground,
        "background": (foreground + 1 + draw(len(COLOURS) - 1)) % len(COLOURS),
        "texture": draw(len(TEXTURES)),
        "size": draw(len(SIZES)),
    }


def _caption(labels: dict[str, Tensor], i: int) -> str:
    word = {task: CLASSES[task][values[i]] for task, values in labels.items()}
    return caption(**word)


def caption(
    *, size: str, foreground: str, shape: str, texture: str, background: str
) -> str:
    """The sentence that describes a picture with these attributes."""
    return f"a {size} {foreground} {shape} on a {texture} {background} background"


# -- Drawing -------------------------------------------------------------------------


def _render(
    labels: dict[str, Tensor], size: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Images (N, 3, H, W), and which pixels the object covers by more than half (N, H, W)."""
    count = len(labels["shape"])

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, generator=generator)

    axis = (torch.arange(size) + 0.5) / size - 0.5
    y_HW, x_HW = torch.meshgrid(axis, axis, indexing="ij")
    radius_N11 = torch.tensor(RADIUS)[labels["size"]].view(-1, 1, 1) * uniform(
        0.92, 1.08
    )
    free_N11 = (0.5 - radius_N11) * 0.9
    x_NHW = x_HW - free_N11 * uniform(-1, 1)
    y_NHW = y_HW - free_N11 * uniform(-1, 1)
    angle_N11 = uniform(-1, 1) * math.radians(TILT_DEGREES)
    cosine, sine = angle_N11.cos(), angle_N11.sin()
    u_NHW = (cosine * x_NHW + sine * y_NHW) / radius_N11
    v_NHW = (cosine * y_NHW - sine * x_NHW) / radius_N11
    distance_NHW = _distances(u_NHW, v_NHW, labels["shape"])
    # One pixel of soft edge: the distance is in radii, so scale it to pixels.
    cover_N1HW = (0.5 - distance_NHW * radius_N11 * size).clamp(0, 1).unsqueeze(1)

    palette = torch.tensor(list(COLOURS.values()))
    object_N311 = palette[labels["foreground"]].view(-1, 3, 1, 1)
    shade_NHW = _shades(x_HW, y_HW, labels["texture"], uniform, generator)
    ground_N3HW = palette[labels["background"]].view(-1, 3, 1, 1) * shade_NHW.unsqueeze(
        1
    )
    images_N3HW = ground_N3HW + cover_N1HW * (object_N311 - ground_N3HW)
    images_N3HW = images_N3HW * uniform(0.85, 1.1).unsqueeze(1)
    noise_N3HW = torch.randn(images_N3HW.shape, generator=generator)
    return (images_N3HW + 0.02 * noise_N3HW).clamp(0, 1), cover_N1HW.squeeze(1) > 0.5


def _distances(u_NHW: Tensor, v_NHW: Tensor, shape_N: Tensor) -> Tensor:
    """Signed distance to the edge of each picture's shape, in radii; negative inside."""
    a, b = u_NHW.abs(), v_NHW.abs()
    r = (u_NHW.square() + v_NHW.square()).sqrt()
    theta = torch.atan2(u_NHW, -v_NHW)
    every_SNHW = torch.stack(
        [
            r - 0.85,
            torch.maximum(a, b) - 0.75,
            torch.maximum(v_NHW - 0.6, 0.894 * a - 0.447 * v_NHW - 0.42),
            r - 0.6 - 0.32 * torch.cos(5 * theta),
            torch.minimum(
                torch.maximum(a - 0.28, b - 0.9), torch.maximum(a - 0.9, b - 0.28)
            ),
            (a + b - 1) / math.sqrt(2),
            (r - 0.65).abs() - 0.22,
            torch.maximum(a - 0.95, b - 0.3),
        ]
    )
    return every_SNHW[shape_N, torch.arange(len(shape_N))]


def _shades(
    x_HW: Tensor,
    y_HW: Tensor,
    texture_N: Tensor,
    uniform: Uniform,
    generator: torch.Generator,
) -> Tensor:
    """Brightness of the background, about 1 where it is lit."""
    count, (height, width) = len(texture_N), x_HW.shape
    phase, tilt = uniform(0, 2 * math.pi), uniform(-0.3, 0.3)
    turn = 2 * math.pi * 5
    across = turn * (x_HW + tilt * y_HW) + phase
    down = turn * y_HW + phase
    flip = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    every_SNHW = torch.stack(
        [
            torch.ones(count, height, width),
            1 - 0.45 * (across.sin() > 0).float(),
            1 - 0.55 * ((across.sin() > 0.3) & (down.sin() > 0.3)).float(),
            0.75 + 0.6 * flip * (x_HW + tilt * y_HW),
            0.55 + 0.45 * torch.rand(count, height, width, generator=generator),
            1 - 0.45 * ((across.sin() > 0) ^ (down.sin() > 0)).float(),
        ]
    )
    return every_SNHW[texture_N, torch.arange(count)]
