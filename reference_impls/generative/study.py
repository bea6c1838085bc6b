"""What is measured: how often an attack made on one encoder changes what others answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from reference_impls.generative.method import PRESETS, GeneratorConfig, attack_of
from reference_impls.lab.attacks.pgd import Budget, Classifier
from reference_impls.lab.attacks.universal import fooling_rate
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.heads import linear_classifier
from reference_impls.lab.models.zoo import (
    clean_clip,
    clean_encoder,
    studied_clip,
    studied_encoder,
)
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column

HEAD = 1024
"""Images that the head of an unseen encoder learns from, at most."""


@dataclass(frozen=True, kw_only=True)
class Setting(GeneratorConfig):
    """An attack, and whom it is tried on."""

    unseen: Literal[0, 1, 2] = 2
    """How many encoders that the attack never sees it is tried on, each with a linear head of its own: the lab's SimCLR of another
    seed, and the image tower of a CLIP of another architecture."""


def unseen(count: int, seed: int) -> dict[str, Encoder]:
    """The lab's encoders that the attack never sees, by measure."""
    made = {
        "sibling": lambda: clean_encoder(studied_encoder((seed + 1) % 3)),
        "other": lambda: clean_clip(studied_clip(seed)).image,
    }
    return {name: accelerated(made[name]()) for name in list(made)[:count]}


def measure(setup: Setup, setting: Setting) -> dict[str, float | None]:
    """Share of test images that get another answer than before: of the encoder the attack was made on, and of unseen ones."""
    surrogate, images, train = setup.linear(), setup.images_N3HW, setup.train
    attack = attack_of(setup.encoder, surrogate, train, setting, setup.progress)
    with torch.no_grad():
        attacked = attack(images)
    found: dict[str, float | None] = dict.fromkeys(("surrogate", "sibling", "other"))
    found["surrogate"] = fooling_rate(*_answers(surrogate, images, attacked))
    for name, encoder in unseen(setting.unseen, setup.seed).items():
        encoder = encoder.to(setup.encoder.device)
        sized = partial(_resized, size=encoder.size)
        small = train.first(HEAD)
        small = replace(small, images_N3HW=sized(small.images_N3HW))
        victim = linear_classifier(encoder, small, setup.task)
        found[name] = fooling_rate(*_answers(victim, sized(images), sized(attacked)))
    return found


@torch.no_grad()
def _answers(logits_of: Classifier, *images: Tensor) -> list[Tensor]:
    return [logits_of(one).argmax(dim=1) for one in images]


def _resized(images_N3HW: Tensor, size: int) -> Tensor:
    if images_N3HW.shape[-1] == size:
        return images_N3HW
    return F.interpolate(images_N3HW, (size, size), mode="bilinear", antialias=True)


GRID = Grid(
    home=Path(__file__).parent,
    about="Train a network once, then perturb any image in one forward pass.",
    presets={name: Setting(**vars(one)) for name, one in PRESETS.items()},
    shown="cda",
    measure=measure,
    columns={name: Column() for name in ("surrogate", "sibling", "other")},
    tasks=("foreground",),
    told=[
        Told(preset="cda", measure="other", better="higher"),
        Told(preset="gap-universal", measure="other", better="higher"),
    ],
    chart=("surrogate", "sibling", "other"),
    quick={"steps": 2},
    says={"levels": 16, "steps": Budget().steps},
    examples=["--count 40", "--preset gap --task background --reach.epsilon 8/255"],
    smoke="--steps 2 --unseen 0",
)
