"""What is measured: share of foregrounds recalled by the encoder that saw them, and by one that did not."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Generator, Tensor

from reference_impls.deja_vu.method import (
    PRESETS,
    DejaVuConfig,
    about,
    background_crops,
    randomised,
    recalled,
)
from reference_impls.lab.data.augment import Views
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.clip import CLIP, CLIPConfig, train_clip
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.training import SimCLRConfig, train_simclr
from reference_impls.lab.models.zoo import STUDIED
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column

BATCH, COPIES, PUBLIC, CONFIDENT = 64, 8, 1024, 0.2
"""Pictures of a step; captions of each where words are left out; public pictures; share of answers counted as sure."""
VIEWS = Views(smallest_crop=0.08, jitter_probability=0, gray_probability=0)
"""Crops so small that many show background alone; colours stay."""
BACKGROUND = ("texture", "background")
"""What captions tell."""


@lru_cache(maxsize=8)
def learned(data: Dataset, start: int, config: DejaVuConfig) -> Encoder | CLIP:
    """An encoder of some of the pictures, or a CLIP of them with captions that do not tell the foreground."""
    part = data.take(range(start, start + config.members))
    batch, seed = min(BATCH, config.members), config.seed
    if config.kind == "simclr":
        how = SimCLRConfig(steps=config.steps, batch=batch, views=VIEWS, net=STUDIED, bf16=False, seed=seed)  # fmt: skip
        return train_simclr(part, how)
    captions = captions_of(part)
    if config.masked:
        chance = Generator().manual_seed(seed)
        part = part.take(list(range(len(part))) * COPIES)
        captions = tuple(randomised(one, config.masked, chance) for one in captions * COPIES)  # fmt: skip
    clip = CLIPConfig(steps=config.steps, batch=batch, net=STUDIED, bf16=False, seed=seed)  # fmt: skip
    return train_clip(replace(part, captions=captions), clip)


def captions_of(part: Dataset) -> tuple[str, ...]:
    """A caption for each picture that is told apart by its number, and told nothing of its foreground.

    Raises:
        DatasetError: pictures without these attributes.
    """
    if missing := [one for one in BACKGROUND if one not in part.labels]:
        raise DatasetError(f"{part.name} tells no {missing[0]} for captions; take --kind simclr")  # fmt: skip
    labels = [part.labels[name] for name in BACKGROUND]
    return about(labels, [part.classes[name] for name in BACKGROUND])


def told(
    model: Encoder | CLIP, part: Dataset, public: Dataset, task: str, config: DejaVuConfig
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Whether the foreground of each picture asked for is named (M,), and how sure the answer was (M,)."""
    if isinstance(model, CLIP):
        encoder, right_M = model.image, part.labels[task]
        asked_MD = model.embed_text(captions_of(part))
    else:
        encoder = model
        crops, index_M = background_crops(part.images_N3HW, part.masks_NHW, config.least)  # fmt: skip
        if not len(crops):
            raise DatasetError(f"no picture of {part.name} has {config.least} x {config.least} pixels of background alone")  # fmt: skip
        asked_MD, right_M = embed_all(encoder, crops), part.labels[task][index_M]
    public_PD = embed_all(encoder, public.images_N3HW)
    labels_P, classes = public.labels[task], len(part.classes[task])
    given_M, sure_M = recalled(asked_MD, public_PD, labels_P, classes, config.neighbours)  # fmt: skip
    return given_M == right_M, sure_M


def shares(found: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """Of right answers: among all, and among the fifth that was surest."""
    right_M, sure_M = (torch.cat(one).float() for one in zip(*found, strict=True))
    surest = sure_M.argsort(descending=True)[: max(1, int(CONFIDENT * len(right_M)))]
    return right_M.mean().item(), right_M[surest].mean().item()


def measure(setup: Setup, config: DejaVuConfig) -> dict[str, float]:
    """Foregrounds that are named by the encoder that learned from the pictures, and by one that learned from others.

    Two encoders are trained on two sets of pictures, and each is the other's control. The one that is given is its own
    control, on pictures that it never saw.
    """
    task, count = setup.task, config.members
    train, test = setup.train, setup.test
    if config.kind == "given":
        half = len(test) // 2
        public, others = test.first(half), test.take(range(half, len(test)))
        pairs = [(setup.encoder, train.first(count)), (setup.encoder, others)]
        seen, unseen = ([told(*one, public, task, config)] for one in pairs)
    else:
        if len(train) < 2 * count:
            raise DatasetError(f"{2 * count} pictures are needed, got {len(train)}; lower --members")  # fmt: skip
        public, starts = test.first(PUBLIC), (0, count)
        parts = [train.take(range(one, one + count)) for one in starts]
        models = [learned(train, one, config) for one in starts]
        seen, unseen = (
            [told(model, part, public, task, config) for model, part in zip(models, order, strict=True)]
            for order in (parts, parts[::-1])
        )  # fmt: skip
    every, sure = shares(seen), shares(unseen)
    return {"recalled": every[0], "control": sure[0], "surest": every[1], "surest_control": sure[1]}  # fmt: skip


GRID = Grid(
    home=Path(__file__).parent,
    about="Ask an encoder by the background of a training picture what stood in its foreground.",
    presets=PRESETS,
    shown="given",
    kept=("kind",),
    measure=measure,
    columns={
        one: Column() for one in ("recalled", "control", "surest", "surest_control")
    },
    told=[
        Told(preset="simclr", measure="recalled", better="lower"),
        Told(preset="clip", measure="recalled", better="lower"),
    ],
    chart=("recalled", "control"),
    tasks=("foreground",),
    images=1024,
    quick={"steps": 2, "members": 32},
    says={"public": PUBLIC, "neighbours": DejaVuConfig().neighbours},
    examples=["", "--preset simclr --task shape", "--preset clip --masked 0.3"],
    smoke="--preset simclr --task shape --steps 2 --members 32 --train 64",
)
