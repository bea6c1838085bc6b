"""What is measured: how well members are told from others, by length of training and by attack."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from torch import Generator, Tensor

from reference_impls.encoder_mi.method import (
    PRESETS,
    AttackConfig,
    learn,
    membership_features,
    part_features,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.metrics.detection import auroc, threshold_at
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.training import SimCLRConfig, train_simclr
from reference_impls.lab.models.zoo import STUDIED
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column

BATCH = 64
"""Images of a training step, which with as many members is a whole pass."""


@lru_cache(maxsize=16)
def _trained(train: Dataset, start: int, count: int, steps: int, seed: int) -> Encoder:
    """An encoder of some of the images, the same for every setting that asks for it."""
    config = SimCLRConfig(steps=steps, batch=BATCH, net=STUDIED, bf16=False, seed=seed)
    return train_simclr(train.take(range(start, start + count)), config)


def measure(setup: Setup, config: AttackConfig) -> dict[str, float]:
    """AUROC, and the share of members found where few others are taken for members."""
    chance, kept = Generator().manual_seed(config.seed), config.members
    data, target = setup.train, setup.encoder
    if config.steps:
        if len(data) < 4 * kept:
            raise DatasetError(f"{4 * kept} images are needed, got {len(data)}; lower --members")  # fmt: skip
        learned = 3 * kept if config.outsider else 0
        target = _trained(data, learned, kept, config.steps, config.seed)
        members, others = data.images_N3HW[:kept], data.images_N3HW[4 * kept :]
        own, first = data, kept
    else:
        own, first = setup.test, len(setup.test) // 2
        kept = first // 2
        if kept < BATCH:
            raise DatasetError(f"{4 * BATCH} test images are needed, got {len(own)}")
        members, others = data.images_N3HW[:first], own.images_N3HW[:first]
        if config.outsider:  # none of these is a member
            members, others = others.tensor_split(2)
    steps = config.steps or config.shadow_steps
    shadow = _trained(own, first, kept, steps, config.seed + 1000)
    known = own.images_N3HW[first : first + 2 * kept].tensor_split(2)

    def features(encoder: Encoder, images: Tensor) -> Tensor:
        if config.kind == "parts":
            return part_features(encoder, images, config, chance)
        return membership_features(encoder.encode, images, config, chance)

    seen, unseen = (features(shadow, images) for images in known)
    score = learn(seen, unseen, config)
    inside, outside = (score(features(target, images)) for images in (members, others))
    return {
        "auroc": auroc(outside, inside),
        "tpr1": _found(inside, outside, 0.01),
        "tpr01": _found(inside, outside, 0.001),
    }


def _found(inside: Tensor, outside: Tensor, false_alarms: float) -> float:
    """Share of members above the score that at most this share of the others exceed."""
    return (inside > threshold_at(outside, false_alarms)).float().mean().item()


GRID = Grid(
    home=Path(__file__).parent,
    about="Tell whether an image was among those that an encoder learned from.",
    presets=PRESETS,
    shown="given",
    kept=("steps",),
    measure=measure,
    columns={
        "auroc": Column(share=False),
        "tpr1": Column(),
        "tpr01": Column(form=".3f"),
    },
    told=[
        Told(preset="threshold", measure="auroc", better="higher"),
        Told(preset="threshold", measure="tpr1", better="higher"),
    ],
    chart=("auroc", "tpr1"),
    tasks=("shape",),
    images=1024,
    quick={"steps": 2, "shadow_steps": 2, "members": 64, "epochs": 2},
    examples=["", "--kind threshold --views 4", "--preset vector --steps 800"],
    smoke="--preset outsider --steps 2 --epochs 2 --views 2",
)
