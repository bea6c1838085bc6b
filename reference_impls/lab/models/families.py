"""Encoders unlike the lab's: five architectures, four ways of pre-training, two kinds of pictures.

A detector's threshold that was set on one kind of encoder is tried on the others here. Architectures are
torchvision's parts, thin enough for 32 px on one CPU core.

Shape letters: B batch, D embedding width, H and W pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.augment import Views, random_views
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.leaves import leaves
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.models.clip import LogScale, TextTower, clip_loss
from reference_impls.lab.models.encoders import Encoder, save_weights
from reference_impls.lab.models.tensor_files import read_state
from reference_impls.lab.models.training import (
    draw_batch,
    fit,
    nt_xent,
    one_cycle_learner,
    seeded,
)
from reference_impls.lab.torchvision import import_torchvision

Family = Literal["resnet", "groupnorm", "mobilenet", "convnext", "vit"]
Objective = Literal["simclr", "supervised", "masked", "clip"]
Pictures = Literal["shapes", "leaves"]
FAMILIES: tuple[Family, ...] = get_args(Family)
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
PICTURES: tuple[Pictures, ...] = get_args(Pictures)
TASKS: dict[Pictures, str] = {"shapes": "foreground", "leaves": "colour"}
"""The downstream task that success rates are measured on."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an encoder is made."""

    family: Family
    """Architecture."""
    objective: Objective
    """What it is pre-trained to do."""
    pictures: Pictures
    """What it is pre-trained on."""
    steps: int = 160
    """Optimiser steps."""
    batch: int = 64
    """Pictures per step."""
    learning_rate: float = 3e-3
    """Peak of AdamW's one-cycle schedule."""
    count: int = 2048
    """Pictures in all."""
    seed: int = 0
    """Of weights, batches and pictures."""

    @property
    def name(self) -> str:
        """As in `vit-masked-leaves-12`."""
        return f"{self.family}-{self.objective}-{self.pictures}-{self.seed}"


@lru_cache(maxsize=4)
def pictures(kind: Pictures, count: int, seed: int) -> Dataset:
    """A dataset of 32 px of a kind."""
    return (shapes if kind == "shapes" else leaves)(count, seed=seed)


# -- Architectures -------------------------------------------------------------------


def architecture(family: Family) -> nn.Module:
    """An untrained network, images (B, 3, 32, 32) to embeddings (B, D).

    Raises:
        DeviceError: torchvision is not installed.
    """
    return _BUILD[family](import_torchvision().models)


def _resnet(models: Any) -> nn.Module:
    """The stem of ImageNet: seven pixels wide, then pooled."""
    norm = nn.BatchNorm2d
    block = models.resnet.BasicBlock
    smaller = nn.Sequential(nn.Conv2d(32, 64, 1, 2, bias=False), norm(64))
    stem = nn.Conv2d(3, 32, 7, 2, 3, bias=False), norm(32), nn.ReLU(), nn.MaxPool2d(3, 2, 1)  # fmt: skip
    return nn.Sequential(*stem, block(32, 32), block(32, 64, 2, smaller), *_pooled())


def _groupnorm(_: Any) -> nn.Module:
    """Plain convolutions without BatchNorm and without a shortcut."""
    widths = ((3, 16, 2), (16, 32, 1), (32, 32, 2), (32, 64, 1), (64, 96, 2))
    layers = [
        (nn.Conv2d(i, o, 3, stride, 1), nn.GroupNorm(8, o), nn.ReLU())
        for i, o, stride in widths
    ]
    return nn.Sequential(*(part for layer in layers for part in layer), *_pooled())


def _mobilenet(models: Any) -> nn.Module:
    """Depthwise convolutions in inverted bottlenecks."""
    block = partial(models.mobilenetv2.InvertedResidual, expand_ratio=3)
    first = nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6()
    middle = block(16, 24, 2), block(24, 24, 1), block(24, 48, 2), block(48, 48, 1)
    last = nn.Conv2d(48, 128, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU6()
    return nn.Sequential(*first, *middle, *last, *_pooled())


def _pooled() -> tuple[nn.Module, nn.Module]:
    return nn.AdaptiveAvgPool2d(1), nn.Flatten()


def _convnext(models: Any) -> nn.Module:
    """Patches, depthwise convolutions, LayerNorm."""
    stage = models.convnext.CNBlockConfig
    stages = stage(32, 64, 1), stage(64, 96, 1), stage(96, None, 1)
    net: nn.Module = models.ConvNeXt(stages)
    net.set_submodule("classifier.2", nn.Identity())
    return net


def _vit(models: Any) -> nn.Module:
    """Three blocks over sixteen patches; the class token is the embedding."""
    net: nn.Module = models.VisionTransformer(32, 8, 3, 4, 64, 128)
    net.set_submodule("heads", nn.Identity())
    return net


_BUILD: dict[Family, Callable[[Any], nn.Module]] = {
    "resnet": _resnet,
    "groupnorm": _groupnorm,
    "mobilenet": _mobilenet,
    "convnext": _convnext,
    "vit": _vit,
}


# -- Pre-training --------------------------------------------------------------------


def clean(recipe: Recipe) -> Encoder:
    """The encoder of a recipe, trained if the cache has none."""
    path = cache_folder() / "families" / f"{recipe.name}-{content_key(recipe)}.safetensors"  # fmt: skip
    if not path.exists():
        save_weights(pretrain(recipe), path)
    return restore(recipe, path)


def untrained(recipe: Recipe) -> Encoder:
    """The same architecture with its first weights."""
    net = seeded(lambda: architecture(recipe.family), recipe.seed)
    return Encoder.from_module(
        net, name=recipe.name, size=32, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)
    )


def restore(recipe: Recipe, path: Path) -> Encoder:
    """An encoder of a recipe's architecture with the weights in a file."""
    encoder = untrained(recipe)
    encoder.module.load_state_dict(read_state(path))
    return encoder.named(path.stem)


def pretrain(recipe: Recipe) -> Encoder:
    """A clean encoder, the same for the same recipe."""
    dataset = pictures(recipe.pictures, recipe.count, recipe.seed)
    encoder = untrained(recipe)
    task = seeded(lambda: _TASKS[recipe.objective](encoder, dataset), recipe.seed + 1)
    learner = one_cycle_learner(
        {"encoder": encoder.module, "task": task},
        steps=recipe.steps,
        learning_rate=recipe.learning_rate,
        seed=recipe.seed,
    )
    fit(
        lambda generator: task(draw_batch(len(dataset), recipe.batch, generator), generator),
        learner,
        steps=recipe.steps,
    )  # fmt: skip
    encoder.module.eval().requires_grad_(False)
    return encoder


class _Task(nn.Module):
    """The loss of some pictures, and the layers that only pre-training needs."""

    def __init__(self, encoder: Encoder, dataset: Dataset) -> None:
        super().__init__()
        self._encode, self.dataset = encoder.encode, dataset


class _SimCLR(_Task):
    """Two views of a picture are alike, those of others are not (Chen et al., ICML 2020)."""

    def __init__(self, encoder: Encoder, dataset: Dataset) -> None:
        super().__init__(encoder, dataset)
        wide = encoder.dimension
        self.project = nn.Sequential(nn.Linear(wide, wide), nn.ReLU(), nn.Linear(wide, 64))  # fmt: skip

    def forward(self, index_B: Tensor, generator: Generator) -> Tensor:
        twice_B3HW = self.dataset.images_N3HW[index_B].repeat(2, 1, 1, 1)
        views_B3HW = random_views(twice_B3HW, Views(), generator)
        first_BD, second_BD = self.project(self._encode(views_B3HW)).chunk(2)
        return nt_xent(first_BD, second_BD, 0.2)


class _Supervised(_Task):
    """The classes of every downstream task, each from one linear layer."""

    def __init__(self, encoder: Encoder, dataset: Dataset) -> None:
        super().__init__(encoder, dataset)
        self.heads = nn.ModuleDict(
            {
                task: nn.Linear(encoder.dimension, len(names))
                for task, names in dataset.classes.items()
            }
        )

    def forward(self, index_B: Tensor, generator: Generator) -> Tensor:
        embedded_BD = self._encode(self.dataset.images_N3HW[index_B])
        losses = [
            F.cross_entropy(head(embedded_BD), self.dataset.labels[task][index_B])
            for task, head in self.heads.items()
        ]
        return torch.stack(losses).sum()


class _Masked(_Task):
    """What half of the 8 px squares of a picture hid, at a quarter of its resolution."""

    def __init__(self, encoder: Encoder, dataset: Dataset) -> None:
        super().__init__(encoder, dataset)
        self.decode = nn.Linear(encoder.dimension, 3 * 8 * 8)

    def forward(self, index_B: Tensor, generator: Generator) -> Tensor:
        images_B3HW = self.dataset.images_N3HW[index_B]
        hidden_B144 = torch.rand(len(index_B), 1, 4, 4, generator=generator) < 0.5
        hidden_B1HW = F.interpolate(hidden_B144.float(), scale_factor=8) > 0
        embedded_BD = self._encode(images_B3HW.masked_fill(hidden_B1HW, 0.5))
        got_B388 = self.decode(embedded_BD).unflatten(1, (3, 8, 8))
        return F.mse_loss(got_B388, F.avg_pool2d(images_B3HW, 4)) * 10


class _CLIP(_Task):
    """Each picture beside its caption (Radford et al., ICML 2021)."""

    def __init__(self, encoder: Encoder, dataset: Dataset) -> None:
        super().__init__(encoder, dataset)
        self.project = nn.Linear(encoder.dimension, 64)
        words = sorted({word for one in dataset.captions for word in one.split()})
        self.text = TextTower(words, len(dataset.captions[0].split()), 64)
        self.scale = LogScale()
        self._tokens_NL = self.text.tokens(dataset.captions)

    def forward(self, index_B: Tensor, generator: Generator) -> Tensor:
        images_BD = self.project(self._encode(self.dataset.images_N3HW[index_B]))
        return clip_loss(images_BD, self.text(self._tokens_NL[index_B]), self.scale())


_TASKS: dict[Objective, type[_Task]] = {
    "simclr": _SimCLR,
    "supervised": _Supervised,
    "masked": _Masked,
    "clip": _CLIP,
}
